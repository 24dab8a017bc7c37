//! What the ledger and the dead letters hold after the tour, and whether that is right.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ctl::Ctl;
use super::error::UpError;
use super::example::Example;
use super::worker::Counts;

/// More members than the sample has.
const MEMBERS_MAX: &str = "10000";

/// Taken when all is settled and before anybody publishes more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) counts: Counts,
    /// Points that the members have.
    pub(super) left: u64,
    /// Members with most points.
    pub(super) best: Vec<(String, u64)>,
    /// Messages among the dead letters.
    pub(super) buried: u64,
    /// Different reasons of theirs.
    pub(super) reasons: usize,
}

impl Findings {
    pub(super) fn ask(ctl: &Ctl, counts: Counts) -> Result<Self, UpError> {
        let balances = ctl.ask(&["balance", "--top", MEMBERS_MAX])?;
        let dead = ctl.ask(&["dlq", "list"])?;
        Ok(Self::read(&balances, &dead, counts))
    }

    /// What is not there counts as nought, and is then told as a difference.
    fn read(balances: &Value, dead: &Value, counts: Counts) -> Self {
        let wallets = balances.as_array().into_iter().flatten();
        let members = wallets.flat_map(|wallet| wallet["members"].as_array().into_iter().flatten());
        let best: Vec<(String, u64)> = members.map(|it| (text(&it["member"]), points(&it["available"]))).collect();
        Self {
            counts,
            left: best.iter().map(|(_, points)| points).sum(),
            best,
            buried: dead["messages"].as_u64().unwrap_or_default(),
            reasons: dead["reasons"].as_object().map(serde_json::Map::len).unwrap_or_default(),
        }
    }

    /// Points that refunds took back: all that was issued is either left or taken back, as the audit proves.
    pub(super) fn taken_back(&self) -> u64 {
        self.counts.issued.saturating_sub(self.left)
    }

    /// What differs from the expectation; nothing when all is right.
    pub(super) fn differences(&self, example: &Example) -> Vec<String> {
        let (tour, expected) = (&example.tour, &example.expected);
        let applied = (example.purchases.len() + tour.refunds) as u64;
        let numbers = [
            ("events applied", self.counts.applied, applied),
            ("doubles that changed nothing", self.counts.replayed, tour.doubles as u64),
            ("dead letters", self.buried, tour.garbage as u64),
            ("reasons of dead letters", self.reasons as u64, tour.garbage as u64),
            ("points issued", self.counts.issued, expected.issued),
            ("points taken back", self.taken_back(), expected.taken_back),
            ("points left", self.left, expected.left()),
        ];
        let wrong = numbers.into_iter().filter(|(_, have, want)| have != want);
        let mut wrong: Vec<String> =
            wrong.map(|(what, have, want)| format!("{what}: {have}, expected {want}")).collect();
        let holds =
            |all: &[(String, u64)]| all.iter().filter(|(_, points)| *points > 0).cloned().collect::<BTreeSet<_>>();
        if holds(&self.best) != holds(&expected.best) {
            wrong.push("the members' balances are not those expected".to_owned());
        }
        wrong
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A decimal as a text or a number; the example's wallet has no decimals.
fn points(value: &Value) -> u64 {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    text.parse().unwrap_or_default()
}

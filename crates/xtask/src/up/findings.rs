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
pub(crate) struct Findings {
    /// What the worker counted; nothing when one died on the way and another went on.
    pub(super) counts: Option<Counts>,
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
    pub(super) fn ask(ctl: &Ctl, counts: Option<Counts>) -> Result<Self, UpError> {
        let balances = ctl.ask(&["balance", "--top", MEMBERS_MAX])?;
        let dead = ctl.ask(&["dlq", "list"])?;
        Ok(Self::read(&balances, &dead, counts))
    }

    /// What is not there counts as nought, and is then told as a difference.
    pub(crate) fn read(balances: &Value, dead: &Value, counts: Option<Counts>) -> Self {
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
    pub(super) fn taken_back(&self, counts: &Counts) -> u64 {
        counts.issued.saturating_sub(self.left)
    }

    /// What differs from the expectation; nothing when all is right.
    pub(crate) fn differences(&self, example: &Example) -> Vec<String> {
        let (tour, expected) = (&example.tour, &example.expected);
        let mut numbers = vec![
            ("reasons of dead letters", self.reasons as u64, tour.garbage as u64),
            ("points left", self.left, expected.left()),
        ];
        if let Some(counts) = &self.counts {
            let applied = (example.purchases.len() + tour.refunds) as u64;
            numbers.extend([
                // Where a worker died a dead letter may be there twice.
                ("dead letters", self.buried, tour.garbage as u64),
                ("events applied", counts.applied, applied),
                ("doubles that changed nothing", counts.replayed, tour.doubles as u64),
                ("points issued", counts.issued, expected.issued),
                ("points taken back", self.taken_back(counts), expected.taken_back),
            ]);
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What right commands would say of these members.
    fn findings(example: &Example, best: &[(String, u64)]) -> Findings {
        let members: Vec<Value> =
            best.iter().map(|(name, points)| json!({ "member": name, "available": points.to_string() })).collect();
        let reasons: serde_json::Map<String, Value> = (0..10).map(|n| (n.to_string(), json!(1))).collect();
        let counts = Counts { applied: 7_057, replayed: 345, issued: example.expected.issued, ..Counts::default() };
        let balances = json!([{ "wallet": "points", "members": members }]);
        Findings::read(&balances, &json!({ "messages": 10, "reasons": reasons }), Some(counts))
    }

    #[test]
    fn one_point_that_is_elsewhere_is_noticed() {
        let example = Example::read().unwrap();
        let mut best = example.expected.best.clone();
        assert_eq!(findings(&example, &best).differences(&example), Vec::<String>::new());
        best[0].1 -= 1;
        best[1].1 += 1;
        assert_eq!(findings(&example, &best).differences(&example), ["the members' balances are not those expected"]);
        best[1].1 -= 1;
        let left = example.expected.left();
        let [remains, taken, _] = &findings(&example, &best).differences(&example)[..] else { panic!("three differ") };
        assert_eq!(remains, &format!("points left: {}, expected {left}", left - 1));
        assert!(taken.starts_with("points taken back: "), "{taken}");
    }

    #[test]
    fn answers_that_hold_nothing_are_differences_not_agreement() {
        let example = Example::read().unwrap();
        let nothing = Findings::read(&json!({}), &json!([]), Some(Counts::default()));
        assert_eq!(nothing.differences(&example).len(), 8);
    }

    #[test]
    fn where_a_worker_died_its_counters_say_nothing_and_the_ledger_still_does() {
        let example = Example::read().unwrap();
        let mut findings = Findings { counts: None, buried: 11, ..findings(&example, &example.expected.best) };
        assert_eq!(findings.differences(&example), Vec::<String>::new());
        findings.left -= 1;
        assert_eq!(findings.differences(&example).len(), 1);
    }
}

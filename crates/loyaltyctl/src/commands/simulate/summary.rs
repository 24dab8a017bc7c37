//! What came out of a simulation.

use std::collections::BTreeMap;

use contract::{BuryReason, PipelineName, RuleName, WalletName};
use ledger::report::{BestMember, WalletTotals};
use ledger::{Ledger, LedgerError};
use serde::Serialize;

use super::super::balance::best_members;
use super::super::totals;
use super::against::Against;
use super::feed::{Buried, OfRule, Tally};
use super::timeline::{self, Month};
use crate::screen::{Cell, Screen, Table, count, group, grouped};
use crate::target::Pipeline;

/// Members of each wallet that are shown.
const BEST_LEN: usize = 5;

/// Buried events that are shown to a person; JSON has all.
const BURIED_SHOWN_MAX: usize = 20;

/// What a rule gave, whatever was taken back since.
#[derive(Debug, Serialize)]
struct Given {
    rule: RuleName,
    wallet: WalletName,
    #[serde(flatten)]
    of: OfRule,
}

/// What came out of a simulation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pipeline: PipelineName,
    ledger: String,
    events: u64,
    outcomes: BTreeMap<String, u64>,
    results: BTreeMap<&'static str, u64>,
    members: i64,
    wallets: Vec<WalletTotals>,
    best_members: BTreeMap<WalletName, Vec<BestMember>>,
    /// What each rule gave.
    rules: Vec<Given>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timeline: Vec<Month>,
    reasons: BTreeMap<BuryReason, u64>,
    buried: Vec<Buried>,
}

impl Summary {
    pub(super) async fn of(pipeline: &Pipeline, ledger: &dyn Ledger, tally: Tally) -> Result<Self, LedgerError> {
        let totals = ledger.totals(&pipeline.name).await?;
        let mut best_members = BTreeMap::new();
        for wallet in &totals.wallets {
            let best = ledger.best_members(&pipeline.name, &wallet.wallet, BEST_LEN).await?;
            best_members.insert(wallet.wallet.clone(), best);
        }
        let mut reasons = BTreeMap::new();
        for buried in &tally.buried {
            *reasons.entry(buried.reason).or_default() += 1;
        }
        Ok(Self {
            pipeline: pipeline.name.clone(),
            ledger: ledger.address().to_owned(),
            events: tally.lines,
            outcomes: tally.outcomes,
            results: tally.results,
            members: totals.members,
            wallets: totals.wallets,
            best_members,
            rules: tally.rules.into_iter().map(|((wallet, rule), of)| Given { rule, wallet, of }).collect(),
            against: None,
            timeline: Vec::new(),
            reasons,
            buried: tally.buried,
        })
    }

    pub(super) fn with(self, against: Option<Against>, timeline: Vec<Month>) -> Self {
        Self { against, timeline, ..self }
    }

    pub(super) fn has_buried(&self) -> bool {
        !self.buried.is_empty()
    }

    pub(super) fn render(&self, screen: &Screen) -> String {
        let members = u64::try_from(self.members).unwrap_or_default();
        let head = format!("{}: {}, {}\n", self.pipeline, count(self.events, "event"), count(members, "member"));
        let mut parts = vec![head, self.outcomes(screen)];
        if !self.wallets.is_empty() {
            parts.push(totals::table(&self.wallets, screen));
        }
        for (wallet, best) in &self.best_members {
            parts.push(best_members(wallet, best, screen));
        }
        // Of one rule the wallets say the same.
        if self.rules.len() > 1 {
            parts.push(self.rules(screen));
        }
        if !self.timeline.is_empty() {
            parts.push(timeline::render(&self.timeline, screen));
        }
        parts.extend(self.against.as_ref().map(|against| against.render(screen)));
        if self.has_buried() {
            parts.push(self.buried(screen));
        }
        parts.join("\n")
    }

    fn rules(&self, screen: &Screen) -> String {
        let mut table = Table::new(&["RULE", "WALLET", "AWARDS", "POINTS"]);
        for Given { wallet, rule, of: OfRule { events, points } } in &self.rules {
            let numbers = [grouped(*events), group(&points.to_string())].map(Cell::number);
            table.row([Cell::bold(rule.as_str()), Cell::plain(wallet.as_str())].into_iter().chain(numbers));
        }
        table.render(screen)
    }

    fn outcomes(&self, screen: &Screen) -> String {
        let mut table = Table::new(&["OUTCOME", "EVENTS"]);
        let buried = (!self.buried.is_empty()).then_some(("buried", self.buried.len() as u64));
        for (outcome, events) in self.outcomes.iter().map(|(name, count)| (name.as_str(), *count)).chain(buried) {
            table.row([Cell::bold(outcome), Cell::number(grouped(events))]);
        }
        table.render(screen)
    }

    fn buried(&self, screen: &Screen) -> String {
        let reasons = self.reasons.iter().map(|(reason, count)| format!("{reason} {}", grouped(*count)));
        let head = format!("buried: {}\n\n", reasons.collect::<Vec<_>>().join(", "));
        let mut table = Table::new(&["LINE", "REASON", "DETAIL"]);
        for Buried { line, reason, detail } in self.buried.iter().take(BURIED_SHOWN_MAX) {
            table.row([Cell::number(grouped(*line)), Cell::bold(reason.as_str()), Cell::plain(detail)]);
        }
        let more = self.buried.len().saturating_sub(BURIED_SHOWN_MAX) as u64;
        let tail = if more > 0 { format!("and {} more; `-o json` has all\n", grouped(more)) } else { String::new() };
        screen.style.red(head.trim_end()) + "\n\n" + &table.render(screen) + &tail
    }
}

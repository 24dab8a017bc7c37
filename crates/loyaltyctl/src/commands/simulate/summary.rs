//! What came out of a simulation.

use std::collections::BTreeMap;

use contract::{BuryReason, PipelineName, WalletName};
use ledger::report::{BestMember, WalletTotals};
use ledger::{Ledger, LedgerError};
use serde::Serialize;

use super::super::balance::best_members;
use super::super::totals;
use super::feed::{Buried, Tally};
use crate::screen::{Cell, Screen, Table, count, grouped};
use crate::target::Pipeline;

/// Members of each wallet that are shown.
const BEST_LEN: usize = 5;

/// Buried events that are shown to a person; JSON has all.
const BURIED_SHOWN_MAX: usize = 20;

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
            reasons,
            buried: tally.buried,
        })
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
        if self.has_buried() {
            parts.push(self.buried(screen));
        }
        parts.join("\n")
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

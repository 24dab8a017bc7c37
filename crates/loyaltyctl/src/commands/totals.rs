//! Sums of a ledger as tables.

use ledger::report::{Totals, WalletTotals};
use rust_decimal::Decimal;

use crate::screen::{Cell, Screen, Table, count, group};

/// A title and what stands below it.
type Column = (&'static str, fn(&WalletTotals) -> Decimal);

/// One row a wallet. What waits, is held, ended, is owed or is in transit has columns only where there is some.
pub(super) fn table(wallets: &[WalletTotals], screen: &Screen) -> String {
    let always: [Column; 4] = [
        ("EARNED", |sums| sums.earned),
        ("SPENT", |sums| sums.spent),
        ("TAKEN BACK", |sums| sums.clawed),
        ("ADJUSTED", |sums| sums.adjusted),
    ];
    let sometimes: [Column; 5] = [
        ("EXPIRED", |sums| sums.expired),
        ("PENDING", |sums| sums.pending),
        ("HELD", |sums| sums.held),
        ("DEBT", |sums| sums.debt),
        ("IN TRANSIT", |sums| sums.transit),
    ];
    let some = sometimes.into_iter().filter(|(_, of)| wallets.iter().any(|sums| !of(sums).is_zero()));
    let last: Column = ("AVAILABLE", |sums| sums.available);
    let columns: Vec<_> = always.into_iter().chain(some).chain([last]).collect();
    let titles: Vec<&str> = std::iter::once("WALLET").chain(columns.iter().map(|(title, _)| *title)).collect();
    let mut table = Table::new(&titles);
    for sums in wallets {
        let numbers = columns.iter().map(|(_, of)| Cell::number(group(&of(sums).to_string())));
        table.row(std::iter::once(Cell::bold(sums.wallet.as_str())).chain(numbers));
    }
    table.render(screen)
}

/// Everything that the ledger holds of a pipeline, in a few lines.
pub(super) fn render(totals: &Totals, screen: &Screen) -> String {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    let outcomes: Vec<String> = totals
        .events
        .iter()
        .map(|(outcome, events)| format!("{} {}", group(&events.to_string()), outcome.to_lowercase()))
        .collect();
    let outcomes = if outcomes.is_empty() { "no events yet".to_owned() } else { outcomes.join(", ") };
    let mut parts = vec![format!("ledger: {}, {outcomes}\n", count(unsigned(totals.members), "member"))];
    if totals.unpublished_batches > 0 {
        let batches = group(&totals.unpublished_batches.to_string());
        parts.push(format!("batches with results not confirmed yet: {batches}; a worker that runs publishes them\n"));
    }
    if !totals.wallets.is_empty() {
        parts.push(format!("\n{}", table(&totals.wallets, screen)));
    }
    parts.concat()
}

//! Sums of a ledger as tables.

use ledger::report::{Totals, WalletTotals};
use rust_decimal::Decimal;

use crate::screen::{Cell, Screen, Table, count, group};

/// One row a wallet.
pub(super) fn table(wallets: &[WalletTotals], screen: &Screen) -> String {
    let mut table = Table::new(&["WALLET", "EARNED", "SPENT", "TAKEN BACK", "ADJUSTED", "AVAILABLE"]);
    let number = |value: Decimal| Cell::number(group(&value.to_string()));
    for WalletTotals { wallet, earned, spent, clawed, adjusted, available, .. } in wallets {
        let name = Cell::bold(wallet.as_str());
        table.row([name, number(*earned), number(*spent), number(*clawed), number(*adjusted), number(*available)]);
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

//! Holds as a table.

use ledger::report::HoldReport;

use crate::screen::{Cell, Table};

/// One row a hold.
pub(super) fn table<'a>(holds: impl IntoIterator<Item = &'a HoldReport>) -> Table {
    let mut table = Table::new(&["HOLD", "WALLET", "RESERVED", "CAPTURED", "HELD", "STAGE", "SINCE", "ENDS"]);
    for HoldReport { hold, wallet, points, held, captured, stage, since, expires, .. } in holds {
        let ends = expires.map_or_else(|| "never".to_owned(), |at| at.to_string());
        table.row([
            Cell::bold(hold.as_str()),
            Cell::plain(wallet.as_str()),
            Cell::amount(*points),
            Cell::amount(*captured),
            Cell::amount(*held),
            Cell::plain(stage.as_str()),
            Cell::time(*since),
            Cell::plain(ends),
        ]);
    }
    table
}

//! How balances grow from month to month: what `liability` says at the end of each.

use contract::WalletName;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use ledger::Ledger;
use ledger::report::{LiabilityAsk, Reckoning, WalletLiability};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::edge::Halt;
use crate::screen::{Cell, Screen, Table};
use crate::target::Pipeline;

/// Fifty years; each month looks at every posting.
const MONTHS_MAX: usize = 600;

/// A wallet in a month of the programme's time zone: what happened in it, and what there is at its end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Month {
    /// Its first day.
    #[serde(rename = "month")]
    first: Date,
    wallet: WalletName,
    earned: Decimal,
    spent: Decimal,
    expired: Decimal,
    taken_back: Decimal,
    available: Decimal,
    pending: Decimal,
}

/// Every month from that of the first to that of the last time at which anything was told.
pub(super) async fn of(
    (pipeline, ledger): (&Pipeline, &dyn Ledger),
    times: Option<(Timestamp, Timestamp)>,
) -> Result<Vec<Month>, Halt> {
    let Some((first, last)) = times else { return Ok(Vec::new()) };
    let zone = TimeZoneDatabase::bundled().get(&pipeline.spec.program.time_zone)?;
    let (mut months, mut before) = (Vec::new(), Vec::new());
    let mut month = first.to_zoned(zone.clone()).date().first_of_month();
    for _ in 0..MONTHS_MAX {
        if month > last.to_zoned(zone.clone()).date() {
            break;
        }
        let next = month.checked_add(1.month())?;
        let ask = LiabilityAsk { at: Some(end(next, &zone)?), by: Reckoning::Happened, zone: zone.clone() };
        let wallets = ledger.liability(&pipeline.name, &ask).await?;
        months.extend(wallets.iter().map(|wallet| of_wallet(month, wallet, &before)));
        (month, before) = (next, wallets);
    }
    Ok(months)
}

/// The last moment before a day.
fn end(next: Date, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    next.to_zoned(zone.clone())?.timestamp().checked_sub(1.microsecond())
}

fn of_wallet(month: Date, now: &WalletLiability, before: &[WalletLiability]) -> Month {
    let before = before.iter().find(|before| before.wallet == now.wallet);
    let since = |of: fn(&WalletLiability) -> Decimal| of(now) - before.map_or(Decimal::ZERO, of);
    Month {
        first: month,
        wallet: now.wallet.clone(),
        earned: since(|wallet| wallet.earned),
        spent: since(|wallet| wallet.redeemed),
        expired: since(|wallet| wallet.expired),
        taken_back: since(|wallet| wallet.taken_back),
        available: now.outstanding,
        pending: now.pending,
    }
}

pub(super) fn render(months: &[Month], screen: &Screen) -> String {
    let mut table =
        Table::new(&["MONTH", "WALLET", "EARNED", "SPENT", "EXPIRED", "TAKEN BACK", "PENDING", "AVAILABLE"]);
    for of in months {
        let numbers = [of.earned, of.spent, of.expired, of.taken_back, of.pending, of.available].map(Cell::amount);
        let month = of.first.strftime("%Y-%m").to_string();
        table.row([Cell::bold(month), Cell::plain(of.wallet.as_str())].into_iter().chain(numbers));
    }
    table.render(screen)
}

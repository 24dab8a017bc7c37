//! `liability`: what the programme owes its members.

use contract::PipelineName;
use jiff::{SignedDuration, Timestamp};
use ledger::report::{LiabilityAsk, Reckoning, WalletLiability};
use rust_decimal::Decimal;

use super::when::{self, ZoneArgs};
use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Screen, Table, count, group};
use crate::target::LedgerArgs;

/// A transaction of PostgreSQL is stamped when it begins, and ended by the ledger's own settings after so long without a word.
const UNSEEN: SignedDuration = SignedDuration::from_secs(60);

/// Show what is owed to members: outstanding, pending, held, what expires when, and the breakage
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Outstanding points can be spent. What expires is told by the month in which it can be spent for the last time, over all that lots
hold (outstanding, pending, held). Breakage is the share that expired of what expired or was redeemed.

Exit codes: 0 fine, 2 the ledger cannot be asked.

Examples:
  loyaltyctl liability -f pipeline.yaml
  loyaltyctl liability -f pipeline.yaml --at 2026-12-31 --time-zone Europe/Moscow
  loyaltyctl liability -f pipeline.yaml -o csv > liability.csv")]
pub(crate) struct Args {
    /// As of the end of this day, or of this time; without it, all that is recorded
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// For --at: by when the ledger recorded it, not by when it happened; what came late then changes nothing that was said
    #[arg(long, requires = "at")]
    recorded: bool,

    #[command(flatten)]
    zone: ZoneArgs,

    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let target = args.ledger.open().await?;
    let zone = args.zone.zone(&target).await?;
    let at = args.at.as_deref().map(|text| when::last("--at", text, &zone)).transpose()?;
    let by = if args.recorded { Reckoning::Recorded } else { Reckoning::Happened };
    if args.recorded && at.is_some_and(|at| at.duration_since(Timestamp::now()) > -UNSEEN) {
        screen.warn(
            "what was recorded within the last minute may not be seen yet: ask again later for sums that stay\n",
        )?;
    }
    let wallets = target.ledger.liability(&target.pipeline, &LiabilityAsk { at, by, zone }).await?;
    if screen.is_json() {
        screen.json(&serde_json::json!({ "pipeline": target.pipeline, "at": at, "wallets": wallets }))?;
    } else if screen.is_csv() {
        screen.csv(&figures(&wallets))?;
    } else {
        screen.show(&render((&target.pipeline, at), &wallets, screen))?;
    }
    Ok(Verdict::Fine)
}

fn render((pipeline, at): (&PipelineName, Option<Timestamp>), wallets: &[WalletLiability], screen: &Screen) -> String {
    let when = at.map_or_else(|| "all that is recorded".to_owned(), |at| format!("as of {at}"));
    let title = format!("pipeline {pipeline}, {when}\n\n");
    if wallets.is_empty() {
        return title + "no points in any wallet\n";
    }
    let mut owed = Table::new(&["WALLET", "OUTSTANDING", "PENDING", "HELD", "DEBT"]);
    let mut gone = Table::new(&["WALLET", "EARNED", "ADJUSTED", "TAKEN BACK", "REDEEMED", "EXPIRED", "BREAKAGE"]);
    let mut expiring = Table::new(&["WALLET", "EXPIRES", "POINTS"]);
    for wallet in wallets {
        let name = || Cell::bold(wallet.wallet.as_str());
        let WalletLiability { outstanding, pending, held, debt, earned, adjusted, .. } = wallet;
        let WalletLiability { taken_back, redeemed, expired, breakage_share, .. } = wallet;
        owed.row([
            name(),
            Cell::amount(*outstanding),
            Cell::amount(*pending),
            Cell::amount(*held),
            Cell::amount(*debt),
        ]);
        gone.row([
            name(),
            Cell::amount(*earned),
            Cell::amount(*adjusted),
            Cell::amount(*taken_back),
            Cell::amount(*redeemed),
            Cell::amount(*expired),
            Cell::number(breakage_share.map_or_else(|| "-".to_owned(), percent)),
        ]);
        for part in wallet.expiring.iter().filter(|part| !part.points.is_zero()) {
            expiring.row([name(), Cell::plain(part.until.to_string()), Cell::amount(part.points)]);
        }
    }
    let [owed, gone, expiring] = [owed, gone, expiring].map(|table| table.render(screen));
    format!("{title}{owed}{}{}\n{gone}\n{expiring}", holds(wallets), transit(wallets))
}

/// Only where there are any.
fn holds(wallets: &[WalletLiability]) -> String {
    let some = wallets.iter().filter(|wallet| wallet.open_holds > 0);
    let told = some.map(|WalletLiability { wallet, open_holds, .. }| {
        let open = count(u64::try_from(*open_holds).unwrap_or_default(), "open hold");
        format!("{wallet}: held by {open}\n")
    });
    told.collect()
}

/// Only where there is some.
fn transit(wallets: &[WalletLiability]) -> String {
    let some = wallets.iter().filter(|wallet| !wallet.in_transit.is_zero());
    let told = some.map(|WalletLiability { wallet, in_transit, .. }| {
        format!("{wallet}: {} more on the way from one member to another\n", group(&in_transit.to_string()))
    });
    told.collect()
}

/// A share of 0.1234 is 12.34 %.
fn percent(share: Decimal) -> String {
    format!("{} %", (share * Decimal::ONE_HUNDRED).normalize())
}

/// One row a figure: the columns stay the same whatever the month.
fn figures(wallets: &[WalletLiability]) -> Table {
    let mut table = Table::new(&["WALLET", "FIGURE", "EXPIRES", "VALUE"]);
    for wallet in wallets {
        let name = || Cell::plain(wallet.wallet.as_str());
        for (figure, value) in [
            ("outstanding", Some(wallet.outstanding)),
            ("pending", Some(wallet.pending)),
            ("held", Some(wallet.held)),
            ("open_holds", Some(wallet.open_holds.into())),
            ("debt", Some(wallet.debt)),
            ("in_transit", Some(wallet.in_transit)),
            ("earned", Some(wallet.earned)),
            ("adjusted", Some(wallet.adjusted)),
            ("taken_back", Some(wallet.taken_back)),
            ("redeemed", Some(wallet.redeemed)),
            ("expired", Some(wallet.expired)),
            ("breakage_share", wallet.breakage_share),
        ] {
            let value = value.map_or_else(Cell::default, Cell::amount);
            table.row([name(), Cell::plain(figure), Cell::default(), value]);
        }
        for part in &wallet.expiring {
            let until = Cell::plain(part.until.to_string());
            table.row([name(), Cell::plain("expiring"), until, Cell::amount(part.points)]);
        }
    }
    table
}

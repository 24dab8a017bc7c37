//! `balance`: what a member has, or who has most.

use contract::{MemberId, WalletName};
use ledger::report::{Balance, BestMember, HoldMark, HoldReport, TallyReport};

use super::holds;
use super::member::{known, line, stranger};
use super::statement::begins;
use super::tier;
use crate::edge::{Halt, Verdict};
use crate::screen::{Cell, Screen, Table, count};
use crate::target::{LedgerArgs, LedgerTarget};

/// Show a member's wallets with their lots, or the members with most points
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes: 0 fine, 1 the member is unknown, 2 the ledger cannot be asked.

Examples:
  loyaltyctl balance 19339 -f pipeline.yaml
  loyaltyctl balance --top 10 -f pipeline.yaml -o csv
  LEDGER_URL=postgres://me:PASSWORD@db/loyalty loyaltyctl balance 19339 --pipeline coffee-club")]
pub(crate) struct Args {
    /// The member, as the events name them
    #[arg(value_name = "MEMBER", required_unless_present = "top", conflicts_with = "top")]
    member: Option<String>,

    /// Instead: so many members with most points, of each wallet
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    top: Option<u32>,

    /// Only this wallet
    #[arg(long, value_name = "NAME")]
    wallet: Option<String>,

    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Why a question cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum NameError {
    #[error("could not use `{value}` as {what}: it {problem}")]
    Bad { what: &'static str, value: String, problem: contract::id::IdError },
}

/// Reads an identity from the command line.
pub(super) fn parse<T>(
    what: &'static str,
    value: &str,
    parse: fn(&str) -> Result<T, contract::id::IdError>,
) -> Result<T, NameError> {
    parse(value).map_err(|problem| NameError::Bad { what, value: value.to_owned(), problem })
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let wallet = args.wallet.as_deref().map(|name| parse("a wallet", name, WalletName::parse)).transpose()?;
    let member = args.member.as_deref().map(|name| parse("a member", name, MemberId::parse)).transpose()?;
    let target = args.ledger.open().await?;
    match member {
        Some(member) => one(&target, &member, wallet.as_ref(), screen).await,
        None => top(&target, args.top.unwrap_or(1) as usize, wallet.as_ref(), screen).await,
    }
}

async fn one(
    target: &LedgerTarget,
    member: &MemberId,
    wallet: Option<&WalletName>,
    screen: &Screen,
) -> Result<Verdict, Halt> {
    let Some(mut wallets) = target.ledger.balance(&target.pipeline, member).await? else {
        screen.warn(&stranger(target, member, ": no event of theirs was applied").await?)?;
        if screen.is_json() {
            screen.json(&serde_json::json!({ "member": member, "wallets": [] }))?;
        }
        return Ok(Verdict::Found);
    };
    wallets.retain(|balance| wallet.is_none_or(|wallet| *wallet == balance.wallet));
    let open = open_holds(target, member, wallet).await?;
    let mut tallies = target.ledger.tallies(&target.pipeline, member).await?;
    tallies.retain(|tally| wallet.is_none_or(|wallet| *wallet == tally.wallet));
    let (known, tier) = (known(target, member).await?, tier::of(target, member).await?);
    if screen.is_json() {
        let (frozen, merged) = known.map(|known| (known.frozen, known.merged)).unwrap_or_default();
        let mut told = serde_json::json!({
            "member": member, "frozen": frozen, "merged": merged, "wallets": wallets, "holds": open,
        });
        if !tallies.is_empty() {
            told["tallies"] = serde_json::to_value(&tallies)?;
        }
        if let Some(tier) = tier {
            told["tier"] = serde_json::to_value(tier)?;
        }
        screen.json(&told)?;
    } else if screen.is_csv() {
        screen.csv(&balance_table(&wallets))?;
    } else {
        let head = line(known.as_ref(), screen) + &tier::line(tier.as_ref());
        screen.show(&(head + &balances(&wallets, screen)))?;
        if !open.is_empty() {
            let title = screen.style.dim(&format!("{}, oldest first:", count(open.len() as u64, "open hold")));
            screen.show(&format!("\n{title}\n{}", holds::table(&open).render(screen)))?;
        }
        if !tallies.is_empty() {
            let title = screen.style.dim("counted over several events:");
            screen.show(&format!("\n{title}\n{}", tally_table(&tallies).render(screen)))?;
        }
    }
    Ok(Verdict::Fine)
}

/// What rules count: nothing is left out, the latest times come first.
fn tally_table(tallies: &[TallyReport]) -> Table {
    let mut table = Table::new(&["RULE", "WALLET", "COUNTS", "SINCE", "SUM", "GIVEN"]);
    for TallyReport { rule, wallet, counts, since, sum, given } in tallies {
        let (rule, wallet) = (Cell::bold(rule.as_str()), Cell::plain(wallet.as_str()));
        let since = since.map_or_else(|| "ever".to_owned(), |day| day.to_string());
        let counts = counts.as_str().to_lowercase();
        table.row([rule, wallet, Cell::plain(counts), Cell::plain(since), Cell::amount(*sum), Cell::amount(*given)]);
    }
    table
}

pub(super) async fn open_holds(
    target: &LedgerTarget,
    member: &MemberId,
    wallet: Option<&WalletName>,
) -> Result<Vec<HoldReport>, Halt> {
    let (mut holds, mut mark) = (Vec::new(), HoldMark::default());
    loop {
        let page = target.ledger.open_holds(&target.pipeline, member, wallet, &mark).await?;
        holds.extend(page.holds);
        let Some(next) = page.next else { return Ok(holds) };
        mark = next;
    }
}

fn balance_table(wallets: &[Balance]) -> Table {
    let mut table = Table::new(&["WALLET", "AVAILABLE", "PENDING", "HELD", "DEBT"]);
    for Balance { wallet, pending, available, held, debt, .. } in wallets {
        let name = Cell::bold(wallet.as_str());
        table.row([name, Cell::amount(*available), Cell::amount(*pending), Cell::amount(*held), Cell::amount(*debt)]);
    }
    table
}

fn balances(wallets: &[Balance], screen: &Screen) -> String {
    if wallets.is_empty() {
        return "no points in any wallet yet\n".to_owned();
    }
    let table = balance_table(wallets);
    let mut lots = Table::new(&["WALLET", "LOT", "AWARDED", "LEFT", "SPENDABLE", "EXPIRES"]);
    for lot in wallets.iter().flat_map(|wallet| &wallet.lots) {
        let left = lot.pending + lot.available + lot.held;
        let expires = lot.expires.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let now = if lot.available.is_zero() { "held" } else { "now" };
        let from = if lot.pending.is_zero() { now.to_owned() } else { begins(lot, now) };
        let (awarded, left) = (Cell::amount(lot.initial), Cell::amount(left));
        let (name, sequence) = (Cell::plain(lot.wallet.as_str()), Cell::number(lot.sequence.to_string()));
        lots.row([name, sequence, awarded, left, Cell::plain(from), Cell::plain(expires)]);
    }
    let lots_len = wallets.iter().map(|wallet| wallet.lots.len() as u64).sum();
    if lots_len == 0 {
        return table.render(screen);
    }
    let title = screen.style.dim(&format!("{}, spent from the top:", count(lots_len, "lot")));
    format!("{}\n{title}\n{}", table.render(screen), lots.render(screen))
}

async fn top(
    target: &LedgerTarget,
    limit: usize,
    wallet: Option<&WalletName>,
    screen: &Screen,
) -> Result<Verdict, Halt> {
    let mut lists = Vec::new();
    for totals in target.ledger.totals(&target.pipeline).await?.wallets {
        if wallet.is_none_or(|wallet| *wallet == totals.wallet) {
            let best = target.ledger.best_members(&target.pipeline, &totals.wallet, limit).await?;
            lists.push((totals.wallet, best));
        }
    }
    if screen.is_json() {
        let lists = lists.iter().map(|(wallet, best)| serde_json::json!({ "wallet": wallet, "members": best }));
        screen.json(&lists.collect::<Vec<_>>())?;
    } else if screen.is_csv() {
        screen.csv(&best_table(lists.iter().map(|(wallet, best)| (wallet, best.as_slice()))))?;
    } else if lists.is_empty() {
        screen.show("no points in any wallet yet\n")?;
    } else {
        let tables = lists.iter().map(|(wallet, best)| best_members(wallet, best, screen));
        screen.show(&tables.collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Verdict::Fine)
}

/// Members with most points of each wallet, best first.
fn best_table<'a>(lists: impl Iterator<Item = (&'a WalletName, &'a [BestMember])>) -> Table {
    let mut table = Table::new(&["WALLET", "RANK", "MEMBER", "AVAILABLE"]);
    for (wallet, best) in lists {
        for (at, BestMember { member, available }) in best.iter().enumerate() {
            let (rank, available) = (Cell::number((at + 1).to_string()), Cell::amount(*available));
            table.row([Cell::plain(wallet.as_str()), rank, Cell::bold(member.as_str()), available]);
        }
    }
    table
}

/// Members with most points of a wallet, best first.
pub(super) fn best_members(wallet: &WalletName, best: &[BestMember], screen: &Screen) -> String {
    best_table([(wallet, best)].into_iter()).render(screen)
}

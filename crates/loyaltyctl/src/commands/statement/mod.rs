//! `statement`: a member's account as a bank would print it.
//!
//! Read and shown page by page: what a member has ever done need not fit anywhere.

mod render;

use contract::{MemberId, WalletName};
use ledger::report::{HoldMark, LotMark, LotReport, Reckoning, StatementAsk, StatementLine, StatementMark};

use super::balance::parse;
use super::member::{known, stranger};
use super::tier;
use super::when::{self, ZoneArgs};
use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use crate::target::{LedgerArgs, LedgerTarget};

/// Show every posting of a member with the balance after it, and the lots and holds that are open
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Lines stand in the order in which they were recorded, newest last; the balance is that of the line's wallet and state after it,
whatever --from, --to and --wallet leave out. With -o csv: the lines, or with --lots the lots.

Exit codes: 0 fine, 1 the member is unknown, 2 the ledger cannot be asked.

Examples:
  loyaltyctl statement 19339 -f pipeline.yaml
  loyaltyctl statement 19339 -f pipeline.yaml --from 2026-01-01 --to 2026-03-31 --wallet points
  loyaltyctl statement 19339 -f pipeline.yaml -o csv > 19339.csv")]
pub(crate) struct Args {
    /// The member, as the events name them
    #[arg(value_name = "MEMBER")]
    member: String,

    /// Only this wallet
    #[arg(long, value_name = "NAME")]
    wallet: Option<String>,

    /// Only what happened on this day (or at this time) or later
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Only what happened on this day (or at this time) or earlier
    #[arg(long, value_name = "TIME")]
    to: Option<String>,

    /// For --from and --to: by when the ledger recorded it, not by when it happened
    #[arg(long)]
    recorded: bool,

    /// Only the open lots and holds
    #[arg(long, conflicts_with_all = ["from", "to", "recorded"])]
    lots: bool,

    #[command(flatten)]
    zone: ZoneArgs,

    #[command(flatten)]
    ledger: LedgerArgs,
}

impl Args {
    async fn ask(&self, target: &LedgerTarget) -> Result<StatementAsk, Halt> {
        let zone = self.zone.zone(target).await?;
        Ok(StatementAsk {
            wallet: self.wallet.as_deref().map(|name| parse("a wallet", name, WalletName::parse)).transpose()?,
            from: self.from.as_deref().map(|text| when::first("--from", text, &zone)).transpose()?,
            to: self.to.as_deref().map(|text| when::last("--to", text, &zone)).transpose()?,
            by: if self.recorded { Reckoning::Recorded } else { Reckoning::Happened },
        })
    }
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let member = parse("a member", &args.member, MemberId::parse)?;
    let target = args.ledger.open().await?;
    let ask = args.ask(&target).await?;
    let LedgerTarget { ledger, pipeline } = &target;
    let Some(first) = ledger.statement(pipeline, &member, &ask, &StatementMark::default()).await? else {
        screen.warn(&stranger(&target, &member, ": no event of theirs was applied").await?)?;
        return Ok(Verdict::Found);
    };
    let tier = tier::of(&target, &member).await?;
    let mut paper = render::Paper::begin(screen, &member, (known(&target, &member).await?.as_ref(), tier.as_ref()))?;
    if !args.lots {
        let mut page = first;
        loop {
            paper.lines(&page.lines)?;
            let Some(next) = page.next else { break };
            let Some(more) = ledger.statement(pipeline, &member, &ask, &next).await? else { break };
            page = more;
        }
    }
    paper.between(args.lots)?;
    if args.lots || !screen.is_csv() {
        let mut mark = LotMark::default();
        loop {
            let page = ledger.open_lots(pipeline, &member, ask.wallet.as_ref(), &mark).await?;
            paper.lots(&page.lots)?;
            let Some(next) = page.next else { break };
            mark = next;
        }
    }
    if !screen.is_csv() {
        paper.before_holds()?;
        let mut mark = HoldMark::default();
        loop {
            let page = ledger.open_holds(pipeline, &member, ask.wallet.as_ref(), &mark).await?;
            paper.holds(&page.holds)?;
            let Some(next) = page.next else { break };
            mark = next;
        }
    }
    paper.end()?;
    Ok(Verdict::Fine)
}

/// What a line is about, in a few words.
fn about(line: &StatementLine) -> String {
    let rules: Vec<String> = line.rules.iter().map(|share| format!("{} {}", share.rule, share.awarded)).collect();
    let more = match (&line.hold, &line.order, &line.reason) {
        _ if !rules.is_empty() => rules.join(", "),
        _ if line.other.is_some() => return with_other(line),
        (Some(hold), ..) => format!("hold {hold}"),
        (None, Some(order), _) => format!("order {order}"),
        (None, None, Some(reason)) => reason.clone(),
        (None, None, None) => return line.kind.clone(),
    };
    format!("{}: {more}", line.kind)
}

/// A transfer, or a merge, names the other member.
fn with_other(line: &StatementLine) -> String {
    let way = if matches!(line.kind.as_str(), "TransferOut" | "MergeOut") { "to" } else { "from" };
    let other = line.other.as_ref().map_or("", |other| other.as_str());
    format!("{}: {way} {other}", line.kind)
}

/// When a lot can be spent from, or with what of its order.
pub(super) fn begins(lot: &LotReport, else_said: &str) -> String {
    match (&lot.until, lot.activates) {
        (Some(until), Some(at)) => format!("{until}, or {at}"),
        (Some(until), None) => until.to_string(),
        (None, Some(at)) => at.to_string(),
        (None, None) => else_said.to_owned(),
    }
}

/// When a lot can be spent from, and until when.
fn span(lot: &LotReport) -> (String, String) {
    (begins(lot, "at once"), lot.expires.map_or_else(|| "never".to_owned(), |at| at.to_string()))
}

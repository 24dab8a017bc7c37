//! `import`: opening balances and tiers of another programme, each with its own dates.

use std::path::PathBuf;

use super::adjust::rows::{self, Form};
use super::adjust::{Job, carry_out};
use super::when::ZoneArgs;
use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use crate::target::LedgerArgs;

/// Bring opening balances and tiers in from a file, each row with its own dates
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file is CSV with the columns `id`, `member`, `points`, and if wanted `wallet`, `earned`, `activates`, `expires` and `reason`. Each row is a
lot: `earned` is when it came in (now without it), `activates` the first day at which it can be spent (at once without it), `expires` the
last one (as the programme says without it, from `earned` on). Dates are days of the programme's time zone, or times with an offset.

With `tier`, beside points or without any, the member has that level of `program.tiers`: since `tierSince` (now without it) and up to and with
`tierUntil` (as the programme says without it), when it is reviewed like any other. Who has it already keeps it until the later end; who has a
higher one keeps that, and the row is refused.

A row counts once by its `id`: the same file, brought in again, changes nothing, and a row that says something else under a known id is
refused. Nothing is brought in while any row cannot be, unless --partly is given. --dry-run decides everything and keeps nothing. What
waits or ends is posted at its time, as with any points.

Exit codes: 0 everything is (or would be) brought in, 1 some is not, 2 the ledger cannot be asked.

A file with both:
    id,member,points,expires,tier,tierUntil
    1,05420,120,2126-03-31,silver,2126-12-31
    2,08736,,,gold,2126-12-31

Examples:
  loyaltyctl import opening.csv --dry-run -f pipeline.yaml
  loyaltyctl import opening.csv --author migration -f pipeline.yaml
  loyaltyctl import opening.csv --time-zone Europe/Moscow -f pipeline.yaml -o json")]
pub(crate) struct Args {
    /// A CSV file; `-` is standard input
    #[arg(value_name = "FILE.csv")]
    rows: PathBuf,

    /// Who says so [default: the user of this machine]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    /// Show what would come in, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Bring in the rows that can be, though others cannot
    #[arg(long)]
    partly: bool,

    #[command(flatten)]
    zone: ZoneArgs,

    #[command(flatten)]
    ledger: LedgerArgs,
}

const OPENING: Form = Form {
    must: &["id", "member"],
    may: &["points", "wallet", "earned", "activates", "expires", "reason", "tier", "tierUntil", "tierSince"],
    columns: "`id`, `member`, `points`, `wallet`, `earned`, `activates`, `expires`, `reason`, `tier`, `tierUntil` and `tierSince`",
    prefix: "import-",
    reason: "opening balance",
    rows_max: 200_000,
};

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let (file, rows) = (args.rows.display().to_string(), rows::read_opening(&args.rows, &OPENING)?);
    let (author, zone, dry_run, partly) = (args.author.clone(), args.zone.clone(), args.dry_run, args.partly);
    // Their members are mostly new.
    let job = Job { file, rows, says: "adjust", what: "row", author, zone, dry_run, partly, new_members: true };
    carry_out(job, &args.ledger, screen).await
}

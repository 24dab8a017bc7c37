//! `retain`: entries of long ago become sums, and the next months get their partitions.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::period::{CalendarUnit, Period};
use contract::pipeline::Clock;
use contract::span::Span;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use ledger::audit::Auditing;
use ledger::{CarryAsk, CarryReport, LedgerError};

use crate::edge::{Halt, Verdict};
use crate::screen::{Progress, Screen, count, grouped};
use crate::target::{LedgerArgs, LedgerTarget, Loaded};

/// Sum up old entries, and make room for the next months
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Entries that were recorded longer ago than --entries says, whole months of them, become one entry a member that carries their sums
forward. Balances, lots, awards, holds and what was published stay as they are: a refund of an old order still finds what it takes.
What can no longer be told are single movements of then: a statement begins with the sums, `liability --at` answers from then on.
It cannot be undone. All invariants are checked first, and nothing is done where one is broken.

Workers may run meanwhile. On PostgreSQL it needs the rights of `loyaltyctl migrate` and, for a while, room for the sums beside what
they sum; partitions of the next months are made too, with or without --entries. An SQLite file does not shrink: its room is used again.

Exit codes: 0 fine, 1 an invariant is broken and nothing was done, 2 could not.

Examples:
  loyaltyctl retain -f pipeline.yaml --entries 36mo --dry-run
  LEDGER_URL=postgres://owner:PASSWORD@db/loyalty loyaltyctl retain --pipeline coffee-club --entries 3y")]
pub(crate) struct Args {
    /// How long entries are kept one by one, such as `36mo`; at least three months, and longer than `events.maxLateness`
    #[arg(long, value_name = "PERIOD")]
    entries: Option<String>,

    /// Say what would be summed up, and do nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What is asked about again within a quarter stays as it was said.
const MONTHS_MIN: u32 = 3;

/// How often the progress may change.
const TICK: Duration = Duration::from_millis(250);

/// Why entries are not kept for so long.
#[derive(Debug, thiserror::Error)]
enum RetainError {
    #[error("could not use `--entries {text}`")]
    Period { text: String, source: contract::period::PeriodError },
    #[error("could not use `--entries {text}`: entries are kept for at least three months; write `3mo` or more")]
    Short { text: String },
    #[error(
        "could not use `--entries {text}`: events may come `{lateness}` late (`spec.events.maxLateness`); entries are kept for longer than that"
    )]
    Late { text: String, lateness: Span },
    #[error("could not use `--entries {text}`: that is before all times")]
    Far { text: String, source: jiff::Error },
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let before = args.entries.as_deref().map(|text| before(args, text)).transpose()?;
    let target = args.ledger.open().await?;
    if !args.dry_run {
        target.ledger.migrate().await?;
    }
    let progress = Mutex::new(String::new());
    let report = match before {
        None => CarryReport::default(),
        Some(before) => {
            let broken = if args.dry_run { 0 } else { differences(&target, &progress).await? };
            if broken > 0 {
                let found = count(broken, "difference");
                screen.warn(&format!("nothing was summed up: the audit found {found}; see `loyaltyctl audit`\n"))?;
                return Ok(Verdict::Found);
            }
            let ask = CarryAsk { pipeline: target.pipeline.clone(), before, dry_run: args.dry_run };
            let note = |what: &'static str| say(&progress, format!("retain: {what}"));
            telling(&progress, target.ledger.carry_forward(&ask, &note)).await?
        }
    };
    tell(args, &target, &report, screen)?;
    Ok(Verdict::Fine)
}

/// Entries of months before this time's month are summed up.
fn before(args: &Args, text: &str) -> Result<Timestamp, Halt> {
    let text = text.to_owned();
    let period = match Period::parse(&text) {
        Ok(period) => period,
        Err(source) => return Err(RetainError::Period { text, source }.into()),
    };
    let shortest = Period::parse(&format!("{MONTHS_MIN}mo")).map_or(0, Period::days_min);
    if period.days_min() < shortest {
        return Err(RetainError::Short { text }.into());
    }
    if let Some(lateness) = lateness(args)?
        && u64::from(period.days_min()) * DAY_SECONDS <= lateness.seconds()
    {
        return Err(RetainError::Late { text, lateness }.into());
    }
    let count = i64::from(period.count());
    let ago = match period.unit() {
        CalendarUnit::Day => count.days(),
        CalendarUnit::Month => count.months(),
        CalendarUnit::Year => count.years(),
    };
    let then = Timestamp::now().to_zoned(TimeZone::UTC).checked_sub(ago);
    Ok(then.map_err(|source| RetainError::Far { text, source })?.timestamp())
}

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// How late events may come, where a file says it and they may not come at any time.
fn lateness(args: &Args) -> Result<Option<Span>, Halt> {
    if args.ledger.file.is_empty() {
        return Ok(None);
    }
    let loaded = Loaded::read(&args.ledger.file)?;
    let events = &loaded.one(args.ledger.pipeline.as_deref())?.spec.events;
    Ok((events.clock == Clock::Wall).then_some(events.max_lateness))
}

/// How many invariants are broken: sums would hide where.
async fn differences(target: &LedgerTarget, progress: &Mutex<String>) -> Result<u64, LedgerError> {
    let note = |number: u8, name: &'static str| say(progress, format!("retain: looking whether {name} ({number})"));
    let findings = telling(progress, target.ledger.audit(&target.pipeline, Auditing::Running, &note)).await?;
    Ok(findings.iter().filter(|finding| !finding.pending).count() as u64)
}

fn say(progress: &Mutex<String>, what: String) {
    *progress.lock().unwrap_or_else(PoisonError::into_inner) = what;
}

/// Waits for something long and tells how far it is.
async fn telling<T>(
    said: &Mutex<String>,
    work: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    let mut work = std::pin::pin!(work);
    let (mut progress, mut tick) = (Progress::start(), tokio::time::interval(TICK));
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = tick.tick() => {
                let text = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
                progress.tell(&text);
            }
        }
    };
    progress.end();
    done
}

fn tell(args: &Args, target: &LedgerTarget, report: &CarryReport, screen: &Screen) -> std::io::Result<()> {
    let CarryReport { before, entries, members, bytes, bytes_after } = report;
    if screen.is_json() {
        return screen.json(&serde_json::json!({
            "pipeline": target.pipeline, "dryRun": args.dry_run, "before": before, "entries": entries, "members": members,
            "bytes": bytes, "bytesAfter": bytes_after,
        }));
    }
    let number = |of: i64| grouped(u64::try_from(of).unwrap_or_default());
    let Some(before) = before else {
        let text = match (&args.entries, args.dry_run) {
            (Some(_), _) => "retain: no whole month of entries is old enough\n",
            (None, true) => "retain: nothing to say without `--entries`\n",
            (None, false) => "retain: the next months have their partitions\n",
        };
        return screen.show(text);
    };
    let (was, into) = if args.dry_run { ("would be", "would be") } else { ("were", "are") };
    let of = if *members == 1 { "1 member".to_owned() } else { format!("{} members", number(*members)) };
    let room = match bytes_after {
        Some(after) => format!("{} bytes became {}", number(*bytes), number(*after)),
        None => format!("they stand in {} bytes", number(*bytes)),
    };
    screen.show(&format!(
        "retain: {} entries recorded before {before} {was} summed up, one entry for each of {of} {into} left; {room}\n",
        number(*entries),
    ))
}

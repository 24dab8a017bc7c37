//! `retain`: entries of long ago become sums, events of long ago are forgotten, and the next months get their partitions.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::period::Period;
use contract::pipeline::{Clock, Events};
use contract::span::Span;
use jiff::Timestamp;
use ledger::audit::Auditing;
use ledger::{CarryAsk, CarryReport, ForgetAsk, ForgetReport, LedgerError};

use crate::edge::{Halt, Verdict};
use crate::screen::{Progress, Screen, count, grouped};
use crate::target::{LedgerArgs, LedgerTarget, Loaded};

/// Sum up old entries, forget old events, and make room for the next months
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Entries that were recorded longer ago than --entries says, whole months of them, become one entry a member that carries their sums
forward. Balances, lots, awards, holds and what was published stay as they are: a refund of an old order still finds what it takes.
What can no longer be told are single movements of then: a statement begins with the sums, `liability --at` answers from then on.
All invariants are checked first, and nothing is done where one is broken.

Events of producers that happened and were decided longer ago than --inbox says are forgotten: `explain` and `export` no longer know what
was published of them. Whatever happened before that time and comes again, or for the first time, is buried as TooLate from then on. What a
person said by hand, and what follows from other events, is kept.

Neither can be undone. Workers may run meanwhile. On PostgreSQL it needs the rights of `loyaltyctl migrate` and, for a while, room for the sums beside what
they sum; partitions of the next months are made too, with or without --entries. An SQLite file does not shrink: its room is used again.

Exit codes: 0 fine, 1 an invariant is broken and nothing was done, 2 could not.

Examples:
  loyaltyctl retain -f pipeline.yaml --entries 36mo --dry-run
  loyaltyctl retain -f pipeline.yaml --inbox 90d
  LEDGER_URL=postgres://owner:PASSWORD@db/loyalty loyaltyctl retain --pipeline coffee-club --entries 3y")]
pub(crate) struct Args {
    /// How long entries are kept one by one, such as `36mo`; at least three months, and longer than `events.maxLateness`
    #[arg(long, value_name = "PERIOD")]
    entries: Option<String>,

    /// How long single events are known, such as `90d`; at least a week longer than `events.maxLateness`, which -f has to say
    #[arg(long, value_name = "PERIOD")]
    inbox: Option<String>,

    /// Say what would be summed up or forgotten, and do nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    ledger: LedgerArgs,
}

/// What is asked about again within a quarter stays as it was said.
const MONTHS_MIN: u32 = 3;

/// What comes late waits no longer than this on its way: in queues, and for somebody who redrives it.
const LATE_DAYS_MORE: u64 = 7;

/// How often the progress may change.
const TICK: Duration = Duration::from_millis(250);

/// Why entries or events are not kept for so long.
#[derive(Debug, thiserror::Error)]
enum RetainError {
    #[error("could not use `{flag} {text}`")]
    Period { flag: &'static str, text: String, source: contract::period::PeriodError },
    #[error("could not use `--entries {text}`: entries are kept for at least three months; write `3mo` or more")]
    Short { text: String },
    #[error(
        "could not use `--entries {text}`: events may come `{lateness}` late (`spec.events.maxLateness`); entries are kept for longer than that"
    )]
    Late { text: String, lateness: Span },
    #[error("could not use `--entries {text}`: that is before all times")]
    Far { text: String },
    #[error(
        "could not use `--inbox {text}`: how late events may come stands in the pipeline's file; name it with `-f FILE`"
    )]
    NoFile { text: String },
    #[error(
        "could not use `--inbox {text}`: with `clock: Event` in `spec.events` events of any time may come again; leave `--inbox` out"
    )]
    AnyTime { text: String },
    #[error(
        "could not use `--inbox {text}`: events may come `{lateness}` late (`spec.events.maxLateness`); they are known for at least \
         {LATE_DAYS_MORE} days longer than that"
    )]
    LateEvents { text: String, lateness: Span },
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let before = args.entries.as_deref().map(|text| before(args, text)).transpose()?;
    let keep = args.inbox.as_deref().map(|text| keep(args, text)).transpose()?;
    let target = args.ledger.open().await?;
    if !args.dry_run {
        target.ledger.migrate().await?;
    }
    let progress = Mutex::new(String::new());
    let note = |what: &'static str| say(&progress, format!("retain: {what}"));
    let (mut summed, mut forgotten) = (CarryReport::default(), ForgetReport::default());
    if let Some(before) = before {
        let broken = if args.dry_run { 0 } else { differences(&target, &progress).await? };
        if broken > 0 {
            let found = count(broken, "difference");
            screen.warn(&format!(
                "nothing was summed up or forgotten: the audit found {found}; see `loyaltyctl audit`\n"
            ))?;
            return Ok(Verdict::Found);
        }
        let ask = CarryAsk { pipeline: target.pipeline.clone(), before, dry_run: args.dry_run };
        summed = telling(&progress, target.ledger.carry_forward(&ask, &note)).await?;
    }
    if let Some(keep) = keep {
        let ask = ForgetAsk { pipeline: target.pipeline.clone(), keep, dry_run: args.dry_run };
        forgotten = telling(&progress, target.ledger.forget(&ask, &note)).await?;
    }
    tell(args, &target, (&summed, forgotten), screen)?;
    Ok(Verdict::Fine)
}

fn period(flag: &'static str, text: &str) -> Result<Period, RetainError> {
    Period::parse(text).map_err(|source| RetainError::Period { flag, text: text.to_owned(), source })
}

/// Entries of months before this time's month are summed up.
fn before(args: &Args, text: &str) -> Result<Timestamp, Halt> {
    let (period, text) = (period("--entries", text)?, text.to_owned());
    let shortest = Period::parse(&format!("{MONTHS_MIN}mo")).map_or(0, Period::days_min);
    if period.days_min() < shortest {
        return Err(RetainError::Short { text }.into());
    }
    if let Some(Events { clock: Clock::Wall, max_lateness: lateness, .. }) = events(args)?
        && u64::from(period.days_min()) * DAY_SECONDS <= lateness.seconds()
    {
        return Err(RetainError::Late { text, lateness }.into());
    }
    period.before(Timestamp::now()).ok_or_else(|| RetainError::Far { text }.into())
}

/// How long events are known.
fn keep(args: &Args, text: &str) -> Result<Period, Halt> {
    let (period, text) = (period("--inbox", text)?, text.to_owned());
    let Some(Events { clock, max_lateness: lateness, .. }) = events(args)? else {
        return Err(RetainError::NoFile { text }.into());
    };
    if clock == Clock::Event {
        return Err(RetainError::AnyTime { text }.into());
    }
    if u64::from(period.days_min()) * DAY_SECONDS < lateness.seconds() + LATE_DAYS_MORE * DAY_SECONDS {
        return Err(RetainError::LateEvents { text, lateness }.into());
    }
    Ok(period)
}

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// How late events may come, where a file says it.
fn events(args: &Args) -> Result<Option<Events>, Halt> {
    if args.ledger.file.is_empty() {
        return Ok(None);
    }
    let loaded = Loaded::read(&args.ledger.file)?;
    Ok(Some(loaded.one(args.ledger.pipeline.as_deref())?.spec.events.clone()))
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

fn tell(
    args: &Args,
    target: &LedgerTarget,
    (summed, forgotten): (&CarryReport, ForgetReport),
    screen: &Screen,
) -> std::io::Result<()> {
    if screen.is_json() {
        let CarryReport { before, entries, members, bytes, bytes_after } = summed;
        return screen.json(&serde_json::json!({
            "pipeline": target.pipeline, "dryRun": args.dry_run, "before": before, "entries": entries, "members": members,
            "bytes": bytes, "bytesAfter": bytes_after, "happenedBefore": forgotten.before, "events": forgotten.events,
        }));
    }
    if args.entries.is_some() {
        screen.show(&summed_up(args, summed))?;
    }
    if args.inbox.is_some() {
        screen.show(&match forgotten.before {
            None => "retain: no event is old enough to be forgotten\n".to_owned(),
            Some(before) => {
                let (events, were) = (number(forgotten.events), if args.dry_run { "would be" } else { "were" });
                format!("retain: {events} events that happened before {before} {were} forgotten\n")
            }
        })?;
    }
    match (&args.entries, &args.inbox, args.dry_run) {
        (None, None, true) => screen.show("retain: nothing to say without `--entries` or `--inbox`\n"),
        (None, None, false) => {
            screen.show("retain: the tables are ready for the next months; nothing was summed up or forgotten\n")
        }
        _ => Ok(()),
    }
}

fn number(of: i64) -> String {
    grouped(u64::try_from(of).unwrap_or_default())
}

fn summed_up(args: &Args, report: &CarryReport) -> String {
    let CarryReport { before, entries, members, bytes, bytes_after } = report;
    let Some(before) = before else { return "retain: no whole month of entries is old enough\n".to_owned() };
    let (was, into) = if args.dry_run { ("would be", "would be") } else { ("were", "are") };
    let of = if *members == 1 { "1 member".to_owned() } else { format!("{} members", number(*members)) };
    let room = match bytes_after {
        Some(after) => format!("{} bytes became {}", number(*bytes), number(*after)),
        None => format!("they stand in {} bytes", number(*bytes)),
    };
    format!(
        "retain: {} entries recorded before {before} {was} summed up, one entry for each of {of} {into} left; {room}\n",
        number(*entries),
    )
}

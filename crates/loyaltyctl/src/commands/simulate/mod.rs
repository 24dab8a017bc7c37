//! `simulate`: the same decode, rules and ledger as a worker's, without a broker.

mod against;
pub(super) mod feed;
mod summary;
mod timeline;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use contract::MemberId;
use contract::pipeline::Clock;
use ledger::{Ledger, Since};

use against::{Against, Both};

use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use crate::target::{Files, Loaded, Pipeline, open_migrated};

/// Run a file of events through the rules without a broker, and show what comes out
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One JSON event a line, in the form that `events.format` says. The ledger is in memory, and gone at the end, unless one is named.

With --against the same events go through another programme, too, and members are told who have more or less by the file of -f than by that
one: what they can spend, what waits and what is held, without what they owe; those with the largest change first.

Exit codes: 0 every event could be decided, 1 some would be buried, 2 a file or the ledger cannot be used.

Examples:
  loyaltyctl simulate -f pipeline.yaml purchases.jsonl
  zcat 2025.jsonl.gz | loyaltyctl simulate -f pipeline.yaml --history -
  loyaltyctl simulate -f pipeline.yaml purchases.jsonl --at 2027-01-01
  loyaltyctl simulate -f pipeline.yaml purchases.jsonl --timeline
  loyaltyctl simulate -f new.yaml purchases.jsonl --against current.yaml --limit 20
  loyaltyctl simulate -f pipeline.yaml purchases.jsonl --ledger sqlite:try.db --results results.jsonl")]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,

    /// The events; `-` is standard input
    #[arg(value_name = "EVENTS.jsonl")]
    events: PathBuf,

    /// Keep the ledger: an empty one, `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`; its tables are made
    #[arg(long, value_name = "URL")]
    ledger: Option<String>,

    /// Write the results, one CloudEvent a line
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,

    /// Take every event at its own time, as with `events.clock: Event`: nothing is too late
    #[arg(long)]
    history: bool,

    /// After the events, post what is due by then for all members (points that can be spent, points that end): a day, which
    /// begins in the programme's time zone, or a time such as 2027-01-01T12:00:00Z
    #[arg(long, value_name = "DATE")]
    at: Option<feed::At>,

    /// Show what happened in each month, and what there was at its end
    #[arg(long)]
    timeline: bool,

    /// Show what changes for whom if this programme held in place of that of another file
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// At most so many members whose balance changes
    #[arg(long, value_name = "N", default_value_t = 10, requires = "against", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

/// Gone at the end.
pub(super) const IN_MEMORY: &str = "sqlite::memory:";

/// Why a simulation cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum SimulateError {
    #[error("could not read events from `{file}`")]
    Events { file: String, source: std::io::Error },
    #[error("could not write results to `{file}`")]
    Results { file: String, source: std::io::Error },
    #[error(
        "could not simulate on ledger `{ledger}`: it holds pipeline `{pipeline}` already, and what is simulated would count as real; \
         name an empty one"
    )]
    NotEmpty { ledger: String, pipeline: String },
    #[error("could not post what is due at `{at}`: it is beyond the calendar; name a day of a nearer year")]
    Beyond { at: String, source: jiff::Error },
    #[error("could not read the events twice: with `--against` name a file, not standard input")]
    Twice,
    #[error("could not write results to `{file}`: the events are read from it; name another file")]
    SameFile { file: String },
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let loaded = Loaded::read(&args.files.file)?;
    let mut pipeline = loaded.one(args.files.pipeline.as_deref())?;
    if args.history {
        pipeline.spec.events.clock = Clock::Event;
    }
    let other = other(args)?;
    let lines = feed::Lines::open(&args.events)?;
    if let Some(results) = &args.results
        && let (Ok(events), Ok(same)) = (args.events.canonicalize(), results.canonicalize())
        && events == same
    {
        return Err(SimulateError::SameFile { file: results.display().to_string() }.into());
    }
    let results = feed::Results::create(args.results.as_deref())?;
    // Last: a mistyped name of a file must not leave a ledger that holds the pipeline.
    let ledger = open(args, &pipeline).await?;
    let tally = feed::run(&pipeline, ledger.clone(), (lines, args.at), results).await?;
    let against = match &other {
        Some((file, other)) => {
            let members = tally.members.clone();
            Some(against((&pipeline, ledger.as_ref(), members), (file, other), args).await?)
        }
        None => None,
    };
    let months = tally.times.filter(|_| args.timeline);
    let timeline = timeline::of((&pipeline, ledger.as_ref()), months).await?;
    let summary = summary::Summary::of(&pipeline, ledger.as_ref(), tally).await?.with(against, timeline);
    if screen.is_json() {
        screen.json(&summary)?;
    } else {
        screen.show(&summary.render(screen))?;
    }
    Ok(Verdict::found(summary.has_buried()))
}

/// The programme of `--against`; it hears of the events in the same way.
fn other(args: &Args) -> Result<Option<(String, Pipeline)>, Halt> {
    let Some(path) = &args.against else { return Ok(None) };
    if args.events.as_os_str() == "-" {
        return Err(SimulateError::Twice.into());
    }
    let mut other = Loaded::read(std::slice::from_ref(path))?.one(args.files.pipeline.as_deref())?;
    if args.history {
        other.spec.events.clock = Clock::Event;
    }
    Ok(Some((path.display().to_string(), other)))
}

/// Runs the events through the other programme, and compares.
async fn against(
    (pipeline, ledger, mut members): (&Pipeline, &dyn Ledger, BTreeSet<MemberId>),
    (file, other): (&str, &Pipeline),
    args: &Args,
) -> Result<Against, Halt> {
    let by = fresh(IN_MEMORY, other).await?;
    let lines = (feed::Lines::open(&args.events)?, args.at);
    let tally = feed::run(other, by.clone(), lines, feed::Results::default()).await?;
    members.extend(tally.members);
    let both = Both { this: (pipeline, ledger), other: (other, by.as_ref()), members };
    Ok(Against::of(both, (file.to_owned(), args.limit as usize)).await?)
}

async fn open(args: &Args, pipeline: &Pipeline) -> Result<Arc<dyn Ledger>, Halt> {
    fresh(args.ledger.as_deref().unwrap_or(IN_MEMORY), pipeline).await
}

/// A ledger that does not know the pipeline yet, with its rules.
pub(super) async fn fresh(url: &str, pipeline: &Pipeline) -> Result<Arc<dyn Ledger>, Halt> {
    let ledger = open_migrated(url).await?;
    if !ledger.timeline(&pipeline.name).await?.is_empty() {
        let (ledger, pipeline) = (ledger.address().to_owned(), pipeline.name.to_string());
        return Err(SimulateError::NotEmpty { ledger, pipeline }.into());
    }
    let since = Since { valid_from: pipeline.spec.program.valid_from, author: "loyaltyctl simulate".to_owned() };
    ledger.append_timeline(&pipeline.name, &pipeline.ruleset(), &since).await?;
    Ok(ledger)
}

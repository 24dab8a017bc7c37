//! `simulate`: the same decode, rules and ledger as a worker's, without a broker.

mod feed;
mod summary;

use std::path::PathBuf;
use std::sync::Arc;

use contract::pipeline::Clock;
use ledger::{Ledger, Since};

use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use crate::target::{Files, Loaded, Pipeline, open_migrated};

/// Run a file of events through the rules without a broker, and show what comes out
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One JSON event a line, in the form that `events.format` says. The ledger is in memory, and gone at the end, unless one is named.

Exit codes: 0 every event could be decided, 1 some would be buried, 2 a file or the ledger cannot be used.

Examples:
  loyaltyctl simulate -f pipeline.yaml purchases.jsonl
  zcat 2025.jsonl.gz | loyaltyctl simulate -f pipeline.yaml --history -
  loyaltyctl simulate -f pipeline.yaml purchases.jsonl --at 2027-01-01
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
}

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
    #[error("could not write results to `{file}`: the events are read from it; name another file")]
    SameFile { file: String },
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let loaded = Loaded::read(&args.files.file)?;
    let mut pipeline = loaded.one(args.files.pipeline.as_deref())?;
    if args.history {
        pipeline.spec.events.clock = Clock::Event;
    }
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
    let summary = summary::Summary::of(&pipeline, ledger.as_ref(), tally).await?;
    if screen.is_json() {
        screen.json(&summary)?;
    } else {
        screen.show(&summary.render(screen))?;
    }
    Ok(Verdict::found(summary.has_buried()))
}

async fn open(args: &Args, pipeline: &Pipeline) -> Result<Arc<dyn Ledger>, Halt> {
    let ledger = open_migrated(args.ledger.as_deref().unwrap_or("sqlite::memory:")).await?;
    if !ledger.timeline(&pipeline.name).await?.is_empty() {
        let (ledger, pipeline) = (ledger.address().to_owned(), pipeline.name.to_string());
        return Err(SimulateError::NotEmpty { ledger, pipeline }.into());
    }
    let since = Since { valid_from: pipeline.spec.program.valid_from, author: "loyaltyctl simulate".to_owned() };
    ledger.append_timeline(&pipeline.name, &pipeline.ruleset(), &since).await?;
    Ok(ledger)
}

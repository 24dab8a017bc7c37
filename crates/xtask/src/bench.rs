//! `cargo xtask bench`: ratios of one run, never times. What the product does is compared, round by round on the same machine
//! and the same parts, with the least that could do it.

mod error;
mod events;
mod figure;
mod ledger;
mod ledgers;
mod meter;
mod operator;
mod program;
mod queues;
mod report;
mod stage;

pub(crate) use error::BenchError;

use crate::progress::say;
use figure::Comparison;
use report::Report;
use stage::Stage;

/// With fewer, starting up is a large part of the figures.
const MEANINGFUL_MIN: usize = 20_000;

/// What the person asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What is measured
    #[arg(value_enum, value_name = "WHAT", default_value = "delivery")]
    what: What,
    /// Messages of each drain [default: 100000, with --quick 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1000..=5_000_000))]
    messages: Option<u32>,
    /// Rounds of each comparison, after one of warm-up [default: 5, with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// A small share of it, to see that it runs
    #[arg(long)]
    quick: bool,
    /// Use the debug build: the figures then mean nothing
    #[arg(long)]
    debug: bool,
    /// Measure what was built before
    #[arg(long)]
    no_build: bool,
    /// How the answer looks
    #[arg(short = 'o', long = "output", value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Worker, engine and ledgers
    Delivery,
    /// The ledger alone: by hand, duplicates, many lots, many members
    Ledger,
    /// The operator: bursts, and a thousand pipelines
    Operator,
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Size {
    messages: usize,
    warm_up: usize,
    rounds: usize,
}

impl Options {
    fn size(&self) -> Size {
        let (messages, rounds) = if self.quick { (10_000, 1) } else { (100_000, 5) };
        let messages = self.messages.map_or(messages, |count| usize::try_from(count).unwrap_or(messages));
        let rounds = self.rounds.map_or(rounds, |count| usize::try_from(count).unwrap_or(rounds));
        Size { messages, warm_up: (messages / 5).max(1000), rounds }
    }
}

/// Builds, measures, prints; a goal that is missed is no failure, a comparison that could not be made is one.
pub(crate) fn run(options: &Options) -> Result<(), BenchError> {
    match options.what {
        What::Delivery => delivery(options),
        What::Ledger => ledger::run(options),
        What::Operator => operator::run(options),
    }
}

fn delivery(options: &Options) -> Result<(), BenchError> {
    let size = options.size();
    if !options.no_build {
        stage::build(options.debug)?;
    }
    let stage = Stage::make(options.debug, size)?;
    if size.messages < MEANINGFUL_MIN || options.debug {
        say("so few messages, or a debug build, show that it runs and nothing else");
    }
    let mut comparisons: Vec<Comparison> = Vec::new();
    for storage in queues::STORAGES {
        comparisons.push(queues::worker_and_raw_consumer(&stage, storage)?);
    }
    for store in ledgers::STORES {
        comparisons.extend(ledgers::worker_and_engine_and_hand(&stage, store)?);
    }
    let report = Report { size, comparisons };
    match options.output {
        Format::Table => print!("{}", report.table()),
        Format::Json => println!("{:#}", report.json()),
    }
    match report.not_made() {
        0 => Ok(()),
        count => Err(BenchError::NotMade { count }),
    }
}

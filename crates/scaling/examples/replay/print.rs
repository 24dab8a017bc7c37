//! The command line, and the table.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::model::{Row, TRACES, Trace, oracle, replay};

const LEGEND: &str = "\
drain: longest time from a message's coming to its acknowledgement; the target is `drainWithin`.
replica-s: seconds of all workers, from asked for to given back; ratio: of ours to the oracle's.
oracle: knows all arrivals and speeds; each second it takes the least rate that still meets every deadline, and starts
workers ahead of time. turns: how often the number changed its direction.";

/// Replays traces of arrivals against the scaler, and prints what it cost beside an oracle that knows them beforehand.
///
/// Nothing is run but arithmetic: a queue, workers that take some seconds to start, and a broker whose counts are late. The
/// same numbers come out each time.
#[derive(Debug, Parser)]
#[command(
    name = "replay",
    after_help = "\
Examples:
  cargo run -p scaling --example replay                       all traces
  cargo run -p scaling --example replay -- spike              one
  cargo run -p scaling --example replay -- spike --decisions  one, with each change and its reason
  cargo run -p scaling --example replay -- all -o json"
)]
struct Cli {
    /// Name of a trace, or `all`; `list` says what there is
    #[arg(value_name = "TRACE", default_value = "all")]
    trace: String,

    /// How the answer looks
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    output: Format,

    /// Also print each change of the number, or of what limits it, with its reason (table only)
    #[arg(long)]
    decisions: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Does what the command line says.
pub(crate) fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(args);
    if cli.trace == "list" {
        for trace in TRACES {
            println!("{:<15}{}", trace.name, trace.about);
        }
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<&Trace> = TRACES.iter().filter(|trace| cli.trace == "all" || cli.trace == trace.name).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = TRACES.iter().map(|trace| trace.name).collect();
        eprintln!("there is no trace `{}`; give `all` or one of {}", cli.trace, names.join(", "));
        return ExitCode::from(2);
    }
    let rows: Vec<Row> = chosen.iter().map(|trace| row(trace, cli.decisions && cli.output == Format::Table)).collect();
    match cli.output {
        Format::Table => table(&rows),
        Format::Json => match serde_json::to_string_pretty(&rows) {
            Ok(text) => println!("{text}"),
            Err(error) => {
                eprintln!("could not write JSON: {error}");
                return ExitCode::from(2);
            }
        },
    }
    ExitCode::SUCCESS
}

fn row(trace: &Trace, decisions: bool) -> Row {
    let mut before = None;
    let ours = replay(trace, |signals, decision| {
        let now = (decision.replicas, decision.limited_by, decision.drain);
        if decisions && before.replace(now) != Some(now) {
            let at = signals.at.as_secs_f64();
            println!(
                "{at:>7.2} s  {:>3}  {:<11}{:<10}{}",
                decision.replicas,
                decision.limited_by.as_str(),
                decision.drain.as_str(),
                decision.reason
            );
        }
    });
    Row::of(trace, &ours, &oracle(trace))
}

fn table(rows: &[Row]) {
    println!("{}", Row::HEAD.join("\n"));
    for row in rows {
        println!("{}", row.line());
    }
    println!("\n{LEGEND}");
}

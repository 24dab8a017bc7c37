//! The engine over a file of events, without a broker: what rules and ledger alone cost.
//!
//! ```text
//! apply_only prepare LEDGER_URL              makes the tables and the rules: one point for each whole unit of money
//! apply_only apply LEDGER_URL FILE BATCH     decides the events in batches; prints `begin`, and `end MICROSECONDS EVENTS`
//! apply_only again LEDGER_URL FILE BATCH     the same for events that the ledger knows: each is a duplicate
//! ```
//!
//! The clock runs from a tenth to nine tenths of the events: the first batches prepare statements and fill caches. Events are
//! decoded before it starts. `cargo xtask bench` runs it.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use contract::event::Event;
use contract::intake::{Intake, TimeLimits};
use contract::pipeline::Events;
use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use contract::{Currency, PipelineName};
use engine::{Batch, Engine, Line, Settled};
use jiff::Timestamp;
use ledger::Since;
use ledger::book::Outcome;

const USAGE: &str = "give `prepare LEDGER_URL`, or `apply` or `again` with `LEDGER_URL FILE BATCH`";

type Ended = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Ended {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["prepare", url] => prepare(url).await,
        [how @ ("apply" | "again"), url, file, batch] => {
            apply((url, how == "again"), &std::fs::read_to_string(file)?, batch.parse()?).await
        }
        _ => Err(USAGE.into()),
    }
}

fn pipeline() -> Result<PipelineName, Box<dyn Error>> {
    Ok(PipelineName::parse("bench")?)
}

fn events() -> Result<Events, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "clock": "Event",
        "sources": [{ "exchange": { "name": "bench.shop" }, "routingKeys": ["#"], "types": ["purchase", "redeem"] }],
    }))
}

async fn prepare(url: &str) -> Ended {
    let ledger = ledger::open(url)?;
    ledger.migrate().await?;
    let program: Program =
        serde_json::from_value(serde_json::json!({ "currency": "USD", "wallets": [{ "name": "points" }] }))?;
    let rules: Vec<Rule> = serde_json::from_value(serde_json::json!([
        { "name": "base", "on": "purchase", "earn": { "wallet": "points", "per": { "amount": "1.00", "points": "1" } } },
    ]))?;
    let since = Since { valid_from: None, author: "bench".to_owned() };
    ledger.append_timeline(&pipeline()?, &Ruleset::new(&program, &rules), &since).await?;
    Ok(())
}

async fn apply((url, is_known): (&str, bool), text: &str, batch_len: usize) -> Ended {
    let intake = Intake::new(&events()?, Currency::parse("USD")?);
    let read = |line: &str| intake.decode_unrouted(line.as_bytes()).map_err(|refusal| refusal.detail.into());
    let all: Vec<Event> = text.lines().map(read).collect::<Result<_, Box<dyn Error>>>()?;
    let engine = Engine::open(pipeline()?, ledger::open(url)?, TimeLimits::new(&events()?)).await?;
    let mut line = Line::of(&engine);
    let mut batches: VecDeque<Vec<Event>> = all.chunks(batch_len).map(<[Event]>::to_vec).collect();
    let (count, mut next) = (batches.len(), None);
    let (from, to) = (count / 10, count - count / 10);
    let (mut started, mut counted) = (Instant::now(), 0);
    let mut made = || batches.pop_front().map(|events| Arc::new(Batch::new(events, Vec::new())));
    for n in 0..count {
        if n == from {
            println!("begin");
            started = Instant::now();
        }
        let Some(batch) = next.take().or_else(&mut made) else { break };
        let behind = || {
            next = made();
            next.clone()
        };
        let settled = line.apply(&batch, behind, Timestamp::now()).await?;
        let is_as_wanted = |settled: &Settled| match settled {
            Settled::Fresh { outcome: Outcome::Applied, .. } => !is_known,
            Settled::Replayed { .. } => is_known,
            _ => false,
        };
        if !settled.iter().all(is_as_wanted) {
            return Err("an event was not applied, or was not known: give a ledger that fits the file".into());
        }
        if n >= from && n < to {
            counted += batch.events().len();
        }
        if n + 1 == to {
            println!("end {} {counted}", started.elapsed().as_micros());
        }
    }
    Ok(())
}

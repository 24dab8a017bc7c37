//! What the ledger is measured against: the same locks, reads and writes on the same tables in the same batches, as somebody
//! would write them by hand who knows that only purchases come. No broker, no rules, no checks.
//!
//! The rows are taken, before the clock starts, from an `SQLite` ledger that the engine filled with the same events in the
//! same batches; so both write the same rows, and it can be counted afterwards that they did.
//!
//! ```text
//! hand_written schema POSTGRES_URL NAME       makes an empty schema, in place of an older one
//! hand_written replay LIKE.db LEDGER_URL      writes the rows; prints `begin`, and `end MICROSECONDS EVENTS`
//! hand_written crowd LEDGER_URL COUNT         members `m-0` to `m-COUNT` (without the last) with an empty balance each
//! hand_written size LEDGER_URL                bytes of all tables and indexes
//! ```
//!
//! The ledger at `LEDGER_URL` has its tables and no events. The clock runs from a tenth to nine tenths of the batches.
//! `cargo xtask bench` runs it.

mod postgres;
mod rows;
mod sqlite;

use std::error::Error;
use std::time::Instant;

const USAGE: &str =
    "give `schema POSTGRES_URL NAME`, `replay LIKE.db LEDGER_URL`, `crowd LEDGER_URL COUNT` or `size LEDGER_URL`";

/// Why it ended.
type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match arguments[..] {
        ["schema", url, name] => runtime.block_on(postgres::schema(url, name)),
        ["replay", like, url] => {
            let batches = rows::read(like)?;
            let counted = match url.strip_prefix("sqlite:") {
                Some(path) => sqlite::replay(path, &batches)?,
                None => runtime.block_on(postgres::replay(url, &batches))?,
            };
            let wanted: usize = batches.iter().map(|batch| batch.events.len()).sum();
            if counted != wanted {
                return Err(format!("the inbox has {counted} events, not {wanted}: give an empty ledger").into());
            }
            Ok(())
        }
        ["crowd", url, count] => match url.strip_prefix("sqlite:") {
            Some(path) => sqlite::crowd(path, count.parse()?),
            None => runtime.block_on(postgres::crowd(url, count.parse()?)),
        },
        ["size", url] => {
            let bytes = match url.strip_prefix("sqlite:") {
                Some(path) => sqlite::size(path)?,
                None => runtime.block_on(postgres::size(url))?,
            };
            println!("{bytes}");
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// Tells on standard output when the part that counts begins and ends.
struct Clock {
    from: usize,
    to: usize,
    started: Instant,
    counted: usize,
}

impl Clock {
    fn of(batches: usize) -> Self {
        Self { from: batches / 10, to: batches - batches / 10, started: Instant::now(), counted: 0 }
    }

    fn before(&mut self, batch: usize) {
        if batch == self.from {
            println!("begin");
            self.started = Instant::now();
        }
    }

    fn after(&mut self, batch: usize, events: usize) {
        if batch >= self.from && batch < self.to {
            self.counted += events;
        }
        if batch + 1 == self.to {
            println!("end {} {}", self.started.elapsed().as_micros(), self.counted);
        }
    }
}

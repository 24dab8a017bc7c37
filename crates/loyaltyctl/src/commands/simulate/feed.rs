//! Events from a file, through the engine, batch by batch.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use contract::event::Event;
use contract::intake::{BODY_BYTES_MAX, Intake, TimeLimits};
use contract::result::ResultEvent;
use contract::{BuryReason, PipelineName, Refusal};
use engine::{Engine, Settled};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use ledger::{BatchId, Ledger, UnderWay};
use serde::Serialize;

use super::SimulateError;
use crate::edge::Halt;
use crate::screen::{Progress, grouped};
use crate::target::Pipeline;

/// Events of one batch, as a busy worker takes them.
const BATCH_LEN: usize = 500;

/// Members of one batch of what is due.
const DUE_LEN: usize = 500;

/// Nothing is warned of that ends within it: the shortest time of a warning.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// A day or a time of the command line.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    Day(Date),
    Time(Timestamp),
}

impl FromStr for At {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A time begins with a day, and must not be taken for it when its zone is forgotten.
        match text.parse() {
            Ok(time) => Ok(Self::Time(time)),
            Err(wrong) if text.contains(':') => Err(wrong),
            Err(_) => text.parse().map(Self::Day),
        }
    }
}

/// What became of the events.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) lines: u64,
    /// By outcome: `applied`, `rejected`, `parked`, `replayed`.
    pub(super) outcomes: BTreeMap<String, u64>,
    /// Results by type.
    pub(super) results: BTreeMap<&'static str, u64>,
    pub(super) buried: Vec<Buried>,
}

/// An event that a worker would bury.
#[derive(Debug, Serialize)]
pub(super) struct Buried {
    /// From 1; of a refund that had waited, the line of its purchase.
    pub(super) line: u64,
    pub(super) reason: BuryReason,
    pub(super) detail: String,
}

/// Lines of a file or of standard input.
pub(super) struct Lines {
    name: String,
    reader: Box<dyn BufRead>,
    number: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, SimulateError> {
        let name = path.display().to_string();
        if name == "-" {
            return Ok(Self {
                name: "standard input".to_owned(),
                reader: Box::new(std::io::stdin().lock()),
                number: 0,
            });
        }
        let file = File::open(path).map_err(|source| SimulateError::Events { file: name.clone(), source })?;
        Ok(Self { name, reader: Box::new(BufReader::new(file)), number: 0 })
    }

    /// The next line that is not empty, with its number.
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, SimulateError> {
        loop {
            let mut line = Vec::new();
            let read = self.read_line(&mut line);
            if read.map_err(|source| SimulateError::Events { file: self.name.clone(), source })? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let text = line.trim_ascii();
            if !text.is_empty() {
                return Ok(Some((self.number, text.to_vec())));
            }
        }
    }

    /// Keeps of a line what the intake needs to say that it is too long: a file may have no line feeds at all.
    fn read_line(&mut self, line: &mut Vec<u8>) -> std::io::Result<usize> {
        let mut read = 0;
        loop {
            let chunk = self.reader.fill_buf()?;
            let (used, ends) = match chunk.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (chunk.len(), chunk.is_empty()),
            };
            let room = (BODY_BYTES_MAX + 1).saturating_sub(line.len());
            line.extend_from_slice(&chunk[..used.min(room)]);
            self.reader.consume(used);
            read += used;
            if ends {
                return Ok(read);
            }
        }
    }
}

/// Where results are written, if anywhere.
pub(super) struct Results {
    file: Option<(String, BufWriter<File>)>,
}

impl Results {
    pub(super) fn create(path: Option<&Path>) -> Result<Self, SimulateError> {
        let Some(path) = path else { return Ok(Self { file: None }) };
        let name = path.display().to_string();
        let file = File::create(path).map_err(|source| SimulateError::Results { file: name.clone(), source })?;
        Ok(Self { file: Some((name, BufWriter::new(file))) })
    }

    fn write(&mut self, pipeline: &PipelineName, results: &[ResultEvent]) -> Result<(), SimulateError> {
        let Some((name, file)) = &mut self.file else { return Ok(()) };
        let mut write = |result: &ResultEvent| {
            file.write_all(&result.to_cloud_event(pipeline))?;
            file.write_all(b"\n")
        };
        results.iter().try_for_each(&mut write).map_err(|source| SimulateError::Results { file: name.clone(), source })
    }

    fn finish(self) -> Result<(), SimulateError> {
        let Some((file, mut writer)) = self.file else { return Ok(()) };
        writer.flush().map_err(|source| SimulateError::Results { file, source })
    }
}

/// Runs all lines through the engine.
pub(super) async fn run(
    pipeline: &Pipeline,
    ledger: Arc<dyn Ledger>,
    (mut lines, at): (Lines, Option<At>),
    results: Results,
) -> Result<Tally, Halt> {
    let events = &pipeline.spec.events;
    let intake = Intake::new(events, pipeline.spec.program.currency);
    let engine = Engine::open(pipeline.name.clone(), Arc::clone(&ledger), TimeLimits::new(events)).await?;
    let mut run = Run { pipeline: &pipeline.name, ledger, engine, results, tally: Tally::default() };
    let mut progress = Progress::on_a_terminal();
    let mut batch = Vec::with_capacity(BATCH_LEN);
    while let Some((number, line)) = lines.next()? {
        run.tally.lines += 1;
        match intake.decode_unrouted(&line) {
            Ok(event) => batch.push((number, event)),
            Err(refusal) => run.bury(number, refusal),
        }
        // What is sent arrives before anything else happens, wherever a batch would have ended.
        let sends = batch.last().is_some_and(|(_, event)| event.recipient().is_some());
        if batch.len() == BATCH_LEN || sends {
            run.settle(std::mem::take(&mut batch)).await?;
            progress.tell(&format!("{} events", grouped(run.tally.lines)));
        }
    }
    run.settle(batch).await?;
    if let Some(at) = at {
        run.settle_due(at).await?;
    }
    progress.end();
    run.results.finish()?;
    run.tally.buried.sort_by_key(|buried| buried.line);
    Ok(run.tally)
}

struct Run<'a> {
    pipeline: &'a PipelineName,
    ledger: Arc<dyn Ledger>,
    engine: Engine,
    results: Results,
    tally: Tally,
}

impl Run<'_> {
    async fn settle(&mut self, batch: Vec<(u64, Event)>) -> Result<(), Halt> {
        let (numbers, events): (Vec<u64>, Vec<Event>) = batch.into_iter().unzip();
        if events.is_empty() {
            return Ok(());
        }
        let settled = self.engine.apply(&events, &[], Timestamp::now()).await?;
        for (line, settled) in numbers.into_iter().zip(settled) {
            match settled {
                Settled::Fresh { outcome, results, given_up, batch } => {
                    self.count(outcome.as_str());
                    self.keep(&results)?;
                    if engine::sends(&results) {
                        self.carry(batch).await?;
                    }
                    for (_, refusal) in given_up {
                        self.bury(line, refusal);
                    }
                }
                Settled::Replayed { .. } => self.count("replayed"),
                Settled::Buried(refusal) => self.bury(line, refusal),
            }
        }
        Ok(())
    }

    /// What a batch sent arrives, or comes back.
    async fn carry(&mut self, batch: BatchId) -> Result<(), Halt> {
        while let Some(carried) = self.engine.carry(UnderWay::Of(batch), BATCH_LEN, &HashSet::new()).await? {
            self.keep(&carried.results)?;
        }
        Ok(())
    }

    /// What timers would have posted by then: a day after the other, as they warn of no end that has passed.
    async fn settle_due(&mut self, at: At) -> Result<(), Halt> {
        let by = match (at, self.engine.rulebook().timeline.latest()) {
            (At::Time(at), _) => at,
            (At::Day(day), Some(rules)) => {
                rules.midnight(day).map_err(|source| SimulateError::Beyond { at: day.to_string(), source })?
            }
            // Without rules nothing can have been earned.
            (At::Day(_), None) => return Ok(()),
        };
        while let Some(next) = self.ledger.next_due(self.pipeline).await?.filter(|next| *next <= by) {
            let by = next.checked_add(A_DAY).map_or(by, |day| day.min(by));
            while let Some(settled) = self.engine.settle_due(by, DUE_LEN, &HashSet::new()).await? {
                self.keep(&settled.results)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, outcome: &str) {
        *self.tally.outcomes.entry(outcome.to_ascii_lowercase()).or_default() += 1;
    }

    fn keep(&mut self, results: &[ResultEvent]) -> Result<(), SimulateError> {
        for result in results {
            *self.tally.results.entry(result.body.type_name()).or_default() += 1;
        }
        self.results.write(self.pipeline, results)
    }

    fn bury(&mut self, line: u64, Refusal { reason, detail }: Refusal) {
        self.tally.buried.push(Buried { line, reason, detail });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_its_zone_is_not_taken_for_its_day() {
        assert!(matches!("2027-01-01".parse(), Ok(At::Day(_))));
        assert!(matches!("2027-01-01T12:00:00Z".parse(), Ok(At::Time(_))));
        assert!("2027-01-01T12:00".parse::<At>().is_err());
        assert!("soon".parse::<At>().is_err());
    }
}

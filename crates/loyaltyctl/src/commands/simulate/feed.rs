//! Events from a file, through the engine, batch by batch.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use contract::event::Event;
use contract::intake::{BODY_BYTES_MAX, Intake, TimeLimits};
use contract::result::{ResultBody, ResultEvent};
use contract::{BuryReason, MemberId, PipelineName, Refusal, RuleName, WalletName};
use engine::{Engine, Settled};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use ledger::{BatchId, Ledger, UnderWay};
use rust_decimal::Decimal;
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
pub(in super::super) enum At {
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
pub(in super::super) struct Tally {
    pub(super) lines: u64,
    /// By outcome: `applied`, `rejected`, `parked`, `replayed`.
    pub(super) outcomes: BTreeMap<String, u64>,
    /// Results by type.
    pub(super) results: BTreeMap<&'static str, u64>,
    pub(in super::super) buried: Vec<Buried>,
    /// What rules gave, whatever was taken back since.
    pub(super) rules: BTreeMap<(WalletName, RuleName), OfRule>,
    /// Of whom results tell something.
    pub(super) members: BTreeSet<MemberId>,
    /// The first and the last time of which results tell something.
    pub(super) times: Option<(Timestamp, Timestamp)>,
}

/// What a rule gave.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct OfRule {
    pub(super) events: u64,
    pub(super) points: Decimal,
}

/// An event that a worker would bury.
#[derive(Debug, Serialize)]
pub(in super::super) struct Buried {
    /// From 1; of a refund that had waited, the line of its purchase.
    pub(in super::super) line: u64,
    pub(in super::super) reason: BuryReason,
    pub(in super::super) detail: String,
}

impl Tally {
    fn count(&mut self, result: &ResultEvent) {
        *self.results.entry(result.body.type_name()).or_default() += 1;
        let (first, last) = self.times.unwrap_or((result.time, result.time));
        self.times = Some((first.min(result.time), last.max(result.time)));
        if !self.members.contains(&result.member) {
            self.members.insert(result.member.clone());
        }
        if let ResultBody::Earned { wallet, awards, .. } = &result.body {
            for award in awards {
                let of = self.rules.entry((wallet.clone(), award.rule.clone())).or_default();
                of.events += 1;
                of.points += award.points.parse::<Decimal>().unwrap_or_default();
            }
        }
    }
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

/// Where results are written, if anywhere, and whether they are kept as well.
#[derive(Default)]
pub(in super::super) struct Results {
    file: Option<(String, BufWriter<File>)>,
    pub(in super::super) kept: Option<Vec<ResultEvent>>,
}

impl Results {
    /// Kept, and written nowhere.
    pub(in super::super) fn kept() -> Self {
        Self { file: None, kept: Some(Vec::new()) }
    }

    pub(super) fn create(path: Option<&Path>) -> Result<Self, SimulateError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let name = path.display().to_string();
        let file = File::create(path).map_err(|source| SimulateError::Results { file: name.clone(), source })?;
        Ok(Self { file: Some((name, BufWriter::new(file))), kept: None })
    }

    fn write(&mut self, pipeline: &PipelineName, results: &[ResultEvent]) -> Result<(), SimulateError> {
        self.kept.iter_mut().for_each(|kept| kept.extend_from_slice(results));
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
    let mut run = Run::open(pipeline, ledger, results).await?;
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

/// A pipeline whose events are decided here.
pub(in super::super) struct Run<'a> {
    pipeline: &'a PipelineName,
    ledger: Arc<dyn Ledger>,
    engine: Engine,
    pub(in super::super) results: Results,
    pub(in super::super) tally: Tally,
}

impl<'a> Run<'a> {
    pub(in super::super) async fn open(
        pipeline: &'a Pipeline,
        ledger: Arc<dyn Ledger>,
        results: Results,
    ) -> Result<Self, Halt> {
        let limits = TimeLimits::new(&pipeline.spec.events);
        let engine = Engine::open(pipeline.name.clone(), Arc::clone(&ledger), limits).await?;
        Ok(Self { pipeline: &pipeline.name, ledger, engine, results, tally: Tally::default() })
    }

    /// Decides events, each with its line.
    pub(in super::super) async fn settle(&mut self, batch: Vec<(u64, Event)>) -> Result<(), Halt> {
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
    pub(in super::super) async fn settle_due(&mut self, at: At) -> Result<(), Halt> {
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
            self.tally.count(result);
        }
        self.results.write(self.pipeline, results)
    }

    pub(in super::super) fn bury(&mut self, line: u64, Refusal { reason, detail }: Refusal) {
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

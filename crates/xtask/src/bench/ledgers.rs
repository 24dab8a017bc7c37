//! Into a ledger: by the worker from a queue, by the engine alone, and by SQL that was written by hand.

use std::fs;
use std::path::PathBuf;

use super::BenchError;
use super::figure::{Comparison, Figure, Goal, rounds};
use super::meter::Meter;
use super::program::Program;
use super::queues::{Storage, drained_by_worker, filled, used};
use super::stage::Stage;

/// Which ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

pub(crate) const STORES: [Store; 2] = [Store::Sqlite, Store::Postgres];

/// As a busy worker takes them.
pub(super) const BATCH_LEN: &str = "500";

pub(super) const HAND: &str = "hand-written SQL";

impl Store {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// Of the worker against SQL by hand.
    pub(super) fn goal(self) -> Goal {
        match self {
            Self::Sqlite => Goal::Rate(0.85),
            Self::Postgres => Goal::Rate(0.90),
        }
    }

    /// An empty ledger with tables and rules, for one drain.
    fn fresh(self, stage: &Stage) -> Result<String, BenchError> {
        self.named(stage, "loyalty_bench")
    }

    /// The same beside others.
    pub(super) fn named(self, stage: &Stage, name: &str) -> Result<String, BenchError> {
        let url = match self {
            Self::Sqlite => sqlite(stage, name),
            Self::Postgres => {
                let url = &stage.database_url;
                stage.example("hand_written", &["schema", url, name])?;
                let joint = if url.contains('?') { '&' } else { '?' };
                format!("{url}{joint}options=-c%20search_path%3D{name}")
            }
        };
        stage.example("apply_only", &["prepare", &url])?;
        Ok(url)
    }
}

/// An `SQLite` file that does not exist.
fn sqlite(stage: &Stage, name: &str) -> String {
    let path = stage.folder.path().join(format!("{name}.db"));
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(PathBuf::from(format!("{}{suffix}", path.display())));
    }
    format!("sqlite:{}", path.display())
}

/// The worker, and the engine without a broker, against the same locks, reads and writes by hand.
pub(crate) fn worker_and_engine_and_hand(stage: &Stage, store: Store) -> Result<[Comparison; 2], BenchError> {
    let name = store.as_str();
    let rounds = rounds(name, stage.size, |messages| {
        let like = like(stage, messages)?;
        let url = store.fresh(stage)?;
        let worker = {
            let vhost = filled(stage, Storage::Disk, messages)?;
            drained_by_worker(stage, (&vhost, Storage::Disk), (&url, messages))?
        };
        let url = store.fresh(stage)?;
        let hand = timed(stage, "hand_written", &["replay", &like, &url])?;
        let url = store.fresh(stage)?;
        let events = stage.events(messages);
        let engine = timed(stage, "apply_only", &["apply", &url, &events.to_string_lossy(), BATCH_LEN])?;
        Ok([worker, engine, hand])
    })?;
    let pairs = |side: usize| rounds.clone().map(|all| all.iter().map(|round| [round[side], round[2]]).collect());
    Ok([
        Comparison {
            what: format!("{name}: worker / {HAND}"),
            names: ["worker", HAND],
            goal: Some(store.goal()),
            rounds: pairs(0),
        },
        Comparison {
            what: format!("{name}: engine alone / {HAND}"),
            names: ["engine alone", HAND],
            goal: None,
            rounds: pairs(1),
        },
    ])
}

/// The ledger whose rows are written by hand: the engine's own, of the same events.
pub(super) fn like(stage: &Stage, messages: usize) -> Result<String, BenchError> {
    let name = format!("like-{messages}");
    let path = stage.folder.path().join(format!("{name}.db"));
    if !path.exists() {
        let url = sqlite(stage, &name);
        stage.example("apply_only", &["prepare", &url])?;
        let events = stage.events(messages);
        stage.example("apply_only", &["apply", &url, &events.to_string_lossy(), BATCH_LEN])?;
    }
    Ok(path.to_string_lossy().into_owned())
}

/// A program that says itself when the part that counts begins and ends.
pub(super) fn timed(stage: &Stage, name: &'static str, arguments: &[&str]) -> Result<Figure, BenchError> {
    let mut command = stage.program(&format!("examples/{name}"));
    let program = Program::start(name, command.args(arguments), stage.folder.path())?;
    let meter = Meter::on(program.id());
    program.line()?;
    let before = meter.cpu();
    let line = program.line()?;
    let after = meter.cpu();
    let peak = meter.peak();
    let numbers: Vec<f64> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [micros, events] = numbers[..] else { return Err(program.failure(&format!("it said `{line}`"))) };
    program.finish()?;
    // No broker takes part in it.
    let [of_program, _, of_database] = used(before, after, events);
    let rate = events / (micros / 1e6).max(1e-6);
    Ok(Figure { rate, cpu: [of_program, None, of_database], peak: [peak[0], None, peak[2]] })
}

//! Draining a queue on the broker. The depth is watched from outside, in the same way whoever drains it.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::BenchError;
use super::figure::{Comparison, Figure, Goal, rounds};
use super::meter::{Meter, OfEach};
use super::program::Program;
use super::stage::{Stage, Vhost};
use crate::parts::http;

/// How safe the queues are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Disk,
    Replicated,
}

pub(crate) const STORAGES: [Storage; 2] = [Storage::Disk, Storage::Replicated];

/// The source exchange of the benchmark's pipeline.
const EXCHANGE: &str = "bench.shop";
/// The queue of its one lane.
const QUEUE: &str = "bench.main";

/// A program that takes nothing for so long will not begin.
const STALLED_MAX: Duration = Duration::from_secs(20);

/// Between two looks at the worker's own count, after the drain.
const PAUSE: Duration = Duration::from_millis(20);

impl Storage {
    /// As a pipeline says it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "Disk",
            Self::Replicated => "Replicated",
        }
    }

    /// What `loyaltyctl up` gives its queues.
    fn arguments(self) -> &'static str {
        match self {
            Self::Disk => r#"{"x-queue-type":"classic"}"#,
            Self::Replicated => r#"{"x-queue-type":"quorum","x-delivery-limit":-1}"#,
        }
    }
}

/// The worker without rules and ledger against a consumer that only acknowledges.
pub(crate) fn worker_and_raw_consumer(stage: &Stage, storage: Storage) -> Result<Comparison, BenchError> {
    let what = format!("{}: worker / raw consumer", storage.as_str());
    let rounds = rounds(&what, stage.size, |messages| {
        let vhost = filled(stage, storage, messages)?;
        let worker = drained_by_worker(stage, (&vhost, storage), ("null:", messages))?;
        drop(vhost);
        let vhost = filled(stage, storage, messages)?;
        let mut command = stage.program("examples/raw_consumer");
        command.args(["consume", QUEUE]).env("AMQP_URL", &vhost.amqp_url);
        let (figure, _) =
            drained(stage, &vhost, messages, || Program::start("raw_consumer", &mut command, stage.folder.path()))?;
        Ok([worker, figure])
    })?;
    Ok(Comparison { what, names: ["worker, null ledger", "raw consumer"], goal: Some(Goal::Rate(0.97)), rounds })
}

/// A vhost with the pipeline's objects and a full queue.
pub(crate) fn filled(stage: &Stage, storage: Storage, messages: usize) -> Result<Vhost<'_>, BenchError> {
    let vhost = stage.vhost()?;
    for (exchange, kind) in [(EXCHANGE, "topic"), ("bench.results", "topic"), ("bench.dead", "fanout")] {
        vhost.exchange(exchange, kind)?;
    }
    vhost.queue(QUEUE, storage.arguments(), (EXCHANGE, "purchase.#"))?;
    vhost.queue("bench.dead", storage.arguments(), ("bench.dead", ""))?;
    vhost.queue("bench.results.crm", storage.arguments(), ("bench.results", "#"))?;
    let mut command = stage.program("examples/raw_consumer");
    command.args(["fill", EXCHANGE, "purchase.web"]).arg(stage.events(messages)).env("AMQP_URL", &vhost.amqp_url);
    Program::start("fill", &mut command, stage.folder.path())?.finish()?;
    Ok(vhost)
}

/// The real worker drains the queue into a ledger; all of it must have been applied.
pub(crate) fn drained_by_worker(
    stage: &Stage,
    (vhost, storage): (&Vhost<'_>, Storage),
    (ledger, messages): (&str, usize),
) -> Result<Figure, BenchError> {
    let config = stage.folder.path().join("worker.json");
    fs::write(&config, configuration(storage)).map_err(BenchError::file(&config))?;
    let listen = stage.folder.path().join("listen");
    let _ = fs::remove_file(&listen);
    let mut command = stage.program("loyalty-worker");
    command.arg("--config").arg(&config).arg("--listen-file").arg(&listen);
    command.args(["--listen", "127.0.0.1:0", "--log", "warn", "--log-format", "text"]);
    command.env("AMQP_URL", &vhost.amqp_url).env("LEDGER_URL", ledger);
    let (figure, worker) =
        drained(stage, vhost, messages, || Program::start("worker", &mut command, stage.folder.path()))?;
    applied(worker, &listen, messages)?;
    Ok(figure)
}

fn configuration(storage: Storage) -> String {
    let storage = storage.as_str();
    serde_json::json!({
        "pipeline": "bench",
        "currency": "USD",
        "events": {
            "clock": "Event",
            "sources": [{ "exchange": { "name": EXCHANGE }, "routingKeys": ["purchase.#"], "types": ["purchase"] }],
        },
        "queue": { "storage": storage },
        "results": { "subscribers": [{ "name": "crm", "routingKeys": ["#"] }] },
    })
    .to_string()
}

/// When, how deep, and what was used until then.
#[derive(Debug, Clone, Copy)]
struct Mark {
    micros: f64,
    depth: f64,
    cpu: OfEach<f64>,
}

/// Starts the program on a full queue and watches until it is empty.
fn drained(
    stage: &Stage,
    vhost: &Vhost<'_>,
    messages: usize,
    start: impl FnOnce() -> Result<Program, BenchError>,
) -> Result<(Figure, Program), BenchError> {
    let mut command = stage.program("examples/raw_consumer");
    command.args(["watch", QUEUE]).env("AMQP_URL", &vhost.amqp_url);
    let watch = Program::start("watch", &mut command, stage.folder.path())?;
    look(&watch)?;
    let mut program = start()?;
    let meter = Meter::on(program.id());
    let full = count(messages);
    let at = |(micros, depth): (f64, f64)| Mark { micros, depth, cpu: meter.cpu() };
    let mut first = at(look(&watch)?);
    let mut last = None;
    let mut moved = (first.depth, Instant::now());
    loop {
        let (micros, depth) = look(&watch)?;
        if first.depth > full * 0.9 && depth <= full * 0.9 && depth > full * 0.1 {
            first = at((micros, depth));
        }
        if last.is_none() && depth <= full * 0.1 {
            last = Some(at((micros, depth)));
        }
        if let Some(last) = last.filter(|_| depth <= 0.0) {
            return Ok((figure(first, last, meter.peak()), program));
        }
        if moved.0 > depth {
            moved = (depth, Instant::now());
        } else if moved.1.elapsed() > STALLED_MAX {
            program.check()?;
            return Err(program.failure("it took no message"));
        }
    }
}

fn figure(first: Mark, last: Mark, peak: OfEach<u64>) -> Figure {
    let events = (first.depth - last.depth).max(1.0);
    let seconds = ((last.micros - first.micros) / 1e6).max(1e-6);
    Figure { rate: events / seconds, cpu: used(first.cpu, last.cpu, events), peak }
}

/// Processor time of an event; who did nothing takes no part.
pub(crate) fn used(before: OfEach<f64>, after: OfEach<f64>, events: f64) -> OfEach<f64> {
    std::array::from_fn(|n| Some((after[n]? - before[n]?) / events).filter(|used| *used > 0.0))
}

/// The watcher's next line: microseconds and depth.
fn look(watch: &Program) -> Result<(f64, f64), BenchError> {
    let line = watch.line()?;
    let mut numbers = line.split(' ').map(|number| number.parse::<f64>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(micros), Some(depth)) => Ok((micros, depth)),
        _ => Err(watch.failure(&format!("it said `{line}`"))),
    }
}

/// Waits until the worker says that it applied every message.
fn applied(mut worker: Program, listen: &PathBuf, messages: usize) -> Result<(), BenchError> {
    let address = fs::read_to_string(listen).map_err(BenchError::file(listen))?;
    let asked = Instant::now();
    loop {
        worker.check()?;
        // The probes ask for no login; our small client always gives one.
        let answer = http::request(&format!("http://bench:bench@{address}"), "GET", "/metrics", "");
        let text = answer.map(|answer| answer.body).unwrap_or_default();
        let settled = series(&text, r#"loyalty_settled_total{outcome="applied"}"#);
        if settled.is_some_and(|settled| settled >= count(messages)) {
            return Ok(());
        }
        if asked.elapsed() > STALLED_MAX {
            return Err(worker.failure(&format!("it applied {settled:?} of {messages} messages")));
        }
        thread::sleep(PAUSE);
    }
}

fn series(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

/// A number of messages; there are at most some millions.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub(crate) fn count(messages: usize) -> f64 {
    messages as f64
}

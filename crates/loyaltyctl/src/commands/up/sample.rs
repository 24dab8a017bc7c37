//! Looks at the queues and at the worker, once a second, whatever becomes of either.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use broker::{Connection, Settings};
use contract::pipeline::{Lane, Names};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::folder::Folder;
use super::scrape::{self, Metrics};
use crate::observe;
use crate::target::Pipeline;

const EVERY: Duration = Duration::from_secs(1);

/// A broker that takes longer is away, as far as this second is concerned.
const BROKER_ANSWER_MAX: Duration = Duration::from_secs(2);

/// What was seen in one second.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) at: Instant,
    /// Messages that are ready, by lane; `None` is unknown.
    pub(super) waiting: Vec<(Lane, Option<u64>)>,
    pub(super) worker: WorkerState,
    pub(super) metrics: Option<Metrics>,
}

/// What the worker says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WorkerState {
    /// It has not said where it listens.
    Starting,
    Ready,
    /// It lives and waits, and why.
    Holding(String),
    /// It does not answer.
    Silent,
}

/// Looks until nobody listens any more.
pub(super) struct Sampler {
    lanes: Vec<(Lane, String)>,
    listen: PathBuf,
    settings: Settings,
    connection: Option<Connection>,
}

impl Sampler {
    pub(super) fn new(pipeline: &Pipeline, folder: &Folder, settings: Settings) -> Self {
        let names = Names(&pipeline.name);
        let lanes = pipeline.spec.events.lanes().into_iter().map(|lane| (lane, names.lane(lane))).collect();
        Self { lanes, listen: folder.listen(), settings, connection: None }
    }

    /// Ends with its receiver. A cancelled call leaves nothing behind but a closed connection.
    pub(super) async fn run(mut self, samples: mpsc::Sender<Sample>) {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let sample = self.look().await;
            if samples.send(sample).await.is_err() {
                return;
            }
        }
    }

    async fn look(&mut self) -> Sample {
        let depths = timeout(BROKER_ANSWER_MAX, self.depths()).await.ok().flatten();
        if depths.is_none() {
            self.connection = None;
        }
        let waiting = match depths {
            Some(depths) => depths,
            None => self.lanes.iter().map(|(lane, _)| (*lane, None)).collect(),
        };
        let (worker, metrics) = self.worker().await;
        Sample { at: Instant::now(), waiting, worker, metrics }
    }

    /// `None` when the broker is away.
    async fn depths(&mut self) -> Option<Vec<(Lane, Option<u64>)>> {
        if !self.connection.as_ref().is_some_and(Connection::is_connected) {
            self.connection = Some(observe::connect(&self.settings).await.ok()?);
        }
        let connection = self.connection.as_ref()?;
        let mut depths = Vec::new();
        for (lane, queue) in &self.lanes {
            depths.push((*lane, connection.passive_depth(queue).await.ok()?));
        }
        Some(depths)
    }

    async fn worker(&self) -> (WorkerState, Option<Metrics>) {
        let address: Option<SocketAddr> =
            std::fs::read_to_string(&self.listen).ok().and_then(|text| text.trim().parse().ok());
        let Some(address) = address else { return (WorkerState::Starting, None) };
        let state = match scrape::get(address, "/readyz").await {
            Ok((200, _)) => WorkerState::Ready,
            Ok((_, why)) => WorkerState::Holding(why.trim().replace('\n', "; ")),
            Err(_) => WorkerState::Silent,
        };
        let metrics = scrape::get(address, "/metrics").await.ok().filter(|(status, _)| *status == 200);
        (state, metrics.map(|(_, text)| Metrics::parse(&text)))
    }
}

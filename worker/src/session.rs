//! One connection to the broker, from its opening to its loss: every lane, and the rescue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Connection;
use host::{Shutdown, chain};
use tokio::task::JoinSet;

use crate::amqp::LinkError;
use crate::hold::{Backoff, LIVED_WELL, Told};
use crate::metrics::HELD_BY_BROKER;
use crate::run::Worker;
use crate::settings::{self, SettingsError};
use crate::{lane, rescue};

/// Closing a connection politely may take so long.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// Why a session ended although nobody asked.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Broker(#[from] broker::BrokerError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Settings(SettingsError),
}

/// Session after session until asked to stop; holds between them.
pub(crate) async fn run(worker: &Arc<Worker>) {
    let (mut backoff, told) = (Backoff::default(), Told::default());
    while !worker.holder.shutdown.is_asked() {
        let lost = tokio::select! {
            lost = once(worker, &mut backoff, &told) => lost,
            () = worker.holder.shutdown.now() => return,
        };
        let Err(lost) = lost else { return };
        let why = chain(&lost);
        if told.is_new(&why) {
            tracing::warn!(error = why, "holding: the broker is away");
        }
        worker.holder.health.down("broker", why);
        worker.metrics().held.with_label_values(&[HELD_BY_BROKER]).set(1);
        tokio::select! {
            () = worker.holder.shutdown.asked() => return,
            () = tokio::time::sleep(backoff.pause()) => {}
        }
    }
}

async fn once(worker: &Arc<Worker>, backoff: &mut Backoff, told: &Told) -> Result<(), Lost> {
    // Secrets may be exchanged at any time; each session reads them anew.
    let settings = settings::broker(&worker.args).map_err(Lost::Settings)?;
    let connection = tokio::select! {
        connection = broker::connect(&settings, &worker.consumer_tag) => Arc::new(connection?),
        () = worker.holder.shutdown.asked() => return Ok(()),
    };
    let opened = Instant::now();
    let session = worker.holder.shutdown.part();
    let ended = work(worker, &connection, &session).await;
    if ended.is_ok() || opened.elapsed() > LIVED_WELL {
        *backoff = Backoff::default();
        told.is_over();
    }
    if let Some(connection) = Arc::into_inner(connection) {
        // Closing it asks the broker, who may be gone.
        let _ = tokio::time::timeout(CLOSE_MAX, connection.close()).await;
    }
    Ok(ended?)
}

async fn work(worker: &Arc<Worker>, connection: &Arc<Connection>, session: &Shutdown) -> Result<(), LinkError> {
    let mut lanes = Vec::new();
    // Every lane is subscribed before the worker calls itself ready.
    for lane in worker.config.events.lanes() {
        lanes.push(lane::open(worker, connection, lane, session).await?);
    }
    let mut tasks = JoinSet::new();
    for lane in lanes {
        tasks.spawn(lane.run());
    }
    tasks.spawn(rescue::run(worker.clone(), connection.clone(), session.clone()));
    worker.holder.health.up("broker");
    worker.metrics().held.with_label_values(&[HELD_BY_BROKER]).set(0);
    all(tasks, session).await
}

/// All tasks end well, or the first error ends the others: a session is whole or over. Nobody is torn out of a batch.
async fn all(mut tasks: JoinSet<Result<(), LinkError>>, session: &Shutdown) -> Result<(), LinkError> {
    let mut first = Ok(());
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(result) => first = first.and(result),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
        session.ask();
    }
    first
}

//! One connection to the broker, from its opening to its loss: every lane, and the rescue.

use std::sync::Arc;
use std::time::Instant;

use contract::pipeline::Lane;
use tokio::task::JoinSet;

use crate::amqp::LinkError;
use crate::hold::{Backoff, LIVED_WELL, chain};
use crate::metrics::HELD_BY_BROKER;
use crate::run::Worker;
use crate::{lane, rescue};

/// Why a session ended although nobody asked.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Broker(#[from] broker::BrokerError),
    #[error(transparent)]
    Link(#[from] LinkError),
}

/// Session after session until asked to stop; holds between them.
pub(crate) async fn run(worker: &Arc<Worker>) {
    let mut backoff = Backoff::default();
    while !worker.holder.shutdown.is_asked() {
        let lost = tokio::select! {
            lost = once(worker, &mut backoff) => lost,
            () = worker.holder.shutdown.now() => return,
        };
        let Err(lost) = lost else { return };
        let why = chain(&lost);
        tracing::warn!(error = why, "holding: the broker is away");
        worker.holder.health.down("broker", why);
        worker.metrics().held.with_label_values(&[HELD_BY_BROKER]).set(1);
        tokio::select! {
            () = worker.holder.shutdown.asked() => return,
            () = tokio::time::sleep(backoff.pause()) => {}
        }
    }
}

async fn once(worker: &Arc<Worker>, backoff: &mut Backoff) -> Result<(), Lost> {
    let connection = tokio::select! {
        connection = broker::connect(&worker.broker, &worker.consumer_tag) => Arc::new(connection?),
        () = worker.holder.shutdown.asked() => return Ok(()),
    };
    let opened = Instant::now();
    let mut tasks = JoinSet::new();
    for lane in worker.config.events.lanes() {
        tasks.spawn(told(lane, lane::run(worker.clone(), connection.clone(), lane)));
    }
    tasks.spawn(rescue::run(worker.clone(), connection.clone()));
    worker.holder.health.up("broker");
    worker.metrics().held.with_label_values(&[HELD_BY_BROKER]).set(0);
    let ended = all(tasks).await;
    if ended.is_ok() || opened.elapsed() > LIVED_WELL {
        *backoff = Backoff::default();
    }
    if let Some(connection) = Arc::into_inner(connection) {
        connection.close().await;
    }
    Ok(ended?)
}

async fn told(lane: Lane, work: impl Future<Output = Result<(), LinkError>>) -> Result<(), LinkError> {
    tracing::info!(lane = lane.as_str(), "consuming");
    work.await
}

/// All tasks end well, or the first error ends the others: a session is whole or over.
async fn all(mut tasks: JoinSet<Result<(), LinkError>>) -> Result<(), LinkError> {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(result) => result?,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    Ok(())
}

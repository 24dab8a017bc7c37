//! One lane: deciding a batch while the one before it is published.

use std::sync::Arc;

use broker::Connection;
use contract::pipeline::{Lane, Names};
use tokio::sync::mpsc;

use crate::amqp::{Addresses, Inlet, LinkError, Outlet};
use crate::handle::{Desk, Unit};
use crate::publish::Press;
use crate::run::Worker;

/// Units that may wait for their confirms while the next batch is decided.
const UNITS_WAITING_MAX: usize = 2;

/// Works until asked to stop or until the broker is lost. What was not acknowledged goes back to the queue, in order.
pub(crate) async fn run(worker: Arc<Worker>, connection: Arc<Connection>, lane: Lane) -> Result<(), LinkError> {
    let pipeline = &worker.config.pipeline;
    let names = Names(pipeline);
    let queue = names.lane(lane);
    let results = worker.config.results.exchange_name(pipeline);
    let addresses = Addresses { pipeline, results: &results, dead: &names.dead() };
    let outlet = Outlet::open(&connection, &addresses).await?;
    let mut inlet = Inlet::open(&connection, &queue, &worker.consumer_tag).await?;
    worker.metrics().in_flight.with_label_values(&[lane.as_str()]).set(0);
    let press = Press {
        outlet,
        acks: inlet.acks(),
        marks: worker.marks.clone(),
        metrics: worker.metrics().clone(),
        queue,
        lane: lane.as_str(),
    };
    let (sender, receiver) = mpsc::channel(UNITS_WAITING_MAX);
    let publishing = tokio::spawn(press.run(receiver));
    let decided = decide(&worker, &mut inlet, lane, sender).await;
    // The sender is gone: what is decided is published and acknowledged before the channel closes.
    let published = publishing.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    inlet.close().await;
    decided.and(published)
}

async fn decide(worker: &Worker, inlet: &mut Inlet, lane: Lane, units: mpsc::Sender<Unit>) -> Result<(), LinkError> {
    let desk = Desk {
        engine: &worker.engine,
        ledger: worker.ledger.as_ref(),
        intake: &worker.intake,
        attempts: worker.config.queue.attempts.get(),
        holder: &worker.holder,
        metrics: worker.metrics(),
    };
    loop {
        let batch = tokio::select! {
            biased;
            () = worker.holder.shutdown.asked() => return Ok(()),
            () = units.closed() => return Ok(()),
            batch = inlet.batch() => batch?,
        };
        let received = worker.metrics().received.with_label_values(&[lane.as_str()]);
        received.inc_by(u64::try_from(batch.len()).unwrap_or(u64::MAX));
        worker.metrics().in_flight.with_label_values(&[lane.as_str()]).add(i64::try_from(batch.len()).unwrap_or(0));
        let Some(decided) = desk.handle(batch).await else { return Ok(()) };
        for unit in decided {
            // The publisher is gone only after an error, which it tells itself.
            if units.send(unit).await.is_err() {
                return Ok(());
            }
        }
    }
}

//! One lane: deciding a batch while the one before it is published.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Connection;
use contract::pipeline::{Lane, Names};
use host::Shutdown;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::amqp::{Addresses, Arrived, Inlet, LinkError, Outlet};
use crate::handle::{Desk, Unit};
use crate::hold::Holder;
use crate::publish::Press;
use crate::run::Worker;

/// Units that may wait for their confirms while the next batch is decided.
const UNITS_WAITING_MAX: usize = 2;

/// How long a lane that ends may take to work off what was delivered, and then to publish it; both together are less than the grace
/// period that the operator gives a pod (45 s).
const DRAIN_MAX: Duration = Duration::from_secs(20);

/// A lane whose queue is consumed and whose exchanges can be published to.
pub(crate) struct Opened {
    worker: Arc<Worker>,
    holder: Holder,
    lane: Lane,
    inlet: Inlet,
    press: Press,
}

/// Subscribes; fails when the queue is missing.
///
/// `session` ends the lane before the whole worker ends, when another part of the session was lost.
pub(crate) async fn open(
    worker: &Arc<Worker>,
    connection: &Connection,
    lane: Lane,
    session: Shutdown,
) -> Result<Opened, LinkError> {
    let pipeline = &worker.config.pipeline;
    let names = Names(pipeline);
    let queue = names.lane(lane);
    let results = worker.config.results.exchange_name(pipeline);
    let addresses = Addresses { pipeline, results: &results, dead: &names.dead() };
    let outlet = Outlet::open(connection, &addresses).await?;
    let inlet = Inlet::open(connection, &queue, &worker.consumer_tag).await?;
    worker.metrics().in_flight.with_label_values(&[lane.as_str()]).set(0);
    let press = Press {
        outlet,
        acks: inlet.acks(),
        marks: worker.marks.clone(),
        ledger: worker.ledger.clone(),
        pipeline: pipeline.clone(),
        metrics: worker.metrics().clone(),
        queue,
        lane: lane.as_str(),
    };
    tracing::info!(lane = lane.as_str(), "consuming");
    let holder = Holder { shutdown: session, ..worker.holder.clone() };
    Ok(Opened { worker: worker.clone(), holder, lane, inlet, press })
}

impl Opened {
    /// Works until asked to stop or until the broker is lost. What was delivered by then is worked off; what could not be goes back
    /// to the queue, in order.
    ///
    /// A cancelled call stops publishing too; what it decided is found in the inbox when it is delivered again.
    pub(crate) async fn run(self) -> Result<(), LinkError> {
        let Self { worker, holder, lane, mut inlet, press } = self;
        let (sender, receiver) = mpsc::channel(UNITS_WAITING_MAX);
        let publishing = AbortOnDropHandle::new(tokio::spawn(press.run(receiver)));
        let decided = Deciding { worker: &worker, holder: &holder, lane }.run(&mut inlet, sender).await;
        // The sender is gone: what is decided is published and acknowledged before the channel closes.
        let published = match tokio::time::timeout(DRAIN_MAX, publishing).await {
            Ok(Ok(published)) => published,
            Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Cancelled with the whole process, or too slow: what is not acknowledged goes back.
            Ok(Err(_)) | Err(_) => Ok(()),
        };
        inlet.close().await;
        worker.metrics().in_flight.with_label_values(&[lane.as_str()]).set(0);
        decided.and(published)
    }
}

/// Batch after batch.
struct Deciding<'a> {
    worker: &'a Worker,
    holder: &'a Holder,
    lane: Lane,
}

impl Deciding<'_> {
    async fn run(&self, inlet: &mut Inlet, units: mpsc::Sender<Unit>) -> Result<(), LinkError> {
        let desk = Desk {
            engine: &self.worker.engine,
            ledger: self.worker.ledger.as_ref(),
            intake: &self.worker.intake,
            attempts: self.worker.config.queue.attempts.get(),
            holder: self.holder,
            metrics: &self.holder.metrics,
        };
        loop {
            let batch = tokio::select! {
                biased;
                () = self.holder.shutdown.asked() => break,
                () = units.closed() => return Ok(()),
                batch = inlet.batch() => batch?,
            };
            if !self.work_off(&desk, batch, &units).await {
                return Ok(());
            }
        }
        self.drain(inlet, &desk, &units).await
    }

    /// Works off what was delivered already, so that nothing of it is delivered twice; what is not done in time goes back.
    async fn drain(&self, inlet: &mut Inlet, desk: &Desk<'_>, units: &mpsc::Sender<Unit>) -> Result<(), LinkError> {
        let begun = Instant::now();
        inlet.stop().await?;
        while begun.elapsed() < DRAIN_MAX
            && let Some(batch) = inlet.left()
        {
            if !self.work_off(desk, batch, units).await {
                break;
            }
        }
        Ok(())
    }

    /// Whether to go on: not while the ledger is away and the worker was asked to stop, nor when nobody publishes any more.
    async fn work_off(&self, desk: &Desk<'_>, batch: Vec<Arrived>, units: &mpsc::Sender<Unit>) -> bool {
        self.count(&batch);
        let Some(decided) = desk.handle(batch).await else { return false };
        for unit in decided {
            // The publisher is gone only after an error, which it tells itself.
            if units.send(unit).await.is_err() {
                return false;
            }
        }
        true
    }

    fn count(&self, batch: &[Arrived]) {
        let lane = [self.lane.as_str()];
        let redelivered = batch.iter().filter(|arrived| arrived.redelivered).count();
        let messages = batch.len();
        self.holder.metrics.redelivered.with_label_values(&lane).inc_by(u64::try_from(redelivered).unwrap_or(u64::MAX));
        self.holder.metrics.received.with_label_values(&lane).inc_by(u64::try_from(messages).unwrap_or(u64::MAX));
        self.holder.metrics.in_flight.with_label_values(&lane).add(i64::try_from(messages).unwrap_or(i64::MAX));
    }
}

//! One lane: a batch is published while the next one is committed, and one more begun.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::Connection;
use contract::pipeline::{Lane, Names};
use engine::Line;
use host::Shutdown;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::amqp::{Addresses, Inlet, LinkError, Outlet, Tally};
use crate::handle::{Desk, Pack, Unit};
use crate::hold::Holder;
use crate::metrics::Metrics;
use crate::publish::Press;
use crate::run::Worker;

/// Units that may be decided, or wait for their confirms, while one is published.
const UNITS_WAITING_MAX: usize = 3;

/// How long a lane that was asked to end may take to decide what was delivered. With [`CONFIRMING_MAX`], and a few seconds to close
/// channels and connection, it is less than the 30 s that Kubernetes gives a pod to end.
const DECIDING_MAX: Duration = Duration::from_secs(15);

/// How long the results of what is decided may take after that.
const CONFIRMING_MAX: Duration = Duration::from_secs(5);

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
    session: &Shutdown,
) -> Result<Opened, LinkError> {
    let pipeline = &worker.config.pipeline;
    let names = Names(pipeline);
    let queue = names.lane(lane);
    let results = worker.config.results.exchange_name(pipeline);
    let addresses = Addresses { pipeline, results: &results, dead: &names.dead() };
    let outlet = Outlet::open(connection, &addresses).await?;
    let inlet = Inlet::open(connection, &queue, &worker.consumer_tag, tally(worker.metrics(), lane)).await?;
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
    let holder = Holder { shutdown: session.part(), ..worker.holder.clone() };
    Ok(Opened { worker: worker.clone(), holder, lane, inlet, press })
}

fn tally(metrics: &Metrics, lane: Lane) -> Tally {
    let lane = [lane.as_str()];
    Tally {
        received: metrics.received.with_label_values(&lane),
        redelivered: metrics.redelivered.with_label_values(&lane),
        in_flight: metrics.in_flight.with_label_values(&lane),
    }
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
        let decided = {
            let deciding = Deciding { worker: &worker, holder: &holder, lane };
            let mut deciding = pin!(deciding.run(&mut inlet, sender));
            tokio::select! {
                decided = &mut deciding => decided,
                () = overdue(&holder.shutdown) => {
                    // Whoever waits for the ledger now leaves in good order: what it did not decide goes back.
                    holder.shutdown.insist();
                    deciding.await
                }
            }
        };
        // The sender is gone: what is decided is published and acknowledged before the channel closes.
        let published = match tokio::time::timeout(CONFIRMING_MAX, publishing).await {
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

/// A lane has had its time to decide what was delivered.
async fn overdue(shutdown: &Shutdown) {
    shutdown.asked().await;
    tokio::time::sleep(DECIDING_MAX).await;
}

/// A batch, with the place of its unit if that is taken already.
type Packed<'a> = (Pack, Option<mpsc::Permit<'a, Unit>>);

/// What a lane holds.
struct Hand<'a> {
    inlet: &'a mut Inlet,
    line: Line<'a>,
    units: &'a mpsc::Sender<Unit>,
    /// The batch whose turn is next. It may be begun.
    ahead: Option<Packed<'a>>,
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
        let mut hand = Hand { inlet, line: Line::of(&self.worker.engine), units: &units, ahead: None };
        while !self.holder.shutdown.is_asked() {
            let pack = if let Some(ahead) = hand.ahead.take() {
                ahead
            } else {
                tokio::select! {
                    biased;
                    () = self.holder.shutdown.asked() => break,
                    () = units.closed() => return Ok(()),
                    batch = hand.inlet.batch() => (desk.pack(batch?), None),
                }
            };
            if !self.work_off(&desk, &mut hand, pack).await {
                // The ledger is away: what was delivered cannot be worked off, and waits in the queue rather than here.
                return Ok(());
            }
        }
        self.drain(&desk, hand).await
    }

    /// Works off what was delivered already, so that nothing of it is delivered twice; what is not done in time goes back.
    async fn drain<'a>(&self, desk: &Desk<'a>, mut hand: Hand<'a>) -> Result<(), LinkError> {
        let (begun, mut messages) = (Instant::now(), 0);
        // Nobody shall wait for members of a batch that waits for the broker.
        hand.line = Line::of(desk.engine);
        tokio::select! {
            stopped = hand.inlet.stop() => stopped?,
            () = self.holder.shutdown.now() => return Ok(()),
        }
        loop {
            let next = match hand.ahead.take() {
                Some(ahead) => ahead,
                None => match hand.inlet.left().await {
                    Some(batch) => (desk.pack(batch), None),
                    None => break,
                },
            };
            let taken = next.0.len();
            if !self.work_off(desk, &mut hand, next).await {
                break;
            }
            messages += taken;
        }
        let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(lane = self.lane.as_str(), messages, ms, "worked off what was delivered");
        Ok(())
    }

    /// Whether to go on: not while the ledger is away and the worker was asked to stop, nor when nobody publishes any more.
    async fn work_off<'a>(&self, desk: &Desk<'a>, hand: &mut Hand<'a>, (pack, permit): Packed<'a>) -> bool {
        // The publisher is gone only after an error, which it tells itself.
        let permit = if let Some(permit) = permit {
            Ok(permit)
        } else {
            tokio::select! {
                permit = hand.units.reserve() => permit,
                () = self.holder.shutdown.now() => return false,
            }
        };
        let Ok(permit) = permit else { return false };
        let Hand { inlet, line, units, ahead } = hand;
        let messages = match pack {
            Pack::First(read) => {
                let next = || {
                    // Room for both: what is begun must not wait for the publisher, who may wait for one of its members.
                    if ahead.is_none()
                        && let Ok(permit) = units.try_reserve()
                        && let Some(messages) = inlet.ready()
                    {
                        *ahead = Some((desk.pack(messages), Some(permit)));
                    }
                    ahead.as_ref().and_then(|(pack, _)| pack.ahead())
                };
                let unit = desk.together(line, read, next).await;
                return unit.map(|unit| permit.send(unit)).is_some();
            }
            Pack::Again(messages) => messages,
        };
        drop(permit);
        let Some(decided) = desk.again(line, messages).await else { return false };
        for unit in decided {
            let sent = tokio::select! {
                sent = units.send(unit) => sent.is_ok(),
                () = self.holder.shutdown.now() => false,
            };
            if !sent {
                return false;
            }
        }
        true
    }
}

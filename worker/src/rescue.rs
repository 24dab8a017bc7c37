//! What no delivery brings: results of batches whose confirmation was never marked, refunds whose purchase never came, and what is
//! due for members without events. One worker of the fleet does it, the holder of a lease in the ledger.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use broker::Connection;
use contract::pipeline::Names;
use contract::{BuryReason, Refusal};
use engine::EngineError;
use host::{Shutdown, chain};
use jiff::Timestamp;
use ledger::UnderWay;

use crate::amqp::{Addresses, Grave, LinkError, Outlet};
use crate::hold::Told;
use crate::run::Worker;
use crate::timers::{Timers, Tools};

/// How often the lease is asked for.
const ROUND: Duration = Duration::from_secs(5);

/// Three rounds: a holder that misses two of them has lost it.
const LEASE: Duration = Duration::from_secs(15);

/// A batch is left alone for so long: its own worker is most likely waiting for its confirms.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// Batches, or parked events, of one round.
const ROUND_LEN_MAX: usize = 100;

/// Why a round ended early.
pub(crate) enum Trouble {
    Link(LinkError),
    Ledger(EngineError),
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Ledger(error)
    }
}

impl From<ledger::LedgerError> for Trouble {
    fn from(error: ledger::LedgerError) -> Self {
        Self::Ledger(error.into())
    }
}

/// Rounds until the session ends. Its own trouble is told and tried again; whether the session is lost is the lanes' matter.
pub(crate) async fn run(worker: Arc<Worker>, connection: Arc<Connection>, session: Shutdown) -> Result<(), LinkError> {
    let told = Told::default();
    let mut rounds =
        Rounds { worker: &worker, connection: &connection, session: &session, outlet: None, timers: Timers::default() };
    loop {
        let done = tokio::select! {
            done = rounds.next() => done,
            // Whatever it published without its mark is published again under the same ids.
            () = overdue(&session) => break,
        };
        let mut pause = ROUND;
        match done {
            Ok(is_more) => {
                told.is_over();
                worker.holder.resumed();
                if is_more {
                    pause = Duration::ZERO;
                }
            }
            Err(Trouble::Link(error)) => {
                let why = chain(&error);
                if told.is_new(&why) {
                    tracing::warn!(error = why, "could not publish what was left behind or is due");
                }
                rounds.outlet = None;
            }
            Err(Trouble::Ledger(error)) => worker.holder.held(&error),
        }
        tokio::select! {
            () = session.asked() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    rounds.timers.lost(&worker);
    Ok(())
}

/// A round takes milliseconds, or a turn of the timers; one that waits for a lock in the database must not keep a worker that was
/// asked to stop.
async fn overdue(session: &Shutdown) {
    session.asked().await;
    tokio::time::sleep(ROUND).await;
}

/// What the rounds of a session share.
struct Rounds<'a> {
    worker: &'a Worker,
    connection: &'a Connection,
    session: &'a Shutdown,
    outlet: Option<Outlet>,
    timers: Timers,
}

impl Rounds<'_> {
    /// Whether there is more to do at once.
    async fn next(&mut self) -> Result<bool, Trouble> {
        let worker = self.worker;
        if !worker.ledger.acquire_lease(&worker.config.pipeline, &worker.consumer_tag, LEASE).await? {
            self.timers.lost(worker);
            return Ok(false);
        }
        let outlet = match &mut self.outlet {
            Some(outlet) => outlet,
            missing => missing.insert(open(worker, self.connection).await?),
        };
        publish_left(worker, outlet).await?;
        carry_left(worker, outlet).await?;
        give_up_parked(worker, outlet).await?;
        let tools = Tools { worker, connection: self.connection, outlet, session: self.session };
        self.timers.turn(&tools).await
    }
}

async fn open(worker: &Worker, connection: &Connection) -> Result<Outlet, LinkError> {
    let pipeline = &worker.config.pipeline;
    let results = worker.config.results.exchange_name(pipeline);
    Outlet::open(connection, &Addresses { pipeline, results: &results, dead: &Names(pipeline).dead() }).await
}

async fn publish_left(worker: &Worker, outlet: &Outlet) -> Result<(), Trouble> {
    let mut results = 0;
    for unpublished in worker.ledger.unpublished(&worker.config.pipeline, LEFT_ALONE, ROUND_LEN_MAX).await? {
        outlet.publish(&unpublished.results).await?;
        worker.ledger.mark_published(&[unpublished.batch]).await?;
        results += unpublished.results.len();
    }
    if results > 0 {
        tracing::info!(results, "published what workers left behind");
    }
    Ok(())
}

/// Points that were sent by a worker that died before they arrived. One that cannot arrive is told every round, and keeps no other.
async fn carry_left(worker: &Worker, outlet: &Outlet) -> Result<(), Trouble> {
    let (mut except, mut transfers) = (HashSet::new(), 0);
    while except.len() < ROUND_LEN_MAX && transfers < ROUND_LEN_MAX {
        match worker.engine.carry(UnderWay::For(LEFT_ALONE), ROUND_LEN_MAX, &except).await {
            Ok(None) => break,
            Ok(Some(carried)) => {
                transfers += carried.transfers;
                if !carried.results.is_empty() {
                    outlet.publish(&carried.results).await?;
                    worker.ledger.mark_published(&[carried.batch]).await?;
                }
            }
            Err(EngineError::Transit { transfer, detail }) => {
                let why = EngineError::Transit { transfer: transfer.clone(), detail };
                tracing::warn!(error = chain(&why), "left in transit");
                except.insert(transfer);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if transfers > 0 {
        tracing::info!(transfers, "carried transfers that workers left behind");
    }
    Ok(())
}

async fn give_up_parked(worker: &Worker, outlet: &Outlet) -> Result<(), Trouble> {
    let now = Timestamp::now();
    let Some(before) = worker.limits.given_up_before(now) else { return Ok(()) };
    let pipeline = &worker.config.pipeline;
    let waited = worker.ledger.parked_before(pipeline, before, ROUND_LEN_MAX).await?;
    for event in waited {
        let detail = "the purchase of this event's order did not come within `events.maxLateness`";
        let refusal = Refusal::new(BuryReason::PurchaseNeverCame, detail);
        let body = serde_json::to_vec(&event).unwrap_or_default();
        // The copy first: a crash between the two leaves a double in the dead letters, never a gap.
        outlet.bury(&Grave::of_parked(&body, &refusal, now)).await?;
        worker.ledger.give_up_parked(pipeline, &[ledger::Identity::of(&event)]).await?;
        worker.metrics().buried.with_label_values(&[refusal.reason.as_str()]).inc();
    }
    Ok(())
}

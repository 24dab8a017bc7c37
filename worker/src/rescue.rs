//! What nobody's redelivery brings back: results of batches whose confirmation was never marked, and refunds whose purchase
//! never came. One worker of the fleet does it, the holder of a lease in the ledger.

use std::sync::Arc;
use std::time::Duration;

use broker::Connection;
use contract::pipeline::Names;
use contract::{BuryReason, Refusal};
use engine::EngineError;
use host::{Shutdown, chain};
use jiff::Timestamp;

use crate::amqp::{Addresses, Grave, LinkError, Outlet};
use crate::run::Worker;

/// How often the lease is asked for.
const ROUND: Duration = Duration::from_secs(5);

/// Three rounds: a holder that misses two of them has lost it.
const LEASE: Duration = Duration::from_secs(15);

/// A batch is left alone for so long: its own worker is most likely waiting for its confirms.
const LEFT_ALONE: Duration = Duration::from_secs(10);

/// Batches, or parked refunds, of one round.
const ROUND_LEN_MAX: usize = 100;

/// Why a round ended early.
enum Trouble {
    Link(LinkError),
    Ledger(EngineError),
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<ledger::LedgerError> for Trouble {
    fn from(error: ledger::LedgerError) -> Self {
        Self::Ledger(error.into())
    }
}

/// Rounds until the session ends. Its own trouble is told and tried again; whether the session is lost is the lanes' matter.
pub(crate) async fn run(worker: Arc<Worker>, connection: Arc<Connection>, session: Shutdown) -> Result<(), LinkError> {
    let mut outlet = None;
    loop {
        let done = tokio::select! {
            done = round(&worker, &connection, &mut outlet) => done,
            // Whatever it published without its mark is published again under the same ids.
            () = overdue(&session) => return Ok(()),
        };
        match done {
            Ok(()) => worker.holder.resumed(),
            Err(Trouble::Link(error)) => {
                tracing::warn!(error = chain(&error), "could not publish what was left behind");
                outlet = None;
            }
            Err(Trouble::Ledger(error)) => worker.holder.held(&error),
        }
        tokio::select! {
            () = session.asked() => return Ok(()),
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

/// A round takes milliseconds; one that waits for a lock in the database must not keep a worker that was asked to stop.
async fn overdue(session: &Shutdown) {
    session.asked().await;
    tokio::time::sleep(ROUND).await;
}

async fn open(worker: &Worker, connection: &Connection) -> Result<Outlet, LinkError> {
    let pipeline = &worker.config.pipeline;
    let results = worker.config.results.exchange_name(pipeline);
    Outlet::open(connection, &Addresses { pipeline, results: &results, dead: &Names(pipeline).dead() }).await
}

async fn round(worker: &Worker, connection: &Connection, outlet: &mut Option<Outlet>) -> Result<(), Trouble> {
    let pipeline = &worker.config.pipeline;
    if !worker.ledger.acquire_lease(pipeline, &worker.consumer_tag, LEASE).await? {
        return Ok(());
    }
    let outlet = match outlet {
        Some(outlet) => outlet,
        None => outlet.insert(open(worker, connection).await?),
    };
    let mut results = 0;
    for unpublished in worker.ledger.unpublished(pipeline, LEFT_ALONE, ROUND_LEN_MAX).await? {
        outlet.publish(&unpublished.results).await?;
        worker.ledger.mark_published(&[unpublished.batch]).await?;
        results += unpublished.results.len();
    }
    if results > 0 {
        tracing::info!(results, "published what workers left behind");
    }
    give_up_parked(worker, outlet).await
}

async fn give_up_parked(worker: &Worker, outlet: &Outlet) -> Result<(), Trouble> {
    let now = Timestamp::now();
    let Some(before) = worker.limits.given_up_before(now) else { return Ok(()) };
    let pipeline = &worker.config.pipeline;
    let waited = worker.ledger.parked_before(pipeline, before, ROUND_LEN_MAX).await?;
    for event in waited {
        let detail = "the purchase of this refund's order did not come within `events.maxLateness`";
        let refusal = Refusal::new(BuryReason::PurchaseNeverCame, detail);
        let body = serde_json::to_vec(&event).unwrap_or_default();
        // The copy first: a crash between the two leaves a double in the dead letters, never a gap.
        outlet.bury(&Grave::of_parked(&body, &refusal, now)).await?;
        worker.ledger.give_up_parked(pipeline, &[ledger::Identity::of(&event)]).await?;
        worker.metrics().buried.with_label_values(&[refusal.reason.as_str()]).inc();
    }
    Ok(())
}

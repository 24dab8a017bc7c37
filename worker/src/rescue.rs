//! What nobody's redelivery brings back: results of batches whose confirmation was never marked, and refunds whose purchase
//! never came. One worker of the fleet does it, the holder of a lease in the ledger.

use std::sync::Arc;
use std::time::Duration;

use broker::Connection;
use contract::pipeline::Names;
use contract::{BuryReason, Refusal};
use engine::EngineError;
use jiff::Timestamp;

use crate::amqp::{Addresses, Grave, LinkError, Outlet};
use crate::hold::chain;
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

/// Rounds until asked to stop or until the broker is lost.
pub(crate) async fn run(worker: Arc<Worker>, connection: Arc<Connection>) -> Result<(), LinkError> {
    let pipeline = &worker.config.pipeline;
    let results = worker.config.results.exchange_name(pipeline);
    let addresses = Addresses { pipeline, results: &results, dead: &Names(pipeline).dead() };
    let outlet = Outlet::open(&connection, &addresses).await?;
    loop {
        match round(&worker, &outlet).await {
            Ok(()) => {}
            Err(Trouble::Link(error)) => return Err(error),
            // The lanes hold and tell; here the next round is soon enough.
            Err(Trouble::Ledger(error)) => tracing::debug!(error = chain(&error), "no rescue this round"),
        }
        tokio::select! {
            () = worker.holder.shutdown.asked() => return Ok(()),
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

async fn round(worker: &Worker, outlet: &Outlet) -> Result<(), Trouble> {
    let pipeline = &worker.config.pipeline;
    if !worker.ledger.acquire_lease(pipeline, &worker.consumer_tag, LEASE).await? {
        return Ok(());
    }
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

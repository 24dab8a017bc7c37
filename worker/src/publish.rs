//! Walk (b) from the commit on: results and burials confirmed, then the acknowledgement.

use std::sync::Arc;
use std::time::Instant;

use contract::PipelineName;
use jiff::Timestamp;
use ledger::{Identity, Ledger};
use tokio::sync::mpsc;

use crate::amqp::{Acks, Grave, LinkError, Outlet};
use crate::handle::Unit;
use crate::marks::Marks;
use crate::metrics::Metrics;

/// What publishing a lane's units needs.
pub(crate) struct Press {
    pub(crate) outlet: Outlet,
    pub(crate) acks: Acks,
    pub(crate) marks: Marks,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) pipeline: PipelineName,
    pub(crate) metrics: Metrics,
    pub(crate) queue: String,
    pub(crate) lane: &'static str,
}

impl Press {
    /// Publishes and acknowledges units in their order until the sender is gone. After an error the broker gives back
    /// what is not acknowledged, and the ledger answers it as replayed.
    pub(crate) async fn run(self, mut units: mpsc::Receiver<Unit>) -> Result<(), LinkError> {
        while let Some(unit) = units.recv().await {
            self.settle(unit).await?;
        }
        Ok(())
    }

    async fn settle(&self, unit: Unit) -> Result<(), LinkError> {
        let started = Instant::now();
        self.outlet.publish(&unit.results).await?;
        self.bury(&unit).await?;
        self.metrics.confirm_seconds.observe(started.elapsed().as_secs_f64());
        self.acks.up_to(unit.last_tag).await?;
        for batch in &unit.batches {
            self.marks.published(*batch);
        }
        self.count(&unit);
        Ok(())
    }

    async fn bury(&self, unit: &Unit) -> Result<(), LinkError> {
        let now = Timestamp::now();
        for (message, refusal) in &unit.burials {
            self.outlet.bury(&Grave::of(message, refusal, &self.queue, now)).await?;
        }
        if let Some((_, refusal)) = unit.burials.first() {
            let (messages, first) = (unit.burials.len(), refusal.reason.as_str());
            tracing::info!(messages, first, queue = self.queue, "buried messages");
        }
        for (event, refusal) in &unit.given_up {
            let body = serde_json::to_vec(event).unwrap_or_default();
            self.outlet.bury(&Grave::of_parked(&body, refusal, now)).await?;
            // The copy first: a crash between the two leaves a refund that still waits, never one that is gone.
            if let Err(error) = self.ledger.give_up_parked(&self.pipeline, &[Identity::of(event)]).await {
                tracing::warn!(error = host::chain(&error), "a buried refund still waits in the ledger");
            }
        }
        Ok(())
    }

    fn count(&self, unit: &Unit) {
        for result in &unit.results {
            self.metrics.results.with_label_values(&[result.body.type_name()]).inc();
        }
        for refusal in unit.burials.iter().map(|(_, refusal)| refusal).chain(unit.given_up.iter().map(|(_, r)| r)) {
            self.metrics.buried.with_label_values(&[refusal.reason.as_str()]).inc();
        }
        let messages = i64::try_from(unit.messages).unwrap_or(i64::MAX);
        self.metrics.in_flight.with_label_values(&[self.lane]).sub(messages);
    }
}

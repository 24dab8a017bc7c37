//! From a batch of messages to units of work that are committed and wait to be published: walk (b), up to the commit.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::Refusal;
use contract::event::Event;
use contract::intake::{Delivery, Intake};
use contract::result::ResultEvent;
use engine::{Carried, Engine, EngineError, Settled};
use jiff::Timestamp;
use ledger::{AttemptKey, BatchId, Ledger, UnderWay};

use crate::amqp::Arrived;
use crate::hold::Holder;
use crate::metrics::Metrics;
use crate::{attempts, fault};

/// Longest wait for taking a noted attempt back; a worker that was asked to stop has little time left.
const TAKE_BACK_MAX: Duration = Duration::from_secs(3);

/// Transfers that arrive in one transaction.
const CARRIED_MAX: usize = 500;

/// A run of messages that are decided: results and burials are to be confirmed, then all of them acknowledged.
#[derive(Default)]
pub(crate) struct Unit {
    /// Tag of the last message; everything up to it is in this unit or an earlier one.
    pub(crate) last_tag: u64,
    pub(crate) messages: usize,
    pub(crate) results: Vec<ResultEvent>,
    pub(crate) burials: Vec<(Arrived, Refusal)>,
    /// Refunds that had waited for a purchase of this unit and do not fit it.
    pub(crate) given_up: Vec<(Event, Refusal)>,
    /// To be marked once its results are confirmed; several when the ledger refused a batch and it was halved.
    pub(crate) batches: Vec<BatchId>,
}

/// What the lane's desk works with.
pub(crate) struct Desk<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) ledger: &'a dyn Ledger,
    pub(crate) intake: &'a Intake,
    pub(crate) attempts: u32,
    pub(crate) holder: &'a Holder,
    pub(crate) metrics: &'a Metrics,
}

impl Desk<'_> {
    /// Decides a batch, in its order; suspects alone. `None` when asked to stop while the ledger was away: what was not
    /// decided goes back to the queue.
    pub(crate) async fn handle(&self, batch: Vec<Arrived>) -> Option<Vec<Unit>> {
        self.metrics.batch_messages.observe(as_f64(batch.len()));
        let suspects = if batch.iter().any(|message| message.redelivered) {
            self.holder.ledger(async || attempts::suspects(self.ledger, &batch).await).await?
        } else {
            HashSet::new()
        };
        let mut units = Vec::new();
        for run in runs(batch, &suspects) {
            let unit = match run {
                Run::Together(messages) => self.together(messages).await?,
                Run::Alone(message) => self.alone(*message).await?,
            };
            units.push(unit);
        }
        Some(units)
    }

    /// Notes the attempt, then decides. A try that ends without a death is taken back: only deaths convict.
    async fn alone(&self, message: Arrived) -> Option<Unit> {
        let key = attempts::key(&message);
        let again = AtomicBool::new(false);
        let note = async || {
            // An answer that was lost must not count twice.
            if again.swap(true, Ordering::Relaxed) {
                self.ledger.clear_attempts(&[key]).await?;
            }
            attempts::attempt(self.ledger, &message, self.attempts).await
        };
        let decided = match self.holder.ledger(note).await {
            // Asked to leave before the ledger's answer came: the note may stand all the same.
            None => None,
            Some(Ok(())) => self.together(vec![message]).await,
            Some(Err(refusal)) => {
                let unit = Unit { last_tag: message.tag, messages: 1, ..Unit::default() };
                Some(Unit { burials: vec![(message, refusal)], ..unit })
            }
        };
        if decided.as_ref().is_none_or(|unit| unit.batches.is_empty()) {
            self.take_back(key).await;
        }
        decided
    }

    async fn take_back(&self, attempt: AttemptKey) {
        match tokio::time::timeout(TAKE_BACK_MAX, self.ledger.clear_attempts(&[attempt])).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = host::chain(&error), "an attempt stays noted"),
            Err(_) => tracing::warn!("an attempt stays noted: the ledger did not answer in time"),
        }
    }

    async fn together(&self, messages: Vec<Arrived>) -> Option<Unit> {
        let mut unit = Unit { messages: messages.len(), ..Unit::default() };
        let mut events = Vec::with_capacity(messages.len());
        let mut carriers = Vec::with_capacity(messages.len());
        // They end with the decision, not with the acknowledgement: a worker that is killed between the two is no fault
        // of a message whose decision stands.
        let mut attempts = Vec::new();
        for message in messages {
            unit.last_tag = message.tag;
            if message.redelivered {
                attempts.push(attempts::key(&message));
            }
            match self.decode(&message) {
                Ok(event) => {
                    events.push(event);
                    carriers.push(message);
                }
                Err(refusal) => unit.burials.push((message, refusal)),
            }
        }
        if events.is_empty() && attempts.is_empty() {
            return Some(unit);
        }
        fault::maybe_abort(&events);
        let mut runs: Vec<&[Event]> = ledger::runs(&events).collect();
        // Of all attempts only those of the last run are ended by it: before that, not all is decided.
        let last = runs.pop().unwrap_or_default();
        let mut carriers = carriers.into_iter();
        for (run, attempts) in runs.into_iter().map(|run| (run, &[][..])).chain([(last, &attempts[..])]) {
            let (results, batches) = (unit.results.len(), unit.batches.len());
            let settled = self.holder.ledger(async || self.apply(run, attempts).await).await?;
            for (settled, message) in settled.into_iter().zip(carriers.by_ref()) {
                self.take(&mut unit, message, settled);
            }
            // Before a merge that comes next: what its member sent would keep it from them.
            if engine::sends(&unit.results[results..]) {
                self.carry(&mut unit, batches).await?;
            }
        }
        Some(unit)
    }

    /// What the unit sent arrives, or comes back, but for its first batches. What cannot is left to the holder of the lease, who tells it;
    /// so is all of it where a worker dies before this.
    async fn carry(&self, unit: &mut Unit, first: usize) -> Option<()> {
        for batch in unit.batches.clone().into_iter().skip(first) {
            loop {
                let which = UnderWay::Of(batch);
                let carried =
                    self.holder.ledger(async || match self.engine.carry(which, CARRIED_MAX, &HashSet::new()).await {
                        Err(EngineError::Transit { .. }) => Ok(None),
                        carried => carried,
                    });
                let Some(Carried { results, batch, .. }) = carried.await? else { break };
                if !results.is_empty() {
                    unit.results.extend(results);
                    unit.batches.push(batch);
                }
            }
        }
        Some(())
    }

    async fn apply(&self, events: &[Event], attempts: &[AttemptKey]) -> Result<Vec<Settled>, EngineError> {
        let started = Instant::now();
        let settled = self.engine.apply(events, attempts, Timestamp::now()).await?;
        self.metrics.ledger_seconds.observe(started.elapsed().as_secs_f64());
        Ok(settled)
    }

    fn decode(&self, message: &Arrived) -> Result<Event, Refusal> {
        self.intake.decode(&Delivery {
            exchange: &message.exchange,
            routing_key: &message.routing_key,
            content_type: message.content_type(),
            headers: &message.headers,
            body: &message.body,
        })
    }

    fn take(&self, unit: &mut Unit, message: Arrived, settled: Settled) {
        let count = |outcome: &str| self.metrics.settled.with_label_values(&[outcome]).inc();
        match settled {
            Settled::Fresh { outcome, results, batch, given_up } => {
                count(&outcome.as_str().to_ascii_lowercase());
                self.count_points(&results);
                unit.results.extend(results);
                unit.given_up.extend(given_up);
                if unit.batches.last() != Some(&batch) {
                    unit.batches.push(batch);
                }
            }
            Settled::Replayed { results, given_up } => {
                count("replayed");
                unit.results.extend(results);
                unit.given_up.extend(given_up);
            }
            Settled::Buried(refusal) => unit.burials.push((message, refusal)),
        }
    }

    fn count_points(&self, results: &[ResultEvent]) {
        for result in results {
            if let contract::result::ResultBody::Earned { wallet, points, .. } = &result.body {
                // For people; sums that must be right are made in the ledger.
                let points: f64 = points.parse().unwrap_or_default();
                self.metrics.points_earned.with_label_values(&[wallet.as_str()]).inc_by(points);
            }
        }
    }
}

enum Run {
    Together(Vec<Arrived>),
    Alone(Box<Arrived>),
}

/// Cuts a batch at its suspects, keeping the order.
fn runs(batch: Vec<Arrived>, suspects: &HashSet<u64>) -> Vec<Run> {
    let mut runs = Vec::new();
    for message in batch {
        if suspects.contains(&message.tag) {
            runs.push(Run::Alone(Box::new(message)));
        } else if let Some(Run::Together(together)) = runs.last_mut() {
            together.push(message);
        } else {
            runs.push(Run::Together(vec![message]));
        }
    }
    runs
}

#[expect(clippy::cast_precision_loss, reason = "a batch has at most some hundred messages")]
fn as_f64(len: usize) -> f64 {
    len as f64
}

//! From a batch of messages to units of work that are committed and wait to be published: walk (b), up to the commit.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use contract::Refusal;
use contract::event::Event;
use contract::intake::{Delivery, Intake};
use contract::result::ResultEvent;
use engine::{Batch, Carried, Engine, EngineError, Line, Settled};
use jiff::Timestamp;
use ledger::{AttemptKey, BatchId, Ledger, UnderWay};

use crate::amqp::Arrived;
use crate::hold::{Backoff, Holder};
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

/// A batch of messages.
pub(crate) enum Pack {
    /// Never delivered before.
    First(Read),
    /// Some were: who is suspect is decided alone.
    Again(Vec<Arrived>),
}

/// Messages that are decided together, as far as they can be read.
pub(crate) struct Read {
    /// What is known of it by now.
    unit: Unit,
    /// Those that are events, in their order.
    carriers: Vec<Arrived>,
    /// Their events; several batches where members are merged.
    batches: Vec<Arc<Batch>>,
}

impl Pack {
    /// Messages.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::First(read) => read.unit.messages,
            Self::Again(messages) => messages.len(),
        }
    }

    /// What may be begun before it is its turn.
    pub(crate) fn ahead(&self) -> Option<Arc<Batch>> {
        match self {
            Self::First(Read { batches, .. }) => <&[_; 1]>::try_from(&batches[..]).ok().map(|[only]| only.clone()),
            Self::Again(_) => None,
        }
    }
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

impl<'a> Desk<'a> {
    /// Reads what came.
    pub(crate) fn pack(&self, messages: Vec<Arrived>) -> Pack {
        self.metrics.batch_messages.observe(as_f64(messages.len()));
        if messages.iter().any(|message| message.redelivered) {
            return Pack::Again(messages);
        }
        Pack::First(self.read(messages))
    }

    /// Decides messages of which some were delivered before, in their order; suspects alone. `None` when asked to stop while the ledger was away: what
    /// was not decided goes back to the queue.
    pub(crate) async fn again(&self, line: &mut Line<'a>, messages: Vec<Arrived>) -> Option<Vec<Unit>> {
        let suspects = self.holder.ledger(async || attempts::suspects(self.ledger, &messages).await).await?;
        let mut units = Vec::new();
        for run in runs(messages, &suspects) {
            let unit = match run {
                Run::Together(messages) => self.together(line, self.read(messages), || None).await?,
                Run::Alone(message) => self.alone(line, *message).await?,
            };
            units.push(unit);
        }
        Some(units)
    }

    /// Notes the attempt, then decides. A try that ends without a death is taken back: only deaths convict.
    async fn alone(&self, line: &mut Line<'a>, message: Arrived) -> Option<Unit> {
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
            Some(Ok(())) => self.together(line, self.read(vec![message]), || None).await,
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

    fn read(&self, messages: Vec<Arrived>) -> Read {
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
        fault::maybe_abort(&events);
        let batches = batches(events, attempts);
        Read { unit, carriers, batches }
    }

    /// Decides a batch in its order; `next` is the one behind it, if it is there already. `None` as for [`Desk::again`].
    pub(crate) async fn together(
        &self,
        line: &mut Line<'a>,
        Read { mut unit, carriers, batches }: Read,
        mut next: impl FnMut() -> Option<Arc<Batch>>,
    ) -> Option<Unit> {
        let mut carriers = carriers.into_iter();
        let last = batches.len().saturating_sub(1);
        for (n, batch) in batches.iter().enumerate() {
            let first = unit.batches.len();
            let behind = || if n == last { next() } else { None };
            let settled = self.apply(line, batch, behind).await?;
            // Not of answers: what was sent long ago has arrived, or the holder of the lease sees to it (a merge that comes sooner is turned
            // down), and a batch may be begun behind them.
            let is_sent = settled.iter().any(|s| matches!(s, Settled::Fresh { results, .. } if engine::sends(results)));
            for (settled, message) in settled.into_iter().zip(carriers.by_ref()) {
                self.take(&mut unit, message, settled);
            }
            // Before a merge that comes next: what its member sent would keep it from them.
            if is_sent {
                self.carry(&mut unit, first).await?;
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

    async fn apply(
        &self,
        line: &mut Line<'a>,
        batch: &Arc<Batch>,
        mut next: impl FnMut() -> Option<Arc<Batch>>,
    ) -> Option<Vec<Settled>> {
        let mut backoff = Backoff::default();
        loop {
            let started = Instant::now();
            let applied = line.apply(batch, &mut next, Timestamp::now());
            if let ControlFlow::Break(settled) = self.holder.once(applied, &mut backoff).await {
                if settled.is_some() {
                    self.metrics.ledger_seconds.observe(started.elapsed().as_secs_f64());
                }
                return settled;
            }
        }
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

/// Of all attempts only those of the last batch are ended by it: before that, not all is decided.
fn batches(mut events: Vec<Event>, attempts: Vec<AttemptKey>) -> Vec<Arc<Batch>> {
    let lens: Vec<usize> = ledger::runs(&events).map(<[Event]>::len).collect();
    let Some((_, before)) = lens.split_last() else {
        let is_nothing = attempts.is_empty();
        return if is_nothing { Vec::new() } else { vec![Arc::new(Batch::new(Vec::new(), attempts))] };
    };
    let mut batches = Vec::with_capacity(lens.len());
    for len in before {
        let rest = events.split_off(*len);
        batches.push(Arc::new(Batch::new(std::mem::replace(&mut events, rest), Vec::new())));
    }
    batches.push(Arc::new(Batch::new(events, attempts)));
    batches
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

//! One batch: which events are fresh, what the rules say of them, what the balances allow, all kept in one transaction.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use contract::event::Event;
use contract::intake::TimeLimits;
use contract::result::ResultEvent;
use contract::{BuryReason, PipelineName, Refusal};
use jiff::Timestamp;
use ledger::book::Outcome;
use ledger::{AttemptKey, BatchId, Ledger};

use crate::desk::{Desk, Item};
use crate::turn::{Decided, Kept, Turn};
use crate::{EngineError, Rulebook};

/// What became of one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// Decided and kept now; its results have not been published yet.
    Fresh {
        /// Applied, rejected or parked.
        outcome: Outcome,
        /// Its results, and those of what had waited for it.
        results: Vec<ResultEvent>,
        /// What had waited for it and does not fit it: to be buried, and only then given up in the ledger.
        given_up: Vec<(Event, Refusal)>,
        /// Whose published mark is to be set once the results are confirmed.
        batch: BatchId,
    },
    /// Kept before: the stored results, to be published again under the same ids.
    Replayed {
        /// As they were stored.
        results: Vec<ResultEvent>,
        /// What does not fit it and was not buried the first time.
        given_up: Vec<(Event, Refusal)>,
    },
    /// At fault itself: to be buried.
    Buried(Refusal),
}

/// Decides batches of one pipeline on one ledger.
pub struct Engine {
    pub(crate) pipeline: PipelineName,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) limits: TimeLimits,
    rulebook: RwLock<Arc<Rulebook>>,
    /// Whether the last batch was known whole: after a crash, or a bulk that was published twice, the next one is most likely too.
    repeats: AtomicBool,
}

impl Engine {
    /// Loads the rules. Fails with [`EngineError::NoRules`] while nobody has applied any.
    pub async fn open(
        pipeline: PipelineName,
        ledger: Arc<dyn Ledger>,
        limits: TimeLimits,
    ) -> Result<Self, EngineError> {
        let rulebook = Rulebook::load(ledger.as_ref(), &pipeline, None).await?;
        Ok(Self {
            pipeline,
            ledger,
            limits,
            rulebook: RwLock::new(Arc::new(rulebook)),
            repeats: AtomicBool::new(false),
        })
    }

    /// The rules as last seen.
    #[must_use]
    pub fn rulebook(&self) -> Arc<Rulebook> {
        self.rulebook.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Applies events in their order, everything or nothing (before and after a merge apart, which is a batch of its own); answers stand in
    /// the same order. Who has a batch behind it gives both to a [`crate::Line`].
    ///
    /// What the database refuses for its content is found by halving and buried. A cancelled call leaves either nothing
    /// or committed batches whose events answer [`Settled::Replayed`] next time.
    /// `attempts` that were noted for these events end with them.
    pub async fn apply(
        &self,
        events: &[Event],
        attempts: &[AttemptKey],
        now: Timestamp,
    ) -> Result<Vec<Settled>, EngineError> {
        let mut runs: Vec<&[Event]> = ledger::runs(events).collect();
        let last = runs.pop().unwrap_or_default();
        let mut settled = Vec::with_capacity(events.len());
        for run in runs {
            settled.extend(self.apply_run((run, &[]), now).await?);
        }
        settled.extend(self.apply_run((last, attempts), now).await?);
        Ok(settled)
    }

    async fn apply_run(
        &self,
        (events, attempts): (&[Event], &[AttemptKey]),
        now: Timestamp,
    ) -> Result<Vec<Settled>, EngineError> {
        match self.at_once(events, attempts, now).await? {
            Ok(settled) => Ok(settled),
            Err(detail) => self.apart((events, attempts), detail, now).await,
        }
    }

    /// What the database refused as one batch; one that is halved has one run.
    pub(crate) async fn apart(
        &self,
        (events, attempts): (&[Event], &[AttemptKey]),
        detail: String,
        now: Timestamp,
    ) -> Result<Vec<Settled>, EngineError> {
        let settled = self.halves(events, detail, now).await?;
        self.ledger.clear_attempts(attempts).await?;
        Ok(settled)
    }

    /// The batch was refused: each half on its own, down to the culprit.
    fn halves<'a>(&'a self, events: &'a [Event], detail: String, now: Timestamp) -> Boxed<'a> {
        Box::pin(async move {
            if events.len() <= 1 {
                let refusal = Refusal::new(BuryReason::LedgerRefused, format!("the ledger refused it: {detail}"));
                return Ok(vec![Settled::Buried(refusal); events.len()]);
            }
            let (first, second) = events.split_at(events.len() / 2);
            let mut settled = Vec::with_capacity(events.len());
            for half in [first, second] {
                match self.at_once(half, &[], now).await? {
                    Ok(answers) => settled.extend(answers),
                    Err(detail) => settled.extend(self.halves(half, detail, now).await?),
                }
            }
            Ok(settled)
        })
    }

    /// What [`Engine::apply`] would answer if it were called now, with nothing kept: the members are locked, the events decided in
    /// their order, and everything is rolled back. What the database alone would refuse is not seen. A cancelled call leaves nothing.
    pub async fn preview(&self, events: &[Event], now: Timestamp) -> Result<Vec<Settled>, EngineError> {
        let items: Vec<Item<'_>> = events.iter().map(Item::of).collect();
        let Decided { open, verdicts, .. } = self.decide(&items, now).await?;
        drop(open);
        Ok(verdicts.into_iter().map(|verdict| verdict.settled(BatchId(0))).collect())
    }

    /// One transaction; `Err` inside is the database's reason for refusing it.
    async fn at_once(
        &self,
        events: &[Event],
        attempts: &[AttemptKey],
        now: Timestamp,
    ) -> Result<Result<Vec<Settled>, String>, EngineError> {
        let items: Vec<Item<'_>> = events.iter().map(Item::of).collect();
        loop {
            match self.begin(&items, attempts, now).await?.keep(attempts).await? {
                Kept::Done(settled) => return Ok(Ok(settled)),
                Kept::Refused(detail) => return Ok(Err(detail)),
                Kept::Raced => {}
            }
        }
    }

    /// Up to the commit. A cancelled call, and a [`Turn`] that is dropped, leave nothing but, perhaps, attempts that were forgotten.
    pub(crate) async fn begin(
        &self,
        items: &[Item<'_>],
        attempts: &[AttemptKey],
        now: Timestamp,
    ) -> Result<Turn, EngineError> {
        if self.repeats()
            && let Some(settled) = self.recall(items, attempts, now).await?
        {
            return Ok(Turn::Known(settled));
        }
        Ok(self.decided(self.decide(items, now).await?))
    }

    pub(crate) fn decided(&self, decided: Decided) -> Turn {
        self.repeats.store(decided.is_old(), Ordering::Relaxed);
        Turn::Decided(decided)
    }

    pub(crate) fn repeats(&self) -> bool {
        self.repeats.load(Ordering::Relaxed)
    }

    pub(crate) fn desk<'a>(&'a self, rulebook: &'a Rulebook, now: Timestamp) -> Desk<'a> {
        Desk { pipeline: &self.pipeline, limits: self.limits, rulebook, now, forgotten_before: None }
    }

    /// Decides events under their members' locks, by the rules that hold now; nothing is kept before the commit.
    async fn decide(&self, items: &[Item<'_>], now: Timestamp) -> Result<Decided, EngineError> {
        loop {
            let rulebook = self.rulebook();
            let mut desk = self.desk(&rulebook, now);
            let (open, begun) = self.ledger.begin(&desk.request(items)).await?;
            if let Some((verdicts, applied)) = desk.decide_by(items, begun) {
                return Ok(Decided { open, verdicts, applied });
            }
            // Somebody applied newer rules: let go of the locks, learn them, begin again.
            drop(open);
            self.learn(&rulebook).await?;
        }
    }

    pub(crate) async fn learn(&self, known: &Rulebook) -> Result<(), EngineError> {
        let newer = Rulebook::load(self.ledger.as_ref(), &self.pipeline, Some(known)).await?;
        *self.rulebook.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(newer);
        Ok(())
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<Vec<Settled>, EngineError>> + Send + 'a>>;

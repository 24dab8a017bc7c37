//! Batches that stand in a line: while one is committed, the next one is begun and decided. It is committed only after the one before it was;
//! where that came to nothing, what was begun behind it is let go of and begun anew.
//!
//! Two at a time: a third one would wait for the second's locks and hold a connection meanwhile.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use contract::event::{ContentHash, Event, Kind};
use futures::future::{Either, MaybeDone, maybe_done, select};
use jiff::Timestamp;
use ledger::AttemptKey;

use crate::desk::Item;
use crate::part::Ahead;
use crate::turn::{Kept, Turn};
use crate::{Engine, EngineError, Settled};

/// How long a batch may be begun beside one that is being committed, which takes milliseconds, or seconds where the machine is overloaded: then
/// it would be work thrown away. The database does not see that the one waits for the other: if somebody else stands between them (a table that
/// is altered waits for the one and keeps the other waiting), this ends it. Our own migrations give up before.
const BESIDE_MAX: Duration = Duration::from_secs(15);

/// Events that are decided together, with their hashes.
#[derive(Debug)]
pub struct Batch {
    events: Vec<Event>,
    hashes: Vec<ContentHash>,
    attempts: Vec<AttemptKey>,
}

impl Batch {
    /// In their order; `attempts` that were noted for them end with them.
    #[must_use]
    pub fn new(events: Vec<Event>, attempts: Vec<AttemptKey>) -> Self {
        let hashes = events.iter().map(Event::content_hash).collect();
        Self { events, hashes, attempts }
    }

    /// In their order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub(crate) fn items(&self) -> Vec<Item<'_>> {
        self.events.iter().zip(&self.hashes).map(|(event, hash)| Item { event, hash: *hash }).collect()
    }

    /// Whether each event touches its own member and nobody else. A merge is a batch of its own, and who is looked up without a lock must not be
    /// merged or erased meanwhile.
    fn is_plain(&self) -> bool {
        !self.events.is_empty()
            && !self.events.iter().any(|event| matches!(event.kind, Kind::Merge(_) | Kind::Erase(_)))
    }

    /// Attempts are forgotten where a batch is known whole: not before it is its turn.
    fn may_be_ahead(&self) -> bool {
        self.is_plain() && self.attempts.is_empty()
    }
}

/// The batches of one source, in their order.
pub struct Line<'e> {
    engine: &'e Engine,
    next: Option<Next<'e>>,
}

/// A batch that is begun, or about to be.
struct Next<'e> {
    of: Arc<Batch>,
    begun: MaybeDone<Begins<'e>>,
}

type Begins<'e> = Pin<Box<dyn Future<Output = Result<Ahead, EngineError>> + Send + 'e>>;

impl<'e> Line<'e> {
    /// Nobody stands in it.
    #[must_use]
    pub fn of(engine: &'e Engine) -> Self {
        Self { engine, next: None }
    }

    /// Answers what [`Engine::apply`] would. `next` is asked, once this batch is on its way, which one comes behind it, if it is there already: that
    /// one is begun meanwhile where nothing speaks against it, and should be applied without delay, as it holds its members.
    ///
    /// After an error nothing is begun: apply the same batch again. A cancelled call leaves of the batch what [`Engine::apply`] does, and
    /// nothing of the next one. So does a line that is dropped.
    pub async fn apply(
        &mut self,
        batch: &Arc<Batch>,
        next: impl FnOnce() -> Option<Arc<Batch>>,
        now: Timestamp,
    ) -> Result<Vec<Settled>, EngineError> {
        let engine = self.engine;
        let (events, attempts) = (&*batch.events, &*batch.attempts);
        if !batch.is_plain() {
            self.next = None;
            return engine.apply(events, attempts, now).await;
        }
        let turn = self.turn(batch, now).await?;
        let lets_begin = turn.lets_begin();
        let mut keeping = pin!(turn.keep(attempts));
        let on_its_way = futures::poll!(keeping.as_mut());
        let next = if lets_begin { next().filter(|next| next.may_be_ahead()) } else { None };
        // Where this one is done already, there is nobody to wait for.
        let before = on_its_way.is_pending().then(|| batch.clone());
        let mut next = next.map(|next| Next::of(engine, next, (before, now)));
        let kept = match (on_its_way, &mut next) {
            (Poll::Pending, None) => keeping.await,
            (Poll::Ready(kept), None) => kept,
            (Poll::Ready(kept), Some(next)) => {
                // What it asks for is answered while the caller sees to this batch.
                let _ = futures::poll!(&mut next.begun);
                kept
            }
            (Poll::Pending, Some(behind)) => {
                let both = beside(keeping.as_mut(), behind);
                if let Ok(kept) = tokio::time::timeout(BESIDE_MAX, both).await {
                    kept
                } else {
                    next = None;
                    keeping.await
                }
            }
        };
        match kept? {
            Kept::Done(settled) => {
                self.next = next;
                Ok(settled)
            }
            Kept::Refused(detail) => {
                drop(next);
                engine.apart((events, attempts), detail, now).await
            }
            Kept::Raced => {
                drop(next);
                engine.apply(events, attempts, now).await
            }
        }
    }

    /// What was begun of it, or is begun now.
    async fn turn(&mut self, batch: &Arc<Batch>, now: Timestamp) -> Result<Turn, EngineError> {
        if let Some(mut next) = self.next.take().filter(|next| Arc::ptr_eq(&next.of, batch)) {
            (&mut next.begun).await;
            match Pin::new(&mut next.begun).take_output().transpose()? {
                Some(Ahead::Whole(turn)) => return Ok(turn),
                Some(Ahead::Part(part)) => {
                    if let Some(turn) = self.engine.join(batch, part).await? {
                        return Ok(turn);
                    }
                }
                None => {}
            }
        }
        self.engine.begin(&batch.items(), &batch.attempts, now).await
    }
}

impl<'e> Next<'e> {
    fn of(engine: &'e Engine, batch: Arc<Batch>, (before, now): (Option<Arc<Batch>>, Timestamp)) -> Self {
        let of = batch.clone();
        let begins: Begins<'e> = Box::pin(async move { engine.begin_ahead(&batch, before.as_deref(), now).await });
        Self { of, begun: maybe_done(begins) }
    }
}

/// Ends with the first, however far the second came.
async fn beside<F: Future + Unpin>(keeping: F, next: &mut Next<'_>) -> F::Output {
    match select(keeping, &mut next.begun).await {
        Either::Left((kept, _)) => kept,
        Either::Right(((), keeping)) => keeping.await,
    }
}

//! The part of a batch that need not wait for the batch before it: events of members whom that one has not.
//!
//! Nearly always some are in both, and to wait for those first would leave nothing to do meanwhile. They are taken in once the batch before
//! is kept; they are out of the one order of locks by then, so that nobody may be waited for: who is in the way makes all of it begin again.

use std::collections::HashSet;
use std::sync::Arc;

use contract::event::Kind;
use jiff::Timestamp;
use ledger::Identity;

use crate::desk::{Item, Verdict};
use crate::line::Batch;
use crate::turn::{Decided, Turn};
use crate::{Engine, EngineError, Rulebook};

/// What is begun of a batch behind another one.
pub(crate) enum Ahead {
    Whole(Turn),
    Part(Part),
}

/// Some of its events are decided.
pub(crate) struct Part {
    decided: Decided,
    split: Split,
    rulebook: Arc<Rulebook>,
    now: Timestamp,
}

/// Which events of a batch wait for the one before it.
struct Split(Vec<bool>);

impl Split {
    /// `None` where all have to wait, or where those that do would touch more than their own member.
    fn of(items: &[Item<'_>], before: &Batch) -> Option<Self> {
        let held: HashSet<_> = before.events().iter().map(|event| &event.member).collect();
        let waits: Vec<bool> = items.iter().map(|item| held.contains(&item.event.member)).collect();
        let split = Self(waits);
        let (first, rest) = (split.items(items, false), split.items(items, true));
        let identities: HashSet<_> = rest.iter().map(|item| Identity::of(item.event)).collect();
        // Members who are sent something may be made, which is waited for; of two events of one identity the second is told by the first.
        let is_apart = rest.iter().all(|item| !matches!(item.event.kind, Kind::Transfer(_)))
            && first.iter().all(|item| !identities.contains(&Identity::of(item.event)));
        (is_apart && !first.is_empty()).then_some(split)
    }

    fn items<'a>(&self, items: &[Item<'a>], waits: bool) -> Vec<Item<'a>> {
        items.iter().zip(&self.0).filter(|(_, it)| **it == waits).map(|(item, _)| *item).collect()
    }

    /// In the order of the batch.
    fn joined(&self, first: Vec<Verdict>, rest: Vec<Verdict>) -> Vec<Verdict> {
        let (mut first, mut rest) = (first.into_iter(), rest.into_iter());
        self.0.iter().filter_map(|waits| if *waits { rest.next() } else { first.next() }).collect()
    }
}

impl Engine {
    /// What can be begun of a batch while the one before it, if there is one, commits. A cancelled call leaves nothing, and so does what is dropped.
    pub(crate) async fn begin_ahead(
        &self,
        batch: &Batch,
        before: Option<&Batch>,
        now: Timestamp,
    ) -> Result<Ahead, EngineError> {
        if let Some(before) = before
            && let Some(part) = self.begin_part(batch, before, now).await?
        {
            return Ok(Ahead::Part(part));
        }
        self.begin(&batch.items(), &[], now).await.map(Ahead::Whole)
    }

    /// `None`: somebody has to be waited for. So has whoever may use a budget, as its room is that of all members, and whoever is known most likely.
    async fn begin_part(&self, batch: &Batch, before: &Batch, now: Timestamp) -> Result<Option<Part>, EngineError> {
        let rulebook = self.rulebook();
        if self.repeats() || !rulebook.budgets(None).is_empty() {
            return Ok(None);
        }
        let items = batch.items();
        let Some(split) = Split::of(&items, before) else { return Ok(None) };
        let (first, mut desk) = (split.items(&items, false), self.desk(&rulebook, now));
        let Some((open, begun)) = self.ledger.begin_free(&desk.request(&first)).await? else { return Ok(None) };
        let Some((verdicts, applied)) = desk.decide_by(&first, begun) else { return Ok(None) };
        Ok(Some(Part { decided: Decided { open, verdicts, applied }, split, rulebook, now }))
    }

    /// The rest of it, once the batch before is kept. `None`: somebody is in the way; begin again.
    pub(crate) async fn join(&self, batch: &Batch, part: Part) -> Result<Option<Turn>, EngineError> {
        let Part { decided: Decided { mut open, mut verdicts, mut applied }, split, rulebook, now } = part;
        let items = batch.items();
        let (rest, mut desk) = (split.items(&items, true), self.desk(&rulebook, now));
        if !rest.is_empty() {
            let Some(begun) = open.more(&desk.request(&rest)).await? else { return Ok(None) };
            let Some((of_rest, more)) = desk.decide_by(&rest, begun) else { return Ok(None) };
            verdicts = split.joined(verdicts, of_rest);
            applied.extend(more);
        }
        Ok(Some(self.decided(Decided { open, verdicts, applied })))
    }
}

//! A batch between its decision and its commit.

use ledger::book::Applied;
use ledger::{AttemptKey, BatchWrites, Committed, OpenBatch};

use crate::desk::Verdict;
use crate::{EngineError, Settled, carry};

/// A batch whose turn it is to be kept.
pub(crate) enum Turn {
    /// It was kept before, whole.
    Known(Vec<Settled>),
    Decided(Decided),
}

/// Under the locks of its members; dropping it lets go of them, and nothing of it was.
pub(crate) struct Decided {
    pub(crate) open: Box<dyn OpenBatch>,
    pub(crate) verdicts: Vec<Verdict>,
    /// What is to be written.
    pub(crate) applied: Vec<Applied>,
}

/// How it ended.
pub(crate) enum Kept {
    Done(Vec<Settled>),
    /// Nothing stands: the database's reason for refusing it.
    Refused(String),
    /// Nothing stands: somebody was faster; begin again.
    Raced,
}

impl Turn {
    /// A cancelled call leaves all of it or nothing. `attempts` end with it.
    pub(crate) async fn keep(self, attempts: &[AttemptKey]) -> Result<Kept, EngineError> {
        let Decided { open, verdicts, applied } = match self {
            Self::Known(settled) => return Ok(Kept::Done(settled)),
            Self::Decided(decided) => decided,
        };
        let writes = BatchWrites { applied, reviewed: Vec::new(), cleared_attempts: attempts.to_vec() };
        Ok(match open.commit(writes).await? {
            Committed::Done(batch) => Kept::Done(verdicts.into_iter().map(|verdict| verdict.settled(batch)).collect()),
            Committed::Refused { detail } => Kept::Refused(detail),
            Committed::Raced => Kept::Raced,
        })
    }

    /// Whether the next batch may be begun before this one is kept. What it reads under its members' locks is what this one left, or it waits.
    /// But the room of a budget is read without a lock: a batch that finds none takes nothing, and nothing tells it that this one gave
    /// some back. And what is sent has to arrive before anything else happens, which the locks of the next one would be in the way of.
    pub(crate) fn lets_begin(&self) -> bool {
        match self {
            Self::Known(_) => true,
            Self::Decided(decided) => {
                decided.applied.iter().all(|applied| applied.budgets.is_empty() && !carry::sends(&applied.results))
            }
        }
    }
}

impl Decided {
    /// Whether all of it was known.
    pub(crate) fn is_old(&self) -> bool {
        self.verdicts.iter().all(Verdict::is_old)
    }
}

//! A batch that was applied before, whole: its answers, without a lock.

use jiff::Timestamp;
use ledger::{Answer, AttemptKey};

use crate::desk::Item;
use crate::{Engine, EngineError, Settled};

impl Engine {
    /// `None`: something of it is to be decided, or looked at more closely. A cancelled call leaves nothing but, perhaps, attempts that were
    /// forgotten.
    pub(crate) async fn recall(
        &self,
        items: &[Item<'_>],
        attempts: &[AttemptKey],
        now: Timestamp,
    ) -> Result<Option<Vec<Settled>>, EngineError> {
        let rulebook = self.rulebook();
        let desk = self.desk(&rulebook, now);
        let Some(answers) = self.ledger.recall(&desk.request(items)).await? else { return Ok(None) };
        if !attempts.is_empty() {
            self.ledger.clear_attempts(attempts).await?;
        }
        let settled = |answer| match answer {
            Answer::Replayed { results, .. } => Some(Settled::Replayed { results, given_up: Vec::new() }),
            Answer::Fresh | Answer::Clash | Answer::Twin { .. } => None,
        };
        Ok(answers.into_iter().map(settled).collect())
    }
}

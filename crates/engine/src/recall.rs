//! A batch that was applied before, whole: its answers, without a lock.

use jiff::Timestamp;
use ledger::{Answer, AttemptKey};

use crate::apply::{Desk, Item};
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
        let desk =
            Desk { pipeline: &self.pipeline, limits: self.limits, rulebook: &rulebook, now, forgotten_before: None };
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

//! What is due for members without events of their own.

use std::collections::{HashMap, HashSet};

use contract::event::ContentHash;
use contract::result::ResultEvent;
use jiff::Timestamp;
use ledger::book::{Applied, MemberState, Settling};
use ledger::{BatchId, BatchRequest, BatchWrites, Begun, DueMember, Identity, Takes, Wanted};

use crate::transact::Kept;
use crate::{Engine, EngineError, Rulebook};

/// What was due for some members, posted.
#[derive(Debug, Clone, PartialEq)]
pub struct DueSettled {
    /// How many members.
    pub members: usize,
    /// To be published, in the order in which it was due for each.
    pub results: Vec<ResultEvent>,
    /// Whose published mark is to be set once the results are confirmed.
    pub batch: BatchId,
}

impl Engine {
    /// Posts what is due by a time (inclusive) for up to so many members, those of `except` apart; `None` once nothing else is due.
    ///
    /// What the ledger refuses is found by halving: [`EngineError::Due`] names the one timer, and who puts it into `except` gets on with
    /// the others. A cancelled call leaves nothing, or a committed batch whose results nobody has published: the ledger tells it as such.
    pub async fn settle_due(
        &self,
        by: Timestamp,
        members_max: usize,
        except: &HashSet<Identity>,
    ) -> Result<Option<DueSettled>, EngineError> {
        // As many more as may be passed over, or those of `except` would hide the others.
        let mut due = self.ledger.due_members(&self.pipeline, by, members_max.max(1) + except.len()).await?;
        due.retain(|due| !except.contains(&due.timer));
        due.truncate(members_max.max(1));
        while !due.is_empty() {
            match self.settle_members(&due, by).await? {
                Ok(settled) => return Ok(Some(settled)),
                Err(_) if due.len() > 1 => due.truncate(due.len() / 2),
                Err(detail) => return Err(EngineError::Due { timer: due.swap_remove(0).timer, detail }),
            }
        }
        Ok(None)
    }

    /// One transaction; `Err` inside is the reason for refusing it.
    async fn settle_members(
        &self,
        due: &[DueMember],
        by: Timestamp,
    ) -> Result<Result<DueSettled, String>, EngineError> {
        let request = |rulebook: &Rulebook| {
            let wanted = due.iter().map(|due| wanted(due, by)).collect();
            let (pipeline, rewards) = (self.pipeline.clone(), rulebook.rewards.wallets());
            BatchRequest { pipeline, wanted, rewards, budgets: Vec::new(), tiers: rulebook.tiers.wanted() }
        };
        let settle = |rulebook: &Rulebook, begun: Begun| {
            let applied = self.settle_all(due, by, (rulebook, begun.members))?;
            let reviewed = due.iter().map(|due| due.member.clone()).collect();
            Ok(BatchWrites { applied, reviewed, cleared_attempts: Vec::new() })
        };
        let kept = self.transact(request, settle).await?;
        Ok(kept.map(|Kept { results, batch }| DueSettled { members: due.len(), results, batch }))
    }

    fn settle_all(
        &self,
        due: &[DueMember],
        by: Timestamp,
        (rulebook, mut members): (&Rulebook, HashMap<contract::MemberId, MemberState>),
    ) -> Result<Vec<Applied>, String> {
        let Some(rules) = rulebook.timeline.latest() else { return Ok(Vec::new()) };
        let mut applied = Vec::new();
        for DueMember { member, timer, .. } in due {
            let Some(state) = members.get_mut(member) else { continue };
            let settling = Settling {
                pipeline: &self.pipeline,
                member,
                cause: timer,
                by,
                past: by,
                ruleset_hash: rules.hash(),
                ruleset: rules.ruleset(),
                zone: rules.zone(),
                rewards: &rulebook.rewards,
                tiers: &rulebook.tiers,
            };
            applied.extend(state.settle(settling).map_err(|refusal| refusal.detail)?);
        }
        Ok(applied)
    }
}

/// Locks the member and loads what is due; a timer leaves nothing of its own behind.
fn wanted(due: &DueMember, by: Timestamp) -> Wanted {
    Wanted {
        identity: due.timer.clone(),
        hash: ContentHash([0; 32]),
        member: due.member.clone(),
        reads: contract::decision::Reads::default(),
        takes: Takes::Nothing,
        at: by,
    }
}

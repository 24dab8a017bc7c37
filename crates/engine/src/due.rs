//! What is due for members without events of their own.

use std::collections::HashMap;

use contract::event::ContentHash;
use contract::result::ResultEvent;
use jiff::Timestamp;
use ledger::book::{Applied, MemberState, Settling};
use ledger::{BatchId, BatchRequest, BatchWrites, Committed, DueMember, Takes, Wanted};

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
    /// Posts what is due by a time (inclusive) for up to so many members; `None` once nothing is due any more.
    ///
    /// A cancelled call leaves nothing, or a committed batch whose results nobody has published: the ledger tells it as such.
    pub async fn settle_due(&self, by: Timestamp, members_max: usize) -> Result<Option<DueSettled>, EngineError> {
        let mut members = members_max.max(1);
        loop {
            let due = self.ledger.due_members(&self.pipeline, by, members).await?;
            if due.is_empty() {
                return Ok(None);
            }
            match self.settle_members(&due, by).await? {
                Ok(settled) => return Ok(Some(settled)),
                Err(_) if due.len() > 1 => members = due.len() / 2,
                Err(detail) => return Err(EngineError::Due(detail)),
            }
        }
    }

    /// One transaction; `Err` inside is the database's reason for refusing it.
    async fn settle_members(
        &self,
        due: &[DueMember],
        by: Timestamp,
    ) -> Result<Result<DueSettled, String>, EngineError> {
        loop {
            let rulebook = self.rulebook();
            let wanted = due.iter().map(|due| wanted(due, by)).collect();
            let request = BatchRequest { pipeline: self.pipeline.clone(), wanted };
            let (open, begun) = self.ledger.begin(&request).await?;
            if begun.timeline_seq > rulebook.seq {
                drop(open);
                self.learn(&rulebook).await?;
                continue;
            }
            let applied = match self.settle_all(due, by, (&rulebook, begun.members)) {
                Ok(applied) => applied,
                Err(detail) => return Ok(Err(detail)),
            };
            let results = applied.iter().flat_map(|applied| applied.results.iter().cloned()).collect();
            let reviewed = due.iter().map(|due| due.member.clone()).collect();
            match open.commit(BatchWrites { applied, reviewed, cleared_attempts: Vec::new() }).await? {
                Committed::Done(batch) => return Ok(Ok(DueSettled { members: due.len(), results, batch })),
                Committed::Refused { detail } => return Ok(Err(detail)),
                Committed::Raced => {}
            }
        }
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
                ruleset_hash: rules.hash(),
                ruleset: rules.ruleset(),
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

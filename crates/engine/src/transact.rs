//! One transaction of what no delivery brought: what is due, and transfers that go on.

use contract::result::ResultEvent;
use ledger::{BatchId, BatchRequest, BatchWrites, Begun, Committed};

use crate::{Engine, EngineError, Rulebook};

/// What was kept.
pub(crate) struct Kept {
    /// To be published.
    pub(crate) results: Vec<ResultEvent>,
    /// Whose published mark is to be set once the results are confirmed.
    pub(crate) batch: BatchId,
}

impl Engine {
    /// Locks, decides by the rules that hold now, and keeps it; once more when another worker was faster. `Err` inside is the reason why
    /// `decide`, or the database, refuses it: nothing was kept then. A cancelled call leaves nothing, or all of it.
    pub(crate) async fn transact(
        &self,
        request: impl Fn(&Rulebook) -> BatchRequest,
        decide: impl Fn(&Rulebook, Begun) -> Result<BatchWrites, String>,
    ) -> Result<Result<Kept, String>, EngineError> {
        loop {
            let rulebook = self.rulebook();
            let (open, begun) = self.ledger.begin(&request(&rulebook)).await?;
            if begun.timeline_seq > rulebook.seq {
                drop(open);
                self.learn(&rulebook).await?;
                continue;
            }
            let writes = match decide(&rulebook, begun) {
                Ok(writes) => writes,
                Err(detail) => return Ok(Err(detail)),
            };
            let results = writes.applied.iter().flat_map(|applied| applied.results.iter().cloned()).collect();
            match open.commit(writes).await? {
                Committed::Done(batch) => return Ok(Ok(Kept { results, batch })),
                Committed::Refused { detail } => return Ok(Err(detail)),
                Committed::Raced => {}
            }
        }
    }
}

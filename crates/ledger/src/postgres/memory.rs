//! What the database confirmed last, to be looked for when a connection is new, and after a pause: a replica that lacked the last commits,
//! and was made the primary all the same, does not have it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contract::PipelineName;
use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Error;

use crate::rows::Rows;
use crate::store::{BatchId, Identity};

/// For how long nobody asks whether it is still there: less than any fail-over takes. Behind a pooler connections outlive one.
const TRUST: Duration = Duration::from_secs(1);

/// One of what is forgotten by now tells nothing.
const LOOK: &str = "select 1 from inbox where pipeline = $1 and source = $2 and event_id = $3
    union all select 1 from forgotten where pipeline = $1 and happened_before > $4";

/// An event of the last batch that was confirmed to this process.
#[derive(Debug, Clone)]
pub(super) struct Confirmed {
    pipeline: PipelineName,
    identity: Identity,
    happened: Timestamp,
    pub(super) batch: BatchId,
    pub(super) at: Timestamp,
    /// When it was last known to be there.
    known: Instant,
}

/// The last one only: what came before it is older, and was on more replicas.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Option<Confirmed>>);

impl Memory {
    /// After a commit; batches without events say nothing.
    pub(super) fn keep(&self, pipeline: &PipelineName, batch: BatchId, rows: &Rows) {
        let Some(row) = rows.inbox.first() else { return };
        let (pipeline, identity, happened) = (pipeline.clone(), row.identity.clone(), row.occurred_at);
        let (at, known) = (Timestamp::now(), Instant::now());
        let confirmed = Confirmed { pipeline, identity, happened, batch, at, known };
        *self.lock() = Some(confirmed);
    }

    /// What a new connection's database should have and has not; it is said once.
    pub(super) async fn missed(&self, client: &Object) -> Result<Option<Confirmed>, Error> {
        let last = self.lock().clone();
        let is_doubtful =
            |last: &Confirmed| Object::metrics(client).created > last.known || last.known.elapsed() > TRUST;
        let Some(last) = last.filter(is_doubtful) else { return Ok(None) };
        let (pipeline, source, id) = (last.pipeline.as_str(), last.identity.source.as_str(), last.identity.id.as_str());
        let look = client.prepare_cached(LOOK).await?;
        let is_there = !client.query(&look, &[&pipeline, &source, &id, &last.happened]).await?.is_empty();
        let mut kept = self.lock();
        // Another connection may have said it, or committed since.
        let Some(it) = kept.as_mut().filter(|it| it.batch == last.batch) else { return Ok(None) };
        if is_there {
            it.known = Instant::now();
            return Ok(None);
        }
        Ok(kept.take())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Confirmed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

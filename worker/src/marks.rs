//! Sets the published mark of batches, many at once. A mark that is lost costs one more publication under the same ids.

use std::sync::Arc;
use std::time::Duration;

use ledger::{BatchId, Ledger};
use tokio::sync::mpsc;

/// Marks of this long are set in one transaction: each one costs a disk's write.
const GATHER: Duration = Duration::from_millis(50);

/// More than this many unset marks are not waited for.
const WAITING_MAX: usize = 4096;

/// Takes batches whose results are confirmed.
#[derive(Clone)]
pub(crate) struct Marks {
    sender: mpsc::Sender<BatchId>,
}

impl Marks {
    /// Starts the task that sets them; it ends, with nothing left to set, when every clone is gone.
    pub(crate) fn start(ledger: Arc<dyn Ledger>) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { sender }, tokio::spawn(set(ledger, receiver)))
    }

    /// Never waits: while the database is away, unset marks are the lease holder's business.
    pub(crate) fn published(&self, batch: BatchId) {
        if self.sender.try_send(batch).is_err() {
            tracing::debug!("a published mark is left to the lease holder");
        }
    }
}

async fn set(ledger: Arc<dyn Ledger>, mut receiver: mpsc::Receiver<BatchId>) {
    let mut batches = Vec::new();
    while receiver.recv_many(&mut batches, WAITING_MAX).await > 0 {
        if let Err(error) = ledger.mark_published(&batches).await {
            tracing::debug!(error = host::chain(&error), "marks are left to the lease holder");
        }
        batches.clear();
        tokio::time::sleep(GATHER).await;
    }
}

//! Every write to broker or cluster is counted here, in one order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::IntCounterVec;
use tokio::sync::Notify;

/// Where writes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The broker.
    Broker,
    /// The API server.
    Cluster,
    /// The ledger.
    Ledger,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Cluster => "cluster",
            Self::Ledger => "ledger",
        }
    }
}

/// Counts writes. One that is told to stop after some of them never comes back from the last: that is how a test ends an operator
/// between two writes.
#[derive(Clone)]
pub struct Writes {
    shared: Arc<Shared>,
}

struct Shared {
    count: AtomicU64,
    stop_after: Option<u64>,
    stopped: Notify,
    metric: IntCounterVec,
}

impl Writes {
    pub(crate) fn new(metric: IntCounterVec, stop_after: Option<u64>) -> Self {
        let shared = Shared { count: AtomicU64::new(0), stop_after, stopped: Notify::new(), metric };
        Self { shared: Arc::new(shared) }
    }

    /// How many were done.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// Ends when the last write was done that may be done; never where there is no last one.
    pub async fn stopped(&self) {
        self.shared.stopped.notified().await;
    }

    /// A write was done.
    pub(crate) async fn done(&self, side: Side) {
        self.shared.metric.with_label_values(&[side.as_str()]).inc();
        let count = self.shared.count.fetch_add(1, Ordering::SeqCst) + 1;
        if self.shared.stop_after.is_some_and(|last| count >= last) {
            self.shared.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

//! One of several operators does the work: the holder of a lease.

use std::time::Duration;

use host::Shutdown;
use kube::Client;
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;

/// How long a lease holds without being renewed, in seconds: as long a second operator waits when the first one is killed.
const LEASE_S: u64 = 15;

/// How long before its end it is renewed, in seconds.
const GRACE_S: u64 = 5;

/// Where the lease is and who asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) lease: String,
    pub(crate) namespace: String,
    pub(crate) identity: String,
}

/// Why nobody can be elected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaderError {
    #[error("could not ask for lease `{name}` in namespace `{namespace}`; see the operator's rights there")]
    Lease { name: String, namespace: String, source: Box<LeaseManagerError> },
}

/// Held as long as this lives and its channel says `true`.
pub(crate) struct Office {
    held: watch::Receiver<bool>,
    _renewing: tokio::task::JoinHandle<Result<kube_lease_manager::LeaseManager, LeaseManagerError>>,
}

/// Waits for the lease; `None` when asked to stop before.
pub(crate) async fn win(
    client: Client,
    candidate: &Candidate,
    shutdown: &Shutdown,
) -> Result<Option<Office>, LeaderError> {
    let Candidate { lease, namespace, identity } = candidate;
    let manager = LeaseManagerBuilder::new(client, lease)
        .with_namespace(namespace)
        .with_identity(identity)
        .with_duration(LEASE_S)
        .with_grace(GRACE_S)
        .build();
    let manager = manager.await.map_err(|source| LeaderError::Lease {
        name: lease.clone(),
        namespace: namespace.clone(),
        source: Box::new(source),
    })?;
    let (mut held, renewing) = manager.watch().await;
    loop {
        if *held.borrow_and_update() {
            return Ok(Some(Office { held, _renewing: renewing }));
        }
        tokio::select! {
            () = shutdown.asked() => return Ok(None),
            changed = held.changed() => if changed.is_err() { return Ok(None) },
        }
    }
}

impl Office {
    /// Ends when the lease was lost: somebody else may be at work from now on.
    pub(crate) async fn lost(&mut self) {
        while *self.held.borrow_and_update() {
            if self.held.changed().await.is_err() {
                return;
            }
        }
    }

    /// Gives the lease back, so that the next one need not wait for its end.
    pub(crate) async fn leave(self) {
        const LEFT_MAX: Duration = Duration::from_secs(3);
        let Self { held, _renewing: renewing } = self;
        drop(held);
        // That it cannot be given back costs the next one some seconds.
        let _ = tokio::time::timeout(LEFT_MAX, renewing).await;
    }
}

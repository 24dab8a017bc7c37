//! One of several operators does the work: the holder of a lease.

use std::time::{Duration, Instant};

use host::Shutdown;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How long a lease holds without being renewed, in seconds: as long a second operator waits when the first one is killed.
const LEASE_S: u64 = 15;

/// How long before its end it is renewed, in seconds.
const GRACE_S: u64 = 5;

/// How often it is looked at whether we still have it.
const LOOK: Duration = Duration::from_secs(2);

/// A lease that was not seen for so long may be somebody else's in a moment.
const HELD_UNSEEN_MAX: Duration = Duration::from_secs(LEASE_S - GRACE_S);

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
    #[error("could not go on asking for lease `{name}`: its renewal ended")]
    Ended { name: String },
}

/// Held as long as this lives and its channel says `true`.
pub(crate) struct Office {
    held: watch::Receiver<bool>,
    leases: Api<Lease>,
    candidate: Candidate,
    _renewing: tokio::task::JoinHandle<Result<kube_lease_manager::LeaseManager, LeaseManagerError>>,
}

/// Waits for the lease; `None` when asked to stop before.
pub(crate) async fn win(
    client: Client,
    candidate: &Candidate,
    shutdown: &Shutdown,
) -> Result<Option<Office>, LeaderError> {
    let Candidate { lease, namespace, identity } = candidate;
    let leases = Api::namespaced(client.clone(), namespace);
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
            return Ok(Some(Office { held, leases, candidate: candidate.clone(), _renewing: renewing }));
        }
        tokio::select! {
            () = shutdown.asked() => return Ok(None),
            changed = held.changed() => if changed.is_err() {
                return Err(LeaderError::Ended { name: lease.clone() });
            },
        }
    }
}

impl Office {
    /// Ends when the lease was lost, or could not be seen for so long that somebody else may have it.
    pub(crate) async fn lost(&mut self) {
        let mut seen = Instant::now();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = self.held.changed() => if changed.is_err() || !*self.held.borrow_and_update() { return },
                _ = looks.tick() => {}
            }
            let lease = tokio::time::timeout(LOOK, self.leases.get(&self.candidate.lease)).await;
            match lease {
                Ok(Ok(lease)) if self.is_ours(&lease) => seen = Instant::now(),
                Ok(Ok(_)) => return,
                // The renewal meets the same trouble and does not tell of it.
                Ok(Err(_)) | Err(_) if seen.elapsed() > HELD_UNSEEN_MAX => return,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    fn is_ours(&self, lease: &Lease) -> bool {
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_ref());
        holder.is_some_and(|holder| *holder == self.candidate.identity)
    }

    /// Gives the lease back, so that the next one need not wait for its end.
    pub(crate) async fn leave(self) {
        const LEFT_MAX: Duration = Duration::from_secs(3);
        let Self { held, _renewing: renewing, .. } = self;
        drop(held);
        // That it cannot be given back costs the next one some seconds.
        let _ = tokio::time::timeout(LEFT_MAX, renewing).await;
    }
}

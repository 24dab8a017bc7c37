//! One of several operators does the work: the holder of a lease.

use std::time::Duration;

use host::{Health, Shutdown};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder, LeaseManagerError};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

/// How long a lease holds without being renewed, in seconds: as long a second operator waits when the first one is killed.
const LEASE_S: u64 = 15;

/// How long before its end it is renewed, in seconds.
const GRACE_S: u64 = 10;

/// How often it is looked at whether we still have it.
const LOOK: Duration = Duration::from_secs(2);

/// How long before its end we stop: the clock of another candidate may be ahead of ours by as much.
const LEFT_BEFORE: Duration = Duration::from_secs(2);

/// Shortest and longest wait before the API server is asked again that gave no answer.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(10);

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
    _renewing: tokio::task::JoinHandle<Result<LeaseManager, LeaseManagerError>>,
}

/// Waits for the lease; `None` when asked to stop before. Ready from when the API server answers.
pub(crate) async fn win(
    client: Client,
    candidate: &Candidate,
    shutdown: &Shutdown,
    health: &Health,
) -> Result<Option<Office>, LeaderError> {
    let Candidate { lease, namespace, .. } = candidate;
    let leases = Api::namespaced(client.clone(), namespace);
    loop {
        let manager = tokio::select! {
            () = shutdown.asked() => return Ok(None),
            manager = manager(&client, candidate) => manager?,
        };
        // One that waits for its turn is as ready as it can be.
        health.up("cluster");
        let (mut held, renewing) = manager.watch().await;
        let is_won = tokio::select! {
            () = shutdown.asked() => return Ok(None),
            won = held.wait_for(|held| *held) => won.map(|_| true),
            // The manager sleeps until the lease that it saw would end: one that was given back is asked for anew.
            () = given_back(&leases, lease) => Ok(false),
        };
        if is_won.map_err(|_| LeaderError::Ended { name: lease.clone() })? {
            return Ok(Some(Office { held, leases, candidate: candidate.clone(), _renewing: renewing }));
        }
        renewing.abort();
    }
}

/// Who asks for the lease, once the API server answers: it may be away while its machine starts again. Only a refusal is final.
async fn manager(client: &Client, candidate: &Candidate) -> Result<LeaseManager, LeaderError> {
    let Candidate { lease, namespace, identity } = candidate;
    let (mut told, mut wait) = (None, RETRY_MIN);
    loop {
        let manager = LeaseManagerBuilder::new(client.clone(), lease)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_duration(LEASE_S)
            .with_grace(GRACE_S)
            .build();
        let source = match manager.await {
            Ok(manager) => return Ok(manager),
            Err(source) => source,
        };
        if is_refusal(&source) {
            let (name, namespace) = (lease.clone(), namespace.clone());
            return Err(LeaderError::Lease { name, namespace, source: Box::new(source) });
        }
        let why = host::chain(&source);
        if told.as_ref() != Some(&why) {
            tracing::warn!(error = why, "could not ask for lease `{lease}`; trying again");
            told = Some(why);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}

fn is_refusal(error: &LeaseManagerError) -> bool {
    matches!(error, LeaseManagerError::KubeError(kube::Error::Api(status)) if matches!(status.code, 401 | 403))
}

/// Ends when nobody has held a lease for two looks: whoever is awake would have taken it meanwhile.
async fn given_back(leases: &Api<Lease>, name: &str) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut free = 0;
    while free < 2 {
        looks.tick().await;
        let lease = leases.get(name).await.ok().and_then(|lease| lease.spec);
        let is_free = lease.is_some_and(|lease| lease.holder_identity.is_none_or(|holder| holder.is_empty()));
        free = if is_free { free + 1 } else { 0 };
    }
}

/// Until when a lease of ours lets us work. The time in it is from our own clock.
fn held_until(lease: &Lease) -> Option<Instant> {
    let renewed = lease.spec.as_ref()?.renew_time.as_ref()?.0;
    let age = Duration::try_from(Timestamp::now().duration_since(renewed)).unwrap_or_default();
    Some(Instant::now() + Duration::from_secs(LEASE_S).saturating_sub(age + LEFT_BEFORE))
}

impl Office {
    /// Ends when the lease was lost, or was not renewed for so long that somebody else may have it in a moment.
    pub(crate) async fn lost(&mut self) {
        let mut until = Instant::now() + Duration::from_secs(LEASE_S - GRACE_S) - LEFT_BEFORE;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // The renewal meets trouble as well and does not tell of it.
                () = tokio::time::sleep_until(until) => return,
                changed = self.held.changed() => if changed.is_err() || !*self.held.borrow_and_update() { return },
                _ = looks.tick() => {}
            }
            let lease = tokio::time::timeout_at(until, self.leases.get(&self.candidate.lease)).await;
            match lease {
                Ok(Ok(lease)) if self.is_ours(&lease) => until = held_until(&lease).unwrap_or(until),
                Ok(Ok(_)) => return,
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

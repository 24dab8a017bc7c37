//! Wiring: everything is opened, told of each other, and closed in turn.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use host::{Health, ServeError, Shutdown};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::core::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{Controller, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio_util::task::AbortOnDropHandle;

use crate::Args;
use crate::board::Board;
use crate::brokers::Brokers;
use crate::children::{Kind, PART_OF, WorkerImage};
use crate::house::{House, Poke, Shelves, Stored, named_secrets};
use crate::leader::{self, Candidate, LeaderError, Office};
use crate::ledgers::Ledgers;
use crate::metrics::Metrics;
use crate::secrets::Secrets;
use crate::shelf::{Shelf, keep, key_of};
use crate::walk::nouns::Key;
use crate::walk::{GIVEN_UP_AFTER, reconcile, retry};
use crate::writes::Writes;

/// Walks that are done at the same time. Each is mostly waiting for a broker or the API server.
const WALKS_AT_ONCE: u16 = 32;

/// Changes of one resource that come within this are one walk.
const TOGETHER: Duration = Duration::from_millis(50);

/// How long the walks that have begun may go on when the operator is asked to end; its pod is given more.
const FINISHED_WITHIN: Duration = Duration::from_secs(15);

/// Why the operator cannot start; waiting would not help.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Neither a service account nor a kubeconfig.
    #[error("could not find a cluster; run it in one, or set KUBECONFIG")]
    NoCluster(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The probes' port.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A metric of ours twice.
    #[error("could not register metrics")]
    Metrics(#[from] prometheus::Error),
    /// The system gives no signals.
    #[error("could not listen for signals")]
    Signals(#[source] std::io::Error),
    /// No lease to be had.
    #[error("{0}")]
    Leader(String),
}

impl From<LeaderError> for StartError {
    fn from(error: LeaderError) -> Self {
        Self::Leader(host::chain(&error))
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Asked,
    /// Somebody else may be at work from now on.
    LostLease,
}

/// An operator that can be run, here or in a test.
pub struct Operator {
    client: Client,
    args: Args,
    identity: String,
    metrics: Metrics,
    writes: Writes,
    given_up_after: Duration,
}

impl Operator {
    /// Nothing is asked yet. `stop_after`: the last write that it may do; it then stands still, as if it had been killed.
    pub fn new(client: Client, args: Args, stop_after: Option<u64>) -> Result<Self, StartError> {
        let metrics = Metrics::new()?;
        let writes = Writes::new(metrics.writes.clone(), stop_after);
        let identity = args.identity();
        Ok(Self { client, args, identity, metrics, writes, given_up_after: GIVEN_UP_AFTER })
    }

    /// For a test: a deletion waits no longer than this for a broker that is away.
    #[must_use]
    pub fn giving_up_after(self, given_up_after: Duration) -> Self {
        Self { given_up_after, ..self }
    }

    /// Counts what it writes.
    #[must_use]
    pub fn writes(&self) -> Writes {
        self.writes.clone()
    }

    /// Works until asked to stop, or until the lease is lost, where there is one. A cancelled call leaves what it has written; the
    /// next operator goes on from there.
    pub async fn work(self, shutdown: Shutdown, health: Health) -> Result<Ended, StartError> {
        let leader = self.metrics.leader.clone();
        let mut office = None;
        if self.args.leader_election {
            let Some(won) = leader::win(self.client.clone(), &self.candidate(), &shutdown, &health).await? else {
                return Ok(Ended::Asked);
            };
            // Now it is at work, and ready only when it sees what there is.
            health.down("cluster", "not all that is watched could be listed yet; see the log");
            office = Some(won);
        }
        leader.set(1);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), worker_image = self.args.worker_image, "started");
        let ended = tokio::select! {
            () = self.walk_and_scale(&shutdown, &health) => Ended::Asked,
            () = lost(office.as_mut()) => Ended::LostLease,
            () = shutdown.now() => Ended::Asked,
        };
        if let (Ended::Asked, Some(office)) = (&ended, office) {
            office.leave().await;
        }
        Ok(ended)
    }

    fn candidate(&self) -> Candidate {
        let Args { lease_name, namespace, .. } = &self.args;
        Candidate { lease: lease_name.clone(), namespace: namespace.clone(), identity: self.identity.clone() }
    }

    async fn walk_and_scale(self, shutdown: &Shutdown, health: &Health) {
        let (house, doors) = house(self);
        let filled = async { tokio::join!(house.shelves.filled(), house.pipelines.filled(), house.secrets.filled()) };
        tokio::select! {
            biased;
            // A controller that is asked to end before it has seen anything waits for ever.
            () = shutdown.asked() => return,
            _ = filled => {}
        }
        health.up("cluster");
        let mut scaling = AbortOnDropHandle::new(tokio::spawn(crate::scale::run(house.clone())));
        let controllers = doors.into_iter().map(|(namespace, door)| {
            let (house, shutdown) = (house.clone(), shutdown.clone());
            controller(namespace, door, house, shutdown)
        });
        tokio::select! {
            _ = futures::future::join_all(controllers) => {}
            // It goes on for ever, unless it panics: an operator that does not scale must not look like one that does.
            Err(error) = &mut scaling => if error.is_panic() { std::panic::resume_unwind(error.into_panic()) },
            () = too_late(shutdown) => tracing::warn!("some walks were not done in time; the next operator goes on from there"),
        }
    }
}

pub(crate) async fn run(args: Args) -> Result<Ended, StartError> {
    let shutdown = host::on_signals().map_err(StartError::Signals)?;
    let client = Client::try_default().await.map_err(|error| StartError::NoCluster(Box::new(error)))?;
    let listen = args.listen;
    let operator = Operator::new(client, args, None)?;
    let health = Health::waiting_for(&["cluster"]);
    let server = host::bind(listen).await?;
    let probes = tokio::spawn(server.run(health.clone(), operator.metrics.registry.clone(), shutdown.clone()));
    let ended = operator.work(shutdown.clone(), health).await;
    shutdown.insist();
    probes.abort();
    ended
}

/// Ends some time after somebody asked to finish.
async fn too_late(shutdown: &Shutdown) {
    shutdown.asked().await;
    tokio::time::sleep(FINISHED_WITHIN).await;
}

async fn lost(office: Option<&mut Office>) {
    match office {
        Some(office) => office.lost().await,
        None => std::future::pending().await,
    }
}

type Door = (Option<String>, UnboundedReceiver<ObjectRef<Stored>>);

/// Watches everything; answers also by which doors walks can be asked for.
fn house(operator: Operator) -> (Arc<House>, Vec<Door>) {
    let Operator { client, args, identity, metrics, writes, given_up_after } = operator;
    let scopes: Vec<Option<String>> =
        match args.watch_namespaces.iter().filter(|name| !name.is_empty()).collect::<Vec<_>>() {
            none if none.is_empty() => vec![None],
            some => some.into_iter().cloned().map(Some).collect(),
        };
    let (doors, ends): (Vec<_>, Vec<_>) = scopes
        .iter()
        .map(|scope| {
            let (door, end) = unbounded();
            ((scope.clone(), door), (scope.clone(), end))
        })
        .unzip();
    let poke = Poke { doors };
    let watch = Watch { client: &client, scopes: &scopes, poke: &poke };
    let pipelines = watch.pipelines();
    let known = watch.secrets(&pipelines);
    let reporter = Reporter { controller: "loyalty-operator".to_owned(), instance: Some(identity) };
    let image = WorkerImage {
        image: args.worker_image,
        pull_policy: args.worker_pull_policy,
        pull_secrets: args.worker_pull_secrets,
        any_user: args.worker_any_user,
    };
    let house = House {
        shelves: watch.shelves(),
        pipelines,
        secrets: Secrets::new(client.clone(), known),
        brokers: Brokers::default(),
        ledgers: Ledgers::default(),
        board: Board::default(),
        recorder: Recorder::new(client.clone(), reporter),
        image,
        due_within: args.due_within.duration(),
        writes,
        metrics,
        poke: poke.clone(),
        given_up_after,
        client,
    };
    (Arc::new(house), ends)
}

/// What every watch needs.
struct Watch<'a> {
    client: &'a Client,
    scopes: &'a [Option<String>],
    poke: &'a Poke,
}

impl Watch<'_> {
    fn typed<K>(&self, scope: Option<&str>) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match scope {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    fn json(&self, scope: Option<&str>, kind: &ApiResource) -> Api<DynamicObject> {
        match scope {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, kind),
            None => Api::all_with(self.client.clone(), kind),
        }
    }

    fn scopes(&self) -> impl Iterator<Item = Option<&str>> {
        self.scopes.iter().map(Option::as_deref)
    }

    /// Objects that carry our label; each change asks for a walk of its pipeline.
    fn ours(&self, kind: &ApiResource) -> Shelf<DynamicObject> {
        let config = watcher::Config::default().labels(&format!("{}={}", PART_OF.0, PART_OF.1));
        let stores = self.scopes().map(|scope| {
            let poke = self.poke.clone();
            keep(watcher(self.json(scope, kind), config.clone()), kind.clone(), move |object: &DynamicObject| {
                if let Some(key) = key_of(object) {
                    poke.walk(&key);
                }
            })
        });
        Shelf::of(stores.collect(), kind.clone())
    }

    fn pipelines(&self) -> Shelf<Stored> {
        let config = watcher::Config::default();
        // The controllers have a watch of their own, which asks for walks.
        let stores = self.scopes().map(|scope| keep(watcher(self.typed::<Stored>(scope), config.clone()), (), |_| ()));
        Shelf::of(stores.collect(), ())
    }

    fn shelves(&self) -> Shelves {
        let children = Kind::ALL.into_iter().map(|kind| (kind, self.ours(&kind.resource()))).collect();
        Shelves { children, pods: self.ours(&ApiResource::erase::<Pod>(&())) }
    }

    /// Of all Secrets only that they exist; a change asks for a walk of each pipeline that names it.
    fn secrets(&self, pipelines: &Shelf<Stored>) -> Shelf<PartialObjectMeta<Secret>> {
        let stores = self.scopes().map(|scope| {
            let (poke, pipelines) = (self.poke.clone(), pipelines.clone());
            let api = self.typed::<PartialObjectMeta<Secret>>(scope);
            let stream = watcher(api, watcher::Config::default());
            keep(stream, (), move |secret: &PartialObjectMeta<Secret>| {
                let (namespace, name) = (secret.namespace().unwrap_or_default(), secret.name_any());
                let names_it = |stored: &&Arc<Stored>| {
                    stored.namespace().as_ref() == Some(&namespace) && named_secrets(stored).any(|named| named == name)
                };
                for stored in pipelines.all().iter().filter(names_it) {
                    poke.walk(&Key { namespace: namespace.clone(), name: stored.name_any() });
                }
            })
        });
        Shelf::of(stores.collect(), ())
    }
}

async fn controller(
    namespace: Option<String>,
    door: UnboundedReceiver<ObjectRef<Stored>>,
    house: Arc<House>,
    shutdown: Shutdown,
) {
    let api = match &namespace {
        Some(namespace) => Api::<Stored>::namespaced(house.client.clone(), namespace),
        None => Api::all(house.client.clone()),
    };
    let config = kube::runtime::controller::Config::default().concurrency(WALKS_AT_ONCE).debounce(TOGETHER);
    Controller::new(api, watcher::Config::default())
        .with_config(config)
        .reconcile_on(door)
        .graceful_shutdown_on(async move { shutdown.asked().await })
        .run(reconcile, retry, house)
        .for_each(|walked| async move {
            if let Err(error) = walked {
                tracing::debug!(error = host::chain(&error), "a walk did not begin");
            }
        })
        .await;
}

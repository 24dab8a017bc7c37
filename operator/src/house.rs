//! Everything that a walk works with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use kube::core::DynamicObject;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt};
use serde_json::Value;

use api::{ConditionStatus, ConditionType, LoyaltyPipeline};

use crate::board::Board;
use crate::brokers::Brokers;
use crate::children::{self, Kind, WorkerImage};
use crate::ledgers::Ledgers;
use crate::metrics::Metrics;
use crate::secrets::Secrets;
use crate::shelf::Shelf;
use crate::walk::nouns::Key;
use crate::writes::Writes;

/// Under which name our fields stand in the objects that we apply.
pub(crate) const FIELD_MANAGER: &str = "loyalty-operator";

/// A resource as it is stored, or why it cannot be read: one that cannot must not hide the others.
pub(crate) type Stored = kube::core::DeserializeGuard<LoyaltyPipeline>;

/// Shared by all walks.
pub(crate) struct House {
    pub(crate) client: Client,
    pub(crate) shelves: Shelves,
    pub(crate) pipelines: Shelf<Stored>,
    pub(crate) secrets: Secrets,
    pub(crate) brokers: Brokers,
    pub(crate) ledgers: Ledgers,
    pub(crate) board: Board,
    pub(crate) recorder: Recorder,
    pub(crate) image: WorkerImage,
    /// How long what is due may wait where no worker is.
    pub(crate) due_within: Duration,
    pub(crate) writes: Writes,
    pub(crate) metrics: Metrics,
    pub(crate) poke: Poke,
    /// For how long a deletion waits for a broker that is away.
    pub(crate) given_up_after: Duration,
}

impl House {
    /// Forgets what is known of pipelines that are gone.
    pub(crate) fn forget_gone(&self) {
        for key in self.board.forget_gone(|key| self.pipelines.get(&key.namespace, &key.name).is_some()) {
            self.ledgers.forget(&key);
        }
        self.brokers.forget_unused();
        self.ledgers.forget_unused();
        let pipelines = self.pipelines.all();
        let at = |stored: &Arc<Stored>| stored.namespace().unwrap_or_default();
        let named = pipelines.iter().flat_map(|one| named_secrets(one).map(move |name| (at(one), name.to_owned())));
        self.secrets.keep_only(&named.collect());
    }

    /// Counts pipelines by whether they are ready, as their status says. One that cannot be read is not.
    pub(crate) fn count_pipelines(&self) {
        let stored = self.pipelines.all();
        let told = |stored: &Stored| match &stored.0 {
            Ok(pipeline) => {
                let conditions = pipeline.status.iter().flat_map(|status| &status.conditions);
                let ready = conditions.into_iter().find(|condition| condition.kind == ConditionType::Ready);
                ready.map_or(ConditionStatus::Unknown, |ready| ready.status)
            }
            Err(_) => ConditionStatus::False,
        };
        for status in [ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown] {
            let count = stored.iter().filter(|stored| told(stored) == status).count();
            self.metrics
                .pipelines
                .with_label_values(&[format!("{status:?}").as_str()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// The Secrets of its namespace that a pipeline names; of one that cannot be read that is not known.
pub(crate) fn named_secrets(stored: &Stored) -> impl Iterator<Item = &str> {
    let named = stored.0.as_ref().ok().map(|pipeline| {
        let ledger = pipeline.spec.ledger.postgres.as_ref().map(|postgres| postgres.secret_ref.name.as_str());
        [Some(pipeline.spec.broker.secret_ref.name.as_str()), ledger]
    });
    named.into_iter().flatten().flatten()
}

/// Asks for a walk of a pipeline.
#[derive(Clone)]
pub(crate) struct Poke {
    /// By namespace; one entry without for all.
    pub(crate) doors: Vec<(Option<String>, UnboundedSender<ObjectRef<Stored>>)>,
}

impl Poke {
    /// Whether pipelines of a namespace are watched here.
    pub(crate) fn reaches(&self, namespace: &str) -> bool {
        self.door(namespace).is_some()
    }

    fn door(&self, namespace: &str) -> Option<&UnboundedSender<ObjectRef<Stored>>> {
        let leads_there = |to: &Option<String>| to.as_ref().is_none_or(|to| to == namespace);
        self.doors.iter().find(|(to, _)| leads_there(to)).map(|(_, door)| door)
    }

    pub(crate) fn walk(&self, key: &Key) {
        if let Some(door) = self.door(&key.namespace) {
            // The other end is gone only when the process ends.
            let _ = door.unbounded_send(ObjectRef::new(&key.name).within(&key.namespace));
        }
    }
}

/// What we watch of our own objects.
pub(crate) struct Shelves {
    pub(crate) children: BTreeMap<Kind, Shelf<DynamicObject>>,
    pub(crate) pods: Shelf<DynamicObject>,
}

impl Shelves {
    /// Waits until each was filled once: what is not known yet must not look like missing.
    pub(crate) async fn filled(&self) {
        let shelves = self.children.values().chain([&self.pods]);
        futures::future::join_all(shelves.map(Shelf::filled)).await;
    }

    /// The pods of a pipeline that do one thing, those that have succeeded apart.
    pub(crate) fn pods_of(&self, key: &Key, does: &str) -> Vec<Arc<DynamicObject>> {
        let label = |pod: &DynamicObject| pod.labels().get(children::NAME.0).is_some_and(|name| name == does);
        let mut pods = self.pods.of_pipeline(key);
        pods.retain(|pod| label(pod) && pod.data["status"]["phase"] != "Succeeded");
        pods
    }

    /// The Deployment of a pipeline's workers.
    pub(crate) fn deployment(&self, namespace: &str, name: &str) -> Option<Arc<DynamicObject>> {
        self.children.get(&Kind::Deployment)?.get(namespace, name)
    }

    /// An object as it stands, whole.
    pub(crate) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let object = self.children.get(&kind)?.get(namespace, name)?;
        let mut value = serde_json::to_value(object.as_ref()).ok()?;
        // What came in a list does not say what it is.
        let resource = kind.resource();
        value["apiVersion"] = Value::String(resource.api_version);
        value["kind"] = Value::String(resource.kind);
        Some(value)
    }
}

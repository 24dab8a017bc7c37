//! Everything that a walk works with.

use std::sync::Arc;

use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::ObjectRef;
use kube::{Client, ResourceExt};
use serde::Serialize;
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
    pub(crate) writes: Writes,
    pub(crate) metrics: Metrics,
    pub(crate) poke: Poke,
}

impl House {
    /// Forgets what is known of pipelines that are gone.
    pub(crate) fn forget_gone(&self) {
        for key in self.board.keys() {
            if self.pipelines.get(&key.namespace, &key.name).is_none() {
                self.board.forget(&key);
                self.ledgers.forget(&key);
            }
        }
        let used = self.board.running();
        self.brokers.keep_only(|settings| used.iter().any(|(_, running)| running.link.settings() == settings));
    }
}

impl House {
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

/// Asks for a walk of a pipeline.
#[derive(Clone)]
pub(crate) struct Poke {
    /// By namespace; one entry without for all.
    pub(crate) doors: Vec<(Option<String>, UnboundedSender<ObjectRef<Stored>>)>,
}

impl Poke {
    pub(crate) fn walk(&self, key: &Key) {
        let leads_there =
            |namespace: &Option<String>| namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace);
        if let Some((_, door)) = self.doors.iter().find(|(namespace, _)| leads_there(namespace)) {
            // The other end is gone only when the process ends.
            let _ = door.unbounded_send(ObjectRef::new(&key.name).within(&key.namespace));
        }
    }
}

/// What we watch of our own objects.
#[derive(Clone)]
pub(crate) struct Shelves {
    pub(crate) accounts: Shelf<ServiceAccount>,
    pub(crate) configs: Shelf<ConfigMap>,
    pub(crate) claims: Shelf<PersistentVolumeClaim>,
    pub(crate) jobs: Shelf<Job>,
    pub(crate) deployments: Shelf<Deployment>,
    pub(crate) disruptions: Shelf<PodDisruptionBudget>,
    pub(crate) pods: Shelf<Pod>,
}

impl Shelves {
    /// Waits until each was filled once: what is not known yet must not look like missing.
    pub(crate) async fn filled(&self) {
        tokio::join!(
            self.accounts.filled(),
            self.configs.filled(),
            self.claims.filled(),
            self.jobs.filled(),
            self.deployments.filled(),
            self.disruptions.filled(),
            self.pods.filled(),
        );
    }

    /// The pods of a pipeline that do one thing, those that have ended apart.
    pub(crate) fn pods_of(&self, key: &Key, does: &str) -> Vec<Arc<Pod>> {
        let label = |pod: &Pod| pod.labels().get(children::NAME.0).is_some_and(|name| name == does);
        let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
        let ended = |pod: &Pod| matches!(phase(pod).as_deref(), Some("Succeeded"));
        let mut pods = self.pods.of_pipeline(key);
        pods.retain(|pod| label(pod) && !ended(pod));
        pods
    }

    /// An object as it stands.
    pub(crate) fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        match kind {
            Kind::ServiceAccount => value(self.accounts.get(namespace, name)),
            Kind::ConfigMap => value(self.configs.get(namespace, name)),
            Kind::Claim => value(self.claims.get(namespace, name)),
            Kind::Job => value(self.jobs.get(namespace, name)),
            Kind::Deployment => value(self.deployments.get(namespace, name)),
            Kind::Disruption => value(self.disruptions.get(namespace, name)),
        }
    }
}

fn value<K: Serialize>(object: Option<Arc<K>>) -> Option<Value> {
    serde_json::to_value(object?.as_ref()).ok()
}

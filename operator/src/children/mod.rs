//! The objects of a pipeline in the cluster, as values. Nothing is sent from here.

mod account;
mod config;
mod covers;
mod deployment;
mod disruption;
mod migration;
mod name;
mod volume;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::walk::nouns::Valid;

pub(crate) use config::{config_map, rules_since};
pub(crate) use covers::difference;
pub(crate) use deployment::{Pods, deployment};
pub(crate) use migration::{AUTHOR, CA, MigrationState, done_at, job, state as migration_state};
pub(crate) use name::child_name;

/// The label by which our own objects are watched.
pub(crate) const PART_OF: (&str, &str) = ("app.kubernetes.io/managed-by", "loyalty-operator");
/// The label that holds the pipeline's name.
pub(crate) const INSTANCE: &str = "app.kubernetes.io/instance";
pub(crate) const NAME: (&str, &str) = ("app.kubernetes.io/name", WORKER);
/// What pods of workers are called in that label.
pub(crate) const WORKER: &str = "loyalty-worker";
/// The same for pods that make a ledger's tables.
pub(crate) const MIGRATE: &str = "loyalty-migrate";
/// What an object was made from: a change of it is a change of the object.
const HASH: &str = "loyalty.dev/made-from";
/// User and group of the worker's image.
const USER: u32 = 65532;
/// What keeps the place of an owner where there must be none: a volume outlives its pipeline.
const OWNER: &str = "loyalty.dev/owner";

/// Kinds of objects, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    ServiceAccount,
    ConfigMap,
    Claim,
    Job,
    Deployment,
    Disruption,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::ServiceAccount, Self::ConfigMap, Self::Claim, Self::Job, Self::Deployment, Self::Disruption];

    /// Group, kind and plural; all are of version 1.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::ServiceAccount => ("", "ServiceAccount", "serviceaccounts"),
            Self::ConfigMap => ("", "ConfigMap", "configmaps"),
            Self::Claim => ("", "PersistentVolumeClaim", "persistentvolumeclaims"),
            Self::Job => ("batch", "Job", "jobs"),
            Self::Deployment => ("apps", "Deployment", "deployments"),
            Self::Disruption => ("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
        }
    }

    /// As a client asks for it.
    pub(crate) fn resource(self) -> ApiResource {
        let (group, kind, plural) = self.names();
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names().1)
    }
}

/// An object as it is wanted: only the fields that we set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Child {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) body: Value,
}

/// What stands of a pipeline's objects, by kind and name.
pub(crate) type Live = BTreeMap<(Kind, String), Value>;

/// What the workers of every pipeline have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkerImage {
    pub(crate) image: String,
    pub(crate) pull_policy: String,
    pub(crate) pull_secrets: Vec<String>,
    /// Whether the platform chooses user and group.
    pub(crate) any_user: bool,
}

/// The objects that every valid pipeline has beside its workers and what they are told.
pub(crate) fn beside(valid: &Valid) -> Vec<Child> {
    let mut children = vec![account::account(valid), disruption::disruption(valid)];
    children.extend(volume::claim(valid));
    children
}

/// Puts the parts together that all kinds share, and marks what the object was made from.
fn child(valid: &Valid, kind: Kind, name: String, fields: Value) -> Child {
    let (api_version, kind_name) = (kind.resource().api_version, kind.names().1);
    let hash = hash_of(&fields);
    let mut metadata = json!({
        "name": name,
        "namespace": valid.key.namespace,
        "labels": labels(valid),
        "annotations": { HASH: hash },
    });
    if kind == Kind::Claim {
        metadata["annotations"][OWNER] = json!(valid.owner);
    } else {
        metadata["ownerReferences"] = json!([owner_reference(valid)]);
    }
    let mut body = json!({ "apiVersion": api_version, "kind": kind_name, "metadata": metadata });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
    }
    Child { kind, name, body }
}

fn labels(valid: &Valid) -> Value {
    json!({ PART_OF.0: PART_OF.1, NAME.0: NAME.1, INSTANCE: valid.name.as_str() })
}

/// By which the pods of a pipeline's workers are found.
pub(crate) fn selector(instance: &str) -> BTreeMap<String, String> {
    [NAME, (INSTANCE, instance)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn owner_reference(valid: &Valid) -> Value {
    json!({
        "apiVersion": "loyalty.dev/v1alpha1",
        "kind": "LoyaltyPipeline",
        "name": valid.name.as_str(),
        "uid": valid.uid,
        "controller": true,
    })
}

/// Whether an object that stands is this pipeline's.
pub(crate) fn is_ours(kind: Kind, live: &Value, valid: &Valid) -> bool {
    let metadata = &live["metadata"];
    if kind == Kind::Claim {
        return metadata["annotations"][OWNER] == valid.owner.as_str();
    }
    let owners = metadata["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|owner| owner["uid"] == valid.uid.as_str()))
}

/// Whether an object was made from the same fields.
pub(crate) fn is_made_from(live: &Value, wanted: &Value) -> bool {
    live["metadata"]["annotations"][HASH] == wanted["metadata"]["annotations"][HASH]
}

/// The first sixteen hex digits of SHA-256: enough to see a change, no secret behind it.
pub(crate) fn hash_of(value: &Value) -> String {
    hex(value.to_string().as_bytes(), 8)
}

/// The first bytes of SHA-256 in hex.
fn hex(bytes: &[u8], count: usize) -> String {
    Sha256::digest(bytes).iter().take(count).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As Kubernetes' restricted profile wants it.
fn restricted_container() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    })
}

/// `OpenShift` gives each namespace IDs of its own, for volumes too, and refuses a pod that asks for others.
fn restricted_pod(any_user: bool) -> Value {
    let mut context = json!({ "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } });
    if !any_user {
        for field in ["runAsUser", "runAsGroup", "fsGroup"] {
            context[field] = json!(USER);
        }
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_asks_for_the_users_of_the_image_unless_the_platform_chooses() {
        let (own, any) = (restricted_pod(false), restricted_pod(true));
        for field in ["runAsUser", "runAsGroup", "fsGroup"] {
            assert_eq!((&own[field], any.get(field)), (&json!(65532), None), "{field}");
        }
        for context in [own, any] {
            assert_eq!(context["runAsNonRoot"], true);
            assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
        }
    }
}

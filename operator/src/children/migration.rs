//! The Job that makes or renews the tables of a PostgreSQL ledger. Workers only check the version.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::deployment::{GRACE_S, Pods, TERMINATION_LOG, resources};
use super::{Child, INSTANCE, Kind, PART_OF, child, child_name};
use crate::walk::nouns::Valid;

/// Who the ledger's timeline names.
pub(crate) const AUTHOR: &str = "loyalty-operator";

/// The key of a Secret with the only authorities to be trusted.
pub(crate) const CA: &str = "ca.crt";

/// A finished Job is of no use to anybody for longer.
const KEPT_S: u32 = 3600;

/// How a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MigrationState {
    Running,
    Done,
    Failed,
}

/// The Job that brings the tables to a version.
pub(crate) fn job(valid: &Valid, pods: &Pods<'_>, version: u32) -> Child {
    let name = child_name(&valid.name, &format!("migrate-{version}"));
    let container = json!({
        "name": "migrate",
        "image": pods.image.image,
        "imagePullPolicy": pods.image.pull_policy,
        "args": ["migrate", "--ledger-secret", "/etc/loyalty/ledger/url", "--termination-log", TERMINATION_LOG],
        "resources": resources(valid),
        "securityContext": super::restricted_container(),
        "volumeMounts": [{ "name": "ledger", "mountPath": "/etc/loyalty/ledger", "readOnly": true }],
    });
    let mut pod = json!({
        "serviceAccountName": child_name(&valid.name, "worker"),
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": super::restricted_pod(pods.image.any_user),
        "containers": [container],
        "volumes": [ledger_volume(valid, pods.ledger_key)],
    });
    if !pods.image.pull_secrets.is_empty() {
        let secrets: Vec<Value> = pods.image.pull_secrets.iter().map(|name| json!({ "name": name })).collect();
        pod["imagePullSecrets"] = json!(secrets);
    }
    let labels = json!({ PART_OF.0: PART_OF.1, super::NAME.0: super::MIGRATE, INSTANCE: valid.name.as_str() });
    let fields = json!({ "spec": {
        "backoffLimit": 3,
        "ttlSecondsAfterFinished": KEPT_S,
        "template": {
            "metadata": { "labels": labels, "annotations": { "loyalty.dev/secrets": pods.secrets } },
            "spec": pod,
        },
    } });
    child(valid, Kind::Job, name, fields)
}

/// Of the ledger's Secret only the key that holds the URL, and the authorities that sign its certificate, where it has them.
pub(super) fn ledger_volume(valid: &Valid, key: Option<&str>) -> Value {
    let secret = valid.spec.ledger.postgres.as_ref().map_or("", |postgres| &postgres.secret_ref.name);
    let url = json!({ "name": secret, "items": [{ "key": key.unwrap_or("url"), "path": "url" }] });
    let ca = json!({ "name": secret, "items": [{ "key": CA, "path": CA }], "optional": true });
    json!({ "name": "ledger", "projected": { "sources": [{ "secret": url }, { "secret": ca }] } })
}

/// Since when a Job is done.
pub(crate) fn done_at(live: &Value) -> Option<Timestamp> {
    live["status"]["completionTime"].as_str()?.parse().ok()
}

/// How a Job that stands has gone so far.
pub(crate) fn state(live: &Value) -> MigrationState {
    let conditions = live["status"]["conditions"].as_array();
    let is =
        |kind: &str| conditions.is_some_and(|all| all.iter().any(|it| it["type"] == kind && it["status"] == "True"));
    if is("Failed") {
        MigrationState::Failed
    } else if is("Complete") {
        MigrationState::Done
    } else {
        MigrationState::Running
    }
}

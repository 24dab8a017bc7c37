//! The workers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Child, INSTANCE, Kind, NAME, PART_OF, WorkerImage, child, child_name, config, hash_of, selector};
use crate::walk::nouns::Valid;

/// A worker drains for at most 20 s; what is left of this is for the kubelet.
pub(super) const GRACE_S: u32 = 45;

const CONFIG: &str = "/etc/loyalty/config";
const BROKER: &str = "/etc/loyalty/broker";
const LEDGER: &str = "/etc/loyalty/ledger";
const DATA: &str = "/var/lib/loyalty";
const EMBEDDED_URL: &str = "sqlite:/var/lib/loyalty/ledger.db";
/// Where Kubernetes reads why a container ended.
pub(super) const TERMINATION_LOG: &str = "/dev/termination-log";

/// What the pods of a pipeline are made of, beside its spec.
#[derive(Clone, Copy)]
pub(crate) struct Pods<'a> {
    pub(crate) image: &'a WorkerImage,
    /// Resource versions of the Secrets: another one makes new pods, so that no worker goes on with an old password.
    pub(crate) secrets: &'a str,
    /// The key of the ledger's Secret that holds the URL.
    pub(crate) ledger_key: Option<&'a str>,
    /// From when the rules of an embedded ledger hold.
    pub(crate) rules_since: Option<Timestamp>,
}

/// The workers; how many is the caller's matter.
pub(crate) fn deployment(valid: &Valid, pods: &Pods<'_>, replicas: u32) -> Child {
    let strategy = if valid.is_embedded() {
        // One file has one writer.
        json!({ "type": "Recreate" })
    } else {
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } })
    };
    let fields = json!({ "spec": {
        "selector": { "matchLabels": selector(valid.name.as_str()) },
        "strategy": strategy,
        "revisionHistoryLimit": 2,
        "progressDeadlineSeconds": 120,
        "template": template(valid, pods),
    } });
    let mut made = child(valid, Kind::Deployment, child_name(&valid.name, "worker"), fields);
    // Not part of what it was made from: another number is no other object.
    made.body["spec"]["replicas"] = json!(replicas);
    made
}

fn template(valid: &Valid, pods: &Pods<'_>) -> Value {
    json!({
        "metadata": {
            "labels": { PART_OF.0: PART_OF.1, NAME.0: NAME.1, INSTANCE: valid.name.as_str() },
            "annotations": {
                "loyalty.dev/config": hash_of(&super::config_map(valid, pods.rules_since).body["data"]),
                "loyalty.dev/secrets": pods.secrets,
            },
        },
        "spec": pod(valid, pods),
    })
}

fn pod(valid: &Valid, pods: &Pods<'_>) -> Value {
    let mut spec = json!({
        "serviceAccountName": child_name(&valid.name, "worker"),
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": super::restricted_pod(pods.image.any_user),
        "topologySpreadConstraints": [{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": selector(valid.name.as_str()) },
        }],
        "containers": [worker(valid, pods)],
        "volumes": volumes(valid, pods),
    });
    if valid.is_embedded() {
        spec["initContainers"] = json!([migrate(valid, pods)]);
    }
    if !pods.image.pull_secrets.is_empty() {
        let secrets: Vec<Value> = pods.image.pull_secrets.iter().map(|name| json!({ "name": name })).collect();
        spec["imagePullSecrets"] = json!(secrets);
    }
    spec
}

fn worker(valid: &Valid, pods: &Pods<'_>) -> Value {
    let mut container = json!({
        "name": "worker",
        "image": pods.image.image,
        "imagePullPolicy": pods.image.pull_policy,
        "args": ["--config", format!("{CONFIG}/{}", config::WORKER), "--broker-secret", BROKER, "--listen", "0.0.0.0:8080"],
        "ports": [{ "name": "http", "containerPort": 8080, "protocol": "TCP" }],
        "readinessProbe": probe("/readyz", 2),
        "livenessProbe": probe("/livez", 10),
        "resources": resources(valid),
        "securityContext": super::restricted_container(),
        "volumeMounts": mounts(valid),
    });
    if valid.is_embedded() {
        container["env"] = json!([{ "name": "LEDGER_URL", "value": EMBEDDED_URL }]);
    } else if let Some(args) = container["args"].as_array_mut() {
        args.extend([json!("--ledger-secret"), json!(format!("{LEDGER}/url"))]);
    }
    container
}

/// The tables and the rules of an embedded ledger: nobody else can write them.
fn migrate(valid: &Valid, pods: &Pods<'_>) -> Value {
    json!({
        "name": "migrate",
        "image": pods.image.image,
        "imagePullPolicy": pods.image.pull_policy,
        "args": [
            "migrate", "--pipeline", valid.name.as_str(), "--ruleset", format!("{CONFIG}/{}", config::RULES),
            "--author", super::migration::AUTHOR, "--termination-log", TERMINATION_LOG,
        ],
        "env": [{ "name": "LEDGER_URL", "value": EMBEDDED_URL }],
        "resources": resources(valid),
        "securityContext": super::restricted_container(),
        "volumeMounts": [
            { "name": "config", "mountPath": CONFIG, "readOnly": true }, { "name": "data", "mountPath": DATA },
        ],
    })
}

fn probe(path: &str, period_s: u32) -> Value {
    json!({ "httpGet": { "path": path, "port": "http" }, "periodSeconds": period_s, "timeoutSeconds": 2 })
}

/// What is usual where the spec says nothing.
pub(super) fn resources(valid: &Valid) -> Value {
    let said = &valid.spec.workers.resources;
    let or = |amount: &Option<api::Amount>, usual: &str| amount.as_ref().map_or(usual.to_owned(), ToString::to_string);
    let mut limits = json!({ "memory": or(&said.limits.memory, "256Mi") });
    if let Some(cpu) = &said.limits.cpu {
        limits["cpu"] = json!(cpu.as_str());
    }
    let requests = json!({ "cpu": or(&said.requests.cpu, "100m"), "memory": or(&said.requests.memory, "64Mi") });
    json!({ "requests": requests, "limits": limits })
}

fn mounts(valid: &Valid) -> Value {
    let ledger = if valid.is_embedded() {
        json!({ "name": "data", "mountPath": DATA })
    } else {
        json!({ "name": "ledger", "mountPath": LEDGER, "readOnly": true })
    };
    json!([
        { "name": "config", "mountPath": CONFIG, "readOnly": true },
        { "name": "broker", "mountPath": BROKER, "readOnly": true },
        ledger,
    ])
}

fn volumes(valid: &Valid, pods: &Pods<'_>) -> Value {
    let name = child_name(&valid.name, "worker");
    let ledger = if valid.is_embedded() {
        json!({ "name": "data", "persistentVolumeClaim": { "claimName": child_name(&valid.name, "ledger") } })
    } else {
        super::migration::ledger_volume(valid, pods.ledger_key)
    };
    json!([
        { "name": "config", "configMap": { "name": name } },
        { "name": "broker", "secret": { "secretName": valid.spec.broker.secret_ref.name } },
        ledger,
    ])
}

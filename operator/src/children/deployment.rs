//! The workers.

use api::{Amount, Amounts};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::covers::thousandths;
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
        // A worker that does not start says why in its log; the status repeats it.
        "terminationMessagePolicy": "FallbackToLogsOnError",
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

pub(super) fn resources(valid: &Valid) -> Value {
    amounts(&valid.spec.workers.resources)
}

/// What is usual where the spec says nothing, as far as what it says allows: no request may exceed its limit.
fn amounts(said: &api::Resources) -> Value {
    let Amounts { cpu, memory } = &said.requests;
    let limits = &said.limits;
    let cpu_request = cpu.clone().or_else(|| smaller("100m", limits.cpu.as_ref()));
    let memory_request = memory.clone().or_else(|| smaller("64Mi", limits.memory.as_ref()));
    let usual_limit = || {
        let usual = Amount::parse("256Mi").ok()?;
        let asked = memory.as_ref().filter(|asked| is_less(&usual, asked));
        Some(asked.cloned().unwrap_or(usual))
    };
    let mut kept = json!({ "memory": limits.memory.clone().or_else(usual_limit) });
    if let Some(cpu) = &limits.cpu {
        kept["cpu"] = json!(cpu);
    }
    json!({ "requests": { "cpu": cpu_request, "memory": memory_request }, "limits": kept })
}

/// The usual request, or the limit where that is less.
fn smaller(usual: &str, limit: Option<&Amount>) -> Option<Amount> {
    let usual = Amount::parse(usual).ok()?;
    let limit = limit.filter(|limit| is_less(limit, &usual));
    Some(limit.cloned().unwrap_or(usual))
}

fn is_less(one: &Amount, other: &Amount) -> bool {
    matches!((thousandths(one.as_str()), thousandths(other.as_str())), (Some(one), Some(other)) if one < other)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::amounts;

    #[test]
    fn a_usual_amount_fits_what_was_said() {
        for (said, requests, limits) in [
            ("{}", ("100m", "64Mi"), (None, "256Mi")),
            ("{ requests: { memory: 512Mi } }", ("100m", "512Mi"), (None, "512Mi")),
            ("{ requests: { memory: 200M } }", ("100m", "200M"), (None, "256Mi")),
            ("{ limits: { memory: 32Mi } }", ("100m", "32Mi"), (None, "32Mi")),
            ("{ limits: { memory: 1Gi } }", ("100m", "64Mi"), (None, "1Gi")),
            ("{ limits: { cpu: 50m } }", ("50m", "64Mi"), (Some("50m"), "256Mi")),
            ("{ limits: { cpu: '2' } }", ("100m", "64Mi"), (Some("2"), "256Mi")),
            (
                "{ requests: { cpu: '1', memory: 1Gi }, limits: { cpu: '2', memory: 2Gi } }",
                ("1", "1Gi"),
                (Some("2"), "2Gi"),
            ),
        ] {
            let made = amounts(&serde_yaml::from_str(said).unwrap());
            let mut wanted = json!({
                "requests": { "cpu": requests.0, "memory": requests.1 }, "limits": { "memory": limits.1 },
            });
            if let Some(cpu) = limits.0 {
                wanted["limits"]["cpu"] = json!(cpu);
            }
            assert_eq!(made, wanted, "{said}");
        }
    }
}

//! What the cluster says, as far as it is shown. Read leniently: an operator or a definition of another version must not blind us.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A pipeline as it is stored.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pipeline {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: Spec,
    #[serde(default)]
    pub(super) status: Status,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) generation: i64,
    #[serde(default)]
    pub(super) creation_timestamp: String,
    pub(super) deletion_timestamp: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    pub(super) workers: Workers,
    pub(super) suspend: bool,
    pub(super) ledger: Ledger,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ledger {
    pub(super) sqlite: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Workers {
    pub(super) count: u32,
    pub(super) autoscaling: Autoscaling,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Autoscaling {
    /// A text, or `false` where somebody wrote a bare `Off`.
    mode: Value,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) drain_within: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    pub(super) observed_generation: Option<i64>,
    pub(super) conditions: Vec<Condition>,
    pub(super) plan: Vec<String>,
    pub(super) queue: Option<Queue>,
    pub(super) scaling: Option<Scaling>,
    pub(super) ruleset_hash: Option<String>,
    pub(super) replicas: Option<u32>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) last_transition_time: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Queue {
    pub(super) depth: Option<String>,
    pub(super) ready: Option<u64>,
    pub(super) unacked: Option<u64>,
    pub(super) arrival_rate: Option<u64>,
    pub(super) acked_rate: Option<u64>,
    pub(super) drain_seconds: Option<u64>,
    pub(super) oldest_signal: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scaling {
    pub(super) desired: u32,
    pub(super) limited_by: String,
    pub(super) reason: String,
}

/// Several objects.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct List<T> {
    #[serde(default = "Vec::new")]
    pub(super) items: Vec<T>,
}

/// The workers' Deployment.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Deployment {
    #[serde(default)]
    pub(super) spec: DeploymentSpec,
    #[serde(default)]
    pub(super) status: DeploymentStatus,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeploymentSpec {
    pub(super) replicas: u32,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DeploymentStatus {
    pub(super) ready_replicas: u32,
    pub(super) updated_replicas: u32,
}

/// Something that happened to the pipeline.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) reason: String,
    pub(super) message: String,
    #[serde(rename = "eventTime")]
    at: Option<String>,
    last_timestamp: Option<String>,
    count: Option<u64>,
    series: Option<Series>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Series {
    count: u64,
    last_observed_time: String,
}

impl Autoscaling {
    pub(super) fn is_off(&self) -> bool {
        self.mode == "Off" || self.mode == false
    }
}

impl Pipeline {
    /// One condition.
    pub(super) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Whether `Ready` is true, and of this generation: what was true of the spec before tells nothing.
    pub(super) fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(|ready| ready.status == "True") && !self.is_behind()
    }

    /// Whether the status is about an earlier generation of the spec.
    pub(super) fn is_behind(&self) -> bool {
        self.status.observed_generation.is_some_and(|observed| observed < self.metadata.generation)
    }

    /// Whether an operator has said anything at all.
    pub(super) fn is_told_of(&self) -> bool {
        !self.status.conditions.is_empty()
    }
}

impl Event {
    /// When it happened last.
    pub(super) fn at(&self) -> &str {
        let series = self.series.as_ref().map(|series| series.last_observed_time.as_str());
        let times = [series, self.at.as_deref(), self.last_timestamp.as_deref()];
        times.into_iter().flatten().find(|time| !time.is_empty()).unwrap_or_default()
    }

    /// How often.
    pub(super) fn times(&self) -> u64 {
        self.series.as_ref().map(|series| series.count).or(self.count).unwrap_or(1)
    }
}

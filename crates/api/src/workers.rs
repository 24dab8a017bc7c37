//! How many workers a pipeline has, how large they are, and what is left of a deleted one.

use std::fmt;

use contract::span::Span;
use schemars::JsonSchema;
use serde::de::{Error, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::amount::Amount;

/// Most workers of one pipeline. Each holds connections to broker and database; beyond some hundred neither gets faster.
pub const WORKERS_MAX: u32 = 1000;

/// A backlog that may take longer than a day needs no autoscaling.
pub(crate) const DRAIN_WITHIN_S_MAX: u64 = 86_400;

/// How many workers, and how large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Workers {
    /// How many, while autoscaling is `Off`; `kubectl scale` writes it. At most one runs with the embedded ledger.
    #[schemars(range(min = 0, max = 1000))]
    pub count: u32,
    /// What each worker asks for and may use.
    pub resources: Resources,
    /// How their number follows the queues.
    pub autoscaling: Autoscaling,
}

impl Default for Workers {
    /// One worker: a pipeline that is applied shall run.
    fn default() -> Self {
        Self { count: 1, resources: Resources::default(), autoscaling: Autoscaling::default() }
    }
}

/// What each worker asks for and may use; a usual amount where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Resources {
    /// What the scheduler sets aside; CPU `100m` and memory `64Mi` where absent, or the limit where that is less.
    pub requests: Amounts,
    /// What it may not exceed; memory `256Mi` where absent, or the request where that is more; no limit on CPU.
    pub limits: Amounts,
}

/// CPU and memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Amounts {
    /// Cores, such as `250m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Amount>,
    /// Bytes, such as `64Mi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Amount>,
}

/// How the number of workers follows the queues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.min <= self.max", "message": "min is more than max: lower it, or raise max"
}]))]
pub struct Autoscaling {
    /// Who chooses the number: the operator, by depth and rates (`Builtin`), or `count` (`Off`; a bare one is `false` in YAML 1.1).
    #[serde(deserialize_with = "mode")]
    pub mode: AutoscalingMode,
    /// Fewest workers; 0 lets an idle pipeline cost nothing.
    #[schemars(range(min = 0, max = 1000))]
    pub min: u32,
    /// Most workers.
    #[schemars(range(min = 1, max = 1000))]
    pub max: u32,
    /// How fast a backlog shall be gone, `1s` to `1d`.
    pub drain_within: Span,
}

impl Default for Autoscaling {
    fn default() -> Self {
        Self { mode: AutoscalingMode::Builtin, min: 0, max: 20, drain_within: Span::of_seconds(30) }
    }
}

/// Who chooses the number of workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AutoscalingMode {
    /// The operator, by the depth of the queues and the measured rates.
    #[default]
    Builtin,
    /// `workers.count`.
    Off,
}

/// YAML 1.1, which kubectl and Helm read, takes a bare `Off` for `false`.
fn mode<'de, D: Deserializer<'de>>(reader: D) -> Result<AutoscalingMode, D::Error> {
    struct Mode;

    impl Visitor<'_> for Mode {
        type Value = AutoscalingMode;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("`Builtin` or `Off`")
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<AutoscalingMode, E> {
            if value { Err(E::invalid_value(Unexpected::Bool(true), &self)) } else { Ok(AutoscalingMode::Off) }
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<AutoscalingMode, E> {
            AutoscalingMode::deserialize(value.into_deserializer())
        }
    }

    reader.deserialize_any(Mode)
}

/// What becomes of queues and exchanges when the resource is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They stay, with all that they hold; workers go.
    #[default]
    Retain,
    /// They go once they are empty; while one holds a message the resource stays, and says so.
    Delete,
}

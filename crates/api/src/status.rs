//! What the operator says of a pipeline. Types and reasons are closed sets: alerts may be written against them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands, as far as it is known; what is not known is left out, and is never 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LoyaltyPipelineStatus {
    /// Which generation of the spec this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// One of each type.
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
    /// Steps that were not taken, and why, and messages that nobody reads any more; the first 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 21))]
    pub plan: Vec<String>,
    /// What the lanes' queues hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueStatus>,
    /// How many workers there shall be, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling: Option<ScalingStatus>,
    /// The first twelve digits of the hash of the rules that are in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ruleset_hash: Option<String>,
    /// Workers that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Which pods are workers of this pipeline, for the scale subresource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

/// What the lanes' queues hold, and how fast it changes. Rates are whole messages a second.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueStatus {
    /// Messages that wait, by lane, for a table: `main 12, express 0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<String>,
    /// Messages that wait, in all lanes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<u64>,
    /// Messages that workers hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unacked: Option<u64>,
    /// Messages that come in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival_rate: Option<u64>,
    /// Messages that are worked off in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acked_rate: Option<u64>,
    /// How long the backlog needs at these rates, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain_seconds: Option<u64>,
    /// The same for a table: `12s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<String>,
    /// When the oldest of these numbers was read (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_signal: Option<String>,
}

/// How many workers there shall be, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingStatus {
    /// How many.
    pub desired: u32,
    /// What keeps it from being another number.
    pub limited_by: String,
    /// The arithmetic in a sentence.
    pub reason: String,
}

/// One thing that is so, is not so, or is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it is so.
    pub status: ConditionStatus,
    /// Why, for a program.
    pub reason: Reason,
    /// Why and what to do, for a person.
    pub message: String,
    /// Which generation of the spec it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Since when the status is what it is (RFC 3339).
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
}

/// What a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConditionType {
    /// The resource says something that can be done: its fields, names, rules and conditions are right.
    Accepted,
    /// The broker's objects are as the resource says, read back field by field.
    TopologyInSync,
    /// The ledger answers, has the tables of this version, and knows the rules.
    LedgerReady,
    /// As many workers are ready as there shall be.
    WorkersReady,
    /// The backlog will be gone within `drainWithin`.
    DrainOnTarget,
    /// All of the others are true.
    Ready,
}

impl ConditionType {
    /// Those that `Ready` is made of, in the order of the walk.
    pub const PARTS: [Self; 5] =
        [Self::Accepted, Self::TopologyInSync, Self::LedgerReady, Self::WorkersReady, Self::DrainOnTarget];
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It is.
    True,
    /// It is not.
    False,
    /// Nobody can tell now.
    Unknown,
}

/// Why a condition is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Reason {
    /// Everything can be done.
    Valid,
    /// Something in the spec is wrong; the message says where.
    Invalid,
    /// What stands is what is wanted.
    InSync,
    /// What stands is what is wanted, and another pipeline asks for one of its objects.
    Contested,
    /// What stands is what is wanted, and queues that the resource does not name any more hold messages that nobody reads.
    Stranded,
    /// Something of this name is somebody else's, or has other properties that cannot change.
    Conflict,
    /// Steps were taken, and something is different all the same.
    Different,
    /// Declared; without the management API nothing can be read back.
    NotReadBack,
    /// A Secret is not there.
    SecretMissing,
    /// A Secret lacks a key, or holds what cannot be used.
    SecretInvalid,
    /// The broker does not answer.
    BrokerUnreachable,
    /// The broker refuses.
    BrokerRefused,
    /// The API server refuses.
    ClusterRefused,
    /// The ledger's tables and rules are as needed.
    Migrated,
    /// A Job is making or renewing the ledger's tables.
    Migrating,
    /// The Job that makes the ledger's tables failed.
    MigrationFailed,
    /// The ledger does not answer.
    LedgerUnreachable,
    /// The ledger answers and cannot be used.
    LedgerRefused,
    /// The rules contradict what earlier ones paid.
    RulesRefused,
    /// The ledger is a file that only its worker can see.
    Embedded,
    /// As many workers are ready as there shall be.
    Available,
    /// Steps are being taken, or workers are being started or stopped.
    Progressing,
    /// Workers do not get ready.
    Unavailable,
    /// `suspend` is set.
    Suspended,
    /// The backlog goes fast enough, or there is none.
    OnTarget,
    /// The backlog does not go fast enough yet.
    Behind,
    /// More workers than `max` would be needed.
    AtMaximum,
    /// There is a backlog, and nobody acknowledges anything.
    Stalled,
    /// More workers do not work off more.
    Saturated,
    /// A number is missing that the decision needs.
    NoSignal,
    /// An earlier step did not succeed, so that this one was not tried.
    Waiting,
    /// The resource is being deleted.
    Deleting,
    /// The resource is being deleted, and queues still hold messages.
    QueuesNotEmpty,
    /// Everything is as the resource says.
    AllTrue,
    /// A reason that another version of the operator gave.
    #[serde(other)]
    Other,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

//! The resource as a person writes it. Each field has an effect; the parts that other rooms use are words of `contract`.

use contract::pipeline::{Events, Queue, Results};
use contract::program::{self, Program};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::status::LoyaltyPipelineStatus;
use crate::workers::{DeletionPolicy, Workers};

/// What a pipeline shall be.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "loyalty.dev",
    version = "v1alpha1",
    kind = "LoyaltyPipeline",
    plural = "loyaltypipelines",
    shortname = "lp",
    category = "loyalty",
    namespaced,
    status = "LoyaltyPipelineStatus",
    scale(
        spec_replicas_path = ".spec.workers.count",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status",
        description = "whether everything is as the resource says"),
    printcolumn(name = "Depth", type_ = "string", json_path = ".status.queue.depth",
        description = "messages that wait, by lane"),
    printcolumn(name = "Workers", type_ = "integer", json_path = ".status.replicas",
        description = "workers that run"),
    printcolumn(name = "Drain", type_ = "string", json_path = ".status.queue.drain",
        description = "how long the backlog needs at the present rates"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason",
        description = "why it is not ready"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message",
        description = "what to do", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp",
        description = "since when it is there"),
    derive = "PartialEq",
    validation = kube::core::Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 63")
        .message("the name must be a DNS label: lower-case letters, digits and `-`, at most 63"),
    validation = kube::core::Rule::new("self.spec.events.sources.all(source, source.exchange.name != \
        (has(self.spec.results) && has(self.spec.results.exchange) ? self.spec.results.exchange.name : self.metadata.name + '.results'))")
        .message("a source names the exchange of results: events and results need one each"),
    doc = "From a retailer's events on RabbitMQ to points in an audited ledger."
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoyaltyPipelineSpec {
    /// Where the broker is.
    pub broker: Broker,
    /// Where balances are kept.
    pub ledger: Ledger,
    /// Where events come from and how they are read.
    pub events: Events,
    /// How safe the queues are, and what happens to messages that cannot be applied.
    #[serde(default)]
    pub queue: Queue,
    /// Wallets, and what holds for all of them.
    pub program: Program,
    /// In the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 1000),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub rules: Vec<program::Rule>,
    /// Where results go.
    #[serde(default)]
    pub results: Results,
    /// How many workers, and how large.
    #[serde(default)]
    pub workers: Workers,
    /// Whether no worker shall run; events wait in their queues meanwhile.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schemars(extend("default" = false))]
    pub suspend: bool,
    /// What becomes of queues and exchanges when the resource is deleted: they stay (`Retain`), or go as soon as they are empty, and
    /// the resource only after them (`Delete`). The volume of an embedded ledger goes with `Delete`, and with it all points.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Where the broker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Broker {
    /// A Secret with `uri` (or the keys that the RabbitMQ Cluster Operator writes), and, where needed, `managementUri`,
    /// `ca.crt`, `tls.crt` and `tls.key`.
    pub secret_ref: SecretRef,
}

/// A Secret of the pipeline's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Where balances are kept: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    { "rule": "has(self.sqlite) != has(self.postgres)", "message": "give exactly one of sqlite and postgres" },
    {
        "rule": "has(self.sqlite) == has(oldSelf.sqlite)",
        "message": "the kind of ledger cannot change: balances would stay behind"
    },
]))]
pub struct Ledger {
    /// Embedded: one file, one worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlite: Option<Sqlite>,
    /// A PostgreSQL database, 15 or newer; many workers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Postgres>,
}

/// The embedded ledger: one file on a volume of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.size) == has(oldSelf.size) && (!has(self.size) || self.size == oldSelf.size) && \
             has(self.storageClassName) == has(oldSelf.storageClassName) && \
             (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
    "message": "the ledger's volume cannot change once it exists; grow the claim itself"
}]))]
pub struct Sqlite {
    /// How large a volume a cluster gives it, `1Gi` when absent. No effect outside a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Amount>,
    /// Of which storage class the volume is; the cluster's default when absent. No effect outside a cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
}

/// A PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgres {
    /// A Secret with the database's URL and, where its authority is not one that everybody trusts, `ca.crt`.
    pub secret_ref: SecretKeyRef,
}

/// One key of a Secret of the pipeline's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Which of its keys holds the URL; absent: `url`, or else `uri`, as CloudNativePG writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

impl SecretKeyRef {
    /// The keys to look for, the first that is there counts.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        self.key.as_deref().map_or_else(|| vec!["url", "uri"], |key| vec![key])
    }
}

//! The resource as a person writes it. Each field has an effect; the parts that other rooms use are words of `contract`.

use contract::pipeline::{Events, Queue, Results};
use contract::program::{self, Program};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    derive = "PartialEq",
    validation = kube::core::Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 63")
        .message("the name must be a DNS label: lower-case letters, digits and `-`, at most 63"),
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

/// The embedded ledger; it has nothing to set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sqlite {}

// Derived, it would say `additionalProperties: false`, which a structural schema must not.
impl JsonSchema for Sqlite {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sqlite".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "object" })
    }
}

/// A PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgres {
    /// A Secret with the database's URL.
    pub secret_ref: SecretKeyRef,
}

/// One key of a Secret of the pipeline's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Which of its keys holds the URL.
    #[serde(default = "url")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn url() -> String {
    "url".to_owned()
}

//! What conditions and their reasons mean, where a reason is met, and what to do about it: for the reference, beside the code.

use schemars::{JsonSchema, schema_for};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ConditionStatus, ConditionType, Reason};

/// A value of a closed set with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described<T> {
    /// The value.
    pub value: T,
    /// What its type says of it.
    pub meaning: String,
}

/// Every type of condition, in its order.
#[must_use]
pub fn condition_types() -> Vec<Described<ConditionType>> {
    described()
}

/// Every reason, in its order.
#[must_use]
pub fn reasons() -> Vec<Described<Reason>> {
    described()
}

/// Values and descriptions of an enum, as its schema has them.
fn described<T: JsonSchema + DeserializeOwned>() -> Vec<Described<T>> {
    let schema = schema_for!(T).to_value();
    let values = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |value: &Value| {
        let meaning = value["description"].as_str().unwrap_or_default().to_owned();
        serde_json::from_value(value["const"].clone()).ok().map(|value| Described { value, meaning })
    };
    values.iter().filter_map(read).collect()
}

impl Reason {
    /// Which conditions it is given for, and what their status is then. `Ready` has the reason of its first part that is not true.
    #[must_use]
    pub fn given_for(self) -> &'static [(ConditionType, ConditionStatus)] {
        use ConditionStatus::{False, True, Unknown};
        use ConditionType::{Accepted, DrainOnTarget, LedgerReady, Ready, TopologyInSync, WorkersReady};
        match self {
            Self::Valid => &[(Accepted, True)],
            Self::Invalid => &[(Accepted, False)],
            Self::InSync | Self::Contested | Self::Stranded => &[(TopologyInSync, True)],
            Self::Conflict | Self::ClusterRefused => {
                &[(TopologyInSync, False), (LedgerReady, False), (WorkersReady, False)]
            }
            Self::Different | Self::Progressing => &[(TopologyInSync, False), (WorkersReady, False)],
            Self::BrokerRefused | Self::QueuesNotEmpty => &[(TopologyInSync, False)],
            Self::NotReadBack | Self::BrokerUnreachable => &[(TopologyInSync, Unknown)],
            Self::SecretMissing | Self::SecretInvalid => &[(TopologyInSync, False), (LedgerReady, False)],
            Self::Migrated | Self::Embedded => &[(LedgerReady, True)],
            Self::Migrating | Self::MigrationFailed | Self::LedgerRefused | Self::RulesRefused => {
                &[(LedgerReady, False)]
            }
            Self::LedgerUnreachable => &[(LedgerReady, Unknown)],
            Self::Available => &[(WorkersReady, True)],
            Self::Unavailable => &[(WorkersReady, False)],
            Self::Suspended => &[(WorkersReady, True), (DrainOnTarget, Unknown)],
            Self::OnTarget => &[(DrainOnTarget, True)],
            Self::Behind | Self::AtMaximum | Self::Stalled | Self::Saturated => &[(DrainOnTarget, False)],
            Self::NoSignal => &[(DrainOnTarget, Unknown)],
            Self::Waiting => {
                &[(TopologyInSync, Unknown), (LedgerReady, Unknown), (WorkersReady, Unknown), (DrainOnTarget, Unknown)]
            }
            Self::Deleting => {
                &[(TopologyInSync, False), (LedgerReady, True), (WorkersReady, False), (DrainOnTarget, False)]
            }
            Self::AllTrue => &[(Ready, True)],
            Self::Other => &[],
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Valid
            | Self::InSync
            | Self::Migrated
            | Self::Embedded
            | Self::Available
            | Self::OnTarget
            | Self::AllTrue => "Nothing.",
            Self::Invalid => {
                "Correct what the message names; `loyaltyctl validate -f FILE` finds the same before it is applied. What ran goes on."
            }
            Self::Contested => {
                "Name each object in one pipeline; where two shall read one exchange, the second says `declare: false`."
            }
            Self::Stranded => "Do what the message says: write back what was removed, or move or purge the messages.",
            Self::Conflict => {
                "Do what the message says: delete what is in the way if nobody needs it, or give the pipeline another name. Nothing of \
                 it is changed until then."
            }
            Self::Different => {
                "Look for the policy, plugin, webhook or controller that changes the object of the message, and correct it."
            }
            Self::NotReadBack => {
                "Give `managementUri` in the broker's Secret, if the broker has its management API; else live with it: drift is not seen."
            }
            Self::SecretMissing => "Create the Secret of the message in the pipeline's namespace, or correct its name.",
            Self::SecretInvalid => "Correct the key of the Secret that the message names.",
            Self::BrokerUnreachable => {
                "See that the broker runs and that host, port and network policy let the operator in. It is tried again by itself."
            }
            Self::BrokerRefused => "Correct login, vhost or permissions of the broker's user, as the message says.",
            Self::ClusterRefused => {
                "See the operator's rights (`rbac` of the chart), quotas and admission policies of the namespace; the message has \
                 the API server's words."
            }
            Self::Migrating => "Wait for the Job; workers start when it is done.",
            Self::MigrationFailed => "Correct what the message says, then delete the Job; it is made again.",
            Self::LedgerUnreachable => {
                "See that the database runs and that host, port and network policy let the operator in. It is tried again by itself."
            }
            Self::LedgerRefused => "Do what the message says; where it is embedded, see the worker's first container.",
            Self::RulesRefused => {
                "Give back to the wallets and the currency the meaning that they had when points were paid."
            }
            Self::Progressing => "Wait; `WorkersReady` becomes `Unavailable` when a pod says why it does not start.",
            Self::Unavailable => "Do what the message says: it has the words of the pod that does not start.",
            Self::Suspended => "Nothing, if it is meant; set `suspend: false` to let workers run.",
            Self::Behind => "Nothing at first: workers are being added. If it stays, read `status.scaling`.",
            Self::AtMaximum => "Raise `workers.autoscaling.max`, or allow more time with `drainWithin`.",
            Self::Stalled => {
                "See the log of the workers and their `/readyz`: they hold back while broker or database are away."
            }
            Self::Saturated => "Look at the database and the broker, or allow more time with `drainWithin`.",
            Self::NoSignal => {
                "Nothing in the first seconds. If it stays, see `TopologyInSync`: the broker tells no numbers."
            }
            Self::Waiting => "See the condition that is false.",
            Self::Deleting => "Nothing; if it takes long, the message of `TopologyInSync` says what is waited for.",
            Self::QueuesNotEmpty => {
                "Drain or purge the queues of the message, or annotate the resource with `loyalty.dev/force-delete: \"true\"` to lose \
                 what they hold."
            }
            Self::Other => "Read the documentation of the operator's version.",
        }
    }
}

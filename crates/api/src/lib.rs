//! The `LoyaltyPipeline` resource: its type, its schema, reading it from files.
//!
//! No client: nothing here talks to an API server. Rules are compiled elsewhere; here only their shape is checked.

mod amount;
mod crd;
mod manifest;
mod reference;
#[expect(unreachable_pub, reason = "the derive of the resource writes a `pub` type into a function")]
mod resource;
mod rights;
mod status;
mod suite;
mod validate;
mod workers;

pub use amount::{Amount, AmountError};
pub use crd::{crd_yaml, resource_schema};
pub use manifest::{Manifest, ParseError, SIZE_MAX, Secret, parse};
pub use reference::{Described, condition_types, reasons};
pub use resource::{Broker, Ledger, LoyaltyPipeline, LoyaltyPipelineSpec, Postgres, SecretKeyRef, SecretRef, Sqlite};
pub use rights::{Right, Rights, rights, rights_yaml};
pub use status::{
    Condition, ConditionStatus, ConditionType, LoyaltyPipelineStatus, QueueStatus, Reason, ScalingStatus,
};
pub use suite::{Balance, Case, Expect, Has, Number, Results, Suite, parse_suite, suite_schema};
pub use validate::{Problem, validate};
pub use workers::{Amounts, Autoscaling, AutoscalingMode, DeletionPolicy, Resources, WORKERS_MAX, Workers};

//! What a worker must know of its pipeline. The rules are not here: they stand in the ledger's timeline, so that all workers see one order of versions.

use serde::{Deserialize, Serialize};

use crate::pipeline::{Events, Queue, Results};
use crate::{Currency, PipelineName};

/// A worker's configuration file (YAML or JSON). No secrets: those come by environment or files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerConfig {
    /// The pipeline's name.
    pub pipeline: PipelineName,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Where events come from.
    pub events: Events,
    /// How safe the queues are.
    #[serde(default)]
    pub queue: Queue,
    /// Where results go.
    #[serde(default)]
    pub results: Results,
}

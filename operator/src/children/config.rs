//! What workers are told, apart from secrets; for the embedded ledger also the rules, which its first container writes into the file.

use serde_json::json;

use super::{Child, Kind, child, child_name};
use crate::walk::nouns::Valid;

/// The worker's configuration in the map.
pub(super) const WORKER: &str = "worker.yaml";
/// The rules in the map, where the ledger is embedded.
pub(super) const RULES: &str = "rules.json";

/// The map with the worker's configuration.
pub(crate) fn config_map(valid: &Valid) -> Child {
    // Only string keys and plain values: neither can fail.
    let worker = serde_yaml::to_string(&valid.config).unwrap_or_default();
    let mut data = json!({ WORKER: worker });
    if valid.is_embedded() {
        let rules = json!({ "ruleset": valid.ruleset, "validFrom": valid.spec.program.valid_from });
        data[RULES] = json!(rules.to_string());
    }
    child(valid, Kind::ConfigMap, child_name(&valid.name, "worker"), json!({ "data": data }))
}

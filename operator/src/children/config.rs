//! What workers are told, apart from secrets; for the embedded ledger also the rules, which its first container writes into the file.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Child, Kind, child, child_name};
use crate::walk::nouns::Valid;

/// The worker's configuration in the map.
pub(super) const WORKER: &str = "worker.yaml";
/// The rules in the map, where the ledger is embedded.
pub(super) const RULES: &str = "rules.json";

/// From when the rules of an embedded ledger hold: as the resource says, else from when they were first planned, which the map that
/// stands remembers. A pipeline may sleep long before a container writes them into the file.
pub(crate) fn rules_since(valid: &Valid, live: Option<&Value>, now: Timestamp) -> Option<Timestamp> {
    let planned = live.and_then(|live| serde_json::from_str::<Value>(live["data"][RULES].as_str()?).ok());
    let same = planned.filter(|planned| planned["ruleset"] == json!(valid.ruleset));
    let remembered = same.map(|planned| planned["validFrom"].as_str().and_then(|since| since.parse().ok()));
    valid.spec.program.valid_from.or_else(|| remembered.unwrap_or(Some(now)))
}

/// The map with the worker's configuration, and with rules that hold from `since`.
pub(crate) fn config_map(valid: &Valid, since: Option<Timestamp>) -> Child {
    // Only string keys and plain values: neither can fail.
    let worker = serde_yaml::to_string(&valid.config).unwrap_or_default();
    let mut data = json!({ WORKER: worker });
    if valid.is_embedded() {
        let rules = json!({ "ruleset": valid.ruleset, "validFrom": since });
        data[RULES] = json!(rules.to_string());
    }
    child(valid, Kind::ConfigMap, child_name(&valid.name, "worker"), json!({ "data": data }))
}

//! A drain of nodes takes workers one after another.

use serde_json::json;

use super::{Child, Kind, child, child_name, selector};
use crate::walk::nouns::Valid;

pub(super) fn disruption(valid: &Valid) -> Child {
    // A worker that is not ready protects nothing: it must not stop a drain.
    let fields = json!({ "spec": {
        "maxUnavailable": 1,
        "selector": { "matchLabels": selector(valid.name.as_str()) },
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    } });
    child(valid, Kind::Disruption, child_name(&valid.name, "worker"), fields)
}

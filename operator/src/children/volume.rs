//! The volume of an embedded ledger. It belongs to nobody, so that it is not collected with its pipeline.

use serde_json::json;

use super::{Child, Kind, child, child_name};
use crate::walk::nouns::Valid;

/// Entries of ten million events; a claim can be grown by hand.
const SIZE: &str = "1Gi";

pub(super) fn claim(valid: &Valid) -> Option<Child> {
    let sqlite = valid.spec.ledger.sqlite.as_ref()?;
    let size = sqlite.size.as_ref().map_or(SIZE, api::Amount::as_str);
    let mut spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": size } } });
    if let Some(class) = &sqlite.storage_class_name {
        spec["storageClassName"] = json!(class);
    }
    Some(child(valid, Kind::Claim, child_name(&valid.name, "ledger"), json!({ "spec": spec })))
}

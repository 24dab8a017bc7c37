//! The account that workers run under: it has no rights, and its token is not mounted.

use serde_json::json;

use super::{Child, Kind, child, child_name};
use crate::walk::nouns::Valid;

pub(super) fn account(valid: &Valid) -> Child {
    let fields = json!({ "automountServiceAccountToken": false });
    child(valid, Kind::ServiceAccount, child_name(&valid.name, "worker"), fields)
}

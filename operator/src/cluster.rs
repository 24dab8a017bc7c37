//! Reads and writes of single objects, by kind.

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::Value;

use crate::children::{Child, Kind};
use crate::house::FIELD_MANAGER;

/// Applies an object: our fields are ours, whoever set them before.
pub(crate) async fn apply(client: &Client, namespace: &str, child: &Child) -> kube::Result<()> {
    let params = PatchParams::apply(FIELD_MANAGER).force();
    objects(client, child.kind, namespace).patch(&child.name, &params, &Patch::Apply(&child.body)).await.map(drop)
}

/// Deletes an object with what it owns; fine when there is none.
pub(crate) async fn delete(client: &Client, kind: Kind, namespace: &str, name: &str) -> kube::Result<()> {
    match objects(client, kind, namespace).delete(name, &DeleteParams::background()).await {
        Err(kube::Error::Api(error)) if error.code == 404 => Ok(()),
        answer => answer.map(drop),
    }
}

/// An object as the API server has it now.
pub(crate) async fn read(client: &Client, kind: Kind, namespace: &str, name: &str) -> kube::Result<Option<Value>> {
    let found = objects(client, kind, namespace).get_opt(name).await?;
    // Read from JSON a moment ago.
    Ok(found.and_then(|object| serde_json::to_value(object).ok()))
}

/// Objects of a kind, as JSON.
pub(crate) fn objects(client: &Client, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &kind.resource())
}

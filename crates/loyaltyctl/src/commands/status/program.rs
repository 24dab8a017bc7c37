//! The same for a program.

use serde_json::{Value, json};

use super::all::All;
use super::look::Look;
use super::told::{Event, Pipeline};

pub(super) fn one(look: &Look) -> Value {
    let mut value = pipeline(&look.pipeline);
    let workers = look.workers.as_ref().ok().and_then(Option::as_ref);
    value["workers"] = workers.map_or(Value::Null, |workers| {
        json!({
            "desired": workers.spec.replicas,
            "ready": workers.status.ready_replicas,
            "updated": workers.status.updated_replicas,
        })
    });
    let events = look.events.as_ref().ok();
    value["events"] = json!(events.map(|events| events.iter().map(event).collect::<Vec<_>>()));
    value
}

pub(super) fn all(all: &All) -> Value {
    json!({ "pipelines": all.pipelines.iter().map(pipeline).collect::<Vec<_>>() })
}

fn pipeline(pipeline: &Pipeline) -> Value {
    let Pipeline { metadata, status, .. } = pipeline;
    json!({
        "namespace": metadata.namespace,
        "name": metadata.name,
        "ready": pipeline.is_ready(),
        "deleting": metadata.deletion_timestamp.is_some(),
        "generation": metadata.generation,
        "observedGeneration": status.observed_generation,
        "conditions": status.conditions,
        "plan": status.plan,
        "queue": status.queue,
        "scaling": status.scaling,
        "rulesetHash": status.ruleset_hash,
        "replicas": status.replicas,
    })
}

fn event(event: &Event) -> Value {
    json!({
        "type": event.kind, "reason": event.reason, "message": event.message, "at": event.at(), "count": event.times(),
    })
}

//! The API's rows as our words.

use std::collections::BTreeMap;

use contract::broker_object::{Argument, Arguments, Binding, Destination, Exchange, Queue, Seen, StandingQueue};
use serde::Deserialize;
use serde_json::Value;

// Rows with all their fields are several times as long.
pub(super) const EXCHANGE_COLUMNS: &[&str] = &["name", "type", "durable", "auto_delete", "internal", "arguments"];
pub(super) const QUEUE_COLUMNS: &[&str] =
    &["name", "durable", "auto_delete", "arguments", "effective_policy_definition", "messages", "consumers"];
pub(super) const BINDING_COLUMNS: &[&str] = &["source", "destination", "destination_type", "routing_key", "arguments"];

#[derive(Deserialize)]
pub(super) struct ExchangeRow {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    durable: bool,
    auto_delete: bool,
    internal: bool,
    #[serde(default)]
    arguments: Value,
}

#[derive(Deserialize)]
pub(super) struct QueueRow {
    name: String,
    durable: bool,
    auto_delete: bool,
    #[serde(default)]
    arguments: Value,
    #[serde(default, rename = "effective_policy_definition")]
    policy: Value,
    // Ready, unacknowledged and delayed ones. Absent while the broker has not counted.
    #[serde(default)]
    messages: Option<u64>,
    #[serde(default)]
    consumers: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct BindingRow {
    source: String,
    destination: String,
    destination_type: String,
    routing_key: String,
    #[serde(default)]
    arguments: Value,
}

pub(super) fn seen(exchanges: Vec<ExchangeRow>, queues: Vec<QueueRow>, bindings: Vec<BindingRow>) -> Seen {
    // The default exchange has no name, cannot be declared, and its bindings cannot be changed.
    let exchanges = exchanges.into_iter().filter(|row| !row.name.is_empty()).map(exchange);
    let bindings = bindings.into_iter().filter(|row| !row.source.is_empty()).map(binding);
    Seen {
        exchanges: exchanges.map(|exchange| (exchange.name.clone(), exchange)).collect(),
        queues: queues.into_iter().map(queue).map(|queue| (queue.queue.name.clone(), queue)).collect(),
        bindings: bindings.collect(),
    }
}

fn exchange(row: ExchangeRow) -> Exchange {
    let ExchangeRow { name, kind, durable, auto_delete, internal, arguments } = row;
    Exchange { name, kind, durable, auto_delete, internal, arguments: to_arguments(arguments) }
}

fn queue(row: QueueRow) -> StandingQueue {
    let QueueRow { name, durable, auto_delete, arguments, policy, messages, consumers } = row;
    let queue = Queue { name, durable, auto_delete, arguments: to_arguments(arguments) };
    StandingQueue { queue, policy: to_arguments(policy), messages, consumers }
}

fn binding(row: BindingRow) -> Binding {
    let BindingRow { source, destination, destination_type, routing_key, arguments } = row;
    let destination_kind = if destination_type == "queue" { Destination::Queue } else { Destination::Exchange };
    Binding { source, destination_kind, destination, routing_key, arguments: to_arguments(arguments) }
}

// Some versions write no arguments as an empty list.
fn to_arguments(value: Value) -> Arguments {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, argument(value))).collect(),
        _ => BTreeMap::new(),
    }
}

fn argument(value: Value) -> Argument {
    match value {
        Value::Bool(value) => Argument::Bool(value),
        Value::String(value) => Argument::Text(value),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Argument::Int(value),
            None => Argument::Text(number.to_string()),
        },
        other => Argument::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_broker_does_not_tell_is_unknown_and_not_nought() {
        let row = r#"{"name":"a","durable":true,"auto_delete":false,"arguments":[],"type":"quorum"}"#;
        let queue = queue(serde_json::from_str(row).unwrap());
        assert_eq!((queue.messages, queue.consumers), (None, None));
        assert!(queue.queue.arguments.is_empty() && queue.policy.is_empty());
    }

    #[test]
    fn arguments_keep_their_kind_and_foreign_kinds_become_text() {
        let arguments = to_arguments(serde_json::json!({ "a": -1, "b": true, "c": "x", "d": 1.5, "e": {"f": 1} }));
        let want = [
            ("a", Argument::Int(-1)),
            ("b", Argument::Bool(true)),
            ("c", Argument::Text("x".into())),
            ("d", Argument::Text("1.5".into())),
            ("e", Argument::Text(r#"{"f":1}"#.into())),
        ];
        assert_eq!(arguments, want.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    }
}

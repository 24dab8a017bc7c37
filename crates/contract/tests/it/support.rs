//! A small shop: one topic exchange, two sources on it.

use contract::event::Event;
use contract::intake::{Delivery, Intake};
use contract::pipeline::{Events, Format};
use contract::{Currency, Refusal};

pub(crate) fn intake(format: Format) -> Intake {
    let events: Events = serde_json::from_value(serde_json::json!({
        "sources": [
            { "exchange": { "name": "shop", "type": "Topic" }, "routingKeys": ["purchase.#", "refund.#"], "types": ["purchase", "refund"] },
            { "exchange": { "name": "shop", "type": "Topic" }, "routingKeys": ["desk.#"], "types": ["redeem", "hold", "capture", "release", "adjust", "reinstate", "transfer", "promote", "freeze", "unfreeze", "erase", "merge", "signup", "visit"], "lane": "express" },
        ],
    }))
    .unwrap();
    Intake::new(&Events { format, ..events }, Currency::parse("USD").unwrap())
}

pub(crate) fn json(routing_key: &str, body: &str) -> Result<Event, Refusal> {
    raw(routing_key, body.as_bytes())
}

pub(crate) fn raw(routing_key: &str, body: &[u8]) -> Result<Event, Refusal> {
    let delivery = Delivery { exchange: "shop", routing_key, content_type: None, headers: &[], body };
    intake(Format::Json).decode(&delivery)
}

pub(crate) const PURCHASE: &str =
    r#"{"id":"e1","type":"purchase","occurredAt":"2026-01-31T12:00:00Z","member":"m1","order":"o1","amount":"29.33"}"#;

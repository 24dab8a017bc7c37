//! CloudEvents 1.0 over AMQP: structured mode (the envelope is the body) and binary mode (attributes are headers, the body is the data).
//!
//! The envelope's `id`, `source`, `type` and `time` win over fields of the same meaning in `data`; `subject` is the member
//! where `data` names none. Batches and `data_base64` are refused.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Delivery;
use super::json::{self, Raw};
use crate::{BuryReason, Refusal};

/// Prefixes of attribute headers: the AMQP binding's own, and the one that it allows for clients that cannot write a colon.
const PREFIXES: [&str; 2] = ["cloudEvents:", "cloudEvents_"];

#[derive(Deserialize)]
struct Envelope<'a> {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    time: Option<String>,
    subject: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<serde::de::IgnoredAny>,
}

pub(super) fn parse<'a>(delivery: &Delivery<'a>) -> Result<Raw<'a>, Refusal> {
    let media_type = delivery.content_type.and_then(|value| value.split(';').next());
    let media_type = media_type.map(|value| value.trim().to_ascii_lowercase());
    match media_type.as_deref() {
        Some("application/cloudevents+json") => structured(delivery.body),
        Some(other) if other.starts_with("application/cloudevents") => Err(Refusal::new(
            BuryReason::BadValue,
            format!("content type `{}` is not read; send `application/cloudevents+json`", super::clip(other)),
        )),
        _ => binary(delivery),
    }
}

fn structured(body: &[u8]) -> Result<Raw<'_>, Refusal> {
    let envelope: Envelope<'_> = json::read(body, "")?;
    if envelope.data_base64.is_some() {
        return Err(Refusal::new(BuryReason::BadValue, "`data_base64` is not read; send JSON in `data`"));
    }
    let raw = match envelope.data {
        Some(data) => json::read(data.get().as_bytes(), "data.")?,
        None => Raw::default(),
    };
    merge(raw, envelope)
}

fn binary<'a>(delivery: &Delivery<'a>) -> Result<Raw<'a>, Refusal> {
    let attribute = |name: &str| {
        let is_it = |key: &str| PREFIXES.iter().any(|prefix| key.strip_prefix(prefix) == Some(name));
        delivery.headers.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value.clone())
    };
    let envelope = Envelope {
        specversion: attribute("specversion"),
        id: attribute("id"),
        source: attribute("source"),
        kind: attribute("type"),
        time: attribute("time"),
        subject: attribute("subject"),
        data: None,
        data_base64: None,
    };
    merge(json::parse(delivery.body)?, envelope)
}

fn merge<'a>(raw: Raw<'a>, envelope: Envelope<'_>) -> Result<Raw<'a>, Refusal> {
    match envelope.specversion.as_deref() {
        Some("1.0") => {}
        Some(other) => {
            let detail = format!("`specversion` is `{}`; only 1.0 is read", super::clip(other));
            return Err(Refusal::new(BuryReason::BadValue, detail));
        }
        None => {
            let detail = "`specversion` is missing; send CloudEvents 1.0 in structured mode, or in binary mode with `cloudEvents:` headers";
            return Err(Refusal::new(BuryReason::MissingField, detail));
        }
    }
    Ok(Raw {
        id: envelope.id,
        source: envelope.source,
        kind: envelope.kind,
        occurred_at: envelope.time.or(raw.occurred_at),
        member: raw.member.or(envelope.subject),
        ..raw
    })
}

//! The flat JSON form, before its fields are looked at. Unknown keys are the producer's own business and are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{BuryReason, Refusal};

/// Fields as they came; numbers stay text, so that no amount ever is a float.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Raw<'a> {
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) occurred_at: Option<String>,
    pub(super) member: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) order: Option<String>,
    #[serde(borrow)]
    pub(super) amount: Option<&'a RawValue>,
    pub(super) currency: Option<String>,
    #[serde(borrow)]
    pub(super) lines: Option<Vec<&'a RawValue>>,
    pub(super) wallet: Option<String>,
    #[serde(borrow)]
    pub(super) points: Option<&'a RawValue>,
    // Read when they are needed: in other events these plain words may mean anything.
    #[serde(borrow)]
    pub(super) hold: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) expires_at: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) activates_at: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) r#for: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) r#final: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) to: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) into: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tier: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) until: Option<&'a RawValue>,
    pub(super) reason: Option<String>,
    pub(super) author: Option<String>,
    pub(super) data: Option<BTreeMap<String, serde_json::Value>>,
}

/// A line of an order, or of a refund.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawLine<'a> {
    pub(super) line: Option<String>,
    pub(super) sku: Option<String>,
    #[serde(borrow)]
    pub(super) quantity: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) amount: Option<&'a RawValue>,
    // Read when they are needed: in a refund these words may mean anything.
    #[serde(borrow)]
    pub(super) discount: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tax: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) is_delivery: Option<&'a RawValue>,
    pub(super) category: Option<String>,
    pub(super) brand: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
}

pub(super) fn parse(body: &[u8]) -> Result<Raw<'_>, Refusal> {
    read(body, "")
}

/// Reads any shape of ours; `place` is the path of `body` in the message, for the sentence.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a [u8], place: &str) -> Result<T, Refusal> {
    // A derived reader takes a list as the fields in their order; nobody means that.
    if body.trim_ascii_start().first() == Some(&b'[') {
        let at = if place.is_empty() { "the body".to_owned() } else { format!("`{}`", place.trim_end_matches('.')) };
        return Err(Refusal::new(BuryReason::WrongType, format!("{at} is a list; send one JSON object")));
    }
    // The plain reader first: the one that keeps the path costs twice as much and is needed only for the sentence.
    serde_json::from_slice(body).map_err(|error| refusal::<T>(body, place, &error))
}

fn refusal<'a, T: Deserialize<'a>>(body: &'a [u8], place: &str, error: &serde_json::Error) -> Refusal {
    if body.trim_ascii().is_empty() {
        return Refusal::new(BuryReason::NotJson, "the body is empty; send one JSON object");
    }
    if error.is_eof() {
        return Refusal::new(BuryReason::Truncated, format!("the JSON ends too early: {error}"));
    }
    if !error.is_data() {
        return Refusal::new(BuryReason::NotJson, format!("the body is not JSON: {error}"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let at = match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(found) if found.path().iter().next().is_some() => format!("`{place}{}`", found.path()),
        _ if !place.is_empty() => format!("`{}`", place.trim_end_matches('.')),
        _ => "the body".to_owned(),
    };
    Refusal::new(BuryReason::WrongType, format!("{at} has a wrong type: {error}"))
}

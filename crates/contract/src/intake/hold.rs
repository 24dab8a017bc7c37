//! Holds, captures and releases: from fields as they came.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{bad, identity, missing, order, quantity, time, wallet};
use super::json::Raw;
use crate::event::{Capture, Hold, Release};
use crate::span::Span;
use crate::{BuryReason, HoldId, Refusal};

pub(super) fn hold(raw: &Raw<'_>, occurred_at: Timestamp) -> Result<Hold, Refusal> {
    let hold = name(raw)?;
    let points = quantity("points", raw.points.ok_or_else(|| missing("points"))?)?;
    Ok(Hold { hold, wallet: wallet(raw)?, points, expires: end(raw, occurred_at)? })
}

pub(super) fn capture(raw: &Raw<'_>) -> Result<Capture, Refusal> {
    let hold = name(raw)?;
    let points = raw.points.map(|points| quantity("points", points)).transpose()?;
    let is_final: Option<bool> = raw.r#final.map(|raw| read("final", raw, "`true` or `false`")).transpose()?;
    Ok(Capture { hold, points, keeps_rest: is_final == Some(false), order: order(raw)? })
}

pub(super) fn release(raw: &Raw<'_>) -> Result<Release, Refusal> {
    Ok(Release { hold: name(raw)? })
}

fn name(raw: &Raw<'_>) -> Result<HoldId, Refusal> {
    let text: Option<String> = raw.hold.map(|raw| read("hold", raw, "a text")).transpose()?;
    identity("hold", text.as_deref(), HoldId::parse)
}

/// `expiresAt`, or `for` so long from the event on.
fn end(raw: &Raw<'_>, occurred_at: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let (field, at) = match (raw.expires_at, raw.r#for) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(bad("for", "stands beside `expiresAt`; give one of them")),
        (Some(at), None) => {
            let text: String = read("expiresAt", at, "a text such as \"2026-01-31T12:15:00Z\"")?;
            ("expiresAt", time("expiresAt", &text)?)
        }
        (None, Some(span)) => {
            let text: String = read("for", span, "a text such as \"15m\"")?;
            let span = Span::parse(&text).map_err(|e| bad("for", format!("is wrong: {e}")))?;
            let span = i64::try_from(span.seconds()).map(SignedDuration::from_secs);
            let at = span.ok().and_then(|span| occurred_at.checked_add(span).ok());
            ("for", at.ok_or_else(|| bad("for", "leads beyond the year 9999; make it shorter"))?)
        }
    };
    if at <= occurred_at {
        return Err(bad(field, "ends the hold before it begins; name a time after `occurredAt`"));
    }
    Ok(Some(at))
}

fn read<'a, T: Deserialize<'a>>(field: &str, raw: &'a RawValue, what: &str) -> Result<T, Refusal> {
    let wrong = |_| Refusal::new(BuryReason::WrongType, format!("`{field}` has a wrong type; write {what}"));
    serde_json::from_str(raw.get()).map_err(wrong)
}

//! Corrections, and points that are given back after their end: from fields as they came.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::fields::{bad, missing, number, quantity, time, wallet, word};
use super::json::Raw;
use crate::event::{Adjust, Reinstate, Word};
use crate::{BuryReason, Quantity, Refusal};

pub(super) fn adjust(raw: &Raw<'_>, occurred_at: Timestamp) -> Result<Adjust, Refusal> {
    let text = number("points", raw.points.ok_or_else(|| missing("points"))?)?;
    let size =
        Quantity::parse(text.strip_prefix('-').unwrap_or(text)).map_err(|e| bad("points", format!("is wrong: {e}")))?;
    if size.is_zero() {
        return Err(bad("points", "is nought; an adjustment adds or takes"));
    }
    let size = size.normalized().get();
    let points = if text.starts_with('-') { Decimal::ZERO - size } else { size };
    let Word { reason, author } = word(raw)?;
    let date = |field, raw: Option<&RawValue>| raw.map(|raw| date((field, raw), points, occurred_at)).transpose();
    let (activates, expires) = (date("activatesAt", raw.activates_at)?, date("expiresAt", raw.expires_at)?);
    if activates.zip(expires).is_some_and(|(activates, expires)| expires <= activates) {
        return Err(bad("expiresAt", "is not after `activatesAt`: nobody could ever spend these points"));
    }
    Ok(Adjust { wallet: wallet(raw)?, points, reason, author, activates, expires })
}

/// They can be spent at once: what has ended had waited before.
pub(super) fn reinstate(raw: &Raw<'_>, occurred_at: Timestamp) -> Result<Reinstate, Refusal> {
    let points = quantity("points", raw.points.ok_or_else(|| missing("points"))?)?;
    let Word { reason, author } = word(raw)?;
    if raw.activates_at.is_some() {
        return Err(bad("activatesAt", "stands beside points that had ended; leave it out, they can be spent at once"));
    }
    let end = |raw| date(("expiresAt", raw), points.get(), occurred_at);
    Ok(Reinstate { wallet: wallet(raw)?, points, reason, author, expires: raw.expires_at.map(end).transpose()? })
}

/// Points that are taken have no dates of their own: what burns first goes first.
fn date((field, raw): (&str, &RawValue), points: Decimal, occurred_at: Timestamp) -> Result<Timestamp, Refusal> {
    let wrong = |_| {
        let detail = format!("`{field}` has a wrong type; write a text such as \"2026-01-31T12:00:00Z\"");
        Refusal::new(BuryReason::WrongType, detail)
    };
    let text: String = serde_json::from_str(raw.get()).map_err(wrong)?;
    let at = time(field, &text)?;
    if points.is_sign_negative() {
        return Err(bad(field, "stands beside points that are taken; leave it out"));
    }
    if at <= occurred_at {
        return Err(bad(field, "is not after `occurredAt`; leave it out, or name a later time"));
    }
    Ok(at)
}

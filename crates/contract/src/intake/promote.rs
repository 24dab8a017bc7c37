//! Tiers that members bring along: from fields as they came.

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::fields::{bad, identity, time, word};
use super::json::Raw;
use crate::event::{Promote, Word};
use crate::{BuryReason, Refusal, TierName};

pub(super) fn promote(raw: &Raw<'_>, occurred_at: Timestamp) -> Result<Promote, Refusal> {
    let tier = raw.tier.map(|raw| text("tier", raw, "gold")).transpose()?;
    let tier = identity("tier", tier.as_deref(), TierName::parse)?;
    let until = raw.until.map(|raw| text("until", raw, "2026-12-31T12:00:00Z")).transpose()?;
    let until = until.map(|until| time("until", &until)).transpose()?;
    if until.is_some_and(|until| until <= occurred_at) {
        return Err(bad("until", "is not after `occurredAt`; leave it out, or name a later time"));
    }
    let Word { reason, author } = word(raw)?;
    Ok(Promote { tier, until, reason, author })
}

fn text(field: &str, raw: &RawValue, such_as: &str) -> Result<String, Refusal> {
    serde_json::from_str(raw.get()).map_err(|_| {
        let detail = format!("`{field}` has a wrong type; write a text such as \"{such_as}\"");
        Refusal::new(BuryReason::WrongType, detail)
    })
}

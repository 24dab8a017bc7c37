//! Transfers: from fields as they came.

use super::fields::{bad, identity, missing, quantity, wallet};
use super::json::Raw;
use crate::event::{COMES_BACK, TRANSFER_SOURCE, Transfer};
use crate::{BuryReason, EventId, MemberId, Refusal, Source};

pub(super) fn transfer(raw: &Raw<'_>, (source, id): (&Source, &EventId), from: &MemberId) -> Result<Transfer, Refusal> {
    let wrong = |_| Refusal::new(BuryReason::WrongType, "`to` has a wrong type; write the other member's id as a text");
    let to: Option<String> = raw.to.map(|raw| serde_json::from_str(raw.get()).map_err(wrong)).transpose()?;
    let to = identity("to", to.as_deref(), MemberId::parse)?;
    if to == *from {
        return Err(bad("to", "is the member itself; name another one"));
    }
    fits("id", (id.as_str(), EventId::LEN_MAX), ("transfer", COMES_BACK))?;
    fits("source", (source.as_str(), Source::LEN_MAX), ("transfer", TRANSFER_SOURCE))?;
    let points = quantity("points", raw.points.ok_or_else(|| missing("points"))?)?;
    Ok(Transfer { to, wallet: wallet(raw)?, points })
}

/// The arrival is named after what sent it.
pub(super) fn fits(field: &str, (text, max): (&str, usize), (what, more): (&str, &str)) -> Result<(), Refusal> {
    let max = max - more.len();
    if text.len() > max {
        return Err(bad(field, format!("is {} bytes long; that of a {what} has at most {max}", text.len())));
    }
    Ok(())
}

//! Merges: from fields as they came.

use super::fields::{bad, identity, word};
use super::json::Raw;
use super::transfer::fits;
use crate::event::{ARRIVES, MERGE_SOURCE, Merge, Word};
use crate::{BuryReason, EventId, MemberId, Refusal, Source};

pub(super) fn merge(raw: &Raw<'_>, (source, id): (&Source, &EventId), from: &MemberId) -> Result<Merge, Refusal> {
    let wrong =
        |_| Refusal::new(BuryReason::WrongType, "`into` has a wrong type; write the other member's id as a text");
    let into: Option<String> = raw.into.map(|raw| serde_json::from_str(raw.get()).map_err(wrong)).transpose()?;
    let into = identity("into", into.as_deref(), MemberId::parse)?;
    if into == *from {
        return Err(bad("into", "is the member itself; name another one"));
    }
    fits("id", (id.as_str(), EventId::LEN_MAX), ("merge", ARRIVES))?;
    fits("source", (source.as_str(), Source::LEN_MAX), ("merge", MERGE_SOURCE))?;
    let Word { reason, author } = word(raw)?;
    Ok(Merge { into, reason, author })
}

//! Members who have another tier.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RejectReason;
use crate::TierName;

/// From which tier to which, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierChange {
    /// Before.
    pub from: TierName,
    /// From now on.
    pub to: TierName,
    /// Since when. A late event may have raised it: what was earned before the event came is not rated again.
    pub since: Timestamp,
    /// When it is reviewed; absent: it stays for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: TierReason,
}

/// A tier that somebody said the member has; `tier.changed` tells it where it is another one than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Promoted {
    /// Which.
    pub tier: TierName,
    /// When it is reviewed, if the author named a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why, as the author said.
    pub reason: String,
    /// Who.
    pub author: String,
}

/// The member has a higher tier already, and keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromotionRejected {
    /// Which one was to be given.
    pub tier: TierName,
    /// Which one the member has.
    pub has: TierName,
    /// When that is reviewed; absent: it stays for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_until: Option<Timestamp>,
    /// Why.
    pub reason: RejectReason,
}

/// Why a member has the tier that they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TierReason {
    /// What counts was enough for it, and they had a lower one.
    Reached,
    /// What counts was enough for it again, or a review left it.
    Kept,
    /// Its time was over, and what counted no longer was enough for the one before.
    Lowered,
    /// It was the one of a member who was found to be this one.
    Merged,
    /// Another system had given it.
    Imported,
}

impl TierReason {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Reached, Self::Kept, Self::Lowered, Self::Merged, Self::Imported];

    /// As it stands in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "Reached",
            Self::Kept => "Kept",
            Self::Lowered => "Lowered",
            Self::Merged => "Merged",
            Self::Imported => "Imported",
        }
    }

    /// Reads what [`TierReason::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

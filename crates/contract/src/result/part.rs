//! Parts of results.

use serde::{Deserialize, Serialize};

use crate::{EventId, RuleName, Source};

/// The event that caused a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Its source.
    pub source: Source,
    /// Its id.
    pub id: EventId,
}

/// One rule's part of what was earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardPart {
    /// The rule.
    pub rule: RuleName,
    /// Decimal string.
    pub points: String,
}

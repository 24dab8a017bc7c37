//! Rules that stand beside each other, or in each other's place.

use serde::{Deserialize, Serialize};

use crate::GroupName;

/// Most groups of a programme.
pub const GROUPS_MAX: usize = 64;

/// How far from 0 a rule's `priority` may be.
pub const PRIORITY_MAX: i32 = 1000;

/// Rules of which an event gets all, the best or the first. Either all of its rules earn, into one wallet and out of one budget or none, or
/// all multiply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// Unique in the programme; its rules name it (`group`).
    pub name: GroupName,
    /// Which of its rules that apply to an event count.
    pub pick: Pick,
}

/// Which rules of a group count that apply to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Pick {
    /// Each of them, as without a group.
    All,
    /// The one that gives the most points, before anybody looks at budgets; of multipliers for each line the largest. Of equals the first.
    Best,
    /// The first; the others are not asked. Of multipliers for each line the first that counts it.
    First,
}

//! Rewards that are given by themselves.

use serde::{Deserialize, Serialize};

use crate::{Quantity, RewardName};

/// Most automatic rewards of a wallet a day: each is a result of its own.
pub const REWARDS_A_DAY_MAX: u32 = 100;

/// A reward that a member gets by itself, as soon as there are enough points that can be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AutoReward {
    /// What it is called in `reward.granted`, such as `free-coffee`.
    pub reward: RewardName,
    /// How many points that can be spent are turned into one.
    pub points: Quantity,
    /// At most so many a day of `program.timeZone`, 1 to 100; what the balance has points for beyond that comes on the next days.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    pub per_day: u32,
}

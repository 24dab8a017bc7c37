//! The words that two rooms of the house, or the house and the street, agreed on.
//!
//! Events that come in, results that go out, identities, quantities, the programme as it is written,
//! and the nouns that pass between rooms which may not name each other. Pure: no clock, no client,
//! no runtime. What is parsed here need not be checked again anywhere else.

pub mod broker_index;
pub mod broker_object;
pub mod calendar;
pub mod config;
pub mod decimal;
pub mod decision;
pub mod event;
pub mod id;
pub mod intake;
pub mod moment;
pub mod money;
pub mod period;
pub mod pipeline;
pub mod points;
pub mod program;
pub mod refusal;
pub mod result;
pub mod ruleset;
pub mod span;
pub mod tally;
pub mod time_of_day;
pub mod yearly;

pub use decimal::Quantity;
pub use id::{
    BudgetName, EventId, EventType, GroupName, HoldId, MemberId, OrderId, PipelineName, RewardName, RuleName, Source,
    SubscriberName, TierName, WalletName,
};
pub use moment::Moment;
pub use money::{Currency, Money};
pub use period::Period;
pub use points::{Points, Scale};
pub use refusal::{BuryReason, Refusal};
pub use time_of_day::TimeOfDay;
pub use yearly::YearDay;

//! The rules: compile a programme, then decide one event against one member's state.
//!
//! Pure: the same event, facts and rule set give the same decision, whoever asks and whenever. What a
//! decision does to balances is the ledger's matter; nothing here knows a clock, a store or a client.
//!
//! `compile` finds every fault of a rule set at once; what it lets through can only fail on an event's own
//! account, and then the event is refused with the rule's name. Arithmetic is exact (a ratio of integers)
//! up to one rounding step at a named place.

mod activity;
mod award;
mod budget;
mod check;
mod compile;
mod condition;
mod correct;
mod decide;
mod effect;
mod error;
mod group;
mod hold;
mod kept;
mod payment;
mod promote;
mod ratio;
mod refund;
mod select;
mod suggest;
mod tally;
mod term;
mod tier;
mod timeline;
mod valid;
mod walk;

pub use compile::{Compiled, compile};
pub use decide::reads;
pub use error::RuleError;
pub use suggest::did_you_mean;
pub use timeline::Timeline;

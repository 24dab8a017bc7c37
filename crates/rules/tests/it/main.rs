//! The rules from outside: published numbers, refunds, conditions, bad input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails like the test")]

mod activities;
mod bad_input;
mod bands;
mod budgets;
mod cdnow;
mod conditions;
mod counted;
mod dates;
mod earning;
mod holding;
mod idle;
mod local_time;
mod mistakes;
mod open_loyalty;
mod over;
mod payments;
mod published;
mod random;
mod refunds;
mod rewards;
mod rounding;
mod selecting;
mod spending;
mod stacking;
mod stored;
mod support;
mod tiers;
mod timeline;
mod valid;
mod waits;
mod warnings;

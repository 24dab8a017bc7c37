//! Batches through rules and a real ledger, without a broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails like the test")]

mod budgets;
mod carry;
mod due;
mod erase;
mod holds;
mod idle;
mod line;
mod merge;
mod once;
mod refunds;
mod refused;
mod reinstate;
mod rewards;
mod shop;
mod tallies;
mod tiers;
mod versions;
mod waits;
mod warnings;

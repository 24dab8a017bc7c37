//! The real program, as a person or a script runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails like the test")]

mod adjust;
mod ask;
mod commands;
mod erase;
mod faults;
mod freeze;
mod holds;
mod import;
mod merge;
mod money;
mod pages;
mod parts;
mod plan;
mod program;
mod refunds;
mod reinstate;
mod retain;
mod rules_test;
mod simulate;
mod status;
mod transfers;
mod up;
mod validate;

//! The worker as a process, on a real broker and real ledgers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails like the test")]

mod ahead;
mod crashes;
mod garbage;
mod holding;
mod migrate;
mod numbers;
mod process;
mod rollout;
mod secrets;
mod shutdown;
mod stage;
mod starting;
mod timers;
mod transfers;
mod warnings;
mod wire;

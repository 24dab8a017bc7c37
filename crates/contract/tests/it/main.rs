//! What a delivery becomes, or why it does not: tables of messages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails like the test")]

mod clouds;
mod garbage;
mod holds;
mod identity;
mod support;

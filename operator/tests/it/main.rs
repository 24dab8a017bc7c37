//! The operator against a real API server with its controllers, a real broker and a real database. Only pods are made up: no
//! kubelet runs here, so that a test says itself when they are ready.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod conflict;
mod costs;
mod crash;
mod create;
mod depart;
mod drift;
mod due;
mod leader;
mod refuse;
mod rest;
mod rights;
mod scale;
mod stage;
#[path = "../../../worker/tests/it/wire.rs"]
mod wire;

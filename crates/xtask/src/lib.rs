//! `cargo xtask`: the commands of this repository that need more than cargo.
//!
//! `parts` makes sure of a real RabbitMQ, a real PostgreSQL and a real Kubernetes API and ends them again; `suite` is `cargo xtask test`,
//! `up` is `cargo xtask up` with the messages of `tour`, and `generate` writes the files that are made from code.
//! `cluster` is a whole Kubernetes of one node.
//! `bench` compares the product with the least that could do its work. Nothing here is shipped: no product crate depends on this one.

mod bench;
pub mod cli;
pub mod cluster;
mod e2e;
pub mod generate;
pub mod images;
pub mod pages;
pub mod parts;
mod progress;
mod repository;
mod suite;
pub mod tour;
mod up;

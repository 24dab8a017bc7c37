//! The resource: its schema, reading it from files, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crd;
mod manifest;
mod reference;
mod validate;

/// A pipeline that uses every kind of field; tables change one thing in it.
const PIPELINE: &str = include_str!("coffee.yaml");

/// The pipeline with one text in it replaced.
fn with(from: &str, to: &str) -> String {
    assert_eq!(PIPELINE.matches(from).count(), 1, "{from}");
    PIPELINE.replace(from, to)
}

//! "Only this file names that library": what would have to change if the library did.

use super::code::tokens;
use super::house::{packages, root, text};
use super::none;

/// A library, and the only files (or folders, ending in `/`) that may name it. Tests, benches and examples may.
const SEAMS: &[(&str, &[&str])] = &[
    ("lapin", &["crates/broker/src/amqp.rs", "crates/broker/src/amqp/", "worker/src/amqp.rs"]),
    ("rusqlite", &["crates/ledger/src/sqlite.rs", "crates/ledger/src/sqlite/"]),
    // The last is of tests alone.
    ("tokio_postgres", &["crates/ledger/src/postgres.rs", "crates/ledger/src/postgres/", "crates/testbed/"]),
    ("deadpool_postgres", &["crates/ledger/src/postgres.rs", "crates/ledger/src/postgres/"]),
    ("tokio_postgres_rustls", &["crates/ledger/src/postgres.rs", "crates/ledger/src/postgres/"]),
];

fn broken_seams(file: &str, source: &str) -> Vec<String> {
    let may =
        |places: &[&str]| places.iter().any(|place| file == *place || place.ends_with('/') && file.starts_with(place));
    let tokens = tokens(file, source);
    let mut complaints = Vec::new();
    for (library, places) in SEAMS.iter().filter(|(_, places)| !may(places)) {
        let named = tokens.iter().find(|token| token.text == *library);
        complaints.extend(
            named.map(|token| format!("{file}:{}: only {} may name `{library}`", token.line, places.join(", "))),
        );
    }
    complaints
}

#[test]
fn a_library_is_named_only_at_its_seam() {
    for file in packages().iter().flat_map(super::house::Package::sources) {
        none(&broken_seams(file, &text(file).unwrap()));
    }
}

#[test]
fn every_seam_is_somewhere() {
    for (library, places) in SEAMS {
        let there = places.iter().any(|place| root().join(place).exists());
        assert!(there, "none of the places of `{library}` exists: {}", places.join(", "));
    }
}

#[test]
fn the_rule_on_seams_can_fail() {
    let source = "//! lapin speaks AMQP\nuse lapin::Channel;\nfn a() -> rusqlite::Result<()> { Ok(()) }\n";
    assert_eq!(broken_seams("worker/src/amqp.rs", source).len(), 1, "rusqlite has no business there");
    assert_eq!(broken_seams("worker/src/amqp_more.rs", source).len(), 2);
    assert_eq!(broken_seams("crates/ledger/src/sqlite/read.rs", source).len(), 1, "lapin has no business there");
}

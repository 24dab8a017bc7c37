//! Who may name whom, among our crates and outside.

use std::collections::BTreeSet;

use super::house::{Package, cargo, packages, text};
use super::{code, none};

/// Each crate of ours, and those of ours that it may depend on. A sister never names a sister.
const ARROWS: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("host", &[]),
    ("rules", &["contract"]),
    ("ledger", &["contract"]),
    ("topology", &["contract"]),
    ("api", &["contract"]),
    ("broker", &["contract"]),
    ("scaling", &["contract"]),
    ("testbed", &[]),
    ("engine", &["contract", "rules", "ledger"]),
    ("loyalty-worker", &["contract", "rules", "ledger", "engine", "broker", "host"]),
    ("loyalty-operator", &["contract", "rules", "ledger", "topology", "scaling", "api", "broker", "host"]),
    ("loyaltyctl", &["contract", "rules", "ledger", "engine", "topology", "api", "broker", "host"]),
    ("xtask", &["contract", "api", "broker"]),
];

/// What the tests of a crate may name besides.
const ARROWS_OF_TESTS: &[(&str, &[&str])] = &[
    ("xtask", &["rules", "ledger", "engine"]),
    ("ledger", &["testbed"]),
    ("engine", &["testbed"]),
    ("loyaltyctl", &["testbed"]),
    ("loyalty-worker", &["topology", "testbed"]),
];

/// They decide; they neither wait, nor ask the time, nor speak to anyone.
const PURE: &[&str] = &["contract", "rules", "scaling", "topology"];

/// Nothing of this may stand anywhere below a pure crate.
const IMPURE: &[&str] = &[
    "async-std",
    "axum",
    "deadpool-postgres",
    "hyper",
    "kube-client",
    "lapin",
    "mio",
    "reqwest",
    "rusqlite",
    "smol",
    "tokio",
    "tokio-postgres",
    "tokio-util",
    "ureq",
];

/// A second TLS provider makes rustls panic at first use.
const SECOND_TLS_PROVIDER: &[&str] = &["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"];

/// The worker knows nothing of a cluster.
const CLUSTER: &[&str] = &["k8s-openapi", "kube", "kube-client", "kube-core", "kube-derive", "kube-runtime"];

fn of<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(crate_, _)| *crate_ == name).map(|(_, targets)| *targets)
}

fn wrong_arrows(packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut complaints = Vec::new();
    for Package { name, dependencies, dev_dependencies, .. } in packages {
        let Some(allowed) = of(ARROWS, name) else {
            complaints.push(format!("crate `{name}` has no line in ARROWS: say what it may depend on"));
            continue;
        };
        let by_tests = of(ARROWS_OF_TESTS, name).unwrap_or_default();
        let forbidden = |target: &&String, more: &[&str]| {
            let target = target.as_str();
            ours.contains(target) && target != name && !allowed.contains(&target) && !more.contains(&target)
        };
        let (normal, tests) = (dependencies.iter(), dev_dependencies.iter());
        let all = normal.filter(|it| forbidden(it, &[])).chain(tests.filter(|it| forbidden(it, by_tests)));
        complaints.extend(all.map(|target| format!("crate `{name}` may not depend on `{target}`")));
    }
    complaints
}

/// `tree` is what `cargo tree --prefix none` prints: a name and a version a line.
fn found_in_tree(tree: &str, forbidden: &[&str], who: &str) -> Vec<String> {
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let found = forbidden.iter().filter(|name| names.contains(**name));
    found.map(|name| format!("{who} has `{name}` below it: ask `cargo tree -i {name}` who brings it in")).collect()
}

fn tree(package: &str, edges: &str) -> String {
    cargo(&["tree", "-p", package, "-e", edges, "--prefix", "none"])
}

#[test]
fn arrows_between_our_crates_point_down() {
    none(&wrong_arrows(packages()));
    for (name, _) in ARROWS {
        assert!(
            packages().iter().any(|package| package.name == *name),
            "ARROWS names `{name}`, which is no crate of ours"
        );
    }
}

#[test]
fn pure_crates_have_no_runtime_and_no_client_below_them() {
    for name in PURE {
        none(&found_in_tree(&tree(name, "normal"), IMPURE, name));
    }
}

#[test]
fn pure_crates_do_not_ask_the_time() {
    for package in packages().iter().filter(|package| PURE.contains(&package.name.as_str())) {
        for file in package.sources() {
            none(&code::clocks(file, &text(file).unwrap()));
        }
    }
}

#[test]
fn there_is_one_tls_provider() {
    let all = cargo(&["tree", "--workspace", "-e", "normal,build,dev", "--prefix", "none"]);
    assert!(all.lines().count() > 10, "cargo lists what there is");
    none(&found_in_tree(&all, SECOND_TLS_PROVIDER, "the workspace"));
}

#[test]
fn the_worker_never_compiles_kube() {
    none(&found_in_tree(&tree("loyalty-worker", "normal,build"), CLUSTER, "the worker"));
}

#[test]
fn the_rules_on_arrows_can_fail() {
    let package = |name: &str, dependencies: &[&str], dev: &[&str]| Package {
        name: name.to_owned(),
        folder: name.into(),
        dependencies: dependencies.iter().map(ToString::to_string).collect(),
        dev_dependencies: dev.iter().map(ToString::to_string).collect(),
    };
    let house = [
        package("contract", &["serde"], &[]),
        package("ledger", &["contract", "rules", "tokio"], &[]),
        package("rules", &[], &["ledger"]),
        package("xtask", &["contract"], &["ledger", "loyaltyctl"]),
        package("loyaltyctl", &["ledger"], &[]),
        package("cellar", &[], &[]),
    ];
    assert_eq!(
        wrong_arrows(&house),
        [
            "crate `ledger` may not depend on `rules`",
            "crate `rules` may not depend on `ledger`",
            "crate `xtask` may not depend on `loyaltyctl`",
            "crate `cellar` has no line in ARROWS: say what it may depend on",
        ]
    );
    let tree = "rules v0.1.0 (/x)\ntokio v1.54.1\ntokio-macros v2.0.0\n";
    assert_eq!(
        found_in_tree(tree, IMPURE, "rules"),
        ["rules has `tokio` below it: ask `cargo tree -i tokio` who brings it in"]
    );
}

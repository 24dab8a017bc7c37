//! The command line itself.

use std::path::Path;
use std::process::Command;

use crate::program::{loyaltyctl, run};

const COMMANDS: [&str; 23] = [
    "validate",
    "plan",
    "up",
    "status",
    "simulate",
    "rules",
    "balance",
    "statement",
    "liability",
    "budgets",
    "explain",
    "export",
    "audit",
    "adjust",
    "import",
    "freeze",
    "unfreeze",
    "erase",
    "merge",
    "migrate",
    "retain",
    "completions",
    "man",
];

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Path::new("/");
    for command in COMMANDS {
        let said = run(&mut loyaltyctl(folder, &[command, "--help"])).ended(0);
        assert!(said.out.contains("Example"), "{command}: {}", said.out);
    }
    let said = run(&mut loyaltyctl(folder, &["dlq", "list", "--help"])).ended(0);
    assert!(said.out.contains("Example"), "{}", said.out);
    let said = run(&mut loyaltyctl(folder, &["--help"])).ended(0);
    assert!(COMMANDS.iter().all(|command| said.out.contains(command)), "{}", said.out);
}

#[test]
fn the_same_program_is_a_plugin_of_kubectl() {
    let said = run(Command::new(env!("CARGO_BIN_EXE_kubectl-loyalty")).args(["plan", "--help"])).ended(0);
    assert!(said.out.contains("Usage: kubectl loyalty plan"), "{}", said.out);
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for args in [
        &["balance"][..],
        &["simulate"],
        &["balance", "a", "--top", "3", "-f", "x"],
        &["plan", "-f"],
        &["adjust"],
        &["adjust", "a", "--points", "1"],
        &["freeze", "a"],
        &["unfreeze", "--reason", "why"],
        &["erase", "a"],
        &["merge", "a", "--reason", "why"],
        &["merge", "a", "b"],
        &["merge", "a", "b", "--reason", "why", "--yes", "--dry-run"],
        &["erase", "a", "--reason", "why", "--yes", "--dry-run"],
    ] {
        run(&mut loyaltyctl(Path::new("/"), args)).ended(2);
    }
}

#[test]
fn completions_and_man_pages_are_made_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let said = run(&mut loyaltyctl(folder.path(), &["completions", shell])).ended(0);
        assert!(COMMANDS.iter().all(|command| said.out.contains(command)), "{shell}");
    }
    run(&mut loyaltyctl(folder.path(), &["man", "pages"])).ended(0);
    for page in COMMANDS.iter().map(|command| format!("loyaltyctl-{command}.1")).chain(["loyaltyctl-dlq-list.1".into()])
    {
        assert!(folder.path().join("pages").join(&page).exists(), "{page}");
    }
}

#[test]
fn nothing_is_coloured_when_nobody_looks() {
    let folder = crate::program::workspace();
    let said = run(&mut loyaltyctl(&folder, &["validate", "-f", "examples/cdnow/pipeline.yaml"])).ended(0);
    assert!(!said.out.contains('\x1b'));
}

//! The commands of `docs/ledger.md`, as they are printed, and what the page says that they print.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::program::{run, workspace};

/// Blocks of one kind.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_page_about_the_ledger_does_what_it_says() {
    let page = std::fs::read_to_string(workspace().join("docs/ledger.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(workspace().join("examples"), folder.path().join("examples")).unwrap();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_loyaltyctl"), folder.path().join("bin/loyaltyctl")).unwrap();
    let path = format!("{}/bin:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let commands = blocks(&page, "sh");
    assert!(commands.len() >= 5, "{commands:?}");
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &commands.concat()]).current_dir(folder.path()).env("PATH", path);
    for variable in ["DATABASE_URL", "LEDGER_URL", "COLUMNS"] {
        bash.env_remove(variable);
    }
    let said = run(&mut bash).ended(0);
    let samples = blocks(&page, "text");
    assert!(samples.len() >= 2, "{samples:?}");
    for sample in samples {
        assert!(said.out.contains(sample), "not printed:\n{sample}in:\n{}", said.out);
    }
    for file in ["05420.csv", "05420-lots.csv", "liability.csv"] {
        let lines = std::fs::read_to_string(folder.path().join(file)).unwrap().lines().count();
        assert!(lines > 5, "{file}: {lines} lines");
    }
    for sentence in [
        "30 points of hold `till-7` spent, 50 free again, 70 available after it",
        "50 of hold `web-1` were asked for and it had 40: 10 are missing",
        "hold `till-7`: it had ended, by a capture",
    ] {
        assert!(said.out.contains(sentence), "{sentence}: {}", said.out);
    }
    assert!(said.out.contains("0 corrections applied, 2 known before, 0 refused"), "{}", said.out);
}

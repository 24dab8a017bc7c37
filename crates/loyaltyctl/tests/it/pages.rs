//! The commands of `docs/ledger.md`, as they are printed, and what the page says that they print; the examples of `docs/rules.md`.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::program::{loyaltyctl, run, workspace};

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

/// A pipeline with what an example of `docs/rules.md` says, and all of its activities in a source.
fn pipeline(example: &str) -> String {
    let said: serde_yaml::Value = serde_yaml::from_str(example).unwrap();
    let mut text = String::from(
        "apiVersion: loyalty.dev/v1alpha1\nkind: LoyaltyPipeline\nmetadata: { name: page }\nspec:\n  broker: { secretRef: { name: b } }\n  \
         ledger: { sqlite: {} }\n  events:\n    clock: Event\n    sources:\n      - exchange: { name: shop, type: Topic }\n        \
         routingKeys: [\"#\"]\n        types: [purchase, refund, signup, review, visit, birthday]\n",
    );
    let mut program = serde_yaml::Mapping::new();
    program.insert("currency".into(), "EUR".into());
    program.insert("wallets".into(), serde_yaml::from_str("[{ name: points }]").unwrap());
    for (name, value) in said["program"].as_mapping().into_iter().flatten() {
        program.insert(name.clone(), value.clone());
    }
    let rest = serde_yaml::to_string(&serde_json::json!({ "program": program, "rules": said["rules"] })).unwrap();
    text.extend(rest.lines().map(|line| format!("  {line}\n")));
    text
}

#[test]
fn each_example_of_the_page_about_rules_is_a_programme_that_compiles() {
    let page = std::fs::read_to_string(workspace().join("docs/rules.md")).unwrap();
    let examples = blocks(&page, "yaml");
    assert!(examples.len() >= 12, "{}", examples.len());
    let folder = tempfile::tempdir().unwrap();
    for example in &examples {
        std::fs::write(folder.path().join("page.yaml"), pipeline(example)).unwrap();
        let said = run(&mut loyaltyctl(folder.path(), &["validate", "-f", "page.yaml"]));
        assert_eq!(said.code, 0, "{example}\n{}{}", said.out, said.err);
    }
    // The event of the page, by the rule that follows it.
    let net = examples.iter().find(|example| example.contains("name: net")).unwrap();
    std::fs::write(folder.path().join("page.yaml"), pipeline(net)).unwrap();
    let event = blocks(&page, "json")[0].replace('\n', "") + "\n";
    std::fs::write(folder.path().join("events.jsonl"), event).unwrap();
    let simulate = ["simulate", "-f", "page.yaml", "events.jsonl", "--ledger", "sqlite:page.db"];
    run(&mut loyaltyctl(folder.path(), &simulate)).ended(0);
    let explain = ["explain", "p1", "--pipeline", "page", "--ledger", "sqlite:page.db"];
    let said = run(&mut loyaltyctl(folder.path(), &explain)).ended(0);
    let sum =
        "net: 13.40 (before discounts, without tax, without delivery) x 1 per 1.00 = 13.4, Floor at Order -> 13 points";
    assert!(said.out.contains(sum), "{}", said.out);
}

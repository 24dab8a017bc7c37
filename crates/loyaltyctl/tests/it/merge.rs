//! Two members are made one from the command line, and every screen says so.

use std::path::Path;

use serde_json::{Value, json};

use crate::ask::{ask, filled};
use crate::program::Said;

fn merge(folder: &Path, names: [&str; 2], more: &[&str], code: i32) -> Said {
    let question = ["merge", names[0], names[1], "--author", "bea", "--reason", "lost card"];
    ask(folder, &[&question[..], more].concat()).ended(code)
}

fn balance(folder: &Path, member: &str) -> Value {
    ask(folder, &["balance", member, "-o", "json"]).ended(0).json()
}

#[test]
fn members_become_one_only_where_that_is_meant() {
    let folder = filled();
    let folder = folder.path();
    ask(folder, &["adjust", "ann", "--points", "12", "--reason", "late"]).ended(0);
    ask(folder, &["adjust", "bob", "--points", "5", "--reason", "late"]).ended(0);
    let said = merge(folder, ["ann", "bob"], &["--dry-run"], 0);
    assert!(said.out.ends_with("dry run: member `ann` would be `bob`\n"), "{}", said.out);
    let said = merge(folder, ["ann", "bob"], &[], 1);
    assert_eq!(said.err, "nothing was merged: `ann` and `bob` cannot be parted again; say `--yes`\n");
    let csv = merge(folder, ["ann", "bob"], &["--dry-run", "-o", "csv"], 0).out;
    assert_eq!(csv, "wallet,available,pending,held,debt,after\npoints,12,0,0,0,17\n");
    assert_eq!(balance(folder, "bob")["wallets"][0]["available"], json!("5"), "so far nothing has changed");

    let said = merge(folder, ["ann", "bob"], &["--yes", "-o", "json"], 0).json();
    assert_eq!((&said["merged"], &said["preview"], &said["into"]), (&json!(true), &json!(false), &json!("bob")));
    assert_eq!(said["wallets"][0]["after"], json!("17"));
    assert_eq!(balance(folder, "bob")["wallets"][0]["available"], json!("17"));
    let of_ann = balance(folder, "ann");
    assert_eq!((&of_ann["merged"]["into"], &of_ann["merged"]["author"]), (&json!("bob"), &json!("bea")));
    let told = ask(folder, &["explain", said["event"].as_str().unwrap()]).ended(0).out;
    assert!(told.contains("the member is `bob` from then on, says bea (lost card)"), "{told}");
    assert!(told.contains("merge     ann into bob"), "{told}");
    let audit = ask(folder, &["audit"]).ended(0);
    assert!(audit.out.ends_with("audit: 0 differences\n"), "{}", audit.out);

    for question in [&["balance", "ann"][..], &["statement", "ann"], &["explain", "--member", "ann"]] {
        let said = ask(folder, question).ended(0).out;
        assert!(said.contains("merged into `bob` at ") && said.contains(" by bea: lost card"), "{question:?}: {said}");
    }
    assert!(ask(folder, &["statement", "bob"]).ended(0).out.contains("MergeIn: from ann"));
    assert!(ask(folder, &["statement", "ann"]).ended(0).out.contains("MergeOut: to bob"));
    let exported = ask(folder, &["export", "bob"]).ended(0).json();
    assert!(exported["events"].as_array().unwrap().iter().any(|event| event["id"] == "p1"), "what came in her name");
    assert_eq!(ask(folder, &["export", "ann"]).ended(0).json()["merged"]["into"], json!("bob"));
    let explained = ask(folder, &["explain", "p1"]).ended(0).out;
    assert!(explained.contains("member    ann") && explained.contains("large"), "{explained}");
}

#[test]
fn what_cannot_be_merged_is_said_in_a_sentence() {
    let folder = filled();
    let folder = folder.path();
    let unknown = merge(folder, ["ann", "bbo"], &["--yes"], 1).err;
    assert_eq!(unknown, "member `bbo` is not known to pipeline `cdnow`; check the name\n");
    let unknown = merge(folder, ["anne", "bob"], &["--yes"], 1).err;
    assert_eq!(unknown, "member `anne` is not known to pipeline `cdnow`; check the name\n");
    let same = merge(folder, ["ann", "ann"], &["--yes"], 2).err;
    assert!(same.contains("`into` is the member itself; name another one"), "{same}");
    merge(folder, ["ann", "bob"], &["--yes"], 0);
    let again = merge(folder, ["ann", "bob"], &["--yes"], 1).err;
    assert!(again.starts_with("nothing is merged: member `ann` was merged into `bob` at "), "{again}");
    let back = merge(folder, ["bob", "ann"], &["--yes"], 1).err;
    assert_eq!(back, "nothing is merged: the two names are one member's by now\n");
    for question in [&["freeze", "ann", "--reason", "why"][..], &["erase", "ann", "--reason", "why", "--yes"]] {
        let said = ask(folder, question).ended(1).err;
        assert!(said.starts_with("nothing changes: member `ann` was merged into `bob` at "), "{question:?}: {said}");
    }
    ask(folder, &["adjust", "cas", "--points", "5", "--reason", "late", "--new-members"]).ended(0);
    ask(folder, &["erase", "bob", "--reason", "why", "--yes"]).ended(0);
    let gone = merge(folder, ["cas", "bob"], &["--yes"], 1).err;
    assert!(gone.starts_with("member `bob` was erased from pipeline"), "{gone}");
    assert!(ask(folder, &["balance", "ann"]).ended(1).err.starts_with("member `ann` was erased"), "she was bob");
    ask(folder, &["audit"]).ended(0);
}

//! A member is erased from the command line, and every screen says so.

use std::path::Path;

use serde_json::{Value, json};

use crate::ask::{ask, filled};
use crate::program::Said;

fn erase(folder: &Path, more: &[&str], code: i32) -> Said {
    let question = ["erase", "ann", "--author", "bea", "--reason", "request 4711"];
    ask(folder, &[&question[..], more].concat()).ended(code)
}

fn available(folder: &Path) -> Value {
    ask(folder, &["balance", "ann", "-o", "json"]).ended(0).json()["wallets"][0]["available"].clone()
}

#[test]
fn a_member_is_erased_only_where_that_is_meant() {
    let folder = filled();
    let folder = folder.path();
    ask(folder, &["adjust", "ann", "--points", "12", "--reason", "late"]).ended(0);
    let before = available(folder);
    let said = erase(folder, &["--dry-run"], 0);
    assert!(said.out.ends_with("dry run: member `ann` would be erased\n"), "{}", said.out);
    assert!(said.out.contains("points") && said.out.contains("12"), "{}", said.out);
    let said = erase(folder, &[], 1);
    assert_eq!(said.err, "nothing was erased: member `ann` cannot be brought back; say `--yes`\n");
    assert_eq!(available(folder), before, "so far nothing has changed");
    assert_eq!(erase(folder, &["--dry-run", "-o", "csv"], 0).out, "wallet,forfeited,waived\npoints,12,0\n");

    let said = erase(folder, &["--yes", "-o", "json"], 0).json();
    assert_eq!((&said["erased"], &said["preview"], &said["member"]), (&json!(true), &json!(false), &json!("ann")));
    assert_eq!(said["wallets"], json!([{ "wallet": "points", "forfeited": "12", "waived": "0" }]));
    let told = ask(folder, &["explain", said["event"].as_str().unwrap()]).ended(0).out;
    assert!(told.contains("12 points forfeited; the member was erased by bea (request 4711)"), "{told}");
    assert!(told.contains("member    erased-"), "{told}");
    let audit = ask(folder, &["audit"]).ended(0);
    assert!(audit.out.ends_with("audit: 0 differences\n"), "{}", audit.out);
}

#[test]
fn every_question_about_an_erased_member_is_answered_with_a_sentence() {
    let folder = filled();
    let folder = folder.path();
    assert_eq!(erase(folder, &["--yes"], 0).out, "member `ann` is erased\n");
    let want = "member `ann` was erased from pipeline `cdnow`: nothing is kept under this name, and what comes in it settles as `Erased`\n";
    for question in [
        &["balance", "ann"][..],
        &["statement", "ann"],
        &["export", "ann"],
        &["explain", "--member", "ann"],
        &["freeze", "ann", "--reason", "why"],
        &["unfreeze", "ann", "--reason", "why"],
        &["erase", "ann", "--reason", "why", "--yes"],
    ] {
        assert_eq!(ask(folder, question).ended(1).err, want, "{question:?}");
    }
    let adjust = ask(folder, &["adjust", "ann", "--points", "5", "--reason", "late", "--new-members"]).ended(1).out;
    assert!(adjust.contains("the member was erased; nothing happens under this name any more"), "{adjust}");
    std::fs::write(folder.join("opening.csv"), "id,member,points\n1,ann,5\n2,zoe,5\n").unwrap();
    let import = ask(folder, &["import", "opening.csv", "--partly"]).ended(1).out;
    assert!(import.contains("the member was erased") && import.contains("1 row applied"), "{import}");

    // What the ledger had is told without the name, and without what is forgotten.
    let told = ask(folder, &["explain", "p1"]).ended(0).out;
    assert!(told.contains("applied; what was told of it is forgotten with its member"), "{told}");
    assert!(told.contains("the arithmetic is forgotten with the member") && !told.contains("ann"), "{told}");
    assert!(ask(folder, &["explain", "r2"]).ended(0).out.contains("turned down; why is forgotten with its member"));
    assert!(ask(folder, &["explain", "f2"]).ended(0).out.contains("nothing was done with it: its member was erased"));
    let name = told.lines().find_map(|line| line.strip_prefix("member    ")).unwrap();
    let statement = ask(folder, &["statement", name]).ended(0).out;
    assert!(statement.contains("erased at ") && statement.contains(" by bea: request 4711\n"), "{statement}");
    let again = ask(folder, &["erase", name, "--reason", "why", "--yes"]).ended(1).err;
    assert!(again.starts_with(&format!("nothing changes: member `{name}` was erased at ")), "{again}");
    assert_eq!(ask(folder, &["balance", "bob"]).ended(0).err, "", "others are known");
    ask(folder, &["audit"]).ended(0);
    let unknown = ask(folder, &["erase", "anne", "--reason", "why", "--yes"]).ended(1);
    assert!(unknown.err.contains("member `anne` is not known to pipeline `cdnow`; check the name"), "{}", unknown.err);
}

//! Corrections by a person: seen first, then applied, and only once.

use std::path::Path;

use serde_json::Value;

use crate::ask::{ask, filled};
use crate::money::{is_golden, narrow, otherwise};
use crate::parts::own_schema;
use crate::program::{loyaltyctl, run};

const ROWS: &str = "\
member,points,wallet,reason
ann,50,points,late delivery
ann,-20,,\"booked twice, sorry\"
bob,7,,late delivery
bob,7,,late delivery
";

fn available(folder: &Path, member: &str) -> String {
    let json = ask(folder, &["balance", member, "-o", "json"]).json();
    json["wallets"][0]["available"].as_str().unwrap_or("0").to_owned()
}

fn write(folder: &Path, rows: &str) {
    std::fs::write(folder.join("rows.csv"), rows).unwrap();
}

fn by_ann<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["adjust", "--author", "ann"], more].concat()
}

fn audits_clean(folder: &Path) {
    let said = ask(folder, &["audit"]).ended(0);
    assert!(said.out.ends_with("audit: 0 differences\n"), "{}", said.out);
}

#[test]
fn a_preview_shows_balances_before_and_after_and_changes_nothing() {
    let folder = filled();
    write(folder.path(), ROWS);
    let said = narrow(folder.path(), &by_ann(&["--rows", "rows.csv", "--dry-run"])).ended(0);
    is_golden("adjust-dry-run", &said.out);
    assert_eq!((available(folder.path(), "ann"), available(folder.path(), "bob")), ("0".into(), "0".into()));
    // A member who only the preview knew is not known afterwards.
    let new = by_ann(&["zoe", "--points", "5", "--reason", "hello", "--new-members", "--dry-run"]);
    ask(folder.path(), &new).ended(0);
    ask(folder.path(), &["balance", "zoe"]).ended(1);
    audits_clean(folder.path());
}

/// Ann's last event came while the 10 points of her second purchase still waited.
#[test]
fn what_is_due_for_a_member_comes_before_the_correction_in_the_preview_too() {
    let folder = otherwise("{ name: points }", "{ name: points, pending: { for: 3d } }");
    assert_eq!(available(folder.path(), "ann"), "0");
    let take = |more: &[&str]| {
        let question = by_ann(&[&["ann", "--points=-1", "--reason", "a test", "-o", "json"], more].concat());
        ask(folder.path(), &question).ended(0).json()["corrections"][0].clone()
    };
    let preview = take(&["--dry-run"]);
    let want =
        |corrected: &Value| [&corrected["before"], &corrected["after"]].map(|told| told.as_str().unwrap().to_owned());
    assert_eq!(want(&preview), ["10", "9"]);
    assert_eq!(available(folder.path(), "ann"), "0", "nothing was kept");
    assert_eq!(want(&take(&[])), want(&preview));
    assert_eq!(available(folder.path(), "ann"), "9");
    audits_clean(folder.path());
}

#[test]
fn a_file_that_is_applied_twice_whoever_does_it_changes_nothing_the_second_time() {
    let folder = filled();
    write(folder.path(), ROWS);
    let said = narrow(folder.path(), &by_ann(&["--rows", "rows.csv"])).ended(0);
    is_golden("adjust", &said.out);
    assert_eq!((available(folder.path(), "ann"), available(folder.path(), "bob")), ("30".into(), "14".into()));
    // Somebody else, later, with the rows in another order and one more.
    let lines: Vec<&str> = ROWS.lines().collect();
    let again = [lines[0], lines[4], lines[2], lines[1], lines[3], "ann,1.0,,one more"].join("\n");
    write(folder.path(), &again);
    let question = ["adjust", "--author", "joe", "--rows", "rows.csv", "-o", "json"];
    let json = ask(folder.path(), &question).ended(0).json();
    assert_eq!(json["applied"], 1, "{json}");
    let fates = |json: &Value| {
        let fates = json["corrections"].as_array().unwrap().iter().map(|one| one["fate"].as_str().unwrap().to_owned());
        fates.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(fates(&json), "Known Known Known Known Applied");
    assert!(json["corrections"][0]["what"].as_str().unwrap().ends_with("by ann"), "{json}");
    assert_eq!((available(folder.path(), "ann"), available(folder.path(), "bob")), ("31".into(), "14".into()));
    audits_clean(folder.path());
    let said = ask(folder.path(), &["statement", "ann", "--from", "2026-01-05", "-o", "csv"]).ended(0);
    assert!(said.out.contains("Adjust,,,\"booked twice, sorry\",ann,points,available,-20,30"), "{}", said.out);
}

#[test]
fn while_a_row_cannot_be_applied_none_is_unless_that_is_wanted() {
    let folder = filled();
    let rows =
        ROWS.to_owned() + "bob,-900,,too much\nzoe,5,,who is that\nann,0.5,,too fine\nann,1,gold,no such wallet\n";
    write(folder.path(), &rows);
    let said = narrow(folder.path(), &by_ann(&["--rows", "rows.csv"])).ended(1);
    is_golden("adjust-refused", &said.out);
    assert_eq!(available(folder.path(), "ann"), "0");
    let json = ask(folder.path(), &by_ann(&["--rows", "rows.csv", "-o", "json"])).ended(1).json();
    assert_eq!((json["preview"].as_bool(), json["applied"].as_u64()), (Some(true), Some(0)));
    let said = narrow(folder.path(), &by_ann(&["--rows", "rows.csv", "--partly"])).ended(1);
    assert!(said.out.ends_with("4 corrections applied, 0 known before, 4 refused\n"), "{}", said.out);
    assert_eq!((available(folder.path(), "ann"), available(folder.path(), "bob")), ("30".into(), "14".into()));
    audits_clean(folder.path());
}

#[test]
fn one_correction_says_its_reason_and_the_user_of_the_machine() {
    let folder = filled();
    let once = ["adjust", "ann", "--points", "12", "--wallet", "points", "--reason", "goodwill"];
    ask(folder.path(), &once).ended(0);
    let said = ask(folder.path(), &once).ended(0);
    assert!(said.out.contains("was applied before"), "{}", said.out);
    ask(folder.path(), &[&once[..], &["--id", "again"]].concat()).ended(0);
    assert_eq!(available(folder.path(), "ann"), "24");
    ask(folder.path(), &["adjust", "ann", "--points=-4", "--reason", "too much"]).ended(0);
    assert_eq!(available(folder.path(), "ann"), "20");
    // An id that means something else already.
    let other = ["adjust", "ann", "--points", "1", "--reason", "other", "--id", "again"];
    let said = ask(folder.path(), &other).ended(1);
    assert!(said.out.contains("for something else; give it another one"), "{}", said.out);
    let json = ask(folder.path(), &["statement", "ann", "-o", "json"]).ended(0).json();
    let line = json["lines"].as_array().unwrap().iter().find(|line| line["kind"] == "Adjust").unwrap().clone();
    assert_eq!(line["reason"], "goodwill");
    assert_ne!(line["author"].as_str().unwrap(), "");
    audits_clean(folder.path());
}

#[test]
fn a_wrong_file_is_told_row_by_row_and_nothing_is_applied() {
    let folder = filled();
    for (rows, wanted) in [
        ("member,points\nann,5\n", "reason"),
        ("member,points,reason,walet\nann,5,x,points\n", "walet"),
        ("member,points,reason\nann,five,x\n", "rows.csv:2"),
        ("member,points,reason\nann,5,x\nann,0,x\n", "rows.csv:3"),
        ("member,points,reason\n,5,x\n", "`member`"),
        ("member,points,reason\nann,5,\n", "`reason`"),
    ] {
        write(folder.path(), rows);
        let said = ask(folder.path(), &by_ann(&["--rows", "rows.csv"])).ended(1);
        assert!(said.err.contains(wanted), "{rows}: {}", said.err);
    }
    assert_eq!(available(folder.path(), "ann"), "0");
    write(folder.path(), "member,points,reason\nann,5\n");
    let said = ask(folder.path(), &by_ann(&["--rows", "rows.csv"])).ended(2);
    assert!(said.err.starts_with("error: could not read corrections from `rows.csv`"), "{}", said.err);
    ask(folder.path(), &by_ann(&["--rows", "none.csv"])).ended(2);
}

#[tokio::test]
async fn corrections_are_seen_and_applied_on_postgresql_too() {
    let folder = filled();
    write(folder.path(), ROWS);
    let url = own_schema().await;
    let program = |args: &[&str]| run(&mut loyaltyctl(folder.path(), &[args, &["--ledger", &url]].concat()));
    program(&["simulate", "-f", "pipeline.yaml", "events.jsonl"]).ended(0);
    let of = |args: &[&str]| program(&[args, &["--pipeline", "cdnow"]].concat());
    let dry = of(&["adjust", "--rows", "rows.csv", "--dry-run", "-o", "json"]).ended(0).json();
    assert_eq!(dry["corrections"][1]["after"], "30");
    assert_eq!(of(&["balance", "ann", "-o", "json"]).json()["wallets"][0]["available"], "0");
    assert_eq!(of(&["adjust", "--rows", "rows.csv", "-o", "json"]).ended(0).json()["applied"], 4);
    assert_eq!(of(&["adjust", "--rows", "rows.csv", "-o", "json"]).ended(0).json()["applied"], 0);
    assert_eq!(of(&["balance", "bob", "-o", "json"]).json()["wallets"][0]["available"], "14");
    assert!(of(&["audit"]).ended(0).out.ends_with("audit: 0 differences\n"));
}

//! A member is frozen and set free from the command line, and every screen tells it.

use std::path::Path;

use serde_json::Value;

use crate::ask::{ask, filled};
use crate::program::Said;

fn say(folder: &Path, what: &str, more: &[&str]) -> Said {
    ask(folder, &[&[what, "ann", "--author", "bea", "--reason", "card stolen"], more].concat()).ended(0)
}

fn frozen(folder: &Path) -> Value {
    ask(folder, &["balance", "ann", "-o", "json"]).ended(0).json()["frozen"].clone()
}

#[test]
fn a_member_is_frozen_and_set_free_and_a_dry_run_changes_nothing() {
    let folder = filled();
    let folder = folder.path();
    let said = say(folder, "freeze", &["--dry-run"]);
    assert_eq!(said.out, "dry run: member `ann` is not frozen; `freeze` would change that\n");
    assert_eq!(frozen(folder), Value::Null);
    let csv = say(folder, "freeze", &["--dry-run", "-o", "csv"]).out;
    assert_eq!(csv, "member,asked,changes,preview,frozen_since\nann,freeze,true,true,\n");

    let said = say(folder, "freeze", &["-o", "json"]).json();
    assert_eq!((&said["changes"], &said["preview"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(
        (said["frozen"]["reason"].as_str(), said["frozen"]["author"].as_str()),
        (Some("card stolen"), Some("bea"))
    );
    assert_eq!(frozen(folder), said["frozen"]);
    let event = said["event"].as_str().unwrap().to_owned();
    let told = ask(folder, &["explain", &event]).ended(0).out;
    assert!(told.contains("outcome   applied; frozen by bea (card stolen)\n"), "{told}");

    // Said again, nothing is recorded.
    let again = say(folder, "freeze", &[]).out;
    assert!(
        again.starts_with("nothing changes: member `ann` is frozen since ")
            && again.ends_with(" by bea: card stolen\n"),
        "{again}"
    );
    for question in [&["statement", "ann"][..], &["balance", "ann"], &["explain", "--member", "ann"]] {
        let told = ask(folder, question).ended(0).out;
        assert!(told.contains(" by bea: card stolen\n"), "{question:?}: {told}");
    }
    assert_eq!(ask(folder, &["statement", "ann", "-o", "json"]).ended(0).json()["frozen"]["reason"], "card stolen");

    let said = say(folder, "unfreeze", &[]).out;
    assert!(said.starts_with("member `ann` is frozen no longer; they were frozen since "), "{said}");
    assert_eq!(frozen(folder), Value::Null);
    assert!(say(folder, "unfreeze", &[]).out.ends_with("is not frozen\n"));
    say(folder, "freeze", &[]);
    assert_ne!(frozen(folder), Value::Null, "the same may be said again");
    let audit = ask(folder, &["audit"]).ended(0);
    assert!(audit.out.ends_with("audit: 0 differences\n"), "{}", audit.out);
}

/// Seven events: two purchases, two redemptions of which one was turned down, two refunds of which one waits, and the freeze.
#[test]
fn everything_that_is_known_of_a_member_is_one_json() {
    let folder = filled();
    say(folder.path(), "freeze", &[]);
    let export = ask(folder.path(), &["export", "ann"]).ended(0).json();
    assert_eq!((&export["pipeline"], &export["member"]), (&"cdnow".into(), &"ann".into()));
    assert_eq!((&export["frozen"]["reason"], &export["wallets"][0]["available"]), (&"card stolen".into(), &"0".into()));
    let events = export["events"].as_array().unwrap();
    let told: Vec<_> = events
        .iter()
        .take(6)
        .map(|event| (event["id"].as_str().unwrap(), event["outcome"].as_str().unwrap()))
        .collect();
    let (applied, rejected, parked) = ("Applied", "Rejected", "Parked");
    assert_eq!(
        told,
        [("p1", applied), ("p2", applied), ("r1", applied), ("r2", rejected), ("f1", applied), ("f2", parked)]
    );
    assert_eq!((events.len(), &events[6]["results"][0]["type"]), (7, &"member.frozen".into()));
    assert_eq!(events[0]["event"]["kind"]["Purchase"]["lines"][0]["sku"], "bean", "what the member bought");
    assert_eq!(events[0]["entry"]["awards"][0]["rule"], "base", "and what it earned");
    assert!(!serde_json::to_string(&export).unwrap().contains("bob"), "nothing of anybody else");
    assert_eq!(ask(folder.path(), &["export", "bob"]).ended(0).json()["events"].as_array().unwrap().len(), 1);
    let unknown = ask(folder.path(), &["export", "zoe"]).ended(1);
    assert!(unknown.out.is_empty() && unknown.err.contains("member `zoe` is not known"), "{}", unknown.err);
}

#[test]
fn an_unknown_member_is_a_mistyped_one() {
    let folder = filled();
    let said = ask(folder.path(), &["freeze", "anne", "--reason", "card stolen"]).ended(1);
    assert!(said.err.contains("member `anne` is not known to pipeline `cdnow`; check the name"), "{}", said.err);
    ask(folder.path(), &["balance", "anne"]).ended(1);
    let said = ask(folder.path(), &["freeze", "ann", "--reason", " "]).ended(2);
    assert!(said.err.contains("`reason`"), "{}", said.err);
}

//! Entries of long ago are summed up from the command line, and every screen says so.

use std::path::Path;

use serde_json::json;

use crate::ask::{ask, filled};
use crate::program::{loyaltyctl, run};

/// Everything was recorded three years ago.
fn years_pass(folder: &Path) {
    let ledger = rusqlite::Connection::open(folder.join("data/ledger.db")).unwrap();
    ledger.execute("update entry set recorded_at = recorded_at - 1096 * 86400000000", []).unwrap();
}

#[test]
fn old_entries_are_summed_up_and_every_screen_says_so() {
    let folder = filled();
    let folder = folder.path();
    let balance = || ask(folder, &["balance", "ann"]).ended(0).out;
    let retain = |more: &[&str]| ask(folder, &[&["retain", "--entries", "24mo"][..], more].concat()).ended(0);
    let before = balance();
    assert_eq!(retain(&[]).out, "retain: no whole month of entries is old enough\n");
    years_pass(folder);
    let dry = retain(&["--dry-run"]).out;
    assert!(dry.starts_with("retain: 4 entries recorded before "), "{dry}");
    assert!(dry.contains(" would be summed up, one entry for each of 1 member would be left; they stand in "), "{dry}");
    assert!(ask(folder, &["explain", "p1"]).ended(0).out.contains("postings"), "a dry run does nothing");
    let done = retain(&["-o", "json"]).json();
    assert_eq!((&done["entries"], &done["members"], &done["dryRun"]), (&json!(4), &json!(1), &json!(false)));
    let cut = done["before"].as_str().unwrap();
    assert!(done["bytesAfter"].as_i64().unwrap() > 0, "{done}");
    assert_eq!(balance(), before);

    let explained = ask(folder, &["explain", "p1"]).ended(0).out;
    let line = format!("entry     carried forward: in the sums of all that was recorded before {cut}");
    assert!(explained.contains(&line), "{explained}");
    // What she earned then she has spent or given back then: nothing is left to be carried.
    assert!(ask(folder, &["statement", "ann"]).ended(0).out.ends_with("no postings\n"));
    assert_eq!(ask(folder, &["export", "ann"]).ended(0).json()["carriedForward"], json!(cut));
    let early = ask(folder, &["liability", "--at", "2020-01-01"]).ended(2).err;
    assert!(early.contains("entries of then are carried forward as sums; ask for 2026-01-0"), "{early}");
    assert!(ask(folder, &["audit"]).ended(0).out.ends_with("audit: 0 differences\n"));
    assert!(ask(folder, &["audit", "--since", "1d"]).ended(0).out.ends_with("audit: 0 differences\n"));
    assert_eq!(retain(&[]).out, "retain: no whole month of entries is old enough\n", "it is done");
}

#[test]
fn what_the_audit_finds_is_not_hidden_in_sums() {
    let folder = filled();
    let folder = folder.path();
    years_pass(folder);
    let ledger = rusqlite::Connection::open(folder.join("data/ledger.db")).unwrap();
    ledger.execute("update balance set available = available + 1", []).unwrap();
    let said = ask(folder, &["retain", "--entries", "24mo"]).ended(1).err;
    assert!(said.starts_with("nothing was summed up or forgotten: the audit found "), "{said}");
    assert!(ask(folder, &["explain", "p1"]).ended(0).out.contains("postings"));
}

#[test]
fn entries_that_are_kept_too_short_are_refused_with_a_sentence() {
    let folder = filled();
    let folder = folder.path();
    let refused = |entries: &str| ask(folder, &["retain", "--entries", entries]).ended(2).err;
    for (entries, why) in [
        ("soon", "`soon` is not a calendar time"),
        ("2mo", "could not use `--entries 2mo`: entries are kept for at least three months; write `3mo` or more"),
        ("0y", "at least three months"),
    ] {
        let said = refused(entries);
        assert!(said.contains(why), "{said}");
    }
    let file = folder.join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let late = text.replace("clock: Event", "maxLateness: 400d");
    assert_ne!(text, late);
    std::fs::write(&file, late).unwrap();
    let said = refused("12mo");
    assert!(
        said.contains("could not use `--entries 12mo`: events may come `400d` late (`spec.events.maxLateness`)"),
        "{said}"
    );
    ask(folder, &["retain", "--entries", "14mo"]).ended(0);
    ask(folder, &["retain"]).ended(0);
}

/// The pipeline's file with a clock on the wall, and everything published and recorded three years ago.
fn on_the_wall(folder: &Path) {
    let file = folder.join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("clock: Event", "maxLateness: 30d")).unwrap();
    let ledger = rusqlite::Connection::open(folder.join("data/ledger.db")).unwrap();
    let old = "recorded_at = recorded_at - 1096 * 86400000000";
    let sql = format!(
        "update entry set {old}, effective_at = effective_at - 1096 * 86400000000; update batch set {old}, published_at = recorded_at;
         update inbox set {old}, occurred_at = occurred_at - 1096 * 86400000000"
    );
    ledger.execute_batch(&sql).unwrap();
}

#[test]
fn old_events_are_forgotten_and_their_points_are_not() {
    let folder = filled();
    let folder = folder.path();
    let balance = || ask(folder, &["balance", "ann"]).ended(0).out;
    let before = balance();
    on_the_wall(folder);
    let retain = |more: &[&str]| ask(folder, &[&["retain", "--inbox", "90d"][..], more].concat()).ended(0);
    let dry = retain(&["--dry-run"]).out;
    assert!(
        dry.starts_with("retain: 6 events that happened before ") && dry.ends_with(" would be forgotten\n"),
        "{dry}"
    );
    ask(folder, &["explain", "p1"]).ended(0);
    let done = retain(&["-o", "json"]).json();
    assert_eq!((&done["events"], &done["dryRun"], &done["entries"]), (&json!(6), &json!(false), &json!(0)));
    assert!(done["happenedBefore"].is_string(), "{done}");
    assert_eq!(retain(&[]).out, "retain: no event is old enough to be forgotten\n");
    assert_eq!(balance(), before);
    assert!(ask(folder, &["audit"]).ended(0).out.ends_with("audit: 0 differences\n"));
    let unknown = ask(folder, &["explain", "p1"]).ended(1).err;
    assert!(unknown.contains("or was forgotten, if it happened before "), "{unknown}");
    assert!(ask(folder, &["explain", "f2"]).ended(0).out.contains("f2"), "what waits is known");
    assert!(ask(folder, &["statement", "ann"]).ended(0).out.contains("p1"));
    let both = ask(folder, &["retain", "--entries", "24mo", "--inbox", "90d"]).ended(0).out;
    assert!(both.contains("entries recorded before") && both.contains("no event is old enough"), "{both}");
    assert!(ask(folder, &["audit"]).ended(0).out.ends_with("audit: 0 differences\n"));
}

#[test]
fn events_that_would_be_known_too_short_are_refused_with_a_sentence() {
    let folder = filled();
    let folder = folder.path();
    let refused = |inbox: &str| ask(folder, &["retain", "--inbox", inbox]).ended(2).err;
    assert!(refused("90d").contains("could not use `--inbox 90d`: with `clock: Event` in `spec.events`"));
    on_the_wall(folder);
    for (inbox, why) in [
        ("soon", "could not use `--inbox soon`"),
        ("36d", "could not use `--inbox 36d`: events may come `30d` late (`spec.events.maxLateness`)"),
        ("1mo", "known for at least 7 days longer than that"),
    ] {
        let said = refused(inbox);
        assert!(said.contains(why), "{said}");
    }
    ask(folder, &["retain", "--inbox", "37d", "--dry-run"]).ended(0);
    let args = ["retain", "--inbox", "90d", "--pipeline", "cdnow", "--ledger", "sqlite:data/ledger.db"];
    let said = run(&mut loyaltyctl(folder, &args)).ended(2).err;
    assert!(said.contains("how late events may come stands in the pipeline's file; name it with `-f FILE`"), "{said}");
}

//! Opening balances from a file: seen first, then brought in, each row once and with its own dates.

use std::path::Path;

use serde_json::Value;

use crate::ask::{ask, filled};
use crate::parts::own_schema;
use crate::program::{Said, loyaltyctl, run};

const ROWS: &str = "\
id,member,points,earned,activates,expires,reason
1,zoe,100,2025-03-01,,2126-03-31,
2,zoe,40,2025-04-01T12:00:00Z,2126-01-01,2126-12-31,a gift
3,yan,7,,,,
4,zoe,5,2025-01-01,,2025-02-28,
";

fn bring_in(folder: &Path, rows: &str, more: &[&str]) -> Said {
    std::fs::write(folder.join("opening.csv"), rows).unwrap();
    ask(folder, &[&["import", "opening.csv", "--author", "bea"], more].concat())
}

fn wallet(folder: &Path, member: &str) -> Value {
    ask(folder, &["balance", member, "-o", "json"]).json()["wallets"][0].clone()
}

#[test]
fn opening_balances_come_in_once_with_their_own_dates() {
    let folder = filled();
    let folder = folder.path();
    let dry = bring_in(folder, ROWS, &["--dry-run", "-o", "json"]).ended(0).json();
    let what: Vec<_> = dry["rows"].as_array().unwrap().iter().map(|row| row["what"].as_str().unwrap()).collect();
    assert_eq!((what, &dry["applied"]), (vec!["would be applied"; 4], &0.into()));
    ask(folder, &["balance", "zoe"]).ended(1);

    assert_eq!(bring_in(folder, ROWS, &["-o", "json"]).ended(0).json()["applied"], 4);
    let zoe = wallet(folder, "zoe");
    assert_eq!((&zoe["available"], &zoe["pending"]), (&"105".into(), &"40".into()));
    let lots: Vec<_> = zoe["lots"].as_array().unwrap().iter().collect();
    let ends: Vec<_> = lots.iter().map(|lot| lot["expires"].as_str().unwrap()).collect();
    // The programme's days are of UTC; the last day at which they can be spent has passed when they are gone.
    assert_eq!(ends, ["2025-03-01T00:00:00Z", "2126-04-01T00:00:00Z", "2127-01-01T00:00:00Z"]);
    assert_eq!(lots[2]["activates"], "2126-01-01T00:00:00Z");
    let told = ask(folder, &["explain", "import-2"]).ended(0).out;
    assert!(told.contains("happened  2025-04-01T12:00:00Z"), "{told}");
    assert!(
        told.contains("40 points corrected by bea (a gift), to be spent from 2126-01-01T00:00:00Z on, until "),
        "{told}"
    );

    // By somebody else, with the rows in another order and one more.
    let again = "id,member,points,expires\n3,yan,7.0,\n9,yan,1,2126-01-01\n1,zoe,100,2126-03-31\n";
    let said = bring_in(folder, again, &["-o", "json"]).ended(0).json();
    assert_eq!((&said["applied"], wallet(folder, "yan")["available"].as_str()), (&1.into(), Some("8")));
    // The same points, but earned on another day.
    let moved = "id,member,points,earned,expires\n1,zoe,100,2025-03-02,2126-03-31\n";
    let said = bring_in(folder, moved, &["-o", "json"]).ended(1).json();
    assert!(said["rows"][0]["what"].as_str().unwrap().contains("for something else"), "{said}");
    let renamed = "id,member,points,expires,reason\n1,zoe,100,2126-03-31,another one\n";
    let said = bring_in(folder, renamed, &["-o", "json"]).ended(1).json();
    assert!(said["rows"][0]["what"].as_str().unwrap().contains("for something else"), "{said}");
    // What has ended is posted with the next event, as ever.
    ask(folder, &["adjust", "zoe", "--points", "1", "--reason", "hello"]).ended(0);
    assert_eq!(wallet(folder, "zoe")["available"], "101");
    let audit = ask(folder, &["audit"]).ended(0).out;
    assert!(audit.ends_with("audit: 0 differences\n"), "{audit}");
}

#[test]
fn a_row_that_says_something_else_under_a_known_id_is_refused() {
    let folder = filled();
    let folder = folder.path();
    bring_in(folder, ROWS, &[]).ended(0);
    for other in ["1,zoe,101,2126-03-31", "1,zoe,100,2126-04-30", "1,yan,100,2126-03-31", "1,zoe,100,"] {
        let said = bring_in(folder, &format!("id,member,points,expires\n8,yan,1,\n{other}\n"), &[]).ended(1).out;
        assert!(said.contains("for something else; give it another one"), "{other}: {said}");
    }
    assert_eq!(wallet(folder, "yan")["available"], "7", "nothing comes in while any row cannot");
    bring_in(folder, "id,member,points\n8,yan,1\n1,zoe,3\n", &["--partly"]).ended(1);
    assert_eq!(wallet(folder, "yan")["available"], "8");
}

#[test]
fn a_wrong_file_is_told_row_by_row_and_nothing_comes_in() {
    let folder = filled();
    let folder = folder.path();
    for (rows, wanted) in [
        ("member,points\nzoe,5\n", "id     is missing in the first line"),
        ("id,member,points,expire\n1,zoe,5,\n", "expire"),
        ("id,member,points\n,zoe,5\n", "opening.csv:2"),
        ("id,member,points\n1,zoe,5\n1,yan,5\n", "opening.csv:3"),
        ("id,member,points\n1,zoe,-5\n", "is below nought"),
        ("id,member,points,expires\n1,zoe,5,soon\n", "`expires` is `soon`; write a date"),
        ("id,member,points,earned,expires\n1,zoe,5,2026-01-01,2025-01-01\n", "`expiresAt` is not after `occurredAt`"),
        (
            "id,member,points,activates,expires\n1,zoe,5,2127-01-01,2126-01-01\n",
            "`expiresAt` is not after `activatesAt`",
        ),
    ] {
        let said = bring_in(folder, rows, &[]).ended(1);
        assert!(said.err.contains(wanted), "{rows}: {}", said.err);
    }
    ask(folder, &["balance", "zoe"]).ended(1);
    ask(folder, &["import", "none.csv"]).ended(2);
}

const TIERS: &str = "    tiers:
      levels:
        - { name: basic }
        - { name: silver, reach: { points: \"100\" } }
        - { name: gold, reach: { points: \"300\" } }
      window: { calendar: Year }
      validity: { for: 1y, roundUpTo: Year }
";

const WITH_TIERS: &str = "\
id,member,points,tier,tierUntil,tierSince
1,zoe,100,silver,2126-06-30,2025-03-01
2,zoe,40,silver,2126-06-30,2025-03-01
3,yan,,gold,2126-12-31,
4,xia,0,silver,2126-12-31,
5,bob,7,basic,,
";

/// The same pipeline with tiers, in a ledger of its own.
fn with_tiers(folder: &Path) {
    let text = std::fs::read_to_string(folder.join("pipeline.yaml")).unwrap();
    let (before, after) = text.split_once("  rules:\n").unwrap();
    std::fs::write(folder.join("pipeline.yaml"), format!("{before}{TIERS}  rules:\n{after}")).unwrap();
    std::fs::remove_dir_all(folder.join("data")).unwrap();
    std::fs::create_dir(folder.join("data")).unwrap();
    let args = ["simulate", "-f", "pipeline.yaml", "events.jsonl", "--ledger", "sqlite:data/ledger.db"];
    run(&mut loyaltyctl(folder, &args)).ended(0);
}

fn tier(folder: &Path, member: &str) -> (String, String) {
    let tier = ask(folder, &["balance", member, "-o", "json"]).json()["tier"].clone();
    (tier["name"].as_str().unwrap_or("none").to_owned(), tier["until"].as_str().unwrap_or("never").to_owned())
}

#[test]
fn tiers_come_in_with_their_members_once_and_hold_until_their_end() {
    let folder = filled();
    let folder = folder.path();
    with_tiers(folder);
    let dry = bring_in(folder, WITH_TIERS, &["--dry-run"]).ended(0).out;
    assert!(
        dry.contains("tier silver") && dry.ends_with("5 rows would be applied, 0 known before, 0 refused\n"),
        "{dry}"
    );
    ask(folder, &["balance", "zoe"]).ended(1);

    assert_eq!(bring_in(folder, WITH_TIERS, &["-o", "json"]).ended(0).json()["applied"], 5);
    assert_eq!(wallet(folder, "zoe")["available"], "140");
    let until = |member, level: &str, end: &str| assert_eq!(tier(folder, member), (level.to_owned(), end.to_owned()));
    until("zoe", "silver", "2126-07-01T00:00:00Z");
    until("yan", "gold", "2127-01-01T00:00:00Z");
    until("xia", "silver", "2127-01-01T00:00:00Z");
    until("bob", "basic", "never");
    let told = ask(folder, &["explain", "tier-import-1"]).ended(0).out;
    assert!(told.contains("happened  2025-03-01T00:00:00Z") && told.contains("brought along"), "{told}");
    let known = ask(folder, &["export", "zoe"]).ended(0).json().to_string();
    assert!(known.contains(r#""reason":"Imported""#), "{known}");

    let again = bring_in(folder, WITH_TIERS, &["-o", "json"]).ended(0).json();
    assert_eq!(again["applied"], 0, "{again}");
    assert!(again["rows"].as_array().unwrap().iter().all(|row| row["fate"] == "Known"), "{again}");
    let other = WITH_TIERS.replace("3,yan,,gold,2126-12-31", "3,yan,,gold,2126-11-30");
    let said = bring_in(folder, &other, &[]).ended(1).out;
    assert!(said.contains("for something else; give it another one"), "{said}");
    // A member who has a higher one keeps it, and nothing of the file comes in.
    let lower = "id,member,points,tier,tierUntil\n7,yan,5,silver,2127-12-31\n";
    let said = bring_in(folder, lower, &[]).ended(1).out;
    assert!(said.contains("the member has `gold` until 2127-01-01T00:00:00Z, which is higher"), "{said}");
    ask(folder, &["balance", "yan", "-o", "json"]).ended(0);
    assert!(ask(folder, &["audit"]).ended(0).out.ends_with("audit: 0 differences\n"));
    ask(folder, &["erase", "yan", "--reason", "asked", "--yes"]).ended(0);
    assert!(ask(folder, &["audit"]).ended(0).out.ends_with("audit: 0 differences\n"));
}

#[test]
fn a_wrong_tier_is_told_with_its_line_and_column_and_nothing_comes_in() {
    let folder = filled();
    let folder = folder.path();
    let said = bring_in(folder, "id,member,tier\n1,zoe,gold\n", &[]).ended(1).err;
    assert!(said.contains("opening.csv:2") && said.contains("the programme has no tiers"), "{said}");
    with_tiers(folder);
    for (row, column, wanted) in [
        (
            "1,zoe,5,golden,,",
            "tier ",
            "is `golden`, which is no level of the programme; it has `basic`, `silver`, `gold`",
        ),
        ("1,zoe,5,Gold!,,", "tier ", ""),
        ("1,zoe,5,silver,2025-01-01,2024-01-01", "tierUntil", "is over since 2025-01-02T00:00:00Z"),
        (
            "1,zoe,5,silver,,2020-01-01",
            "tierSince",
            "the level is over since 2022-01-01T00:00:00Z, as the programme says; name `tierUntil`",
        ),
        ("1,zoe,5,silver,,2126-01-01", "tierSince", "has not come yet"),
        ("1,zoe,5,silver,soon,", "", "`tierUntil` is `soon`; write a date"),
        ("1,zoe,5,basic,2126-12-31,", "tierUntil", "is the end of a level that everybody has"),
        ("1,zoe,5,,2126-12-31,", "tierUntil", "stands without a `tier`"),
        ("1,zoe,,,,", "points", "is empty, and no `tier` is named"),
    ] {
        let rows = format!("id,member,points,tier,tierUntil,tierSince\n0,yan,1,,,\n{row}\n");
        let said = bring_in(folder, &rows, &[]).ended(1).err;
        assert!([column, wanted, "opening.csv:3"].iter().all(|part| said.contains(part)), "{row}: {said}");
    }
    ask(folder, &["balance", "yan"]).ended(1);
}

#[tokio::test]
async fn opening_balances_come_in_on_postgresql_too() {
    let folder = filled();
    std::fs::write(folder.path().join("opening.csv"), ROWS).unwrap();
    let url = own_schema().await;
    let program = |args: &[&str]| run(&mut loyaltyctl(folder.path(), &[args, &["--ledger", &url]].concat()));
    program(&["simulate", "-f", "pipeline.yaml", "events.jsonl"]).ended(0);
    let of = |args: &[&str]| program(&[args, &["--pipeline", "cdnow"]].concat());
    assert_eq!(of(&["import", "opening.csv", "-o", "json"]).ended(0).json()["applied"], 4);
    assert_eq!(of(&["import", "opening.csv", "-o", "json"]).ended(0).json()["applied"], 0);
    let zoe = of(&["balance", "zoe", "-o", "json"]).json()["wallets"][0].clone();
    assert_eq!((&zoe["available"], &zoe["pending"]), (&"105".into(), &"40".into()));
    assert!(of(&["audit"]).ended(0).out.ends_with("audit: 0 differences\n"));
}

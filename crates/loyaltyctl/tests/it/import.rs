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

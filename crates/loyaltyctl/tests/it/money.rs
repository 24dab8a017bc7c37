//! Statements, what is owed, and the nightly audit: `golden/ledger/NAME.txt`, rewritten by `UPDATE=1`.

use std::path::{Path, PathBuf};

use crate::ask::{ask, filled};
use crate::program::{Said, loyaltyctl, run};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/ledger").join(format!("{name}.txt"))
}

/// Compares with the golden text; no line may be wider than a terminal.
pub(crate) fn is_golden(name: &str, text: &str) {
    let file = golden(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap(), "{name}; UPDATE=1 rewrites it");
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(name.ends_with("csv") || wide.is_empty(), "{name}: {wide:?}");
}

/// On a terminal of 80 columns.
pub(crate) fn narrow(folder: &Path, question: &[&str]) -> Said {
    let args = [question, &["-f", "pipeline.yaml", "--data", "data"]].concat();
    run(loyaltyctl(folder, &args).env("COLUMNS", "80"))
}

/// A new ledger, from the folder's events.
fn fill_again(folder: &Path) {
    std::fs::remove_dir_all(folder.join("data")).unwrap();
    std::fs::create_dir(folder.join("data")).unwrap();
    let args = ["simulate", "-f", "pipeline.yaml", "events.jsonl", "--ledger", "sqlite:data/ledger.db"];
    run(&mut loyaltyctl(folder, &args)).ended(0);
}

/// The same events, by a programme that says one thing otherwise.
pub(crate) fn otherwise(from: &str, to: &str) -> tempfile::TempDir {
    let folder = filled();
    let file = folder.path().join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
    fill_again(folder.path());
    folder
}

/// The same events, and lots that expire.
fn expiring() -> tempfile::TempDir {
    let folder = filled();
    let more = r#"{"id":"p9","type":"purchase","occurredAt":"2026-01-06T10:00:00Z","member":"bob","order":"b9","amount":"40.00"}
{"id":"p10","type":"purchase","occurredAt":"2026-01-07T10:00:00Z","member":"bob","order":"b10","amount":"12345.00"}
{"id":"r9","type":"redeem","occurredAt":"2026-01-08T10:00:00Z","member":"bob","points":"30"}
"#;
    let events = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap() + more;
    std::fs::write(folder.path().join("events.jsonl"), events).unwrap();
    fill_again(folder.path());
    let ledger = rusqlite::Connection::open(folder.path().join("data/ledger.db")).unwrap();
    let micros = |at: &str| at.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let (active, expires) = (micros("2026-01-20T00:00:00Z"), micros("2026-04-01T00:00:00Z"));
    let sql = format!("update lot set activates_at = {active}, expires_at = {expires} where initial = 40");
    assert_eq!(ledger.execute(&sql, []).unwrap(), 1);
    let sql =
        format!("insert into due select pipeline, bucket, member, {expires}, 1 from lot where expires_at is not null");
    assert_eq!(ledger.execute(&sql, []).unwrap(), 1);
    folder
}

/// Recorded times are the machine's.
fn without_clock(csv: &str) -> String {
    let cut = |line: &str| {
        let mut fields: Vec<&str> = line.split(',').collect();
        if fields[1] != "recorded_at" {
            fields[1] = "RECORDED";
        }
        fields.join(",") + "\n"
    };
    csv.lines().map(cut).collect()
}

#[test]
fn a_statement_has_every_posting_with_its_balance_and_the_open_lots() {
    let folder = expiring();
    is_golden("statement", &narrow(folder.path(), &["statement", "ann"]).ended(0).out);
    is_golden("statement-lots", &narrow(folder.path(), &["statement", "bob"]).ended(0).out);
    let csv = ask(folder.path(), &["statement", "ann", "-o", "csv"]).ended(0).out;
    is_golden("statement-csv", &without_clock(&csv));
    is_golden("statement-lots-csv", &ask(folder.path(), &["statement", "bob", "--lots", "-o", "csv"]).ended(0).out);
    let json = ask(folder.path(), &["statement", "bob", "-o", "json"]).ended(0).json();
    assert_eq!(json["member"], "bob");
    let balances: Vec<&str> =
        json["lines"].as_array().unwrap().iter().map(|l| l["balance"].as_str().unwrap()).collect();
    assert_eq!(balances, ["40", "12410", "12380"]);
    assert_eq!(json["lots"][0]["activates"], "2026-01-20T00:00:00Z");
}

#[test]
fn a_statement_is_narrowed_to_days_and_wallets() {
    let folder = filled();
    let of = |more: &[&str]| {
        let json = ask(folder.path(), &[&["statement", "ann", "-o", "json"], more].concat()).ended(0).json();
        let events = json["lines"].as_array().unwrap().iter().map(|line| line["event"].as_str().unwrap().to_owned());
        events.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of(&[]), "p1 p2 r1 f1");
    assert_eq!(of(&["--from", "2026-01-02", "--to", "2026-01-03"]), "p2 r1");
    assert_eq!(of(&["--from", "2026-01-02T10:00:01Z"]), "r1 f1");
    // At 10:00 in UTC it is the next day in Kiritimati.
    assert_eq!(of(&["--to", "2026-01-02", "--time-zone", "Pacific/Kiritimati"]), "p1");
    assert_eq!(of(&["--to", "2026-01-05", "--recorded"]), "");
    assert_eq!(of(&["--wallet", "none"]), "");
    let said = narrow(folder.path(), &["statement", "ann", "--wallet", "none"]).ended(0);
    assert_eq!(said.out, "member ann, newest last\n\nno postings\n");
    let said = ask(folder.path(), &["statement", "nobody"]).ended(1);
    assert!(said.err.contains("member `nobody` is not known to pipeline `cdnow`"), "{}", said.err);
    let said = ask(folder.path(), &["statement", "ann", "--from", "yesterday"]).ended(2);
    assert!(said.err.starts_with("error: could not use `--from yesterday`: write a date"), "{}", said.err);
    let said = ask(folder.path(), &["statement", "ann", "--time-zone", "Mars"]).ended(2);
    assert!(said.err.starts_with("error: could not use `--time-zone Mars`"), "{}", said.err);
}

#[test]
fn what_is_owed_is_told_with_the_month_in_which_it_expires() {
    let folder = expiring();
    is_golden("liability", &narrow(folder.path(), &["liability", "--at", "2026-01-31"]).ended(0).out);
    is_golden("liability-csv", &ask(folder.path(), &["liability", "--at", "2026-01-31", "-o", "csv"]).ended(0).out);
    let json = ask(folder.path(), &["liability", "--at", "2026-01-02", "-o", "json"]).ended(0).json();
    assert_eq!(json["at"], "2026-01-02T23:59:59.999999Z");
    assert_eq!(json["wallets"][0]["outstanding"], "126");
    let recorded = ["liability", "--at", "2026-01-02", "--recorded", "-o", "json"];
    assert_eq!(ask(folder.path(), &recorded).ended(0).json()["wallets"], serde_json::json!([]));
    let now = ask(folder.path(), &["liability"]).ended(0).out;
    assert!(now.starts_with("pipeline cdnow, all that is recorded\n"), "{now}");
    ask(folder.path(), &["liability", "--recorded"]).ended(2);
    let today = ask(folder.path(), &["liability", "--at", "2099-01-01", "--recorded"]).ended(0);
    assert!(today.err.starts_with("what was recorded within the last minute may not be seen yet"), "{}", today.err);
    assert_eq!(ask(folder.path(), &recorded).ended(0).err, "", "that month is over");
}

#[test]
fn days_are_those_of_the_programme_unless_others_are_named() {
    let folder = otherwise("    currency: USD\n", "    currency: USD\n    timeZone: Pacific/Kiritimati\n");
    let at = |more: &[&str]| {
        let question = [&["liability", "--at", "2026-01-02", "-o", "json"], more].concat();
        ask(folder.path(), &question).ended(0).json()["at"].clone()
    };
    assert_eq!(at(&[]), "2026-01-02T09:59:59.999999Z");
    assert_eq!(at(&["--time-zone", "UTC"]), "2026-01-02T23:59:59.999999Z");
    let events = ask(folder.path(), &["statement", "ann", "--to", "2026-01-02", "-o", "csv"]).ended(0).out;
    assert!(events.contains(",p1,") && !events.contains(",p2,"), "{events}");
    let audit = ask(folder.path(), &["audit", "--since", "2300-01-02", "-o", "json"]).ended(0).json();
    assert_eq!(audit["since"], "2300-01-01T10:00:00Z");
}

#[test]
fn a_nightly_audit_tells_what_it_did_not_look_at_and_names_the_first_difference_of_each_invariant() {
    let folder = expiring();
    is_golden("audit", &narrow(folder.path(), &["audit"]).ended(0).out);
    is_golden("audit-since", &narrow(folder.path(), &["audit", "--since", "2026-01-01"]).ended(0).out);
    // Nothing was recorded in the last second of a year to come.
    let json = ask(folder.path(), &["audit", "--since", "2300-01-01", "-o", "json"]).ended(0).json();
    assert_eq!(json["since"], "2300-01-01T00:00:00Z");
    assert_eq!(json["notLookedAt"][0], "2 members without an entry since then");
    let ledger = rusqlite::Connection::open(folder.path().join("data/ledger.db")).unwrap();
    ledger.execute("update lot set available = available - 1 where available > 1", []).unwrap();
    is_golden("audit-differences", &narrow(folder.path(), &["audit", "--since", "2026-01-01"]).ended(1).out);
    let csv = ask(folder.path(), &["audit", "--since", "36500d", "-o", "csv"]).ended(1).out;
    is_golden("audit-csv", &csv);
    let said = ask(folder.path(), &["audit", "--since", "soon"]).ended(2);
    assert!(said.err.contains("could not use `--since soon`"), "{}", said.err);
}

#[test]
fn what_is_one_table_comes_as_csv_and_what_is_not_says_so() {
    let folder = filled();
    let said = ask(folder.path(), &["balance", "ann", "-o", "csv"]).ended(0);
    assert_eq!(said.out, "wallet,available,pending,held,debt\npoints,0,0,0,0\n");
    let said = ask(folder.path(), &["balance", "--top", "1", "-o", "csv"]).ended(0);
    assert_eq!(said.out, "wallet,rank,member,available\npoints,1,ann,0\n");
    let said = ask(folder.path(), &["explain", "--member", "ann", "--limit", "1", "-o", "csv"]).ended(0);
    assert_eq!(said.out, "when,kind,event,order,points,why\n2026-01-04T10:00:00Z,Clawback,f1,a1,-56 points,\n");
    let of_event = ask(folder.path(), &["explain", "f1", "-o", "csv"]).ended(0);
    assert_eq!(of_event.out, said.out, "the entry of the same event");
    for question in [&["status", "cdnow", "-o", "csv"][..], &["retain", "-o", "csv"]] {
        let said = run(&mut loyaltyctl(folder.path(), question)).ended(2);
        assert!(said.err.starts_with("error: could not answer as CSV"), "{}", said.err);
    }
}

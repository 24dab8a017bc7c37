//! Events from a file: small ones whose sums a person can do, and the CDNOW purchases against numbers that were computed elsewhere.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::parts::own_schema;
use crate::program::{Said, loyaltyctl, run, run_with, workspace};

const SMALL: &str = r#"{"id":"1","type":"purchase","occurredAt":"2026-01-01T10:00:00Z","member":"ann","order":"a1","amount":"29.33"}
{"id":"2","type":"purchase","occurredAt":"2026-01-01T11:00:00Z","member":"bob","order":"b1","amount":"10.00"}

{"id":"1","type":"purchase","occurredAt":"2026-01-01T10:00:00Z","member":"ann","order":"a1","amount":"29.33"}
not json
{"id":"3","type":"refund","occurredAt":"2026-01-02T10:00:00Z","member":"bob","order":"b1"}
{"id":"4","type":"refund","occurredAt":"2026-01-02T10:00:00Z","member":"bob","order":"none"}
{"id":"5","type":"redeem","occurredAt":"2026-01-03T10:00:00Z","member":"ann","points":"20"}
{"id":"6","type":"redeem","occurredAt":"2026-01-03T11:00:00Z","member":"ann","points":"20"}
{"id":"7","type":"purchase","occurredAt":"2026-01-03T12:00:00Z","member":"ann","order":"a2","amount":"-1"}
"#;

fn cdnow() -> (String, String) {
    let folder = workspace().join("examples/cdnow");
    let text = std::fs::read_to_string(folder.join("pipeline.yaml")).unwrap();
    (text, folder.join("purchases.jsonl").to_str().unwrap().to_owned())
}

fn simulate(folder: &Path, more: &[&str]) -> Command {
    loyaltyctl(folder, &[&["simulate", "-f", "pipeline.yaml"], more].concat())
}

fn small() -> (tempfile::TempDir, Said) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), cdnow().0).unwrap();
    let mut command = simulate(folder.path(), &["-", "-o", "json", "--results", "results.jsonl"]);
    let said = run_with(&mut command, SMALL.as_bytes());
    (folder, said)
}

#[test]
fn a_simulation_tells_outcomes_points_and_what_would_be_buried_by_line() {
    let (folder, said) = small();
    let json = said.ended(1).json();
    assert_eq!(json["events"], 9);
    assert_eq!(json["outcomes"], serde_json::json!({ "applied": 4, "parked": 1, "rejected": 1, "replayed": 1 }));
    let points = &json["wallets"][0];
    let sums = ["earned", "spent", "clawed", "available"].map(|field| points[field].as_str().unwrap().to_owned());
    assert_eq!(sums, ["39", "20", "10", "9"]);
    assert_eq!(json["bestMembers"]["points"][0], serde_json::json!({ "member": "ann", "available": "9" }));
    let buried = json["buried"].as_array().unwrap();
    let lines: Vec<_> =
        buried.iter().map(|one| (one["line"].as_u64().unwrap(), one["reason"].as_str().unwrap())).collect();
    assert_eq!(lines, [(5, "NotJson"), (10, "NegativeAmount")]);
    let results = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
    let types: Vec<String> =
        results.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].to_string()).collect();
    let expected =
        ["points.earned", "points.earned", "points.clawedback", "redemption.accepted", "redemption.rejected"];
    assert_eq!(types, expected.map(|name| format!("\"{name}\"")));
}

#[test]
fn a_simulation_reads_well() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), cdnow().0).unwrap();
    let said = run_with(&mut simulate(folder.path(), &["-"]), SMALL.as_bytes()).ended(1);
    let want = "\
cdnow: 9 events, 2 members

OUTCOME   EVENTS
applied        4
parked         1
rejected       1
replayed       1
buried         2

WALLET  EARNED  SPENT  TAKEN BACK  ADJUSTED  AVAILABLE
points      39     20          10         0          9

WALLET  RANK  MEMBER  AVAILABLE
points     1  ann             9
points     2  bob             0

buried: NotJson 1, NegativeAmount 1

LINE  REASON          DETAIL
   5  NotJson         the body is not JSON: expected ident at line 1 column 2
  10  NegativeAmount  `amount` is below nought; send a `refund` to give money back
";
    assert_eq!(said.out, want);
}

#[test]
fn a_ledger_that_holds_the_pipeline_already_is_not_simulated_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), cdnow().0).unwrap();
    let kept = ["-", "--ledger", "sqlite:kept.db"];
    run_with(&mut simulate(folder.path(), &kept), b"").ended(0);
    let said = run_with(&mut simulate(folder.path(), &kept), b"").ended(2);
    assert!(said.err.contains("it holds pipeline `cdnow` already"), "{}", said.err);
}

#[test]
fn with_the_wall_clock_what_is_old_is_too_late_unless_it_is_a_history() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), cdnow().0.replace("clock: Event", "clock: Wall")).unwrap();
    let old = SMALL.lines().next().unwrap().replace("2026", "1997");
    let said = run_with(&mut simulate(folder.path(), &["-", "-o", "json"]), old.as_bytes()).ended(1);
    assert_eq!(said.json()["reasons"], serde_json::json!({ "TooLate": 1 }));
    let said = run_with(&mut simulate(folder.path(), &["-", "-o", "json", "--history"]), old.as_bytes()).ended(0);
    assert_eq!(said.json()["outcomes"], serde_json::json!({ "applied": 1 }));
}

/// A programme: its name, its rules, the sum of points.
struct Vector {
    name: &'static str,
    rules: String,
    points: &'static str,
}

fn per(amount: &str, points: &str, mode: &str) -> String {
    format!(
        "    - name: base\n      on: purchase\n      earn:\n        wallet: points\n        per: {{ amount: \"{amount}\", points: \"{points}\" }}\n        \
         rounding: {{ mode: {mode}, at: Order }}\n"
    )
}

/// Numbers of the CDNOW sample under each programme, computed with decimal arithmetic outside this project.
fn vectors() -> Vec<Vector> {
    let floor = per("1.00", "1", "Floor");
    let step = floor.replace("per: { amount: \"1.00\"", "perStep: { amount: \"10.00\"");
    let bonus = "    - name: large\n      on: purchase\n      minimumOrder: \"50.00\"\n      earn: { wallet: points, fixed: \"25\" }\n";
    vec![
        Vector { name: "floor", rules: floor.clone(), points: "239444" },
        Vector { name: "half up", rules: per("1.00", "1", "HalfUp"), points: "243871" },
        Vector { name: "half even", rules: per("1.00", "1", "HalfEven"), points: "243849" },
        Vector { name: "ceiling", rules: per("1.00", "1", "Ceiling"), points: "246325" },
        Vector { name: "full 10 dollars", rules: step, points: "20904" },
        Vector { name: "3.5 a dollar", rules: per("1.00", "3.5", "Floor"), points: "850665" },
        Vector { name: "+25 for 50.00 or more", rules: floor + bonus, points: "272819" },
    ]
}

/// The example with other rules.
fn with_rules(folder: &Path, rules: &str) {
    let text = cdnow().0;
    let (before, rest) = text.split_once("  rules:\n").unwrap();
    let (_, after) = rest.split_once("  results:\n").unwrap();
    std::fs::write(folder.join("pipeline.yaml"), format!("{before}  rules:\n{rules}  results:\n{after}")).unwrap();
}

/// Every purchase, and then the refund of every order.
fn all_refunded() -> String {
    let purchases = std::fs::read_to_string(cdnow().1).unwrap();
    let refunds = purchases.lines().map(|line| {
        let purchase: Value = serde_json::from_str(line).unwrap();
        let order = purchase["order"].as_str().unwrap();
        let refund = serde_json::json!({
            "id": format!("refund-{order}"), "type": "refund", "occurredAt": "1998-07-01T12:00:00Z",
            "member": purchase["member"], "order": order,
        });
        refund.to_string() + "\n"
    });
    refunds.fold(purchases.clone(), |text, line| text + &line)
}

async fn ledger(of: &str, folder: &Path) -> String {
    match of {
        "PostgreSQL" => own_schema().await,
        _ => format!("sqlite:{}/ledger.db", folder.display()),
    }
}

async fn sums(store: &str) {
    for Vector { name, rules, points } in vectors() {
        let folder = tempfile::tempdir().unwrap();
        with_rules(folder.path(), &rules);
        let url = ledger(store, folder.path()).await;
        let said = run(&mut simulate(folder.path(), &[&cdnow().1, "-o", "json", "--ledger", &url])).ended(0);
        let json = said.json();
        assert_eq!(json["events"], 6919, "{name}");
        assert_eq!(json["members"], 2357, "{name}");
        assert_eq!(json["outcomes"], serde_json::json!({ "applied": 6919 }), "{name}");
        assert_eq!(json["wallets"][0]["earned"], points, "{name}");
        assert_eq!(json["wallets"][0]["available"], points, "{name}");
        if name == "floor" {
            let of = |at: usize| json["bestMembers"]["points"][at].clone();
            let best = [0, 1, 2].map(of).map(|one| format!("{} {}", one["member"], one["available"]).replace('"', ""));
            assert_eq!(best, ["19339 6517", "05420 1930", "20111 1712"]);
        }
    }
}

#[tokio::test]
async fn the_cdnow_purchases_give_the_published_sums_on_sqlite() {
    sums("SQLite").await;
}

#[tokio::test]
async fn the_cdnow_purchases_give_the_published_sums_on_postgresql() {
    sums("PostgreSQL").await;
}

async fn refunded(store: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), cdnow().0).unwrap();
    std::fs::write(folder.path().join("all.jsonl"), all_refunded()).unwrap();
    let url = ledger(store, folder.path()).await;
    let said = run(&mut simulate(folder.path(), &["all.jsonl", "-o", "json", "--ledger", &url])).ended(0);
    let points = said.json()["wallets"][0].clone();
    let sums = ["earned", "clawed", "available"].map(|field| points[field].as_str().unwrap().to_owned());
    assert_eq!(sums, ["239444", "239444", "0"]);
    let audit = ["audit", "--pipeline", "cdnow", "--ledger", &url];
    let said = run(&mut loyaltyctl(folder.path(), &audit)).ended(0);
    assert!(said.out.ends_with("audit: 0 differences\n"), "{}", said.out);
}

#[tokio::test]
async fn with_every_order_refunded_nothing_is_left_on_sqlite_and_the_audit_finds_nothing() {
    refunded("SQLite").await;
}

#[tokio::test]
async fn with_every_order_refunded_nothing_is_left_on_postgresql_and_the_audit_finds_nothing() {
    refunded("PostgreSQL").await;
}

/// The example's purchases of before this day, with an expiry of its points, as they stand when the day begins.
async fn expired(store: &str, expiry: &str) -> (String, String) {
    let (points, _) = ended(store, expiry).await;
    (points["expired"].as_str().unwrap().to_owned(), points["available"].as_str().unwrap().to_owned())
}

/// The same, with what was told of it.
async fn ended(store: &str, expiry: &str) -> (Value, Vec<Value>) {
    const DAY: &str = "1998-06-15";
    let folder = tempfile::tempdir().unwrap();
    let (text, purchases) = cdnow();
    let text = text.replace("- { name: points }", &format!("- {{ name: points, expiry: {expiry} }}"));
    std::fs::write(folder.path().join("pipeline.yaml"), text).unwrap();
    let lines = std::fs::read_to_string(purchases).unwrap();
    let before = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["occurredAt"].as_str().unwrap() < DAY;
    let lines: Vec<&str> = lines.lines().filter(before).collect();
    std::fs::write(folder.path().join("before.jsonl"), lines.join("\n")).unwrap();
    let url = ledger(store, folder.path()).await;
    let how = ["before.jsonl", "--at", DAY, "-o", "json", "--ledger", &url, "--results", "results.jsonl"];
    let said = run(&mut simulate(folder.path(), &how)).ended(0);
    let points = said.json()["wallets"][0].clone();
    let audit = ["audit", "--pipeline", "cdnow", "--ledger", &url];
    let said = run(&mut loyaltyctl(folder.path(), &audit)).ended(0);
    assert!(said.out.ends_with("audit: 0 differences\n"), "{}", said.out);
    let results = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
    (points, results.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

async fn expiries(store: &str) {
    let gone_and_left = |gone: &str, left: &str| (gone.to_owned(), left.to_owned());
    let end_of_month = expired(store, "{ after: 12mo, roundUpTo: Month }").await;
    assert_eq!(end_of_month, gone_and_left("133628", "103642"), "to the end of the month");
    assert_eq!(expired(store, "{ after: 12mo }").await, gone_and_left("136919", "100351"), "to the day");
    // These were counted outside the engine, too: day by day, with the calendar of another library.
    let purchases = "activities: [purchase]";
    for (expiry, gone, left) in [
        ("{ onDates: ['12-31'] }", "197393", "39877"),
        ("{ after: 3mo, onDates: ['12-31'] }", "169850", "67420"),
        (&*format!("{{ inactivity: {{ after: 6mo, {purchases} }} }}"), "133903", "103367"),
        (&*format!("{{ inactivity: {{ after: 6mo, {purchases} }}, roundUpTo: Month }}"), "127456", "109814"),
        (&*format!("{{ inactivity: {{ after: 12mo, {purchases} }} }}"), "69428", "167842"),
    ] {
        assert_eq!(expired(store, expiry).await, gone_and_left(gone, left), "{expiry}");
    }
}

#[tokio::test]
async fn the_cdnow_points_end_as_was_computed_elsewhere_on_sqlite() {
    expiries("SQLite").await;
}

#[tokio::test]
async fn the_cdnow_points_end_as_was_computed_elsewhere_on_postgresql() {
    expiries("PostgreSQL").await;
}

/// Counted outside the engine as well. Of what a member's own event finds after its end, nothing is told.
async fn warnings(store: &str) {
    let idle = "{ inactivity: { after: 6mo, activities: [purchase] }, warnBefore: 14d }";
    // Warnings, the points of all of them, and what has ended: as without them.
    for (expiry, count, points, gone) in
        [("{ after: 12mo, warnBefore: 14d }", 3371, 118_013, "136919"), (idle, 1900, 108_595, "133903")]
    {
        let (sums, results) = ended(store, expiry).await;
        let warnings = results.iter().filter(|result| result["type"] == "points.expiring");
        let warned: Vec<i64> = warnings.map(|of| of["data"]["points"].as_str().unwrap().parse().unwrap()).collect();
        assert_eq!((warned.len(), warned.iter().sum::<i64>()), (count, points), "{expiry}");
        assert_eq!(sums["expired"], gone, "{expiry}");
    }
}

#[tokio::test]
async fn the_cdnow_members_are_warned_as_was_computed_elsewhere_on_sqlite() {
    warnings("SQLite").await;
}

#[tokio::test]
async fn the_cdnow_members_are_warned_as_was_computed_elsewhere_on_postgresql() {
    warnings("PostgreSQL").await;
}

#[test]
fn two_programmes_are_compared_by_the_same_events() {
    let folder = tempfile::tempdir().unwrap();
    let text = cdnow().0;
    std::fs::write(folder.path().join("pipeline.yaml"), text.replace("  results:\n", "    - { name: large, on: purchase, minimumOrder: \"20.00\", earn: { wallet: points, fixed: \"5\" } }\n  results:\n")).unwrap();
    std::fs::write(folder.path().join("current.yaml"), text).unwrap();
    std::fs::write(folder.path().join("small.jsonl"), SMALL).unwrap();
    let args = ["small.jsonl", "--history", "--against", "current.yaml"];
    let json = run(&mut simulate(folder.path(), &[&args[..], &["-o", "json"]].concat())).ended(1).json();
    let sums = &json["against"]["wallets"]["points"];
    assert_eq!(["gain", "lose", "same"].map(|field| sums[field].as_u64().unwrap()), [1, 0, 1]);
    assert_eq!((&sums["other"], &sums["this"]), (&"9".into(), &"14".into()));
    assert_eq!(json["against"]["members"][0]["change"], "5");
    let given =
        json["rules"].as_array().unwrap().iter().map(|of| format!("{} {} {}", of["rule"], of["events"], of["points"]));
    assert_eq!(given.collect::<Vec<_>>(), [r#""base" 2 "39""#, r#""large" 1 "5""#]);
    let told = run(&mut simulate(folder.path(), &args)).ended(1).out;
    let wanted = "\
in place of current.yaml:

WALLET  GAIN  LOSE  SAME  BY THE OTHER  BY THIS  CHANGE
points     1     0     1             9       14      +5

MEMBER  WALLET  BY THE OTHER  BY THIS  CHANGE
ann     points             9       14      +5
";
    assert!(told.contains(wanted), "{told}");
    assert!(
        told.contains("RULE   WALLET  AWARDS  POINTS\nbase   points       2      39\nlarge  points       1       5\n"),
        "{told}"
    );
    let same =
        run(&mut loyaltyctl(folder.path(), &[&["simulate", "-f", "current.yaml"][..], &args].concat())).ended(1).out;
    assert!(same.contains("every member has the same by both"), "{same}");
    let twice = run(&mut simulate(folder.path(), &["-", "--against", "current.yaml"])).ended(2);
    assert!(twice.err.contains("could not read the events twice"), "{}", twice.err);
}

#[test]
fn a_timeline_tells_each_month_with_what_there_was_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pipeline.yaml"), cdnow().0).unwrap();
    let more = r#"{"id":"8","type":"purchase","occurredAt":"2026-03-31T23:59:59Z","member":"bob","order":"b2","amount":"7.00"}"#;
    std::fs::write(folder.path().join("small.jsonl"), format!("{SMALL}{more}\n")).unwrap();
    let told = run(&mut simulate(folder.path(), &["small.jsonl", "--timeline"])).ended(1).out;
    let wanted = "\
MONTH    WALLET  EARNED  SPENT  EXPIRED  TAKEN BACK  PENDING  AVAILABLE
2026-01  points      39     20        0          10        0          9
2026-02  points       0      0        0           0        0          9
2026-03  points       7      0        0           0        0         16
";
    assert!(told.contains(wanted), "{told}");
    let json = run(&mut simulate(folder.path(), &["small.jsonl", "--timeline", "-o", "json"])).ended(1).json();
    assert_eq!(
        (&json["timeline"][2]["month"], &json["timeline"][2]["available"]),
        (&"2026-03-01".into(), &"16".into())
    );
}

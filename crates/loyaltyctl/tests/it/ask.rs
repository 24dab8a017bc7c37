//! Questions to a ledger that a simulation filled.

use std::path::Path;

use crate::program::{Said, loyaltyctl, run, workspace};

const EVENTS: &str = r#"{"id":"p1","type":"purchase","occurredAt":"2026-01-01T10:00:00Z","member":"ann","order":"a1","lines":[{"sku":"bean","quantity":2,"amount":"29.33"},{"sku":"cup","quantity":1,"amount":"31.00"}]}
{"id":"p2","type":"purchase","occurredAt":"2026-01-02T10:00:00Z","member":"ann","order":"a2","amount":"10.00"}
{"id":"r1","type":"redeem","occurredAt":"2026-01-03T10:00:00Z","member":"ann","points":"70"}
{"id":"r2","type":"redeem","occurredAt":"2026-01-03T11:00:00Z","member":"ann","points":"500"}
{"id":"f1","type":"refund","occurredAt":"2026-01-04T10:00:00Z","member":"ann","order":"a1"}
{"id":"f2","type":"refund","occurredAt":"2026-01-04T10:00:00Z","member":"ann","order":"later"}
{"id":"p3","type":"purchase","occurredAt":"2026-01-05T10:00:00Z","member":"bob","order":"b1","amount":"0.50"}
"#;

/// A folder with a pipeline and its ledger; `base` gives a point a dollar, `cups` doubles cups, `large` adds 25.
pub(crate) fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(workspace().join("examples/cdnow/pipeline.yaml")).unwrap();
    let (before, after) = text.split_once("  results:\n").unwrap();
    let more = [
        "    - { name: cups, on: purchase, include: { skus: [cup] }, multiply: { by: \"2\" } }\n",
        "    - { name: large, on: purchase, minimumOrder: \"50.00\", earn: { wallet: points, fixed: \"25\" } }\n",
    ]
    .concat();
    std::fs::write(folder.path().join("pipeline.yaml"), format!("{before}{more}  results:\n{after}")).unwrap();
    std::fs::write(folder.path().join("events.jsonl"), EVENTS).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let args = ["simulate", "-f", "pipeline.yaml", "events.jsonl", "--ledger", "sqlite:data/ledger.db"];
    run(&mut loyaltyctl(folder.path(), &args)).ended(0);
    folder
}

pub(crate) fn ask(folder: &Path, question: &[&str]) -> Said {
    run(&mut loyaltyctl(folder, &[question, &["-f", "pipeline.yaml", "--data", "data"]].concat()))
}

/// Recorded times are the machine's: the first word of what stands there is kept.
fn without_clock(text: &str) -> String {
    let cut = |line: &str| line.split(" (recorded").next().unwrap_or_default().to_owned();
    text.lines().map(cut).collect::<Vec<_>>().join("\n") + "\n"
}

fn short_hash(text: &str) -> String {
    let rules = text.lines().find(|line| line.starts_with("rules")).unwrap();
    rules.split_whitespace().nth(1).unwrap().trim_end_matches(',').to_owned()
}

#[test]
fn an_award_is_explained_with_its_arithmetic_its_postings_and_what_became_of_it() {
    let folder = filled();
    let said = ask(folder.path(), &["explain", "p1"]).ended(0);
    let hash = short_hash(&said.out);
    assert_eq!(hash.len(), 12, "{}", said.out);
    let want = format!(
        "\
event     p1 from cdnow.shop
member    ann
happened  2026-01-01T10:00:00Z
what      order `a1` of 60.33 USD, 2 lines
outcome   applied; 116 points earned, 116 available after it
rules     {hash}, version 1, in force from the beginning, applied by loyaltyctl simulate
results   1 not confirmed by a broker yet

why
  base: 60.33 x 1 per 1.00, some lines multiplied = 91.33, Floor at Order -> 91 points
    because it is a purchase
    line 1: 29.33, which is 29.33 points
    line 2: 31.00 x 2, which is 62 points
    after refunds 0 of 91 stay: 56 taken back, 35 could not be and were waived
  large: 25 for the event -> 25 points
    because it is a purchase, the order is at least 50.00
    after refunds 0 of 25 stay: 0 taken back, 25 could not be and were waived

postings (they sum to zero)
ACCOUNT    WALLET  OUT   IN
issued     points  116
available  points       116

lots made
WALLET  LOT  AWARDED  LEFT  EXPIRES
points    1      116     0  never

later refunds of its order
WHEN                  EVENT  KIND      WALLET  POINTS
2026-01-04T10:00:00Z  f1     Clawback  points     -56
"
    );
    assert_eq!(without_clock(&said.out), want);
}

#[test]
fn spending_rejections_and_waiting_refunds_are_explained_in_a_sentence() {
    let folder = filled();
    for (event, sentence) in [
        ("r1", "applied; 70 points spent, 56 available after it"),
        ("r2", "turned down; 500 points were asked for and 56 were available: 444 are missing"),
        (
            "f1",
            "applied; 56 points taken back for order `a1` (60 could not be taken and were waived), 0 available after it",
        ),
        ("f2", "waits for the purchase of order `later`; it is applied as soon as that comes"),
        ("p3", "applied; it moved no points"),
    ] {
        let said = ask(folder.path(), &["explain", event]).ended(0);
        assert!(said.out.contains(&format!("outcome   {sentence}\n")), "{event}: {}", said.out);
        assert_eq!(ask(folder.path(), &["explain", event, "-o", "json"]).ended(0).json()[0]["id"], event);
    }
    let said = ask(folder.path(), &["explain", "none"]).ended(1);
    assert!(said.err.contains("event `none` is not known to pipeline `cdnow`"), "{}", said.err);
    ask(folder.path(), &["explain", "p1", "--source", "elsewhere"]).ended(1);
}

#[test]
fn a_members_entries_are_told_newest_first() {
    let folder = filled();
    let said = ask(folder.path(), &["explain", "--member", "ann"]).ended(0);
    let want = "\
member ann, newest first

WHEN                  KIND      EVENT  ORDER      POINTS  WHY
2026-01-04T10:00:00Z  Clawback  f1     a1     -56 points
2026-01-03T10:00:00Z  Spend     r1            -70 points
2026-01-02T10:00:00Z  Earn      p2     a2      10 points  base 10
2026-01-01T10:00:00Z  Earn      p1     a1     116 points  base 91, large 25
`loyaltyctl explain EVENT` tells the arithmetic of one
";
    assert_eq!(said.out, want);
    ask(folder.path(), &["explain", "--member", "nobody"]).ended(1);
}

#[test]
fn balances_show_wallets_lots_and_the_best_members() {
    let folder = filled();
    let said = ask(folder.path(), &["balance", "ann"]).ended(0);
    assert_eq!(said.out, "WALLET  AVAILABLE  PENDING  HELD  DEBT\npoints          0        0     0     0\n");
    let said = ask(folder.path(), &["balance", "--top", "1"]).ended(0);
    assert_eq!(said.out, "WALLET  RANK  MEMBER  AVAILABLE\npoints     1  ann             0\n");
    let said = ask(folder.path(), &["balance", "nobody"]).ended(1);
    assert!(said.err.contains("member `nobody` is not known to pipeline `cdnow`"), "{}", said.err);
}

#[test]
fn a_ledger_is_found_by_its_url_and_the_pipelines_name_alone() {
    let folder = filled();
    let args = ["balance", "ann", "--pipeline", "cdnow", "-o", "json"];
    let said = run(loyaltyctl(folder.path(), &args).env("LEDGER_URL", "sqlite:data/ledger.db")).ended(0);
    assert_eq!(said.json()["wallets"][0]["wallet"], "points");
    let said = run(&mut loyaltyctl(folder.path(), &["audit", "--pipeline", "cdnow"])).ended(2);
    assert!(
        said.err.starts_with("error: could not tell which ledger is meant; give the pipeline's file"),
        "{}",
        said.err
    );
    let question = ["balance", "ann", "-f", "pipeline.yaml", "--data", "data"];
    run(loyaltyctl(folder.path(), &question).env("LEDGER_URL", "sqlite:elsewhere.db")).ended(0);
    let said = run(&mut loyaltyctl(folder.path(), &["audit", "--ledger", "sqlite:data/ledger.db"])).ended(2);
    assert_eq!(
        said.err,
        "error: could not tell which pipeline is meant; name it with `--pipeline`, or give its file with `-f`\n"
    );
}

#[test]
fn an_audit_names_each_invariant_and_what_breaks_one() {
    let folder = filled();
    let said = ask(folder.path(), &["audit"]).ended(0);
    assert!(said.out.lines().count() > 8, "{}", said.out);
    assert!(said.out.ends_with("audit: 0 differences\n"), "{}", said.out);
    // A simulation publishes nothing: with nobody at work that is a difference.
    let said = ask(folder.path(), &["audit", "--idle"]).ended(1);
    assert!(said.out.ends_with("audit: 1 difference\n"), "{}", said.out);
    let json = ask(folder.path(), &["audit", "--idle", "-o", "json"]).ended(1).json();
    assert_eq!((json["differences"].as_u64(), json["findings"][0]["invariant"].as_u64()), (Some(1), Some(12)));
}

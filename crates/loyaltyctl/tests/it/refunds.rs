//! What is owed after refunds, and what comes back of orders that points paid for, as a person sees it.

use crate::ask::{ask, filled};
use crate::money::otherwise;
use crate::program::{loyaltyctl, run};

const PAID: &str = r#"{"id":"p1","type":"purchase","occurredAt":"2026-01-01T10:00:00Z","member":"ann","order":"b1","amount":"40.00"}
{"id":"s9","type":"redeem","occurredAt":"2026-01-02T10:00:00Z","member":"ann","points":"30","order":"b2"}
{"id":"p2","type":"purchase","occurredAt":"2026-01-02T10:00:00Z","member":"ann","order":"b2","amount":"10.00"}
{"id":"f9","type":"refund","occurredAt":"2026-01-07T10:00:00Z","member":"ann","order":"b2"}
"#;

#[test]
fn a_debt_is_seen_paid_off_and_explained() {
    // Ann earned 126, spent 70 of them, and brought back what she had 116 for.
    let folder = otherwise("takeBack: WithinBalance", "takeBack: Unlimited");
    let folder = folder.path();
    let wallet = || ask(folder, &["balance", "ann", "-o", "json"]).ended(0).json()["wallets"][0].clone();
    assert_eq!((wallet()["available"].as_str(), wallet()["debt"].as_str()), (Some("0"), Some("60")));
    let said = ask(folder, &["balance", "ann"]).ended(0);
    let row: Vec<&str> = said.out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["points", "0", "0", "0", "60"], "{}", said.out);
    let told = |event: &str, sentence: &str| {
        let said = ask(folder, &["explain", event]).ended(0);
        assert!(said.out.contains(&format!("outcome   {sentence}\n")), "{event}: {}", said.out);
    };
    told(
        "f1",
        "applied; 56 points taken back for order `a1` (60 could not be taken and are owed), 0 available after it",
    );
    let said = ask(folder, &["statement", "ann", "-o", "csv"]).ended(0);
    assert!(said.out.lines().any(|line| line.contains(",debt,-60,-60")), "{}", said.out);

    // A correction shows what was there before it, whatever it paid off.
    let adjust = |more: &[&str]| {
        let args =
            ["adjust", "ann", "--author", "bea", "--points", "100", "--reason", "goodwill", "--id", "c1", "-o", "json"];
        ask(folder, &[&args[..], more].concat()).ended(0).json()["corrections"][0].clone()
    };
    for more in [&["--dry-run"][..], &[]] {
        let row = adjust(more);
        assert_eq!((row["before"].as_str(), row["after"].as_str()), (Some("0"), Some("40")), "{row}");
    }
    told(
        "c1",
        "applied; 100 points corrected by bea (goodwill), 40 available after it; 60 points paid off what was owed, 0 still owed \
         and 40 available after it",
    );

    let said = ask(folder, &["audit"]).ended(0);
    assert!(said.out.ends_with("audit: 0 differences\n"), "{}", said.out);
}

#[test]
fn points_that_had_paid_for_a_returned_order_are_explained() {
    let folder = filled();
    let folder = folder.path();
    std::fs::write(folder.join("paid.jsonl"), PAID).unwrap();
    let ledger = ["--ledger", "sqlite:data/paid.db"];
    run(&mut loyaltyctl(folder, &[&["simulate", "-f", "pipeline.yaml", "paid.jsonl"], &ledger[..]].concat())).ended(0);
    let said =
        run(&mut loyaltyctl(folder, &[&["explain", "f9", "--pipeline", "cdnow"], &ledger[..]].concat())).ended(0);
    let sentence = "applied; 30 points that had paid for order `b2` came back, 50 available after it; \
                    10 points taken back for order `b2`, 40 available after it";
    assert!(said.out.contains(&format!("outcome   {sentence}\n")), "{}", said.out);
}

//! Rules change under workers in full flow.

use ledger::Since;
use serde_json::{Value, json};

use crate::stage::{Stage, Store, bytes, floor_points, purchases, ruleset, until};

/// More for each order, beside what there was.
const BONUS: i64 = 10;

async fn rules_change_in_full_flow(store: Store) {
    let stage = Stage::new(store).await;
    let lines = purchases(4000);
    let day = |line: &String| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["occurredAt"].as_str().unwrap()[..10].to_owned()
    };
    let change = day(&lines[2000]);
    let (before, after): (Vec<String>, Vec<String>) = lines.iter().cloned().partition(|line| day(line) < change);
    assert!(before.len() > 1000 && after.len() > 1000);
    let writers = if matches!(store, Store::Sqlite) { 1 } else { 2 };
    let workers: Vec<_> = (0..writers).map(|_| stage.worker()).collect();
    stage.publish("purchase.web", bytes(&before)).await;
    until("some are settled", async || workers[0].metric("loyalty_settled_total").await > Some(0)).await;
    let rules = json!([
        { "name": "base", "on": "purchase", "earn": { "wallet": "points", "per": { "amount": "1.00", "points": "1" } } },
        { "name": "bonus", "on": "purchase", "earn": { "wallet": "points", "fixed": BONUS.to_string() } },
    ]);
    let since = Since { valid_from: Some(format!("{change}T00:00:00Z").parse().unwrap()), author: "test".into() };
    stage.ledger.append_timeline(stage.pipeline(), &ruleset(&["points"], rules), &since).await.unwrap();
    stage.publish("purchase.web", bytes(&after)).await;
    for worker in &workers {
        stage.drained(worker).await;
    }
    let bonus = BONUS * i64::try_from(after.len()).unwrap();
    assert_eq!(stage.available().await, floor_points(&lines) + bonus, "each event by the rules of its time, once");
    assert!(stage.buried().await.is_empty());
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_change_in_full_flow_on_sqlite() {
    rules_change_in_full_flow(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_change_in_full_flow_on_postgres() {
    rules_change_in_full_flow(Store::Postgres).await;
}

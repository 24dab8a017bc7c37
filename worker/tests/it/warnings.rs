//! Warnings that points will end come without an event, and once, whoever dies.

use serde_json::{Value, json};

use crate::process::Worker;
use crate::stage::{Store, until};
use crate::timers::{count, decided, hours_ago, purchase, stage, wall};

/// Points live for a month, and are warned of four weeks before they end.
fn warned() -> Value {
    json!({ "name": "points", "expiry": { "after": "30d", "warnBefore": "28d" } })
}

async fn a_warning_of_a_worker_that_died_is_given_once_by_another(store: Store) {
    let stage = stage(store, warned(), wall()).await;
    let mut lines: Vec<String> = (0..20).map(|n| purchase(&format!("m{n}"), hours_ago(100))).collect();
    lines.push(purchase("new", hours_ago(1)));
    decided(&stage, &lines).await;
    let mut dying = Worker::start(&stage, &[("LOYALTY_FAULT_ABORT_DUE", "1")]);
    assert!(!dying.ended().await.success(), "it dies between commit and publication");
    assert_eq!(count(&stage.results().await, "points.expiring"), 0);
    let worker = stage.worker();
    stage.audits_clean().await;
    let results = stage.results().await;
    let warnings = || results.values().filter(|result| result["type"].as_str().unwrap().ends_with("points.expiring"));
    let members: std::collections::BTreeSet<_> = warnings().map(|result| result["subject"].to_string()).collect();
    assert_eq!((warnings().count(), members.len()), (20, 20), "each once, and not who has time");
    assert!(warnings().all(|result| result["data"]["points"] == "10" && result["data"]["lastDay"].is_string()));
    until("nothing is due any more", async || worker.metric("loyalty_due_age_seconds").await == Some(0)).await;
    assert_eq!(worker.metric("loyalty_due_settled_total").await.unwrap_or_default(), 0, "nothing was left to settle");
    assert_eq!(stage.available().await, 210, "nothing moved");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warning_of_a_worker_that_died_is_given_once_by_another_on_sqlite() {
    a_warning_of_a_worker_that_died_is_given_once_by_another(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warning_of_a_worker_that_died_is_given_once_by_another_on_postgres() {
    a_warning_of_a_worker_that_died_is_given_once_by_another(Store::Postgres).await;
}

//! What one member sends to another arrives, and survives a worker that dies in between.

use contract::EventType;
use serde_json::json;

use crate::stage::{Stage, Store, bytes, until};
use crate::timers::{count, decided, hours_ago, purchase, stage, wall};

async fn sending(store: Store) -> Stage {
    let mut config = wall();
    config.events.sources[0].types.extend(["transfer", "freeze", "merge"].map(|name| EventType::parse(name).unwrap()));
    stage(store, json!({ "name": "points" }), config).await
}

/// Ann has ten points and sends three to Bob, and two to Dan who is frozen.
fn lines() -> Vec<String> {
    let send = |id: &str, to: &str, points: &str| {
        json!({
            "id": id, "type": "transfer", "occurredAt": hours_ago(2), "member": "ann", "to": to, "points": points,
        })
        .to_string()
    };
    let freeze = json!({
        "id": "f1", "type": "freeze", "occurredAt": hours_ago(3), "member": "dan", "reason": "a doubt", "author": "bea",
    });
    vec![purchase("ann", hours_ago(4)), freeze.to_string(), send("t1", "bob", "3"), send("t2", "dan", "2")]
}

async fn has_arrived(stage: &Stage) {
    stage.audits_clean().await;
    let totals = stage.ledger.totals(stage.pipeline()).await.unwrap().wallets.remove(0);
    assert_eq!((totals.available.to_string(), totals.transit.to_string()), ("10".into(), "0".into()));
    let bob = stage.ledger.balance(stage.pipeline(), &"bob".to_owned().try_into().unwrap()).await.unwrap().unwrap();
    assert_eq!(bob[0].available.to_string(), "3");
    let results = stage.results().await;
    for (type_, want) in [("sent", 2), ("received", 1), ("refused", 1), ("returned", 1)] {
        assert_eq!(count(&results, &format!("transfer.{type_}")), want, "{type_}: {results:?}");
    }
}

async fn arrives_with_the_batch(store: Store) {
    let stage = sending(store).await;
    stage.publish("purchase.web", bytes(&lines())).await;
    let worker = stage.worker();
    stage.drained(&worker).await;
    has_arrived(&stage).await;
    stage.end().await;
}

async fn is_carried_by_the_next_worker(store: Store) {
    let stage = sending(store).await;
    // As a worker leaves it that dies between the two transactions.
    decided(&stage, &lines()).await;
    let transit = async || stage.ledger.totals(stage.pipeline()).await.unwrap().wallets[0].transit.to_string();
    assert_eq!(transit().await, "5");
    let worker = stage.worker();
    until("nothing is in transit", async || transit().await == "0").await;
    let unpublished = async || stage.ledger.totals(stage.pipeline()).await.unwrap().unpublished_batches;
    until("all is published", async || unpublished().await == 0).await;
    drop(worker);
    has_arrived(&stage).await;
    stage.end().await;
}

/// In one batch: what Ann sent is no reason to keep her from becoming Bob.
async fn arrives_before_a_merge(store: Store) {
    let stage = sending(store).await;
    let merge = json!({
        "id": "m1", "type": "merge", "occurredAt": hours_ago(1), "member": "ann", "into": "bob", "reason": "one person", "author": "bea",
    });
    let lines = [lines(), vec![merge.to_string()]].concat();
    stage.publish("purchase.web", bytes(&lines)).await;
    let worker = stage.worker();
    stage.drained(&worker).await;
    stage.audits_clean().await;
    let results = stage.results().await;
    let told = ["transfer.returned", "merge.rejected", "member.merged"].map(|type_| count(&results, type_));
    assert_eq!(told, [1, 0, 1], "{results:?}");
    let bob = stage.ledger.balance(stage.pipeline(), &"bob".to_owned().try_into().unwrap()).await.unwrap().unwrap();
    assert_eq!(bob[0].available.to_string(), "10");
    let unpublished = stage.ledger.totals(stage.pipeline()).await.unwrap().unpublished_batches;
    assert_eq!(unpublished, 0, "what was carried in between is published with the rest");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_arrives_before_a_merge_of_its_batch_on_sqlite() {
    arrives_before_a_merge(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_arrives_before_a_merge_of_its_batch_on_postgres() {
    arrives_before_a_merge(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_arrives_with_its_batch_on_sqlite() {
    arrives_with_the_batch(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_arrives_with_its_batch_on_postgres() {
    arrives_with_the_batch(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_worker_left_in_transit_is_carried_by_the_next_on_sqlite() {
    is_carried_by_the_next_worker(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_worker_left_in_transit_is_carried_by_the_next_on_postgres() {
    is_carried_by_the_next_worker(Store::Postgres).await;
}

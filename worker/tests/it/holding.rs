//! Broker or database away: hold on, say so, resume unattended.

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, floor_points, purchases, until};
use crate::wire::Wire;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_broker_went_away_resumes_when_it_is_back() {
    let stage = Stage::new(Store::Sqlite).await;
    let (target, through) = Wire::instead_of(&stage.settings.secret_url());
    let wire = Wire::to(target).await;
    let worker = Worker::start_with(&stage, &[], &through(wire.port), &stage.ledger_url);
    let lines = purchases(4000);
    stage.publish("purchase.web", bytes(&lines)).await;
    until("some are settled", async || worker.metric("loyalty_settled_total").await > Some(0)).await;
    wire.cut();
    worker.not_ready_because("broker").await;
    wire.mend();
    worker.ready().await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_database_went_away_resumes_when_it_is_back() {
    let stage = Stage::new(Store::Postgres).await;
    let (target, through) = Wire::instead_of(&stage.ledger_url);
    let wire = Wire::to(target).await;
    let worker = Worker::start_with(&stage, &[], &stage.settings.secret_url(), &through(wire.port));
    let lines = purchases(4000);
    stage.publish("purchase.web", bytes(&lines)).await;
    until("some are settled", async || worker.metric("loyalty_settled_total").await > Some(0)).await;
    wire.cut();
    worker.not_ready_because("ledger").await;
    wire.mend();
    worker.ready().await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_deleted_under_a_busy_worker_is_noticed() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    worker.ready().await;
    let lines = purchases(5000);
    stage.publish("purchase.web", bytes(&lines)).await;
    // Messages are gathered while the broker ends the consumer: its word must not be lost among them.
    stage.connection.delete_queue("shop.main").await.unwrap();
    worker.not_ready_because("shop.main").await;
    stage.apply().await;
    worker.ready().await;
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines), "what was lost with the queue came again");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_with_headers_too_large_to_keep_is_buried_without_them() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    let mut large = crate::stage::publication("purchase.web", b"hello");
    large.properties.headers.insert("note".into(), "x".repeat(120_000));
    let publisher = stage.connection.publisher().await.unwrap();
    publisher.publish(large).await.unwrap();
    publisher.flush().await.unwrap();
    until("it is buried", async || worker.metric("loyalty_buried_total").await == Some(1)).await;
    let dead = stage.take(&stage.names().dead()).await;
    assert_eq!(dead[0].headers.get("x-loyalty-headers-cut").map(String::as_str), Some("true"));
    assert_eq!(dead[0].headers["x-loyalty-reason"], "NotJson");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_queue_was_deleted_says_so_and_resumes_when_it_is_back() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    worker.ready().await;
    stage.connection.delete_queue("shop.main").await.unwrap();
    worker.not_ready_because("shop.main").await;
    stage.apply().await;
    worker.ready().await;
    let lines = purchases(10);
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.end().await;
}

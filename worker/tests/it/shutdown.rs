//! Two signals: the first works off what was delivered, the second leaves at once.

use std::time::Duration;

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, floor_points, publication, purchases, until};
use crate::wire::Wire;

/// What the broker hands to one consumer before it waits for acknowledgements.
const PREFETCH: i64 = 1500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_signal_works_off_what_was_delivered_and_leaves_the_rest_in_the_queue() {
    let stage = Stage::new(Store::Sqlite).await;
    let lines = purchases(3000);
    stage.publish("purchase.web", bytes(&lines)).await;
    let mut worker = stage.worker();
    until("some are settled", async || worker.metric("loyalty_settled_total").await > Some(0)).await;
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    let worker = stage.worker();
    stage.drained(&worker).await;
    assert_eq!(worker.metric("loyalty_redelivered_total").await, Some(0), "nothing came twice");
    assert_eq!(stage.available().await, floor_points(&lines));
    assert!(stage.buried().await.is_empty());
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_workers_leaves_under_load_and_nothing_is_delivered_twice() {
    let stage = Stage::new(Store::Postgres).await;
    let lines = purchases(6000);
    let (mut leaving, staying) = (stage.worker(), stage.worker());
    leaving.ready().await;
    staying.ready().await;
    stage.publish("purchase.web", bytes(&lines)).await;
    until("both work", async || {
        leaving.metric("loyalty_settled_total").await > Some(0)
            && staying.metric("loyalty_settled_total").await > Some(0)
    })
    .await;
    leaving.signal("TERM");
    assert!(leaving.ended().await.success());
    stage.drained(&staying).await;
    assert_eq!(staying.metric("loyalty_redelivered_total").await, Some(0));
    assert_eq!(stage.available().await, floor_points(&lines));
    assert!(stage.buried().await.is_empty());
    stage.audits_clean().await;
    stage.end().await;
}

/// Message by message, so that one is on its way whenever the signal comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_exchanged_in_a_steady_flow_leave_nothing_to_be_delivered_again() {
    let stage = Stage::new(Store::Postgres).await;
    let lines = purchases(2000);
    let mut leaving = stage.worker();
    leaving.ready().await;
    let publisher = stage.connection.publisher().await.unwrap();
    let paced = lines.clone();
    let publishing = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(1) / 250);
        for line in &paced {
            tick.tick().await;
            publisher.publish(publication("purchase.web", line.as_bytes())).await.unwrap();
        }
        publisher.flush().await.unwrap();
    });
    let mut again = 0;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        let staying = stage.worker();
        staying.ready().await;
        leaving.signal("TERM");
        assert!(leaving.ended().await.success());
        leaving = staying;
        again += leaving.metric("loyalty_redelivered_total").await.unwrap();
    }
    publishing.await.unwrap();
    stage.drained(&leaving).await;
    again += leaving.metric("loyalty_redelivered_total").await.unwrap();
    assert_eq!(again, 0);
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_holds_leaves_at_the_first_signal() {
    let stage = Stage::new(Store::Sqlite).await;
    let away = "amqp://guest:guest@127.0.0.1:1/%2f";
    let mut worker = Worker::start_with(&stage, &[], away, &stage.ledger_url);
    worker.not_ready_because("broker").await;
    assert_eq!(worker.get("/livez").await.map(|(status, _)| status), Some(200));
    worker.signal("INT");
    assert!(worker.ended().await.success());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_signal_leaves_at_once() {
    let stage = Stage::new(Store::Postgres).await;
    let mut worker = stage.worker();
    worker.ready().await;
    let lock = stage.lock_members().await;
    stage.publish("purchase.web", bytes(&purchases(1))).await;
    until("the message is taken", async || worker.in_flight().await == Some(1)).await;
    worker.signal("TERM");
    worker.not_ready_because("stopping").await;
    assert!(!worker.has_ended(), "the first signal works off what was delivered");
    let insisted = std::time::Instant::now();
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    assert!(insisted.elapsed() < std::time::Duration::from_secs(10), "{:?}", insisted.elapsed());
    drop(lock);
    let worker = stage.worker();
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, 29);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_delivered_is_in_flight_and_worked_off_at_the_first_signal() {
    let stage = Stage::new(Store::Postgres).await;
    let mut worker = stage.worker();
    worker.ready().await;
    let lock = stage.lock_members().await;
    let lines = purchases(2000);
    stage.publish("purchase.web", bytes(&lines)).await;
    until("a full prefetch was delivered", async || worker.in_flight().await == Some(PREFETCH)).await;
    worker.signal("TERM");
    worker.not_ready_because("stopping").await;
    drop(lock);
    assert!(worker.ended().await.success());
    until("all that was not delivered stands in the queue", async || {
        stage.connection.passive_depth("shop.main").await.unwrap() == Some(500)
    })
    .await;
    let worker = stage.worker();
    stage.drained(&worker).await;
    assert_eq!(worker.metric("loyalty_received_total").await, Some(500));
    assert_eq!(worker.metric("loyalty_redelivered_total").await, Some(0), "nothing came twice");
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_never_answers_keeps_no_worker_beyond_its_grace() {
    let stage = Stage::new(Store::Postgres).await;
    let mut worker = stage.worker();
    worker.ready().await;
    let lock = stage.lock_members().await;
    stage.publish("purchase.web", bytes(&purchases(100))).await;
    until("the messages are taken", async || worker.in_flight().await == Some(100)).await;
    let asked = std::time::Instant::now();
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    assert!(asked.elapsed() < std::time::Duration::from_secs(28), "{:?}", asked.elapsed());
    drop(lock);
    let worker = stage.worker();
    stage.drained(&worker).await;
    assert_eq!(worker.metric("loyalty_redelivered_total").await, Some(100), "what was not decided went back");
    assert_eq!(stage.available().await, floor_points(&purchases(100)));
    assert!(stage.buried().await.is_empty());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_database_is_away_leaves_at_once_with_what_it_has() {
    let stage = Stage::new(Store::Postgres).await;
    let (target, through) = Wire::instead_of(&stage.ledger_url);
    let wire = Wire::to(target).await;
    let mut worker = Worker::start_with(&stage, &[], &stage.settings.secret_url(), &through(wire.port));
    worker.ready().await;
    wire.cut();
    let lines = purchases(1500);
    stage.publish("purchase.web", bytes(&lines)).await;
    worker.not_ready_because("ledger").await;
    let asked = std::time::Instant::now();
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    assert!(asked.elapsed() < std::time::Duration::from_secs(10), "{:?}", asked.elapsed());
    let worker = stage.worker();
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    assert!(stage.buried().await.is_empty());
    stage.audits_clean().await;
    stage.end().await;
}

//! Two signals: the first finishes the batch, the second leaves at once. And what cannot start, says why.

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, floor_points, purchases, until};

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
    // Somebody holds the table: the batch cannot be finished.
    let (client, connection) = tokio_postgres::connect(&stage.ledger_url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("begin; lock table member in access exclusive mode").await.unwrap();
    stage.publish("purchase.web", bytes(&purchases(1))).await;
    until("the message is taken", async || worker.in_flight().await == Some(1)).await;
    worker.signal("TERM");
    worker.not_ready_because("stopping").await;
    assert!(!worker.has_ended(), "the first signal finishes the batch");
    let insisted = std::time::Instant::now();
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    assert!(insisted.elapsed() < std::time::Duration::from_secs(10), "{:?}", insisted.elapsed());
    client.batch_execute("rollback").await.unwrap();
    let worker = stage.worker();
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, 29);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_worker_cannot_start_with_is_a_sentence_and_exit_code_two() {
    let stage = Stage::new(Store::Sqlite).await;
    for (amqp, ledger, says) in [
        ("ampq://localhost", stage.ledger_url.as_str(), "must begin with `amqp://`"),
        (stage.settings.secret_url().as_str(), "mysql://localhost/x", "the URL names no store"),
    ] {
        let mut worker = Worker::start_with(&stage, &[], amqp, ledger);
        assert_eq!(worker.ended().await.code(), Some(2));
        let log = std::fs::read_to_string(&worker.log).unwrap();
        assert!(log.contains("cannot start") && log.contains(says), "{log}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_without_tables_says_which_command_makes_them() {
    let stage = Stage::new(Store::Sqlite).await;
    let empty = format!("sqlite:{}", stage.folder.path().join("empty.db").display());
    let mut worker = Worker::start_with(&stage, &[], &stage.settings.secret_url(), &empty);
    assert_eq!(worker.ended().await.code(), Some(2));
    assert!(std::fs::read_to_string(&worker.log).unwrap().contains("loyaltyctl migrate"));
    stage.end().await;
}

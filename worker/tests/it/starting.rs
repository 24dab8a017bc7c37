//! What a worker starts beside: a broker without queues, a ledger without tables. And what cannot start, says why.

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, config, floor_points, purchases, until};

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

async fn waits_for_tables(store: Store) {
    let stage = Stage::without_tables(store, config()).await;
    let mut worker = stage.worker();
    worker.not_ready_because("stand at version 0, this program needs").await;
    until("work is held", async || worker.metric("loyalty_held").await == Some(1)).await;
    assert_eq!(worker.get("/livez").await.map(|(status, _)| status), Some(200));
    assert!(!worker.has_ended());
    // A Job makes them at about the same time; then the rules come.
    stage.ledger.migrate().await.unwrap();
    worker.not_ready_because("has no rules").await;
    stage.one_a_dollar().await;
    worker.ready().await;
    let lines = purchases(10);
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    let log = std::fs::read_to_string(&worker.log).unwrap();
    assert_eq!(log.matches("stand at version 0").count(), 1, "told once: {log}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_whose_tables_are_older_is_waited_for_in_sqlite() {
    waits_for_tables(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_whose_tables_are_older_is_waited_for_in_postgres() {
    waits_for_tables(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_whose_tables_are_newer_is_for_a_person() {
    let stage = Stage::new(Store::Postgres).await;
    let (client, connection) = tokio_postgres::connect(&stage.ledger_url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let later = "insert into refinery_schema_history (version, name, applied_on, checksum)
                 values (99, 'later', '2030-01-01T00:00:00Z', '1')";
    client.batch_execute(later).await.unwrap();
    let mut worker = stage.worker();
    assert_eq!(worker.ended().await.code(), Some(2));
    let log = std::fs::read_to_string(&worker.log).unwrap();
    assert!(log.contains("stand at version 99") && log.contains("use a newer version"), "{log}");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_not_declared_yet_is_waited_for() {
    let stage = Stage::new(Store::Sqlite).await;
    stage.connection.delete_queue("shop.main").await.unwrap();
    let mut worker = stage.worker();
    worker.not_ready_because("shop.main").await;
    assert!(!worker.has_ended());
    stage.apply().await;
    worker.ready().await;
    let lines = purchases(10);
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.end().await;
}

//! Workers that die: nothing is lost, nothing doubled, and only the culprit is buried.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, config, floor_points, publication, purchases, until, whole_share};

/// Kills of the long share; a fifth of them in CI.
const KILLS: usize = 100;

/// Purchases per second while workers die.
const PACE: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_worker_again_and_again_changes_no_total_on_sqlite() {
    killed_again_and_again(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_worker_again_and_again_changes_no_total_on_postgres() {
    killed_again_and_again(Store::Postgres).await;
}

async fn killed_again_and_again(store: Store) {
    let kills = if whole_share() { KILLS } else { KILLS / 5 };
    let mut config = config();
    // By chance a healthy message is there at five deaths; here each has to be applied.
    config.queue.attempts = 100.try_into().unwrap();
    let stage = Stage::with(store, config).await;
    let lines = purchases(kills * 60);
    let publisher = stage.connection.publisher().await.unwrap();
    let paced = lines.clone();
    let publishing = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(1) / PACE);
        for line in &paced {
            tick.tick().await;
            publisher.publish(publication("purchase.web", line.as_bytes())).await.unwrap();
        }
        publisher.flush().await.unwrap();
    });
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..kills {
        let mut worker = stage.worker();
        worker.ready().await;
        // Chance, from a fixed seed: right after the start, in a transaction, between commit and acknowledgement.
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        tokio::time::sleep(Duration::from_millis(chance >> 33 & 0xff)).await;
        worker.kill();
    }
    publishing.await.unwrap();
    let worker = stage.worker();
    stage.drained(&worker).await;
    // First, as it would be why points are missing.
    assert_eq!(stage.buried().await, BTreeMap::new(), "no healthy message is buried");
    assert_eq!(stage.available().await, floor_points(&lines));
    // Batches whose confirmation nobody marked are published by the lease holder; this waits for it.
    stage.audits_clean().await;
    let results = stage.results().await;
    let earned: i64 = results.values().map(|r| r["data"]["points"].as_str().unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(earned, floor_points(&lines), "every committed result is seen, under one id");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_kills_workers_is_buried_and_everything_else_is_applied() {
    let stage = Stage::new(Store::Sqlite).await;
    let lines = purchases(300);
    stage.publish("purchase.web", bytes(&lines)).await;
    let poison = "cdnow-1";
    let mut deaths = 0;
    let _worker = loop {
        let mut worker = Worker::start(&stage, &[("LOYALTY_FAULT_ABORT_ON", poison)]);
        until("the worker dies or drains", async || {
            worker.has_ended() || worker.metric("loyalty_buried_total").await == Some(1)
        })
        .await;
        if !worker.has_ended() {
            stage.drained(&worker).await;
            break worker;
        }
        deaths += 1;
        assert!(deaths <= 5, "`attempts` is 5");
    };
    assert_eq!(deaths, 5, "it was there at five deaths");
    assert_eq!(stage.buried().await, [("CrashedWorker".to_owned(), 1)].into());
    assert_eq!(stage.available().await, floor_points(&lines) - 29);
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_were_committed_and_never_published_come_after_a_restart() {
    let stage = Stage::new(Store::Sqlite).await;
    // Decided by an engine that dies before it publishes, and the message with it: the queue was deleted.
    let limits = contract::intake::TimeLimits::new(&stage.config.events);
    let engine = engine::Engine::open(stage.pipeline().clone(), stage.ledger.clone(), limits).await.unwrap();
    let intake = contract::intake::Intake::new(&stage.config.events, stage.config.currency);
    let event = intake.decode_unrouted(purchases(1)[0].as_bytes()).unwrap();
    engine.apply(&[event], &[], jiff::Timestamp::now()).await.unwrap();
    drop(engine);
    let _worker = stage.worker();
    until("the batch is published", async || {
        stage.ledger.unpublished(stage.pipeline(), Duration::ZERO, 1).await.unwrap().is_empty()
    })
    .await;
    let results = stage.results().await;
    assert_eq!(results.len(), 1);
    assert_eq!(results.values().next().unwrap()["data"]["points"], "29");
    stage.end().await;
}

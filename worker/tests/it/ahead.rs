//! A backlog: one batch commits and the next one is begun, and nobody who waits for the one keeps the other.

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, floor_points, purchases, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_batch_of_a_backlog_is_begun_while_one_commits() {
    let stage = Stage::new(Store::Postgres).await;
    let admin = stage.admin().await;
    // The first batch waits for a lock of ours before it can commit.
    let gate = "create function gate() returns trigger language plpgsql as $$
         begin perform pg_advisory_xact_lock_shared(hashtext(current_schema())); return new; end $$;
         create trigger gate before insert on inbox for each row when (new.event_id = 'cdnow-1') execute function gate();
         select pg_advisory_lock(hashtext(current_schema()))";
    admin.batch_execute(gate).await.unwrap();
    // As many members as events: no batch waits for another one's.
    let lines: Vec<String> = purchases(1500).iter().enumerate().map(|(n, line)| of(&format!("m{n}"), line)).collect();
    stage.publish("purchase.web", bytes(&lines)).await;
    let name = format!("{}-ahead", std::process::id());
    let url = format!("{}&application_name={name}", stage.ledger_url);
    let worker = Worker::start_with(&stage, &[], &stage.settings.secret_url(), &url);
    let begun = "select 1 from pg_stat_activity where application_name = $1 and state = 'idle in transaction'";
    until("the second batch is begun", async || !admin.query(begun, &[&name]).await.unwrap().is_empty()).await;
    assert!(
        admin.query("select 1 from inbox", &[]).await.unwrap().is_empty(),
        "nothing is committed before the first one"
    );
    admin.batch_execute("select pg_advisory_unlock_all()").await.unwrap();
    stage.drained(&worker).await;
    let earned: i64 = stage.results().await.values().map(points).sum();
    assert_eq!(earned, floor_points(&lines));
    stage.audits_clean().await;
    stage.end().await;
}

fn of(member: &str, line: &str) -> String {
    let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
    event["member"] = member.into();
    event.to_string()
}

fn points(result: &serde_json::Value) -> i64 {
    result["data"]["points"].as_str().unwrap().parse().unwrap()
}

/// The publisher gives up what did not fit the first batch; the second one holds the same members meanwhile, and on `SQLite` the only writer.
async fn what_one_batch_gives_up_is_buried_while_the_next_one_is_begun(store: Store) {
    const ORDERS: usize = 600;
    let stage = Stage::new(store).await;
    let said = |id: String, kind: &str, n: usize, rest: &str| {
        let member = n % 5;
        format!(
            r#"{{"id":"{id}","type":"{kind}","occurredAt":"2026-01-01T12:00:00Z","member":"m{member}","order":"o{n}",{rest}}}"#
        )
    };
    let strange = (0..ORDERS).map(|n| said(format!("r{n}"), "refund", n, r#""lines":[{"sku":"x"}]"#));
    let bought = (0..ORDERS).map(|n| said(format!("o{n}"), "purchase", n, r#""amount":"2.00""#));
    let lines: Vec<String> = strange.chain(bought).collect();
    stage.publish("purchase.web", bytes(&lines)).await;
    let worker = stage.worker();
    stage.drained(&worker).await;
    assert_eq!(stage.buried().await.into_iter().collect::<Vec<_>>(), [("UnknownLine".to_owned(), ORDERS)]);
    assert!(stage.ledger.parked_before(stage.pipeline(), jiff::Timestamp::MAX, 9).await.unwrap().is_empty());
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_batch_gives_up_is_buried_while_the_next_one_is_begun_on_sqlite() {
    what_one_batch_gives_up_is_buried_while_the_next_one_is_begun(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_batch_gives_up_is_buried_while_the_next_one_is_begun_on_postgres() {
    what_one_batch_gives_up_is_buried_while_the_next_one_is_begun(Store::Postgres).await;
}

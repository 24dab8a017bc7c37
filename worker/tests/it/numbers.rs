//! Real purchases through broker and worker give the published numbers, on both stores.

use crate::stage::{Stage, Store, bytes, config, purchases};

/// Each programme has a wallet of its own, so that one run gives every number.
const PROGRAMMES: [(&str, &str); 7] = [
    ("floor", "239444"),
    ("half-up", "243871"),
    ("half-even", "243849"),
    ("ceiling", "246325"),
    ("full-ten", "20904"),
    ("three-and-a-half", "850665"),
    ("plus-25", "272819"),
];

fn programmes() -> serde_json::Value {
    let per = |name: &str, mode: &str, points: &str| {
        serde_json::json!({ "name": name, "on": "purchase", "earn": {
            "wallet": name, "per": { "amount": "1.00", "points": points }, "rounding": { "mode": mode, "at": "Order" },
        }})
    };
    let mut plus = per("plus-25", "Floor", "1");
    plus["name"] = "plus-base".into();
    serde_json::json!([
        per("floor", "Floor", "1"),
        per("half-up", "HalfUp", "1"),
        per("half-even", "HalfEven", "1"),
        per("ceiling", "Ceiling", "1"),
        per("three-and-a-half", "Floor", "3.5"),
        { "name": "full-ten", "on": "purchase",
          "earn": { "wallet": "full-ten", "perStep": { "amount": "10.00", "points": "1" } } },
        plus,
        { "name": "plus-bonus", "on": "purchase", "minimumOrder": "50.00", "earn": { "wallet": "plus-25", "fixed": "25" } },
    ])
}

async fn check(store: Store) {
    let stage = Stage::without_rules(store, config()).await;
    let names: Vec<&str> = PROGRAMMES.iter().map(|(name, _)| *name).collect();
    stage.program(&names, programmes()).await;
    let worker = stage.worker();
    let lines = purchases(usize::MAX);
    stage.publish("purchase.web", bytes(&lines)).await;
    // Every twentieth comes twice, as from a producer that missed a confirm.
    let again: Vec<String> = lines.iter().step_by(20).cloned().collect();
    stage.publish("purchase.web", bytes(&again)).await;
    worker.ready().await;
    stage.drained(&worker).await;
    let expected = PROGRAMMES.iter().map(|(name, points)| ((*name).to_owned(), (*points).to_owned())).collect();
    assert_eq!(stage.wallets().await, expected);
    stage.audits_clean().await;
    let results = stage.results().await;
    let earned: i64 = results.values().map(|r| r["data"]["points"].as_str().unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(earned, stage.available().await, "what was published is what was posted");
    assert!(stage.buried().await.is_empty());

    let refunds: Vec<String> = lines.iter().map(|line| refund(line)).collect();
    stage.publish("refund.web", bytes(&refunds)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, 0, "every order refunded");
    stage.audits_clean().await;
    stage.end().await;
}

fn refund(line: &str) -> String {
    let event: serde_json::Value = serde_json::from_str(line).unwrap();
    let id = event["id"].as_str().unwrap();
    serde_json::json!({
        "id": format!("{id}-refund"), "type": "refund", "occurredAt": "1998-07-01T12:00:00Z",
        "member": event["member"], "order": id,
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cdnow_gives_its_numbers_on_sqlite() {
    check(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cdnow_gives_its_numbers_on_postgres() {
    check(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redemption_is_answered_within_the_balance() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    let lines = purchases(1);
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    let redeem = |id: &str, points: &str| {
        format!(
            r#"{{"id":"{id}","type":"redeem","occurredAt":"1997-02-01T12:00:00Z","member":"00004","points":"{points}"}}"#
        )
    };
    for (id, points) in [("r1", "20"), ("r2", "20"), ("r3", "9")] {
        stage.publish("redeem.till", [redeem(id, points).as_bytes()]).await;
    }
    stage.drained(&worker).await;
    let mut answers: Vec<(String, String, String)> = Vec::new();
    for result in stage.results().await.into_values() {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        answers.push((text(&result["causeid"]), text(&result["type"]), text(&result["data"]["available"])));
    }
    answers.sort();
    let expected = [
        ("cdnow-1", "points.earned", "29"),
        ("r1", "redemption.accepted", "9"),
        ("r2", "redemption.rejected", "9"),
        ("r3", "redemption.accepted", "0"),
    ];
    let expected: Vec<_> = expected.iter().map(|(a, b, c)| (a.to_string(), b.to_string(), c.to_string())).collect();
    assert_eq!(answers, expected);
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_comes_before_its_purchase_waits_for_it() {
    let stage = Stage::new(Store::Postgres).await;
    let worker = stage.worker();
    let lines = purchases(3);
    stage.publish("refund.web", [refund(&lines[0]).as_bytes()]).await;
    stage.drained(&worker).await;
    assert_eq!(worker.metric("loyalty_settled_total").await, Some(1));
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, 63 + 6, "the first purchase was returned before it came");
    assert_eq!(stage.results().await.len(), 4, "three times earned, once taken back");
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_whose_purchase_never_comes_is_buried_at_its_time() {
    let mut config = config();
    config.events.clock = contract::pipeline::Clock::Wall;
    config.events.max_lateness = contract::span::Span::parse("2s").unwrap();
    let stage = Stage::with(Store::Sqlite, config).await;
    let worker = stage.worker();
    let now = jiff::Timestamp::now();
    let refund = format!(r#"{{"id":"r","type":"refund","occurredAt":"{now}","member":"m","order":"never"}}"#);
    stage.publish("refund.web", [refund.as_bytes()]).await;
    crate::stage::until("it is given up", async || worker.metric("loyalty_buried_total").await == Some(1)).await;
    assert_eq!(stage.buried().await, [("PurchaseNeverCame".to_owned(), 1)].into());
    let totals = stage.ledger.totals(stage.pipeline()).await.unwrap();
    assert_eq!(totals.events.get("GivenUp"), Some(&1));
    stage.audits_clean().await;
    stage.end().await;
}

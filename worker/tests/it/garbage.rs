//! What cannot be applied is buried with its reason; its neighbours never notice.

use crate::stage::{Stage, Store, bytes, floor_points, purchases};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_kinds_of_garbage_are_buried_with_ten_reasons() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    let lines = purchases(200);
    let good = &lines[0];
    let fresh = |n: u32| good.replace("cdnow-1\"", &format!("garbage-{n}\""));
    let garbage: Vec<(String, &str)> = vec![
        ("<purchase/>".into(), "NotJson"),
        (fresh(2)[..60].into(), "Truncated"),
        (fresh(3).replace(r#""00004""#, "17"), "WrongType"),
        (fresh(4).replace("purchase", "purchace"), "UnknownEventType"),
        (fresh(5).replace("purchase", "redeem"), "TypeNotAllowed"),
        (fresh(6).replace(r#""id":"garbage-6","#, ""), "MissingField"),
        (fresh(7).replace("29.33", "-29.33"), "NegativeAmount"),
        (fresh(8).replace(r#""lines""#, r#""currency":"EUR","lines""#), "ForeignCurrency"),
        (good.replace("29.33", "999.00"), "IdentityClash"),
        (format!("{{\"id\":\"{}\"}}", "x".repeat(5 << 20)), "TooLarge"),
    ];
    let mut bodies: Vec<&[u8]> = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        bodies.push(line.as_bytes());
        if n % 20 == 10 {
            bodies.push(garbage[n / 20].0.as_bytes());
        }
    }
    stage.publish("purchase.web", bodies).await;
    stage.drained(&worker).await;
    let expected = garbage.iter().map(|(_, reason)| ((*reason).to_owned(), 1)).collect();
    assert_eq!(stage.buried().await, expected);
    assert_eq!(stage.available().await, floor_points(&lines));
    assert_eq!(worker.metric("loyalty_buried_total").await, Some(10));
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buried_message_keeps_its_body_and_says_where_it_came_from() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    stage.publish("purchase.web", [b"hello".as_slice()]).await;
    stage.drained(&worker).await;
    let dead = stage.take(&stage.names().dead()).await;
    let header = |name: &str| dead[0].headers[name].as_str();
    assert_eq!(dead[0].body, b"hello");
    assert_eq!(dead[0].content_type.as_deref(), Some("application/json"));
    assert_eq!(header("x-loyalty-reason"), "NotJson");
    assert!(header("x-loyalty-detail").contains("not JSON"));
    assert_eq!(header("x-loyalty-exchange"), "shop");
    assert_eq!(header("x-loyalty-routing-key"), "purchase.web");
    assert_eq!(header("x-loyalty-queue"), "shop.main");
    assert!(header("x-loyalty-buried-at").ends_with('Z'));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_fails_on_an_event_buries_it_and_pays_nothing() {
    let stage = Stage::new(Store::Sqlite).await;
    stage
        .rules(serde_json::json!([{
            "name": "vip", "on": "purchase", "when": "event.data.level > 3",
            "earn": { "wallet": "points", "fixed": "5" },
        }]))
        .await;
    let worker = stage.worker();
    let now = jiff::Timestamp::now();
    let purchase = |id: &str, data: &str| {
        format!(
            r#"{{"id":"{id}","type":"purchase","occurredAt":"{now}","member":"m","order":"{id}","amount":"1.00","data":{data}}}"#
        )
    };
    let bodies = [purchase("a", r#"{"level":4}"#), purchase("b", "{}"), purchase("c", r#"{"level":1}"#)];
    stage.publish("purchase.web", bytes(&bodies)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, 5);
    assert_eq!(stage.buried().await, [("RuleFailed".to_owned(), 1)].into());
    stage.end().await;
}

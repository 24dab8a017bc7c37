//! A till that reserves points, captures some, and goes away: from JSON to results, on both stores.

use std::collections::HashSet;

use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use engine::Settled;
use ledger::Since;
use serde_json::Value;

use crate::shop::{Shop, base, pipeline, purchase, words};

/// Runs each named test on each store, with a shop of its own.
macro_rules! on_both_stores {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(super::shop("sqlite::memory:").await).await })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(super::shop(&testbed::own_schema().await).await).await })* }
    };
}

on_both_stores! {
    a_hold_goes_from_json_to_results
    what_cannot_be_held_or_captured_is_answered_with_what_is_missing
    a_hold_that_says_no_end_times_out_as_the_wallet_says
}

/// A member with 100 points; holds last an hour unless they say otherwise.
async fn shop(url: &str) -> Shop {
    let shop = Shop::open(url, "Event").await;
    let program = serde_json::json!({
        "currency": "USD", "wallets": [{ "name": "points", "holds": { "timeout": "1h" } }],
    });
    let program: Program = serde_json::from_value(program).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(base()).unwrap();
    let since = Since { valid_from: Some("2026-01-01T00:00:00Z".parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
    assert_eq!(words(&shop.apply(&[&purchase("a", 1, "100.00")]).await), ["Applied 1"]);
    shop
}

/// An event at a minute after noon of 2 January.
fn at(minute: u8, id: &str, rest: &str) -> String {
    format!(r#"{{"id":"{id}","occurredAt":"2026-01-02T12:{minute:02}:00Z","member":"m",{rest}}}"#)
}

/// Type and data of each result of one event.
async fn said(shop: &Shop, line: &str) -> Vec<(String, Value)> {
    let settled = shop.apply(&[line]).await.remove(0);
    let Settled::Fresh { results, .. } = settled else { panic!("{settled:?}") };
    shop.audits_clean().await;
    let cloud = |result: &contract::result::ResultEvent| -> (String, Value) {
        let event: Value = serde_json::from_slice(&result.to_cloud_event(&pipeline())).unwrap();
        (event["type"].as_str().unwrap().to_owned(), event["data"].clone())
    };
    results.iter().map(cloud).collect()
}

fn one(kind: &str, data: Value) -> Vec<(String, Value)> {
    vec![(kind.to_owned(), data)]
}

async fn a_hold_goes_from_json_to_results(shop: Shop) {
    let hold = r#""type":"hold","hold":"h1","points":"80","expiresAt":"2026-01-02T12:30:00Z""#;
    assert_eq!(
        said(&shop, &at(0, "e1", hold)).await,
        one(
            "hold.accepted",
            serde_json::json!({
                "hold": "h1", "wallet": "points", "points": "80", "available": "20", "expiresAt": "2026-01-02T12:30:00Z"
            })
        )
    );
    assert_eq!(
        said(&shop, &at(1, "e2", r#""type":"capture","hold":"h1","points":"30","final":false"#)).await,
        one(
            "hold.captured",
            serde_json::json!({
                "hold": "h1", "wallet": "points", "points": "30", "held": "50", "available": "20"
            })
        )
    );
    assert_eq!(
        said(&shop, &at(2, "e3", r#""type":"capture","hold":"h1","points":"10""#)).await,
        one(
            "hold.captured",
            serde_json::json!({
                "hold": "h1", "wallet": "points", "points": "10", "released": "40", "held": "0", "available": "60"
            })
        )
    );
    said(&shop, &at(3, "e4", r#""type":"hold","hold":"h2","points":"60""#)).await;
    assert_eq!(
        said(&shop, &at(4, "e5", r#""type":"release","hold":"h2""#)).await,
        one(
            "hold.released",
            serde_json::json!({ "hold": "h2", "wallet": "points", "points": "60", "available": "60" })
        )
    );
    let again = shop.apply(&[&at(4, "e5", r#""type":"release","hold":"h2""#)]).await;
    assert_eq!(words(&again), ["Replayed 1"]);
}

async fn what_cannot_be_held_or_captured_is_answered_with_what_is_missing(shop: Shop) {
    assert_eq!(
        said(&shop, &at(0, "e1", r#""type":"hold","hold":"h1","points":"130""#)).await,
        one(
            "hold.rejected",
            serde_json::json!({
                "hold": "h1", "wallet": "points", "points": "130", "available": "100", "missing": "30",
                "reason": "InsufficientBalance"
            })
        )
    );
    said(&shop, &at(1, "e2", r#""type":"hold","hold":"h1","points":"100""#)).await;
    assert_eq!(
        said(&shop, &at(2, "e3", r#""type":"capture","hold":"h1","points":"101""#)).await,
        one(
            "capture.rejected",
            serde_json::json!({
                "hold": "h1", "wallet": "points", "points": "101", "held": "100", "missing": "1", "reason": "MoreThanHeld"
            })
        )
    );
    assert_eq!(
        said(&shop, &at(3, "e4", r#""type":"redeem","points":"1""#)).await[0].1["missing"],
        "1",
        "what is held cannot be spent"
    );
    assert_eq!(
        said(&shop, &at(4, "e5", r#""type":"release","hold":"h9""#)).await,
        one("release.rejected", serde_json::json!({ "hold": "h9", "reason": "UnknownHold" }))
    );
    let fine = at(5, "e6", r#""type":"hold","hold":"h3","points":"0.5""#);
    let strange = at(6, "e7", r#""type":"hold","hold":"h3","points":"1","wallet":"miles""#);
    assert_eq!(words(&shop.apply(&[&fine, &strange]).await), ["BadValue", "UnknownWallet"]);
}

async fn a_hold_that_says_no_end_times_out_as_the_wallet_says(shop: Shop) {
    said(&shop, &at(0, "e1", r#""type":"hold","hold":"h1","points":"80""#)).await;
    said(&shop, &at(0, "e2", r#""type":"hold","hold":"h2","points":"20","for":"2h""#)).await;
    let by = |time: &str| time.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(shop.engine.settle_due(by("2026-01-02T12:59:59Z"), 10, &HashSet::new()).await.unwrap(), None);
    let settled = shop.engine.settle_due(by("2026-01-02T13:00:00Z"), 10, &HashSet::new()).await.unwrap().unwrap();
    let told: Vec<_> = settled.results.iter().map(|result| (result.body.type_name(), result.time)).collect();
    assert_eq!(told, [("hold.expired", by("2026-01-02T13:00:00Z"))]);
    assert_eq!(shop.available("m").await, "80");
    let late = r#"{"id":"e3","type":"capture","occurredAt":"2026-01-02T14:00:00Z","member":"m","hold":"h2"}"#;
    let told: Vec<_> = said(&shop, late).await.into_iter().map(|(kind, data)| (kind, data["reason"].clone())).collect();
    assert_eq!(
        told,
        [("hold.expired".to_owned(), Value::Null), ("capture.rejected".to_owned(), Value::from("HoldExpired"))]
    );
    assert_eq!(shop.available("m").await, "100");
}

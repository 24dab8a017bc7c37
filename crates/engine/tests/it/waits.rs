//! Points that wait for something that happens to their order, whichever of the two is heard of first.

use serde_json::json;

use crate::idle::{applied, bought, shop, told};
use crate::shop::{pipeline, refund};

pub(crate) fn delivered(id: &str, order: &str, when: &str) -> String {
    format!(r#"{{"id":"{id}","type":"visit","occurredAt":"{when}","member":"m","order":"{order}"}}"#)
}

#[tokio::test]
async fn a_delivery_lets_points_be_spent_and_a_timer_does_where_none_comes() {
    let shop = shop(&json!({ "name": "points", "pending": { "until": "visit", "for": "14d" } })).await;
    shop.apply(&[&bought("a", "2014-03-01T12:00:00Z"), &bought("b", "2014-03-01T12:00:00Z")]).await;
    let settled = shop.apply(&[&delivered("d", "a", "2014-03-05T12:00:00Z")]).await;
    assert_eq!(told(&settled), ["points.activated 2014-03-05T12:00:00Z"]);
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-03-15T12:00:00Z".parse().unwrap()));
    let by = "2014-03-15T12:00:00Z".parse().unwrap();
    let due = shop.engine.settle_due(by, 10, &std::collections::HashSet::new()).await.unwrap().unwrap();
    assert_eq!(due.results.len(), 1);
    assert_eq!(shop.apply(&[&delivered("e", "b", "2014-03-20T12:00:00Z")]).await.len(), 1);
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_delivery_finds_points_of_rules_that_are_gone() {
    let shop = shop(&json!({ "name": "points", "pending": { "until": "visit" } })).await;
    applied(&shop, &json!({ "name": "points" }), "2014-02-01T00:00:00Z").await;
    shop.apply(&[&delivered("d", "a", "2014-02-03T12:00:00Z")]).await;
    let settled = shop.apply(&[&bought("a", "2014-01-30T12:00:00Z")]).await;
    assert_eq!(told(&settled), ["points.earned 2014-01-30T12:00:00Z", "points.activated 2014-02-03T12:00:00Z"]);
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_delivery_and_a_refund_that_came_before_their_purchase_are_settled_in_their_order() {
    let shop = shop(&json!({ "name": "points", "pending": { "until": "visit" } })).await;
    shop.apply(&[&delivered("d", "a", "2014-03-05T12:00:00Z")]).await;
    shop.apply(&[&crate::idle::at(&refund("r", "a", r#","amount":"4.00""#), "2014-03-04T12:00:00Z")]).await;
    let settled = shop.apply(&[&bought("a", "2014-03-01T12:00:00Z")]).await;
    assert_eq!(
        told(&settled),
        [
            "points.earned 2014-03-01T12:00:00Z",
            "points.clawedback 2014-03-04T12:00:00Z",
            "points.activated 2014-03-05T12:00:00Z",
        ]
    );
    shop.audits_clean().await;
}

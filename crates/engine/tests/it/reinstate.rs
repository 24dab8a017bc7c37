//! Points that had ended and are given back, through the real rules.

use engine::Settled;
use serde_json::json;

use crate::idle::{bought, shop, told, visit};
use crate::shop::{pipeline, words};

fn reinstate(id: &str, when: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"reinstate","occurredAt":"{when}","member":"m","reason":"shop was closed","author":"bea"{rest}}}"#
    )
}

#[tokio::test]
async fn points_that_are_given_back_end_as_the_wallet_says_or_as_the_person_does() {
    let shop = shop(&json!({ "name": "points", "expiry": { "after": "1mo" } })).await;
    shop.apply(&[&bought("a", "2014-02-10T12:00:00Z")]).await;
    // What has ended by then is there to be given back in the same batch.
    let settled = shop.apply(&[&reinstate("i1", "2014-04-01T12:00:00Z", r#","points":"4""#)]).await;
    assert_eq!(told(&settled), ["points.expired 2014-03-10T20:00:00Z", "points.restored 2014-04-01T12:00:00Z"]);
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-05-01T20:00:00Z".parse().unwrap()));
    let named = reinstate("i2", "2014-04-01T12:00:00Z", r#","points":"6","expiresAt":"2014-04-09T20:00:00Z""#);
    let settled = shop.apply(&[&named]).await;
    let Settled::Fresh { results, .. } = &settled[0] else { panic!("{settled:?}") };
    assert_eq!(
        serde_json::to_value(&results[0].body).unwrap(),
        json!({ "type": "points.restored", "data": {
            "wallet": "points", "points": "6", "available": "10", "reason": "shop was closed", "author": "bea",
            "expiresAt": "2014-04-09T20:00:00Z"
        } })
    );
    assert_eq!(
        told(&shop.apply(&[&visit("v1", "2014-06-01T12:00:00Z")]).await),
        ["points.expired 2014-04-09T20:00:00Z", "points.expired 2014-05-01T20:00:00Z"]
    );
    shop.audits_clean().await;
}

#[tokio::test]
async fn more_than_ended_is_turned_down_with_what_is_missing_and_an_unknown_wallet_is_buried() {
    let shop = shop(&json!({ "name": "points", "expiry": { "after": "1mo" } })).await;
    shop.apply(&[&bought("a", "2014-02-10T12:00:00Z"), &visit("v1", "2014-03-20T12:00:00Z")]).await;
    let ask = reinstate("i1", "2014-04-01T12:00:00Z", r#","points":"11""#);
    let settled = shop.apply(&[&ask]).await;
    let Settled::Fresh { results, .. } = &settled[0] else { panic!("{settled:?}") };
    assert_eq!(
        serde_json::to_value(&results[0].body).unwrap(),
        json!({ "type": "reinstatement.rejected", "data": {
            "wallet": "points", "points": "11", "expired": "10", "missing": "1", "available": "0", "reason": "MoreThanExpired"
        } })
    );
    assert_eq!(words(&shop.apply(&[&ask]).await), ["Replayed 1"]);
    let other = reinstate("i2", "2014-04-01T12:00:00Z", r#","points":"1","wallet":"gold""#);
    assert_eq!(words(&shop.apply(&[&other]).await), ["UnknownWallet"]);
    shop.audits_clean().await;
}

#[tokio::test]
async fn points_that_idle_are_given_back_to_end_with_the_others() {
    let idle = json!({ "name": "points", "expiry": { "inactivity": { "after": "1mo", "activities": ["purchase", "visit"] } } });
    let shop = shop(&idle).await;
    shop.apply(&[&bought("a", "2014-02-10T12:00:00Z"), &bought("b", "2014-03-20T12:00:00Z")]).await;
    assert_eq!(shop.available("m").await, "10");
    shop.apply(&[&reinstate("i1", "2014-04-01T12:00:00Z", r#","points":"10""#)]).await;
    // It is no activity of the member.
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-04-20T20:00:00Z".parse().unwrap()));
    shop.apply(&[&visit("v1", "2014-04-15T12:00:00Z")]).await;
    assert_eq!(
        told(&shop.apply(&[&visit("v2", "2014-06-01T12:00:00Z")]).await),
        ["points.expired 2014-05-15T20:00:00Z"]
    );
    assert_eq!(shop.available("m").await, "0");
    shop.audits_clean().await;
}

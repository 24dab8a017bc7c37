//! A member is erased through the engine, as loyaltyctl or a source does it.

use std::collections::HashSet;
use std::time::Duration;

use contract::MemberId;
use contract::result::ResultBody;
use engine::Settled;
use ledger::UnderWay;

use crate::shop::{Shop, append, earn, pipeline, purchase, refund, words};

const ERASE: &str = r#"{"id":"x","type":"erase","occurredAt":"2026-01-31T13:00:00Z","member":"m","reason":"asked for it","author":"bea"}"#;

fn hold(id: &str, points: u32) -> String {
    format!(
        r#"{{"id":"{id}","type":"hold","occurredAt":"2026-01-30T12:00:00Z","member":"m","hold":"{id}","points":"{points}"}}"#
    )
}

fn bodies(settled: &Settled) -> Vec<&'static str> {
    let Settled::Fresh { results, .. } = settled else { panic!("{settled:?}") };
    results.iter().map(|result| result.body.type_name()).collect()
}

#[tokio::test]
async fn an_erasure_ends_holds_and_forfeits_what_is_left() {
    let shop = Shop::in_memory().await;
    shop.apply(&[&purchase("a", 1, "100.00"), &refund("later", "z", ""), &hold("h1", 10), &hold("h2", 20)]).await;
    let events = [shop.read(ERASE)];
    let now = crate::shop::NOW.parse().unwrap();
    let preview = shop.engine.preview(&events, now).await.unwrap();
    let all = ["hold.expired", "hold.expired", "points.forfeited", "member.erased"];
    assert_eq!(bodies(&preview[0]), all);
    assert_eq!(shop.available("m").await, "70", "a preview keeps nothing");
    let settled = shop.apply(&[ERASE]).await;
    assert_eq!(bodies(&settled[0]), all);
    let Settled::Fresh { results, .. } = &settled[0] else { panic!() };
    let ResultBody::Forfeited { points, debt: None, .. } = &results[2].body else { panic!("{results:?}") };
    assert_eq!(points, "100");
    shop.audits_clean().await;
    // Too late for any limit, and against the rules: with a name that is to be forgotten nothing is buried.
    let later =
        shop.apply(&[&purchase("a", 2, "5.00"), &purchase("b", 2, "5.00"), &hold("h1", 1), &hold("h3", 1)]).await;
    assert_eq!(words(&later), ["Replayed 0", "Erased 0", "Replayed 0", "Erased 1"]);
    assert!(shop.ledger.member(&pipeline(), &MemberId::parse("m").unwrap()).await.unwrap().is_none());
    shop.audits_clean().await;
}

/// A wall clock's limits would have it buried, with its name.
#[tokio::test]
async fn what_is_too_old_and_of_an_erased_member_is_not_buried() {
    let shop = Shop::open("sqlite::memory:", "Wall").await;
    let fresh = ERASE.replace("2026-01-31T13:00:00Z", "2026-01-31T23:00:00Z");
    shop.apply(&[&purchase("a", 31, "100.00"), &fresh]).await;
    let old = purchase("old", 1, "5.00").replace("2026-01-01", "2020-01-01");
    let other = old.replace(r#""member":"m""#, r#""member":"n""#).replace("old", "older");
    assert_eq!(words(&shop.apply(&[&old, &other]).await), ["Erased 0", "TooLate"]);
}

/// The rules of its own time do not know the wallet; the latest do.
#[tokio::test]
async fn an_erasure_knows_every_wallet_whenever_it_happened() {
    let shop = Shop::in_memory().await;
    append(shop.ledger.as_ref(), serde_json::json!([earn("base", "2")]), Some("2026-01-15T00:00:00Z")).await;
    shop.apply(&[&purchase("a", 20, "100.00")]).await;
    let early = ERASE.replace("2026-01-31", "2026-01-02");
    assert_eq!(bodies(&shop.apply(&[&early]).await[0]), ["points.forfeited", "member.erased"]);
    shop.audits_clean().await;
}

/// Somebody looked up what is under way, and the member was erased before it could be carried.
#[tokio::test]
async fn what_was_under_way_to_or_from_an_erased_member_is_carried_to_its_end() {
    let shop = Shop::in_memory().await;
    let freeze = r#"{"id":"f","type":"freeze","occurredAt":"2026-01-30T12:00:00Z","member":"dan","reason":"a doubt","author":"bea"}"#;
    let send = |id: &str, to: &str| {
        format!(
            r#"{{"id":"{id}","type":"transfer","occurredAt":"2026-01-31T12:00:00Z","member":"m","to":"{to}","points":"20"}}"#
        )
    };
    shop.apply(&[&purchase("a", 1, "100.00"), freeze, &send("t1", "dan"), &send("t2", "bob")]).await;
    let carry = async |most| shop.engine.carry(UnderWay::For(Duration::ZERO), most, &HashSet::new()).await.unwrap();
    carry(1).await.unwrap();
    shop.apply(&[ERASE]).await;
    let mut told = Vec::new();
    while let Some(carried) = carry(10).await {
        told.extend(carried.results.into_iter().map(|result| result.body.type_name()));
    }
    assert_eq!(told, ["points.forfeited", "transfer.received"]);
    assert_eq!(shop.available("bob").await, "20");
    shop.audits_clean().await;
}

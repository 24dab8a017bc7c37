//! What is due, by the rules' own calendar, with and without events.

use std::collections::HashSet;

use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use engine::{EngineError, Settled};
use ledger::{Identity, Since};

use crate::shop::{Shop, base, pipeline, purchase, words};

fn none() -> HashSet<Identity> {
    HashSet::new()
}

/// Points wait ten days and end with the month after the next one, by Moscow's clock.
async fn shop() -> Shop {
    shop_on("sqlite::memory:").await
}

async fn shop_on(url: &str) -> Shop {
    let shop = Shop::open(url, "Event").await;
    let program = serde_json::json!({
        "currency": "USD", "timeZone": "Europe/Moscow",
        "wallets": [{ "name": "points", "pending": { "for": "10d" }, "expiry": { "after": "2mo", "roundUpTo": "Month" } }],
    });
    let program: Program = serde_json::from_value(program).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(base()).unwrap();
    let since = Since { valid_from: Some("2026-01-01T00:00:00Z".parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
    shop
}

fn redeem(id: &str, at: &str, points: u32) -> String {
    format!(r#"{{"id":"{id}","type":"redeem","occurredAt":"{at}","member":"m","points":"{points}"}}"#)
}

#[tokio::test]
async fn what_is_due_comes_before_the_event_and_is_told_with_it() {
    let shop = shop().await;
    shop.apply(&[&purchase("a", 1, "10.00")]).await;
    assert_eq!(words(&shop.apply(&[&redeem("r1", "2026-01-11T11:59:59Z", 4)]).await), ["Rejected 1"]);
    let settled = shop.apply(&[&redeem("r2", "2026-01-11T12:00:00Z", 4)]).await;
    let Settled::Fresh { results, .. } = &settled[0] else { panic!("{settled:?}") };
    let told: Vec<_> = results.iter().map(|result| (result.body.type_name(), result.time.to_string())).collect();
    let at = "2026-01-11T12:00:00Z".to_owned();
    assert_eq!(told, [("points.activated", at.clone()), ("redemption.accepted", at)]);
    assert_eq!(
        words(&shop.apply(&[&redeem("r3", "2026-03-31T21:00:00Z", 1)]).await),
        ["Rejected 2"],
        "it is April in Moscow"
    );
    assert_eq!(shop.available("m").await, "0");
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_preview_posts_what_is_due_first_and_keeps_nothing() {
    let shop = shop().await;
    shop.apply(&[&purchase("a", 1, "10.00")]).await;
    let at = "2026-01-11T12:00:00Z";
    let settled = shop.engine.preview(&[shop.read(&redeem("r", at, 4))], at.parse().unwrap()).await.unwrap();
    let Settled::Fresh { results, .. } = &settled[0] else { panic!("{settled:?}") };
    let told: Vec<_> = results.iter().map(|result| result.body.type_name()).collect();
    assert_eq!(told, ["points.activated", "redemption.accepted"]);
    assert_eq!(shop.available("m").await, "0");
    assert_eq!(words(&shop.apply(&[&redeem("r", at, 4)]).await), ["Applied 2"], "it was all still to come");
    shop.audits_clean().await;
}

#[tokio::test]
async fn timers_post_the_same_for_members_without_events() {
    let shop = shop().await;
    let by = |time: &str| time.parse::<jiff::Timestamp>().unwrap();
    shop.apply(&[&purchase("a", 1, "10.00"), &purchase("b", 2, "5.00")]).await;
    assert_eq!(shop.engine.settle_due(by("2026-01-11T11:59:59Z"), 10, &none()).await.unwrap(), None);
    let settled = shop.engine.settle_due(by("2026-01-12T12:00:00Z"), 10, &none()).await.unwrap().unwrap();
    assert_eq!((settled.members, settled.results.len()), (1, 2), "each at its own time");
    assert_eq!(shop.available("m").await, "15");
    let settled = shop.engine.settle_due(by("2026-03-31T21:00:00Z"), 10, &none()).await.unwrap().unwrap();
    assert_eq!(settled.results.len(), 1, "two lots that end together are one entry");
    assert_eq!(shop.available("m").await, "0");
    assert_eq!(shop.engine.settle_due(by("2030-01-01T00:00:00Z"), 10, &none()).await.unwrap(), None);
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_member_whose_lots_cannot_be_settled_stops_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let shop = shop_on(&format!("sqlite:{}", path.display())).await;
    let bought =
        |n: u8| purchase(&format!("o{n}"), n, "10.00").replace(r#""member":"m""#, &format!(r#""member":"m{n}""#));
    let lines: Vec<String> = (1..=10).map(bought).collect();
    shop.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // A constraint that our own checks know nothing of, on the lot of the member who is due first.
    let admin = rusqlite::Connection::open(&path).unwrap();
    admin
        .execute_batch(
            "create trigger picky before update on lot
             when new.member = (select number from member where external_id = 'm1')
             begin select raise(abort, 'not this one'); end",
        )
        .unwrap();
    let by = "2026-01-31T00:00:00Z".parse().unwrap();
    let (mut except, mut members) = (none(), 0);
    loop {
        match shop.engine.settle_due(by, 4, &except).await {
            Ok(Some(settled)) => members += settled.members,
            Ok(None) => break,
            Err(EngineError::Due { timer, detail }) => {
                assert!(detail.contains("constraint"), "{detail}");
                assert!(except.insert(timer), "what is passed over is not tried again");
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((members, except.len()), (9, 1));
    assert_eq!((shop.available("m1").await, shop.available("m2").await), ("0".to_owned(), "10".to_owned()));
    admin.execute_batch("drop trigger picky").unwrap();
    let settled = shop.engine.settle_due(by, 4, &none()).await.unwrap().unwrap();
    assert_eq!(settled.members, 1, "once it can be settled, it is");
    assert_eq!(shop.available("m1").await, "10");
    shop.audits_clean().await;
}

#[tokio::test]
async fn nobody_but_the_ledger_says_what_is_due() {
    let shop = shop().await;
    let line = purchase("a", 1, "10.00").replace(r#""type""#, r#""source":"loyalty.due","type""#);
    assert!(shop.try_read(&line).unwrap_err().detail.contains("only the ledger itself uses"));
}

//! Points that end by inactivity and on fixed days, by the rules' own calendar; and a week without anybody.

use std::collections::HashSet;

use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use engine::Settled;
use ledger::Since;
use serde_json::{Value, json};

use crate::shop::{Shop, pipeline, purchase, words};

/// A shop in Moscow, whose points end as its wallet says, and bonus points never.
pub(crate) async fn shop(wallet: &Value) -> Shop {
    let shop = Shop::open("sqlite::memory:", "Event").await;
    applied(&shop, wallet, "2014-01-01T00:00:00Z").await;
    shop
}

pub(crate) async fn applied(shop: &Shop, wallet: &Value, from: &str) {
    let program = json!({ "currency": "USD", "timeZone": "Europe/Moscow", "wallets": [wallet] });
    let program: Program = serde_json::from_value(program).unwrap();
    let rules = json!([
        { "name": "base", "on": "purchase",
          "earn": { "wallet": "points", "per": { "amount": "1.00", "points": "1" } } },
        { "name": "welcome", "on": "purchase", "when": "event.channel == 'welcome'",
          "earn": { "wallet": "points", "fixed": "500", "expiry": { "never": true } } },
    ]);
    let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    let since = Since { valid_from: Some(from.parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
}

fn idle(after: &str) -> Value {
    json!({ "name": "points", "expiry": { "inactivity": { "after": after, "activities": ["purchase", "redeem", "visit"] } } })
}

pub(crate) fn at(line: &str, at: &str) -> String {
    let from = line.find("\"occurredAt\":\"").unwrap() + 14;
    let to = from + line[from..].find('"').unwrap();
    format!("{}{at}{}", &line[..from], &line[to..])
}

pub(crate) fn bought(id: &str, when: &str) -> String {
    at(&purchase(id, 1, "10.00"), when)
}

pub(crate) fn visit(id: &str, when: &str) -> String {
    format!(r#"{{"id":"{id}","type":"visit","occurredAt":"{when}","member":"m"}}"#)
}

/// What was told of an event, with the time at which it was so.
pub(crate) fn told(settled: &[Settled]) -> Vec<String> {
    let Settled::Fresh { results, .. } = &settled[0] else { panic!("{settled:?}") };
    results.iter().map(|result| format!("{} {}", result.body.type_name(), result.time)).collect()
}

#[tokio::test]
async fn an_activity_keeps_all_points_alive_to_the_end_of_a_day_in_moscow() {
    let shop = shop(&idle("1mo")).await;
    // Moscow leaves +04 for +03 on 26 October 2014.
    shop.apply(&[&bought("a", "2014-09-10T12:00:00Z")]).await;
    assert_eq!(told(&shop.apply(&[&visit("v1", "2014-09-25T12:00:00Z")]).await), [""; 0]);
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-10-25T20:00:00Z".parse().unwrap()));
    shop.apply(&[&visit("v2", "2014-10-25T19:59:59Z")]).await;
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-11-25T21:00:00Z".parse().unwrap()));
    shop.apply(&[&bought("b", "2014-11-25T20:59:59Z")]).await;
    assert_eq!(shop.available("m").await, "20");
    assert_eq!(
        told(&shop.apply(&[&bought("c", "2014-12-25T21:00:00Z")]).await),
        ["points.expired 2014-12-25T21:00:00Z", "points.earned 2014-12-25T21:00:00Z"]
    );
    assert_eq!(shop.available("m").await, "10");
    shop.audits_clean().await;
}

#[tokio::test]
async fn what_a_rule_gives_for_ever_outlasts_the_others() {
    let shop = shop(&idle("1mo")).await;
    let welcome = bought("a", "2014-09-10T12:00:00Z").replace(r#""member""#, r#""channel":"welcome","member""#);
    shop.apply(&[&welcome]).await;
    assert_eq!(shop.available("m").await, "510");
    shop.engine.settle_due("2030-01-01T00:00:00Z".parse().unwrap(), 10, &HashSet::new()).await.unwrap().unwrap();
    assert_eq!(shop.available("m").await, "500");
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), None);
    shop.audits_clean().await;
}

#[tokio::test]
async fn points_end_with_the_year_and_those_of_its_last_months_with_the_next() {
    let shop = shop(&json!({ "name": "points", "expiry": { "after": "3mo", "onDates": ["12-31"] } })).await;
    shop.apply(&[&bought("a", "2014-09-30T12:00:00Z"), &bought("b", "2014-10-01T12:00:00Z")]).await;
    let settle = async |by: &str| {
        let settled = shop.engine.settle_due(by.parse().unwrap(), 10, &HashSet::new()).await.unwrap();
        settled.map_or(0, |settled| settled.results.len())
    };
    assert_eq!((settle("2014-12-31T20:59:59Z").await, shop.available("m").await), (0, "20".to_owned()));
    assert_eq!((settle("2014-12-31T21:00:00Z").await, shop.available("m").await), (1, "10".to_owned()));
    assert_eq!((settle("2015-12-31T21:00:00Z").await, shop.available("m").await), (1, "0".to_owned()));
    shop.audits_clean().await;
}

#[tokio::test]
async fn another_time_holds_from_the_next_activity_on() {
    let shop = shop(&idle("6mo")).await;
    shop.apply(&[&bought("a", "2014-03-10T12:00:00Z")]).await;
    applied(&shop, &idle("1mo"), "2014-04-01T00:00:00Z").await;
    // A shorter time takes nothing away that stands.
    shop.apply(&[&visit("v1", "2014-05-01T12:00:00Z")]).await;
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-09-10T20:00:00Z".parse().unwrap()));
    shop.apply(&[&visit("v2", "2014-09-01T12:00:00Z")]).await;
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-10-01T20:00:00Z".parse().unwrap()));
    // The programme lets points live on: those that idle keep their end, as any that were earned before.
    applied(&shop, &json!({ "name": "points" }), "2014-09-15T00:00:00Z").await;
    assert_eq!(words(&shop.apply(&[&bought("b", "2014-10-02T12:00:00Z")]).await), ["Applied 2"]);
    assert_eq!(shop.available("m").await, "10");
    shop.audits_clean().await;
}

/// A week without workers: everything is posted as of its own time, so many members at once and no more.
#[tokio::test]
async fn after_a_week_without_anybody_what_is_due_comes_in_small_batches() {
    const MEMBERS_MAX: usize = 40;
    let shop = shop(&idle("1d")).await;
    let member = |n: usize| {
        let line = bought(&format!("o{n}"), &format!("2014-03-0{}T12:00:00Z", 1 + n % 7));
        line.replace(r#""member":"m""#, &format!(r#""member":"m{n}""#))
    };
    let lines: Vec<String> = (0..250).map(member).collect();
    shop.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let by = "2014-03-10T00:00:00Z".parse().unwrap();
    let (mut passes, mut members, mut times) = (0, 0, HashSet::new());
    while let Some(settled) = shop.engine.settle_due(by, MEMBERS_MAX, &HashSet::new()).await.unwrap() {
        assert!(settled.members <= MEMBERS_MAX && settled.results.len() == settled.members, "{settled:?}");
        times.extend(settled.results.iter().map(|result| result.time));
        (passes, members) = (passes + 1, members + settled.members);
    }
    assert_eq!((passes, members, times.len()), (7, 250, 7));
    assert_eq!((shop.available("m0").await, shop.available("m249").await), ("0".to_owned(), "0".to_owned()));
    shop.audits_clean().await;
}

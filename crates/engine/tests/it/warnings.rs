//! Warnings by the rules' own calendar: whose day it is, what a change of the rules means, and whoever hears of it too late.

use std::collections::HashSet;

use contract::result::{ResultBody, ResultEvent};
use engine::Settled;
use serde_json::{Value, json};

use crate::idle::{applied, at, bought, shop, told, visit};
use crate::shop::{Shop, pipeline, purchase, refund};

fn rolling(after: &str, before: &str) -> Value {
    json!({ "name": "points", "expiry": { "after": after, "warnBefore": before } })
}

/// Points, last day, and when it was told.
fn warning(result: &ResultEvent) -> Option<String> {
    let ResultBody::Expiring { points, last_day, expires_at, .. } = &result.body else { return None };
    assert!(result.time < *expires_at);
    Some(format!("{} {points} until {last_day}", result.time))
}

fn warnings<'a>(results: impl IntoIterator<Item = &'a ResultEvent>) -> Vec<String> {
    results.into_iter().filter_map(warning).collect()
}

fn of(settled: &[Settled]) -> Vec<String> {
    let results = settled.iter().map(|settled| match settled {
        Settled::Fresh { results, .. } | Settled::Replayed { results, .. } => results,
        Settled::Buried(refusal) => panic!("{refusal:?}"),
    });
    warnings(results.flatten())
}

async fn timers(shop: &Shop, by: &str) -> Vec<ResultEvent> {
    let (by, mut results) = (by.parse().unwrap(), Vec::new());
    while let Some(settled) = shop.engine.settle_due(by, 10, &HashSet::new()).await.unwrap() {
        results.extend(settled.results);
    }
    shop.audits_clean().await;
    results
}

fn redeem(id: &str, when: &str, points: u8) -> String {
    format!(r#"{{"id":"{id}","type":"redeem","occurredAt":"{when}","member":"m","points":"{points}"}}"#)
}

#[tokio::test]
async fn the_last_day_is_one_of_the_programmes_time_zone() {
    let shop = shop(&rolling("1mo", "7d")).await;
    // Moscow leaves +04 for +03 on 26 October 2014, the last day on which they can be spent.
    shop.apply(&[&bought("a", "2014-09-26T12:00:00Z")]).await;
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), Some("2014-10-19T20:00:00Z".parse().unwrap()));
    assert_eq!(warnings(&timers(&shop, "2014-10-19T19:59:59Z").await), [""; 0]);
    let told = timers(&shop, "2014-10-19T20:00:00Z").await;
    assert_eq!(warnings(&told), ["2014-10-19T20:00:00Z 10 until 2014-10-26"]);
    assert_eq!(timers(&shop, "2014-10-26T20:59:59Z").await, []);
    assert_eq!(timers(&shop, "2014-10-26T21:00:00Z").await.len(), 1, "they end");
}

#[tokio::test]
async fn an_event_and_a_timer_give_the_same_warning() {
    let by_events = shop(&rolling("1mo", "7d")).await;
    let by_timers = shop(&rolling("1mo", "7d")).await;
    let lines = [bought("a", "2014-09-10T12:00:00Z"), bought("b", "2014-09-20T12:00:00Z")];
    let (mut events, mut timed) = (Vec::new(), Vec::new());
    for shop in [&by_events, &by_timers] {
        shop.apply(&lines.each_ref().map(String::as_str)).await;
    }
    for (n, when) in ["2014-10-01T00:00:00Z", "2014-10-04T00:00:00Z", "2014-10-15T00:00:00Z"].iter().enumerate() {
        timed.extend(warnings(&timers(&by_timers, when).await));
        let spent = redeem(&format!("r{n}"), when, 1);
        events.extend(of(&by_events.apply(&[&spent]).await));
        assert_eq!(of(&by_timers.apply(&[&spent]).await), [""; 0], "it was given");
    }
    assert_eq!(events, ["2014-10-03T20:00:00Z 9 until 2014-10-10", "2014-10-13T20:00:00Z 10 until 2014-10-20"]);
    assert_eq!(events, timed);
    by_events.audits_clean().await;
}

#[tokio::test]
async fn a_change_of_the_rules_warns_of_what_comes_in_from_then_on() {
    let shop = shop(&json!({ "name": "points", "expiry": { "after": "1mo" } })).await;
    shop.apply(&[&bought("a", "2014-03-10T12:00:00Z")]).await;
    applied(&shop, &rolling("1mo", "7d"), "2014-03-12T00:00:00Z").await;
    shop.apply(&[&bought("b", "2014-03-12T12:00:00Z")]).await;
    applied(&shop, &rolling("1mo", "3d"), "2014-03-14T00:00:00Z").await;
    shop.apply(&[&bought("c", "2014-03-14T12:00:00Z"), &bought("late", "2014-03-13T12:00:00Z")]).await;
    // The programme warns of nothing any more: what was promised stands.
    applied(&shop, &json!({ "name": "points" }), "2014-03-20T00:00:00Z").await;
    assert_eq!(
        warnings(&timers(&shop, "2014-04-11T20:00:00Z").await),
        [
            "2014-04-05T20:00:00Z 10 until 2014-04-12",
            "2014-04-06T20:00:00Z 10 until 2014-04-13",
            "2014-04-11T20:00:00Z 10 until 2014-04-14"
        ]
    );
}

#[tokio::test]
async fn an_activity_by_other_rules_is_warned_of_as_they_say() {
    let idle = |before: &str| {
        json!({ "name": "points", "expiry": {
            "inactivity": { "after": "1mo", "activities": ["purchase", "visit"] }, "warnBefore": before } })
    };
    let shop = shop(&idle("7d")).await;
    shop.apply(&[&bought("a", "2014-03-10T12:00:00Z")]).await;
    assert_eq!(warnings(&timers(&shop, "2014-04-03T20:00:00Z").await), ["2014-04-03T20:00:00Z 10 until 2014-04-10"]);
    applied(&shop, &idle("20d"), "2014-04-05T00:00:00Z").await;
    assert_eq!(told(&shop.apply(&[&visit("v1", "2014-04-06T12:00:00Z")]).await), [""; 0]);
    assert_eq!(warnings(&timers(&shop, "2014-05-06T00:00:00Z").await), ["2014-04-16T20:00:00Z 10 until 2014-05-06"]);
    assert_eq!(shop.available("m").await, "10");
}

#[tokio::test]
async fn what_had_paid_for_an_order_and_ends_with_the_grace_is_warned_of() {
    let shop = shop(&rolling("10d", "3d")).await;
    let pay = redeem("r", "2014-03-11T12:00:00Z", 10).replace(r#""points""#, r#""order":"b","points""#);
    shop.apply(&[&bought("a", "2014-03-10T12:00:00Z"), &pay, &bought("b", "2014-03-12T12:00:00Z")]).await;
    shop.apply(&[&at(&refund("back", "b", ""), "2014-03-19T12:00:00Z")]).await;
    assert_eq!(shop.available("m").await, "10");
    assert_eq!(warnings(&timers(&shop, "2014-04-18T00:00:00Z").await), ["2014-04-15T20:00:00Z 10 until 2014-04-18"]);
}

/// What a pipeline with the wall's clock decides so late that the end has passed meanwhile, it does not warn of.
#[tokio::test]
async fn a_backlog_warns_of_no_end_that_has_passed() {
    let lines = [
        purchase("a", 5, "10.00"),
        purchase("b", 22, "5.00"),
        redeem("r", "2026-01-22T13:00:00Z", 1),
        redeem("s", "2026-01-30T13:00:00Z", 1),
    ];
    let expected = [
        ("Wall", vec!["2026-01-29T00:00:00Z 5 until 2026-02-11"]),
        // A history counts by its own times.
        ("Event", vec!["2026-01-12T00:00:00Z 10 until 2026-01-25", "2026-01-29T00:00:00Z 5 until 2026-02-11"]),
    ];
    for (clock, want) in expected {
        let shop = Shop::open("sqlite::memory:", clock).await;
        let program = json!({ "currency": "USD", "wallets": [rolling("20d", "14d")] });
        let rules: Vec<contract::program::Rule> = serde_json::from_value(crate::shop::base()).unwrap();
        let ruleset = contract::ruleset::Ruleset::new(&serde_json::from_value(program).unwrap(), &rules);
        let since = ledger::Since { valid_from: "2025-01-01T00:00:00Z".parse().ok(), author: "test".into() };
        shop.ledger.append_timeline(&pipeline(), &ruleset, &since).await.unwrap();
        let told: Vec<String> = of(&shop.apply(&lines.each_ref().map(String::as_str)).await);
        assert_eq!(told, want, "{clock}, heard of on the first of February");
        assert_eq!(
            shop.engine.settle_due("2026-02-01T00:00:00Z".parse().unwrap(), 10, &HashSet::new()).await.unwrap(),
            None
        );
        shop.audits_clean().await;
    }
}

/// A week without workers: each member is warned once of what still ends, and of nothing that has.
#[tokio::test]
async fn after_a_week_without_anybody_only_what_still_ends_is_warned_of() {
    const MEMBERS_MAX: usize = 40;
    let shop = shop(&rolling("10d", "5d")).await;
    let member = |n: usize| {
        let line = bought(&format!("o{n}"), &format!("2014-03-{:02}T12:00:00Z", 1 + n % 10));
        line.replace(r#""member":"m""#, &format!(r#""member":"m{n}""#))
    };
    let lines: Vec<String> = (0..200).map(member).collect();
    shop.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // Those of the first four days have ended; those of the others end from the 15th on.
    let by = "2014-03-15T12:00:00Z".parse().unwrap();
    let (mut passes, mut told, mut members) = (0, Vec::new(), HashSet::new());
    while let Some(settled) = shop.engine.settle_due(by, MEMBERS_MAX, &HashSet::new()).await.unwrap() {
        assert!(settled.members <= MEMBERS_MAX);
        passes += 1;
        told.extend(settled.results);
    }
    let (warned, ended): (Vec<_>, Vec<_>) = told.iter().partition(|result| warning(result).is_some());
    assert!(warned.iter().all(|result| members.insert(result.member.clone())));
    assert_eq!((warned.len(), ended.len(), passes), (100, 80, 5), "20 members of the last day are warned of later");
    assert_eq!(timers(&shop, "2014-03-15T20:00:00Z").await.len(), 40, "20 warnings and 20 ends");
}

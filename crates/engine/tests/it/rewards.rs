//! Rewards that points are turned into by themselves: whose day it is, and whose rules.

use std::collections::HashSet;

use engine::Settled;
use ledger::UnderWay;
use serde_json::{Value, json};

use crate::idle::{applied, at, bought, shop, told, visit};
use crate::shop::{Shop, pipeline, refund, words};

fn rewarding(points: &str, per_day: u32) -> Value {
    json!({ "name": "points", "autoReward": { "reward": "free-coffee", "points": points, "perDay": per_day } })
}

fn order(id: &str, when: &str, amount: &str) -> String {
    bought(id, when).replace("10.00", amount)
}

/// What timers post by a time: type and time of each.
async fn timers(shop: &Shop, by: &str) -> Vec<String> {
    let (by, mut told) = (by.parse().unwrap(), Vec::new());
    while let Some(settled) = shop.engine.settle_due(by, 10, &HashSet::new()).await.unwrap() {
        told.extend(settled.results.iter().map(|result| format!("{} {}", result.body.type_name(), result.time)));
    }
    shop.audits_clean().await;
    told
}

async fn next_due(shop: &Shop) -> Option<String> {
    shop.ledger.next_due(&pipeline()).await.unwrap().map(|at| at.to_string())
}

#[tokio::test]
async fn a_day_is_one_of_the_programmes_time_zone() {
    let shop = shop(&rewarding("10", 1)).await;
    // Moscow leaves +04 for +03 on 26 October 2014.
    assert_eq!(
        told(&shop.apply(&[&order("a", "2014-10-25T19:59:59Z", "35.00")]).await),
        ["points.earned 2014-10-25T19:59:59Z", "reward.granted 2014-10-25T19:59:59Z"]
    );
    assert_eq!(next_due(&shop).await, Some("2014-10-25T20:00:00Z".to_owned()));
    assert_eq!(
        told(&shop.apply(&[&visit("v", "2014-10-26T20:59:59Z")]).await),
        ["reward.granted 2014-10-25T20:00:00Z"],
        "25 hours are one day"
    );
    assert_eq!(timers(&shop, "2014-10-26T21:00:00Z").await, ["reward.granted 2014-10-26T21:00:00Z"]);
    assert_eq!((shop.available("m").await, next_due(&shop).await), ("5".to_owned(), None));
}

#[tokio::test]
async fn the_rules_of_the_time_say_what_is_given() {
    let shop = shop(&json!({ "name": "points" })).await;
    shop.apply(&[&order("a", "2014-03-10T12:00:00Z", "95.00")]).await;
    assert_eq!((shop.available("m").await, next_due(&shop).await), ("95".to_owned(), None));
    // Said now, and to hold from a day that comes.
    applied(&shop, &rewarding("40", 1), "2014-03-20T00:00:00Z").await;
    assert_eq!(told(&shop.apply(&[&visit("v1", "2014-03-15T12:00:00Z")]).await), [""; 0]);
    assert_eq!(
        told(&shop.apply(&[&visit("v2", "2014-03-20T12:00:00Z")]).await),
        ["reward.granted 2014-03-20T12:00:00Z"]
    );
    assert_eq!(next_due(&shop).await, Some("2014-03-20T20:00:00Z".to_owned()));
    // More points are asked for by then: nothing is given, and nothing is due any more.
    applied(&shop, &rewarding("60", 1), "2014-03-20T18:00:00Z").await;
    assert_eq!(timers(&shop, "2014-03-21T00:00:00Z").await, [""; 0]);
    assert_eq!((shop.available("m").await, next_due(&shop).await), ("55".to_owned(), None));
    // Fewer, and then none at all.
    applied(&shop, &rewarding("20", 1), "2014-03-22T00:00:00Z").await;
    shop.apply(&[&visit("v3", "2014-03-22T12:00:00Z")]).await;
    assert_eq!((shop.available("m").await, next_due(&shop).await.is_some()), ("35".to_owned(), true));
    applied(&shop, &json!({ "name": "points" }), "2014-03-22T13:00:00Z").await;
    assert_eq!(told(&shop.apply(&[&visit("v4", "2014-03-22T14:00:00Z")]).await), [""; 0]);
    assert_eq!(next_due(&shop).await, None);
    shop.audits_clean().await;
}

#[tokio::test]
async fn what_arrives_from_another_member_counts_and_is_committed_with_its_reward() {
    let shop = shop(&rewarding("30", 1)).await;
    let send =
        r#"{"id":"t","type":"transfer","occurredAt":"2014-03-11T12:00:00Z","member":"m","to":"bob","points":"20"}"#;
    let bob = order("b", "2014-03-10T12:00:00Z", "15.00").replace(r#""member":"m""#, r#""member":"bob""#);
    shop.apply(&[&order("a", "2014-03-10T12:00:00Z", "25.00"), &bob]).await;
    assert_eq!(words(&shop.apply(&[send]).await), ["Applied 1"]);
    let carried =
        shop.engine.carry(UnderWay::For(std::time::Duration::ZERO), 10, &HashSet::new()).await.unwrap().unwrap();
    let types: Vec<_> = carried.results.iter().map(|result| result.body.type_name()).collect();
    assert_eq!(types, ["transfer.received", "reward.granted"]);
    assert_eq!(shop.available("bob").await, "5");
    shop.audits_clean().await;
}

#[tokio::test]
async fn a_batch_and_its_events_one_by_one_give_the_same() {
    let lines = [
        order("a", "2014-03-10T12:00:00Z", "45.00"),
        visit("v1", "2014-03-11T12:00:00Z"),
        order("b", "2014-03-11T13:00:00Z", "31.00"),
        at(&refund("back", "a", ""), "2014-03-12T12:00:00Z"),
        order("late", "2014-03-09T12:00:00Z", "40.00"),
        visit("v2", "2014-03-20T12:00:00Z"),
    ];
    let lines = lines.each_ref().map(String::as_str);
    let (all, each) = (shop(&rewarding("20", 1)).await, shop(&rewarding("20", 1)).await);
    let results = |settled: &[Settled]| match settled {
        [Settled::Fresh { results, .. }] => results.clone(),
        other => panic!("{other:?}"),
    };
    let at_once: Vec<_> = all.apply(&lines).await.iter().map(|one| results(std::slice::from_ref(one))).collect();
    for (line, at_once) in lines.iter().zip(&at_once) {
        assert_eq!(results(&each.apply(&[line]).await), *at_once);
    }
    let given = at_once.iter().flatten().filter(|result| result.body.type_name() == "reward.granted").count();
    assert!(given >= 4, "{given}");
    for shop in [&all, &each] {
        shop.audits_clean().await;
    }
    assert_eq!(all.available("m").await, each.available("m").await);
}

/// A week without workers: what each day allowed, effective on that day, for each member.
#[tokio::test]
async fn after_a_week_without_anybody_each_day_has_its_rewards() {
    let shop = shop(&rewarding("10", 1)).await;
    let member = |n: usize| {
        let line = order(&format!("o{n}"), "2014-03-01T12:00:00Z", "55.00");
        line.replace(r#""member":"m""#, &format!(r#""member":"m{n}""#))
    };
    let lines: Vec<String> = (0..30).map(member).collect();
    shop.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let told = timers(&shop, "2014-03-08T12:00:00Z").await;
    // The first one came at once.
    assert_eq!(told.len(), 30 * 4);
    assert_eq!(told.iter().collect::<HashSet<_>>().len(), 4, "four nights");
    assert_eq!((shop.available("m7").await, next_due(&shop).await), ("5".to_owned(), None));
}

/// With what the hold gives back there were enough for one.
#[tokio::test]
async fn nothing_that_is_forfeited_becomes_a_reward() {
    let shop = shop(&rewarding("100", 5)).await;
    let hold = r#"{"id":"h","type":"hold","occurredAt":"2014-03-10T13:00:00Z","member":"m","hold":"h","points":"60"}"#;
    let erase = r#"{"id":"x","type":"erase","occurredAt":"2014-03-12T12:00:00Z","member":"m","reason":"asked for it","author":"bea"}"#;
    let [first, second] = [order("a", "2014-03-10T12:00:00Z", "99.00"), order("b", "2014-03-11T12:00:00Z", "60.00")];
    shop.apply(&[&first, hold, &second]).await;
    assert_eq!(shop.available("m").await, "99");
    assert_eq!(
        told(&shop.apply(&[erase]).await),
        [
            "hold.expired 2014-03-12T12:00:00Z",
            "points.forfeited 2014-03-12T12:00:00Z",
            "member.erased 2014-03-12T12:00:00Z"
        ]
    );
    shop.audits_clean().await;
    assert_eq!(next_due(&shop).await, None);
}

#[tokio::test]
async fn a_late_event_of_other_rules_leaves_what_is_due() {
    let shop = shop(&json!({ "name": "points" })).await;
    applied(&shop, &rewarding("100", 1), "2014-03-01T00:00:00Z").await;
    shop.apply(&[&order("a", "2014-03-02T12:00:00Z", "250.00")]).await;
    assert_eq!(next_due(&shop).await, Some("2014-03-02T20:00:00Z".to_owned()));
    shop.apply(&[&visit("late", "2014-02-27T12:00:00Z")]).await;
    assert_eq!(next_due(&shop).await, Some("2014-03-02T20:00:00Z".to_owned()));
    assert_eq!(timers(&shop, "2014-03-03T12:00:00Z").await, ["reward.granted 2014-03-02T20:00:00Z"]);
    assert_eq!(shop.available("m").await, "50");
}

/// The refund came first: what it takes never was there to become a reward.
#[tokio::test]
async fn what_a_waiting_refund_takes_becomes_no_reward() {
    let shop = shop(&rewarding("100", 5)).await;
    shop.apply(&[&at(&refund("r", "a", ""), "2014-03-11T12:00:00Z")]).await;
    assert_eq!(
        told(&shop.apply(&[&order("a", "2014-03-10T12:00:00Z", "150.00")]).await),
        ["points.earned 2014-03-10T12:00:00Z", "points.clawedback 2014-03-11T12:00:00Z"]
    );
    assert_eq!((shop.available("m").await, next_due(&shop).await), ("0".to_owned(), None));
    shop.audits_clean().await;
}

/// One that does not fit takes nothing; one that takes a part leaves what is enough.
#[tokio::test]
async fn what_waiting_refunds_leave_becomes_rewards() {
    let shop = shop(&rewarding("100", 5)).await;
    let part = at(&refund("r", "a", r#","amount":"30.00""#), "2014-03-11T12:00:00Z");
    let misfit = at(&refund("s", "a", r#","lines":[{"line":"9"}]"#), "2014-03-12T12:00:00Z");
    shop.apply(&[&part, &misfit]).await;
    assert_eq!(
        told(&shop.apply(&[&order("a", "2014-03-10T12:00:00Z", "150.00")]).await),
        [
            "points.earned 2014-03-10T12:00:00Z",
            "points.clawedback 2014-03-11T12:00:00Z",
            "reward.granted 2014-03-11T12:00:00Z"
        ]
    );
    assert_eq!(shop.available("m").await, "20");
    shop.audits_clean().await;
}

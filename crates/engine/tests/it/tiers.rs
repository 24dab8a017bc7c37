//! Tiers: who reaches which, when, and for how long. On both stores.

mod audit;
mod brought;
mod club;
mod joined;
mod late;
mod random;
mod rated;
mod review;
mod windows;

use serde_json::json;

use crate::budgets::campaign::{Campaign, on_both_stores};
use club::{back, buy, by_years, club, counted, history, open, said, timers, told, visit, with};

on_both_stores! {
    sephora_a_level_reached_in_january_2022_holds_until_the_end_of_2023
    hyatt_a_level_reached_in_may_2018_holds_until_the_end_of_february_2020
    what_counts_stands_by_days_and_returns_are_missing_on_the_day_of_their_purchase
    any_of_what_a_level_asks_for_is_enough
    whatever_event_is_named_is_a_visit
    reaching_it_again_keeps_it_longer
    a_redelivery_counts_nothing_more
    a_day_is_one_of_the_programmes_time_zone
    what_happened_before_there_were_tiers_does_not_count
    levels_and_the_wallet_that_counts_stay
}

/// Reach 350 in a calendar year, for the rest of it and the next.
async fn sephora_a_level_reached_in_january_2022_holds_until_the_end_of_2023(shop: Campaign) {
    let levels = json!([{ "name": "insider" }, { "name": "vib", "reach": { "points": "350" } }]);
    open(&shop, &with(by_years(), "levels", levels)).await;
    assert_eq!(told(&shop.apply(&[&buy("a", "2022-01-10", "349.00")]).await), [""; 0]);
    assert_eq!(
        told(&shop.apply(&[&buy("b", "2022-01-20", "1.00")]).await),
        ["insider to vib since 2022-01-20 noon until 2024-01-01: Reached"]
    );
    assert_eq!(timers(&shop, "2023-12-31T23:59:59Z").await, [""; 0]);
    assert_eq!(timers(&shop, "2024-01-01").await, ["vib to insider since 2024-01-01 for ever: Lowered"]);
    assert_eq!(
        history(&shop, "ann").await,
        ["vib since 2022-01-20 noon until 2024-01-01: Reached", "insider since 2024-01-01 for ever: Lowered"]
    );
}

/// To the end of February of the second year after.
async fn hyatt_a_level_reached_in_may_2018_holds_until_the_end_of_february_2020(shop: Campaign) {
    let validity = json!({ "for": "1y", "roundUpTo": "Year", "onDates": ["02-29"] });
    open(&shop, &with(by_years(), "validity", validity)).await;
    assert_eq!(
        told(&shop.apply(&[&buy("a", "2018-05-17", "300.00")]).await),
        ["basic to gold since 2018-05-17 noon until 2020-03-01: Reached"]
    );
    // Silver once more in 2019: what was reached in between is not forgotten at the end of gold.
    assert_eq!(told(&shop.apply(&[&buy("b", "2019-06-01", "100.00")]).await), [""; 0]);
    assert_eq!(timers(&shop, "2020-03-01").await, ["gold to silver since 2020-03-01 until 2021-03-01: Lowered"]);
    assert_eq!(timers(&shop, "2021-03-01").await, ["silver to basic since 2021-03-01 for ever: Lowered"]);
    shop.audits_clean().await;
}

async fn what_counts_stands_by_days_and_returns_are_missing_on_the_day_of_their_purchase(shop: Campaign) {
    let tiers = with(by_years(), "visits", json!({ "activities": ["visit", "purchase"] }));
    open(&shop, &tiers).await;
    shop.apply(&[&buy("a", "2022-01-10", "80.50"), &visit("v", "2022-01-10"), &buy("b", "2022-01-12", "10.00")]).await;
    shop.apply(&[&back("r", "2022-02-01", "a", r#","amount":"30.00""#)]).await;
    assert_eq!(
        counted(&shop, "ann").await,
        [
            "2022-01-10 50 points",
            "2022-01-10 5050 spend",
            "2022-01-10 2 visits",
            "2022-01-12 10 points",
            "2022-01-12 1000 spend",
            "2022-01-12 1 visits"
        ]
    );
    shop.audits_clean().await;
    shop.apply(&[&back("s", "2022-02-02", "a", "")]).await;
    assert_eq!(
        counted(&shop, "ann").await,
        ["2022-01-10 2 visits", "2022-01-12 10 points", "2022-01-12 1000 spend", "2022-01-12 1 visits"]
    );
    shop.audits_clean().await;
}

async fn any_of_what_a_level_asks_for_is_enough(shop: Campaign) {
    let levels = json!([{ "name": "basic" }, { "name": "silver", "reach": { "points": "1000", "spend": "50.00", "visits": 3 } }]);
    let tiers = with(with(by_years(), "levels", levels), "visits", json!({ "activities": ["visit"] }));
    open(&shop, &tiers).await;
    let of = |member: &str, line: String| club::said_of(member, &line);
    assert_eq!(told(&shop.apply(&[&of("bob", buy("a", "2022-01-10", "49.99"))]).await), [""; 0]);
    assert_eq!(told(&shop.apply(&[&of("bob", buy("b", "2022-01-10", "0.01"))]).await).len(), 1);
    let visits = ["2022-01-10", "2022-01-11", "2022-01-11"].map(|day| visit(&format!("v{day}"), day));
    assert_eq!(told(&shop.apply(&[&visits[0], &visits[1], &visits[2]]).await), [""; 0], "one of them came twice");
    assert_eq!(
        told(&shop.apply(&[&visit("v", "2022-01-12")]).await),
        ["basic to silver since 2022-01-12 noon until 2024-01-01: Reached"]
    );
    shop.audits_clean().await;
}

async fn whatever_event_is_named_is_a_visit(shop: Campaign) {
    let levels = json!([{ "name": "basic" }, { "name": "silver", "reach": { "visits": 1 } }]);
    let tiers = with(with(by_years(), "levels", levels), "visits", json!({ "activities": ["redeem"] }));
    open(&shop, &tiers).await;
    let spend = |id: &str, points: &str| {
        format!(
            r#"{{"id":"{id}","type":"redeem","occurredAt":"2022-01-11T12:00:00Z","member":"ann","points":"{points}"}}"#
        )
    };
    shop.apply(&[&buy("a", "2022-01-10", "50.00")]).await;
    assert_eq!(told(&shop.apply(&[&spend("much", "51")]).await), [""; 0], "it is turned down");
    assert_eq!(
        told(&shop.apply(&[&spend("some", "20")]).await),
        ["basic to silver since 2022-01-11 noon until 2024-01-01: Reached"]
    );
    // What it moves is nothing that was earned.
    assert_eq!(counted(&shop, "ann").await, ["2022-01-10 50 points", "2022-01-10 5000 spend", "2022-01-11 1 visits"]);
    shop.audits_clean().await;
}

async fn reaching_it_again_keeps_it_longer(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-03-10", "100.00"), &buy("b", "2022-06-10", "100.00")]).await;
    assert_eq!(told(&shop.apply(&[&buy("c", "2023-05-10", "100.00")]).await), [""; 0], "it is the same level");
    assert_eq!(timers(&shop, "2024-06-01").await, [""; 0]);
    assert_eq!(timers(&shop, "2025-01-01").await, ["silver to basic since 2025-01-01 for ever: Lowered"]);
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-03-10 noon until 2024-01-01: Reached",
            "silver since 2023-05-10 noon until 2025-01-01: Kept",
            "basic since 2025-01-01 for ever: Lowered"
        ]
    );
}

async fn a_redelivery_counts_nothing_more(shop: Campaign) {
    open(&shop, &by_years()).await;
    let line = buy("a", "2022-03-10", "100.00");
    let first = told(&shop.apply(&[&line, &line]).await);
    assert_eq!((first.len(), told(&shop.apply(&[&line]).await)), (1, first), "and it is told again as it was");
    assert_eq!(counted(&shop, "ann").await, ["2022-03-10 100 points", "2022-03-10 10000 spend"]);
    assert_eq!(history(&shop, "ann").await.len(), 1);
}

async fn a_day_is_one_of_the_programmes_time_zone(shop: Campaign) {
    let mut program = club(&by_years());
    program["timeZone"] = json!("Pacific/Auckland");
    said(&shop, &program, "1970-01-01T00:00:00Z").await.unwrap();
    // 13 hours before UTC: the first is of the old year there, the second of the new one.
    let lines = [buy("a", "2021-12-31T10:59:59Z", "99.00"), buy("b", "2021-12-31T11:00:00Z", "99.00")];
    assert_eq!(told(&shop.apply(&[&lines[0], &lines[1]]).await), [""; 0]);
    assert_eq!(
        told(&shop.apply(&[&buy("c", "2022-12-31T10:59:59Z", "1.00")]).await),
        ["basic to silver since 2022-12-31T10:59:59Z until 2023-12-31T11:00:00Z: Reached"]
    );
    assert_eq!(timers(&shop, "2023-12-31T10:59:59Z").await, [""; 0]);
    assert_eq!(timers(&shop, "2023-12-31T11:00:00Z").await.len(), 1);
    shop.audits_clean().await;
}

async fn what_happened_before_there_were_tiers_does_not_count(shop: Campaign) {
    said(&shop, &club(&by_years()), "2022-06-01T00:00:00Z").await.unwrap();
    shop.apply(&[&buy("a", "2022-05-31", "100.00"), &buy("b", "2022-06-01", "60.00")]).await;
    assert_eq!(counted(&shop, "ann").await, ["2022-06-01 60 points", "2022-06-01 6000 spend"]);
    // A return of it takes nothing either.
    shop.apply(&[&back("r", "2022-06-02", "a", "")]).await;
    assert_eq!(counted(&shop, "ann").await.len(), 2);
    assert_eq!(history(&shop, "ann").await, [""; 0]);
}

async fn levels_and_the_wallet_that_counts_stay(shop: Campaign) {
    open(&shop, &by_years()).await;
    let fewer = json!([{ "name": "basic" }, { "name": "gold", "reach": { "points": "300" } }]);
    let more = json!([
        { "name": "basic" }, { "name": "bronze", "reach": { "points": "50" } }, { "name": "silver", "reach": { "points": "200" } },
        { "name": "gold", "reach": { "points": "300" } },
    ]);
    let mut none = club(&by_years());
    none.as_object_mut().unwrap().remove("tiers");
    for (program, problem) in [
        (club(&with(by_years(), "levels", fewer)), "level `silver` of an earlier version is missing"),
        (none, "level `basic` of an earlier version is missing"),
        (club(&with(by_years(), "points", json!({ "wallet": "cents" }))), "count points of wallet `cents`"),
    ] {
        let refused = said(&shop, &program, "2022-01-01T00:00:00Z").await.unwrap_err().to_string();
        assert!(refused.contains(problem), "{refused}");
    }
    shop.apply(&[&buy("a", "2022-01-10", "100.00")]).await;
    said(&shop, &club(&with(by_years(), "levels", more)), "2022-02-01T00:00:00Z").await.unwrap();
    // Silver is harder by now, and nobody loses it before its time.
    assert_eq!(told(&shop.apply(&[&buy("b", "2022-02-10", "1.00")]).await), [""; 0]);
    assert_eq!(timers(&shop, "2024-01-01").await, ["silver to basic since 2024-01-01 for ever: Lowered"]);
    shop.audits_clean().await;
}

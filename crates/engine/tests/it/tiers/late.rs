//! Events that come late: each counts on its own day, and may raise the tier from then on, or from where it stands by now.

use serde_json::json;

use super::club::{buy, by_years, history, open, timers, told, with};
use crate::budgets::campaign::{Campaign, on_both_stores};

on_both_stores! {
    a_late_event_counts_in_its_own_window
    a_late_event_may_be_enough_on_a_later_day
    a_late_event_raises_again_who_was_lowered_before_it_came
    a_late_event_whose_level_is_over_raises_nobody
    a_late_event_counts_since_the_level_of_its_own_day_began
    what_was_reached_since_is_not_lost_with_a_late_and_higher_level
}

async fn a_late_event_counts_in_its_own_window(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-11-10", "40.00"), &buy("b", "2023-02-01", "60.00")]).await;
    // 60 of 2023 and 50 of 2022 are not 110 of a year.
    assert_eq!(told(&shop.apply(&[&buy("late", "2022-12-20", "50.00")]).await), [""; 0]);
    assert_eq!(
        told(&shop.apply(&[&buy("later", "2022-12-21", "10.00")]).await),
        ["basic to silver since 2022-12-21 noon until 2024-01-01: Reached"]
    );
    shop.audits_clean().await;
}

async fn a_late_event_may_be_enough_on_a_later_day(shop: Campaign) {
    open(&shop, &with(by_years(), "window", json!({ "rolling": "30d" }))).await;
    shop.apply(&[&buy("a", "2022-03-01", "80.00")]).await;
    assert_eq!(
        told(&shop.apply(&[&buy("late", "2022-02-10", "20.00")]).await),
        ["basic to silver since 2022-03-01 until 2024-01-01: Reached"]
    );
    shop.audits_clean().await;
}

async fn a_late_event_raises_again_who_was_lowered_before_it_came(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-01-10", "100.00")]).await;
    assert_eq!(timers(&shop, "2024-01-05").await, ["silver to basic since 2024-01-01 for ever: Lowered"]);
    assert_eq!(
        told(&shop.apply(&[&buy("late", "2023-12-30", "100.00")]).await),
        ["basic to silver since 2024-01-01 until 2025-01-01: Reached"]
    );
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-01-10 noon until 2024-01-01: Reached",
            "basic since 2024-01-01 for ever: Lowered",
            "silver since 2024-01-01 until 2025-01-01: Reached"
        ]
    );
}

async fn a_late_event_whose_level_is_over_raises_nobody(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-01-10", "100.00")]).await;
    timers(&shop, "2024-01-05").await;
    assert_eq!(told(&shop.apply(&[&buy("late", "2022-12-30", "500.00")]).await), [""; 0]);
    assert_eq!(history(&shop, "ann").await.len(), 2);
}

async fn a_late_event_counts_since_the_level_of_its_own_day_began(shop: Campaign) {
    let levels = json!([
        { "name": "basic" }, { "name": "silver", "reach": { "points": "100" } }, { "name": "gold", "reach": { "points": "1000" } },
    ]);
    open(&shop, &with(with(by_years(), "levels", levels), "window", json!({ "sinceStart": true }))).await;
    shop.apply(&[&buy("a", "2022-06-10", "100.00"), &buy("b", "2023-05-10", "600.00")]).await;
    assert_eq!(timers(&shop, "2024-01-01").await, [""; 0], "silver is kept");
    // In time it would have made gold: the silver of that day began in 2022.
    assert_eq!(
        told(&shop.apply(&[&buy("late", "2023-12-30", "500.00")]).await),
        ["silver to gold since 2024-01-01 until 2025-01-01: Reached"]
    );
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-06-10 noon until 2024-01-01: Reached",
            "silver since 2024-01-01 until 2025-01-01: Kept",
            "gold since 2024-01-01 until 2025-01-01: Reached"
        ]
    );
}

async fn what_was_reached_since_is_not_lost_with_a_late_and_higher_level(shop: Campaign) {
    let levels = json!([
        { "name": "basic" }, { "name": "silver", "reach": { "points": "500" } }, { "name": "gold", "reach": { "points": "600" } },
    ]);
    let tiers = with(with(by_years(), "levels", levels), "window", json!({ "rolling": "4mo" }));
    open(&shop, &with(tiers, "validity", json!({ "for": "1mo" }))).await;
    shop.apply(&[&buy("a", "2022-01-05", "400.00"), &buy("b", "2022-06-10", "300.00")]).await;
    // It makes gold of March, and silver of June.
    assert_eq!(
        told(&shop.apply(&[&buy("late", "2022-03-01", "250.00")]).await),
        ["basic to gold since 2022-03-01 noon until 2022-04-02: Reached"]
    );
    assert_eq!(
        timers(&shop, "2022-06-11").await,
        [
            "gold to basic since 2022-06-02 for ever: Lowered",
            "basic to silver since 2022-06-10 until 2022-07-11: Reached"
        ]
    );
    assert_eq!(history(&shop, "ann").await.len(), 5);
    assert_eq!(timers(&shop, "2023-01-01").await, ["silver to basic since 2022-07-11 for ever: Lowered"]);
    shop.audits_clean().await;
}

//! The times in which something counts.

use serde_json::json;

use super::club::{buy, by_years, history, open, timers, told, with};
use crate::budgets::campaign::{Campaign, on_both_stores};

on_both_stores! {
    a_rolling_window_goes_back_from_the_day
    a_window_since_the_level_began_counts_for_its_review_and_for_the_next_level
    for_ever_is_all_time
}

async fn a_rolling_window_goes_back_from_the_day(shop: Campaign) {
    let tiers = with(with(by_years(), "window", json!({ "rolling": "12mo" })), "validity", json!({ "for": "6mo" }));
    open(&shop, &tiers).await;
    shop.apply(&[&buy("a", "2021-01-10", "99.00")]).await;
    assert_eq!(told(&shop.apply(&[&buy("b", "2022-01-10", "99.00")]).await), [""; 0], "a year and a day");
    assert_eq!(
        told(&shop.apply(&[&buy("c", "2022-01-20", "1.00")]).await),
        ["basic to silver since 2022-01-20 noon until 2022-07-21: Reached"]
    );
    assert_eq!(timers(&shop, "2023-03-01").await, ["silver to basic since 2023-01-21 for ever: Lowered"]);
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-01-20 noon until 2022-07-21: Reached",
            "silver since 2022-07-21 until 2023-01-21: Kept",
            "basic since 2023-01-21 for ever: Lowered"
        ]
    );
}

async fn a_window_since_the_level_began_counts_for_its_review_and_for_the_next_level(shop: Campaign) {
    let tiers = with(with(by_years(), "window", json!({ "sinceStart": true })), "validity", json!({ "for": "1y" }));
    open(&shop, &tiers).await;
    shop.apply(&[&buy("a", "2021-06-10", "50.00"), &buy("b", "2022-01-10", "50.00")]).await;
    // What reached silver does not count for gold.
    assert_eq!(told(&shop.apply(&[&buy("c", "2022-02-01", "250.00")]).await), [""; 0]);
    assert_eq!(
        told(&shop.apply(&[&buy("d", "2022-03-01", "50.00")]).await),
        ["silver to gold since 2022-03-01 noon until 2023-03-02: Reached"]
    );
    shop.apply(&[&buy("e", "2022-08-01", "120.00")]).await;
    assert_eq!(timers(&shop, "2023-03-02").await, ["gold to silver since 2023-03-02 until 2024-03-02: Lowered"]);
    shop.apply(&[&buy("f", "2023-03-02", "100.00")]).await;
    assert_eq!(timers(&shop, "2026-03-01").await, ["silver to basic since 2025-03-02 for ever: Lowered"]);
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-01-10 noon until 2023-01-11: Reached",
            "gold since 2022-03-01 noon until 2023-03-02: Reached",
            "silver since 2023-03-02 until 2024-03-02: Lowered",
            "silver since 2024-03-02 until 2025-03-02: Kept",
            "basic since 2025-03-02 for ever: Lowered"
        ]
    );
}

async fn for_ever_is_all_time(shop: Campaign) {
    let mut tiers = with(by_years(), "window", json!({ "forEver": true }));
    tiers.as_object_mut().unwrap().remove("validity");
    open(&shop, &tiers).await;
    shop.apply(&[&buy("a", "2015-01-10", "60.00")]).await;
    assert_eq!(
        told(&shop.apply(&[&buy("b", "2022-01-10", "40.00")]).await),
        ["basic to silver since 2022-01-10 noon for ever: Reached"]
    );
    assert_eq!(timers(&shop, "2026-01-01").await, [""; 0]);
    shop.audits_clean().await;
}

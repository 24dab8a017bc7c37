//! What a review does, whoever brings it up and however late.

use serde_json::json;

use super::club::{back, buy, by_years, history, open, timers, told, visit, with};
use crate::budgets::campaign::{Campaign, on_both_stores};
use crate::shop::pipeline;

on_both_stores! {
    a_return_keeps_the_level_until_its_review
    a_review_lowers_to_what_is_due_or_by_one_level_or_never
    a_review_by_an_event_is_the_one_by_a_timer
    three_missed_reviews_come_at_their_own_times
    in_a_night_a_tier_is_reviewed_before_points_end
    where_levels_have_no_end_any_more_a_review_keeps_the_one_that_is_there
}

async fn a_return_keeps_the_level_until_its_review(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-01-10", "100.00")]).await;
    assert_eq!(told(&shop.apply(&[&back("r", "2022-02-01", "a", "")]).await), [""; 0]);
    assert_eq!(told(&shop.apply(&[&buy("b", "2022-03-01", "60.00")]).await), [""; 0]);
    assert_eq!(timers(&shop, "2023-12-31").await, [""; 0]);
    assert_eq!(timers(&shop, "2024-01-01").await, ["silver to basic since 2024-01-01 for ever: Lowered"]);
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), None);
    shop.audits_clean().await;
}

async fn a_review_lowers_to_what_is_due_or_by_one_level_or_never(shop: Campaign) {
    // Each of a member of their own, by the rules of the day.
    for (member, downgrade, expected) in [
        ("ann", "ToDue", ["gold to basic since 2024-01-01 for ever: Lowered"].as_slice()),
        (
            "bob",
            "OneLevel",
            &[
                "gold to silver since 2024-01-01 until 2025-01-01: Lowered",
                "silver to basic since 2025-01-01 for ever: Lowered",
            ],
        ),
        ("cas", "Never", &[]),
    ] {
        open(&shop, &with(by_years(), "downgrade", json!(downgrade))).await;
        shop.apply(&[&super::club::said_of(member, &buy("a", "2022-01-10", "300.00"))]).await;
        assert_eq!(timers(&shop, "2025-06-01").await, expected, "{downgrade}");
        shop.audits_clean().await;
    }
    assert_eq!(
        history(&shop, "cas").await,
        [
            "gold since 2022-01-10 noon until 2024-01-01: Reached",
            "gold since 2024-01-01 until 2025-01-01: Kept",
            "gold since 2025-01-01 until 2026-01-01: Kept"
        ]
    );
}

async fn a_review_by_an_event_is_the_one_by_a_timer(shop: Campaign) {
    open(&shop, &with(by_years(), "downgrade", json!("OneLevel"))).await;
    for member in ["ann", "bob"] {
        shop.apply(&[&super::club::said_of(member, &buy("a", "2022-01-10", "300.00"))]).await;
    }
    let by_event = told(&shop.apply(&[&visit("v", "2024-03-01")]).await);
    assert_eq!(by_event, timers(&shop, "2024-03-01").await);
    assert_eq!(by_event, ["gold to silver since 2024-01-01 until 2025-01-01: Lowered"]);
    assert_eq!(history(&shop, "ann").await, history(&shop, "bob").await);
}

async fn three_missed_reviews_come_at_their_own_times(shop: Campaign) {
    open(&shop, &with(by_years(), "downgrade", json!("Never"))).await;
    for member in ["ann", "bob"] {
        shop.apply(&[&super::club::said_of(member, &buy("a", "2022-01-10", "100.00"))]).await;
    }
    shop.apply(&[&visit("v", "2025-12-31")]).await;
    assert_eq!(timers(&shop, "2025-12-31").await, [""; 0]);
    shop.apply(&[&visit("w", "2026-01-15")]).await;
    assert_eq!(timers(&shop, "2026-01-15").await, [""; 0]);
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-01-10 noon until 2024-01-01: Reached",
            "silver since 2024-01-01 until 2025-01-01: Kept",
            "silver since 2025-01-01 until 2026-01-01: Kept",
            "silver since 2026-01-01 until 2027-01-01: Kept"
        ]
    );
    assert_eq!(history(&shop, "ann").await, history(&shop, "bob").await);
}

async fn in_a_night_a_tier_is_reviewed_before_points_end(shop: Campaign) {
    let mut program = super::club::club(&by_years());
    program["wallets"][0]["expiry"] = json!({ "after": "1y", "roundUpTo": "Year" });
    super::club::said(&shop, &program, "1970-01-01T00:00:00Z").await.unwrap();
    shop.apply(&[&buy("a", "2022-01-10", "100.00")]).await;
    let by = "2024-01-01T00:00:00Z".parse().unwrap();
    let settled = shop.engine.settle_due(by, 10, &std::collections::HashSet::new()).await.unwrap().unwrap();
    let types: Vec<_> = settled.results.iter().map(|result| result.body.type_name()).collect();
    assert_eq!(types, ["tier.changed", "points.expired"]);
    shop.audits_clean().await;
}

async fn where_levels_have_no_end_any_more_a_review_keeps_the_one_that_is_there(shop: Campaign) {
    // Gold of 2019 is over, and does not come again, whether a batch has its day before it or not.
    let lines = [buy("a", "2019-01-10", "300.00"), buy("b", "2022-01-10", "100.00"), visit("v", "2024-02-01")];
    for size in [1, 3] {
        let shop = shop.fresh_one().await;
        open(&shop, &by_years()).await;
        let mut tiers = by_years();
        tiers.as_object_mut().unwrap().remove("validity");
        super::club::said(&shop, &super::club::club(&tiers), "2023-06-01T00:00:00Z").await.unwrap();
        for batch in lines.chunks(size) {
            shop.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
        assert_eq!(
            history(&shop, "ann").await,
            [
                "gold since 2019-01-10 noon until 2021-01-01: Reached",
                "basic since 2021-01-01 for ever: Lowered",
                "silver since 2022-01-10 noon until 2024-01-01: Reached",
                "silver since 2024-01-01 for ever: Kept"
            ]
        );
        assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), None);
    }
}

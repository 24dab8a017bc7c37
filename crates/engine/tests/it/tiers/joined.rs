//! Tiers of members who become one, and of one who is forgotten.

use serde_json::json;

use super::club::{buy, by_years, counted, history, open, report, said_of, timers, told, with};
use crate::budgets::campaign::{Campaign, on_both_stores};
use crate::shop::pipeline;

on_both_stores! {
    the_higher_tier_stays_whoever_has_it
    what_counts_of_both_may_be_enough
    one_whose_time_was_over_is_reviewed_with_what_counts_of_both
    what_comes_in_the_name_that_was_merged_counts_for_the_one_who_has_it
    of_an_erased_member_no_tier_is_kept
}

fn merge(from: &str, into: &str, when: &str) -> String {
    format!(
        r#"{{"id":"m-{from}","type":"merge","occurredAt":"{when}T12:00:00Z","member":"{from}","into":"{into}","reason":"one person","author":"bea"}}"#
    )
}

async fn the_higher_tier_stays_whoever_has_it(shop: Campaign) {
    open(&shop, &by_years()).await;
    for (member, amount) in [("ann", "100.00"), ("bob", "300.00"), ("cas", "150.00")] {
        shop.apply(&[&said_of(member, &buy("a", "2022-01-10", amount))]).await;
    }
    assert_eq!(
        told(&shop.apply(&[&merge("bob", "ann", "2022-06-01")]).await),
        ["silver to gold since 2022-06-01 noon until 2024-01-01: Merged"]
    );
    assert_eq!(told(&shop.apply(&[&merge("cas", "ann", "2022-07-01")]).await), [""; 0]);
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-01-10 noon until 2024-01-01: Reached",
            "gold since 2022-06-01 noon until 2024-01-01: Merged"
        ]
    );
    assert_eq!(report(&shop, "ann").await.history.iter().filter(|line| line.of_merged).count(), 2);
    assert_eq!(report(&shop, "bob").await.history, []);
    assert_eq!(counted(&shop, "ann").await, ["2022-01-10 550 points", "2022-01-10 55000 spend"]);
    assert_eq!(timers(&shop, "2024-01-01").await, ["gold to basic since 2024-01-01 for ever: Lowered"]);
    shop.audits_clean().await;
}

async fn what_counts_of_both_may_be_enough(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-01-10", "60.00"), &said_of("bob", &buy("b", "2022-02-10", "60.00"))]).await;
    assert_eq!(
        told(&shop.apply(&[&merge("bob", "ann", "2022-06-01")]).await),
        ["basic to silver since 2022-06-01 noon until 2024-01-01: Reached"]
    );
    assert_eq!(history(&shop, "ann").await.len(), 1);
}

async fn one_whose_time_was_over_is_reviewed_with_what_counts_of_both(shop: Campaign) {
    open(&shop, &by_years()).await;
    // Both were silver in 2022; in 2023 each was a half of it.
    for member in ["ann", "bob"] {
        let lines = [buy("a", "2022-01-10", "100.00"), buy("b", "2023-02-10", "60.00")];
        let lines = lines.map(|line| said_of(member, &line));
        shop.apply(&[&lines[0], &lines[1]]).await;
    }
    assert_eq!(told(&shop.apply(&[&merge("bob", "ann", "2024-01-15")]).await), [""; 0]);
    assert_eq!(
        history(&shop, "ann").await,
        ["silver since 2022-01-10 noon until 2024-01-01: Reached", "silver since 2024-01-01 until 2025-01-01: Kept"]
    );
}

async fn what_comes_in_the_name_that_was_merged_counts_for_the_one_who_has_it(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-01-10", "60.00"), &said_of("bob", &buy("b", "2022-02-10", "10.00"))]).await;
    shop.apply(&[&merge("bob", "ann", "2022-06-01")]).await;
    assert_eq!(
        told(&shop.apply(&[&said_of("bob", &buy("c", "2022-06-02", "30.00"))]).await),
        ["basic to silver since 2022-06-02 noon until 2024-01-01: Reached"]
    );
    shop.audits_clean().await;
}

async fn of_an_erased_member_no_tier_is_kept(shop: Campaign) {
    open(&shop, &with(by_years(), "downgrade", json!("OneLevel"))).await;
    shop.apply(&[&buy("a", "2022-01-10", "300.00"), &said_of("bob", &buy("b", "2022-01-10", "300.00"))]).await;
    shop.apply(&[&merge("bob", "ann", "2022-06-01")]).await;
    let erase = r#"{"id":"x","type":"erase","occurredAt":"2022-07-01T12:00:00Z","member":"ann","reason":"asked for it","author":"bea"}"#;
    shop.apply(&[&buy("c", "2022-06-30", "5.00"), erase]).await;
    shop.audits_clean().await;
    assert_eq!(report(&shop, "ann").await, ledger::report::TiersReport::default());
    assert_eq!(shop.ledger.next_due(&pipeline()).await.unwrap(), None);
    assert_eq!(timers(&shop, "2026-01-01").await, [""; 0]);
}

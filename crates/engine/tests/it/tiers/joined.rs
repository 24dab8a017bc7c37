//! Tiers of members who become one, and of one who is forgotten.

use serde_json::json;

use super::club::{back, buy, by_years, counted, history, open, report, said_of, time, timers, told, visit, with};
use crate::budgets::campaign::{Campaign, on_both_stores};
use crate::shop::pipeline;

on_both_stores! {
    the_higher_tier_stays_whoever_has_it
    what_counts_of_both_may_be_enough
    one_whose_time_was_over_is_reviewed_before_what_counts_of_both
    a_level_that_a_review_keeps_is_not_lost_by_a_merge_before_it
    a_level_that_a_review_takes_hides_no_lower_one_of_the_other
    a_merge_that_comes_late_gives_no_tier_that_is_over
    nobody_gets_a_tier_by_a_merge_before_the_other_one_had_it
    where_levels_hold_for_ever_a_merge_looks_at_its_window_only
    what_comes_in_the_name_that_was_merged_counts_for_the_one_who_has_it
    of_an_erased_member_no_tier_is_kept
}

pub(super) fn merge(from: &str, into: &str, when: &str) -> String {
    let at = time(when);
    format!(
        r#"{{"id":"m-{from}","type":"merge","occurredAt":"{at}","member":"{from}","into":"{into}","reason":"one person","author":"bea"}}"#
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

/// Had a timer come between, silver would have ended; so it ends here, and what counts of both brings it again. A merge that reviewed ann by
/// what counts of both would have kept her silver, and a timer that was faster would have taken it.
async fn one_whose_time_was_over_is_reviewed_before_what_counts_of_both(shop: Campaign) {
    // Both were silver in 2022; in 2023 each was a half of it.
    let lines = ["ann", "bob"].map(|member| {
        let lines = [buy("a", "2022-01-10", "100.00"), buy("b", "2023-02-10", "60.00")];
        lines.map(|line| said_of(member, &line))
    });
    whoever_is_first(
        &shop,
        ("ToDue", &lines.concat(), "2024-01-15"),
        &[
            "silver since 2022-01-10 noon until 2024-01-01: Reached",
            "basic since 2024-01-01 for ever: Lowered",
            "silver since 2024-01-15 noon until 2025-01-01: Reached",
        ],
    )
    .await;
}

/// Bob becomes ann, with a timer right before that and without one: she has the same lines.
async fn whoever_is_first(shop: &Campaign, (downgrade, lines, when): (&str, &[String], &str), expected: &[&str]) {
    let midnight = format!("{}T00:00:00Z", &when[..10]);
    for is_timer_first in [true, false] {
        let shop = shop.fresh_one().await;
        open(&shop, &with(by_years(), "downgrade", json!(downgrade))).await;
        shop.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
        if is_timer_first {
            timers(&shop, &midnight).await;
        }
        shop.apply(&[&merge("bob", "ann", when)]).await;
        assert_eq!(history(&shop, "ann").await, expected, "{downgrade}, timer first: {is_timer_first}");
    }
}

async fn a_level_that_a_review_keeps_is_not_lost_by_a_merge_before_it(shop: Campaign) {
    let lines = [visit("v", "2022-01-10"), said_of("bob", &buy("a", "2022-01-10", "300.00"))];
    for (downgrade, expected) in [
        ("Never", "gold since 2024-01-01T00:20:00Z until 2025-01-01: Merged"),
        ("OneLevel", "silver since 2024-01-01T00:20:00Z until 2025-01-01: Merged"),
    ] {
        whoever_is_first(&shop, (downgrade, &lines, "2024-01-01T00:20:00Z"), &[expected]).await;
    }
}

async fn a_level_that_a_review_takes_hides_no_lower_one_of_the_other(shop: Campaign) {
    // What made bob silver was returned: only its time keeps it.
    let bob = [buy("a", "2023-03-10", "100.00"), back("r", "2023-03-20", "a", "")].map(|line| said_of("bob", &line));
    let lines = [&[buy("a", "2022-01-10", "300.00")], &bob[..]].concat();
    whoever_is_first(
        &shop,
        ("ToDue", &lines, "2024-01-01T00:20:00Z"),
        &[
            "gold since 2022-01-10 noon until 2024-01-01: Reached",
            "basic since 2024-01-01 for ever: Lowered",
            "silver since 2024-01-01T00:20:00Z until 2025-01-01: Merged",
        ],
    )
    .await;
}

async fn a_merge_that_comes_late_gives_no_tier_that_is_over(shop: Campaign) {
    for (downgrade, expected) in
        [("ToDue", &[][..]), ("Never", &["silver to gold since 2024-01-01 until 2025-01-01: Merged"])]
    {
        let shop = shop.fresh_one().await;
        open(&shop, &with(by_years(), "downgrade", json!(downgrade))).await;
        let lines = [buy("a", "2022-01-10", "100.00"), said_of("bob", &buy("a", "2022-02-10", "300.00"))];
        // Ann was reviewed by her visit, and bob by nothing.
        shop.apply(&[&lines[0], &lines[1], &visit("v", "2024-02-01")]).await;
        assert_eq!(told(&shop.apply(&[&merge("bob", "ann", "2023-12-31")]).await), expected, "{downgrade}");
        shop.audits_clean().await;
    }
}

async fn nobody_gets_a_tier_by_a_merge_before_the_other_one_had_it(shop: Campaign) {
    for (when, since) in [("2024-02-01", "2024-02-01 noon"), ("2024-01-05", "2024-01-15 noon")] {
        let shop = shop.fresh_one().await;
        open(&shop, &by_years()).await;
        let lines = [buy("a", "2022-01-10", "100.00"), said_of("bob", &buy("a", "2024-01-15", "300.00"))];
        shop.apply(&[&lines[0], &lines[1]]).await;
        assert_eq!(
            told(&shop.apply(&[&merge("bob", "ann", when)]).await),
            [
                "silver to basic since 2024-01-01 for ever: Lowered".to_owned(),
                format!("basic to gold since {since} until 2026-01-01: Merged")
            ]
        );
        shop.audits_clean().await;
    }
}

async fn where_levels_hold_for_ever_a_merge_looks_at_its_window_only(shop: Campaign) {
    let mut tiers = by_years();
    tiers.as_object_mut().unwrap().remove("validity");
    open(&shop, &tiers).await;
    for (member, amount) in [("ann", "60.00"), ("bob", "60.00")] {
        shop.apply(&[&said_of(member, &buy("a", "2022-01-10", amount))]).await;
    }
    shop.apply(&[&buy("b", "2023-01-10", "60.00"), &said_of("cas", &buy("a", "2023-01-10", "50.00"))]).await;
    assert_eq!(told(&shop.apply(&[&merge("bob", "ann", "2023-06-01")]).await), [""; 0]);
    assert_eq!(
        told(&shop.apply(&[&merge("cas", "ann", "2023-06-02")]).await),
        ["basic to silver since 2023-06-02 noon for ever: Reached"]
    );
    shop.audits_clean().await;
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

//! Tiers that members bring along from another system.

use contract::result::ResultBody;
use engine::Settled;
use serde_json::json;

use super::club::{buy, by_years, history, open, report, said_of, time, timers, told, with};
use crate::budgets::campaign::{Campaign, on_both_stores};

on_both_stores! {
    a_tier_that_is_brought_along_holds_until_its_end_and_is_reviewed_then
    without_an_end_it_holds_as_one_that_was_reached_then
    who_has_it_already_keeps_it_until_the_later_end
    a_higher_tier_stays_and_says_so
    what_no_level_of_the_programme_can_be_is_buried
    it_goes_along_with_a_merge_and_is_gone_with_its_member
    what_is_reached_after_it_counts_as_ever
    tables_of_before_keep_their_lines_and_take_it
}

fn promote(id: &str, when: &str, tier: &str, rest: &str) -> String {
    let at = time(when);
    format!(
        r#"{{"id":"{id}","type":"promote","occurredAt":"{at}","member":"ann","tier":"{tier}","reason":"moved","author":"bea"{rest}}}"#
    )
}

fn until(day: &str) -> String {
    format!(r#","until":"{day}T00:00:00Z""#)
}

fn refused(settled: &[Settled]) -> String {
    match &settled[0] {
        Settled::Buried(refusal) => format!("{}: {}", refusal.reason, refusal.detail),
        Settled::Fresh { results, .. } => match &results[0].body {
            ResultBody::PromotionRejected(rejected) => {
                let until = rejected.has_until.map(|until| until.to_string()).unwrap_or_default();
                format!("not {}, has {} {until}", rejected.tier, rejected.has)
            }
            other => panic!("{other:?}"),
        },
        other @ Settled::Replayed { .. } => panic!("{other:?}"),
    }
}

async fn a_tier_that_is_brought_along_holds_until_its_end_and_is_reviewed_then(shop: Campaign) {
    open(&shop, &by_years()).await;
    let gold = promote("p", "2022-03-01", "gold", &until("2022-07-01"));
    assert_eq!(told(&shop.apply(&[&gold]).await), ["basic to gold since 2022-03-01 noon until 2022-07-01: Imported"]);
    assert_eq!(told(&shop.apply(&[&gold]).await).len(), 1, "the same is told again");
    assert_eq!(told(&shop.apply(&[&buy("a", "2022-04-01", "120.00")]).await), [""; 0], "silver is no more");
    assert_eq!(timers(&shop, "2022-07-01").await, ["gold to silver since 2022-07-01 until 2024-01-01: Lowered"]);
    assert_eq!(
        history(&shop, "ann").await,
        ["gold since 2022-03-01 noon until 2022-07-01: Imported", "silver since 2022-07-01 until 2024-01-01: Lowered"]
    );
}

async fn without_an_end_it_holds_as_one_that_was_reached_then(shop: Campaign) {
    open(&shop, &by_years()).await;
    assert_eq!(
        told(&shop.apply(&[&promote("p", "2022-03-01", "silver", "")]).await),
        ["basic to silver since 2022-03-01 noon until 2024-01-01: Imported"]
    );
    let shop = shop.fresh_one().await;
    let levels = json!([{ "name": "basic" }, { "name": "silver", "reach": { "points": "100" } }]);
    open(&shop, &json!({ "levels": levels, "window": { "forEver": true } })).await;
    assert_eq!(
        told(&shop.apply(&[&promote("p", "2022-03-01", "silver", "")]).await),
        ["basic to silver since 2022-03-01 noon for ever: Imported"]
    );
    let end = promote("q", "2022-03-01", "silver", &until("2023-01-01"));
    let ended = refused(&shop.try_apply(&[&end]).await.unwrap());
    assert!(ended.contains("`until` is an end, but levels of the programme hold for ever"), "{ended}");
    shop.audits_clean().await;
}

async fn who_has_it_already_keeps_it_until_the_later_end(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-02-01", "100.00")]).await;
    for (id, end) in [("earlier", "2023-06-01"), ("same", "2024-01-01"), ("later", "2025-01-01")] {
        assert_eq!(told(&shop.apply(&[&promote(id, "2022-03-01", "silver", &until(end))]).await), [""; 0], "{id}");
    }
    assert_eq!(told(&shop.apply(&[&promote("first", "2022-03-01", "silver", "")]).await), [""; 0]);
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-02-01 noon until 2024-01-01: Reached",
            "silver since 2022-03-01 noon until 2025-01-01: Imported"
        ]
    );
    // What is said late cannot begin before the line that stands.
    shop.apply(&[&promote("gold", "2022-01-01", "gold", &until("2023-01-01"))]).await;
    assert_eq!(history(&shop, "ann").await[2], "gold since 2022-03-01 noon until 2023-01-01: Imported");
}

async fn a_higher_tier_stays_and_says_so(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-02-01", "300.00")]).await;
    let silver = shop.apply(&[&promote("p", "2022-03-01", "silver", &until("2030-01-01"))]).await;
    assert_eq!(refused(&silver), "not silver, has gold 2024-01-01T00:00:00Z");
    assert_eq!(
        refused(&shop.apply(&[&promote("q", "2022-03-01", "basic", "")]).await),
        "not basic, has gold 2024-01-01T00:00:00Z"
    );
    assert_eq!(history(&shop, "ann").await.len(), 1);
}

async fn what_no_level_of_the_programme_can_be_is_buried(shop: Campaign) {
    let none = refused(&shop.try_apply(&[&promote("p", "2022-03-01", "silver", "")]).await.unwrap());
    assert!(none.contains("`tier` is `silver`, and the programme has no tiers; add `program.tiers`"), "{none}");
    open(&shop, &by_years()).await;
    for (event, says) in [
        (
            promote("p", "2022-03-01", "golden", ""),
            "`tier` is `golden`, which is no level of the programme; it has `basic`, `silver`, `gold`",
        ),
        (promote("p", "2022-03-01", "basic", &until("2023-01-01")), "`until` is the end of a level that everybody has"),
    ] {
        let told = refused(&shop.try_apply(&[&event]).await.unwrap());
        assert!(told.contains(says), "{told}");
    }
    // Nothing is given to whom everybody's is said of.
    assert_eq!(told(&shop.apply(&[&promote("b", "2022-03-01", "basic", "")]).await), [""; 0]);
    assert_eq!(history(&shop, "ann").await, [""; 0]);
}

async fn it_goes_along_with_a_merge_and_is_gone_with_its_member(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&promote("p", "2022-03-01", "gold", ""), &said_of("bob", &buy("a", "2022-03-01", "1.00"))]).await;
    let merge = r#"{"id":"m","type":"merge","occurredAt":"2022-04-01T12:00:00Z","member":"ann","into":"bob","reason":"x","author":"y"}"#;
    assert_eq!(told(&shop.apply(&[merge]).await), ["basic to gold since 2022-04-01 noon until 2024-01-01: Merged"]);
    assert_eq!(report(&shop, "bob").await.history.len(), 2);
    let erase =
        r#"{"id":"e","type":"erase","occurredAt":"2022-05-01T12:00:00Z","member":"bob","reason":"x","author":"y"}"#;
    shop.apply(&[erase]).await;
    shop.audits_clean().await;
}

async fn what_is_reached_after_it_counts_as_ever(shop: Campaign) {
    let validity = json!({ "for": "1y" });
    open(&shop, &with(by_years(), "validity", validity)).await;
    shop.apply(&[&promote("p", "2022-03-01", "silver", "")]).await;
    // Reached here, too: it holds from that day on as long as any.
    assert_eq!(told(&shop.apply(&[&buy("a", "2022-06-01", "100.00")]).await), [""; 0]);
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-03-01 noon until 2023-03-02: Imported",
            "silver since 2022-06-01 noon until 2023-06-02: Kept"
        ]
    );
    assert_eq!(
        told(&shop.apply(&[&buy("b", "2022-07-01", "200.00")]).await),
        ["silver to gold since 2022-07-01 noon until 2023-07-02: Reached"]
    );
}

/// The tables as they were before tiers could be brought along (of an embedded one the check cannot be taken back), with a line in them.
async fn tables_of_before_keep_their_lines_and_take_it(shop: Campaign) {
    open(&shop, &by_years()).await;
    shop.apply(&[&buy("a", "2022-02-01", "100.00")]).await;
    if shop.url.starts_with("postgres") {
        let before = "alter table tier_history drop constraint tier_history_reason_check; alter table tier_history add constraint
            tier_history_reason_check check (reason in ('Reached', 'Kept', 'Lowered', 'Merged'))";
        shop.tamper(before).await;
    }
    shop.tamper("delete from refinery_schema_history where version > 23").await;
    let shop = shop.beside().await;
    shop.ledger.migrate().await.unwrap();
    shop.apply(&[&promote("p", "2022-03-01", "gold", "")]).await;
    assert_eq!(
        history(&shop, "ann").await,
        [
            "silver since 2022-02-01 noon until 2024-01-01: Reached",
            "gold since 2022-03-01 noon until 2024-01-01: Imported"
        ]
    );
}

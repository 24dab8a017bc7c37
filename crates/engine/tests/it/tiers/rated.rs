//! Rules that look at the tier: the one that the member had when it happened, as recorded so far; and nothing is rated twice.

use serde_json::json;

use super::club::{back, buy, by_years, club, told};
use crate::budgets::campaign::{Campaign, on_both_stores};
use crate::shop::{earn, pipeline};

on_both_stores! {
    a_rule_pays_by_the_tier_that_the_member_had
    a_refund_is_of_the_tier_that_paid
}

/// A point a unit of money, and for gold another ten that are no part of what counts.
async fn gold_pays_more(shop: &Campaign) {
    let program = serde_json::from_value(club(&by_years())).unwrap();
    let mut more = earn("gold", "10");
    more["when"] = json!("member.tier == 'gold'");
    more["earn"]["wallet"] = json!("cents");
    let rules: Vec<contract::program::Rule> = serde_json::from_value(json!([earn("base", "1"), more])).unwrap();
    let since = ledger::Since { valid_from: Some(jiff::Timestamp::UNIX_EPOCH), author: "test".into() };
    let ruleset = contract::ruleset::Ruleset::new(&program, &rules);
    shop.ledger.append_timeline(&pipeline(), &ruleset, &since).await.unwrap();
}

async fn cents(shop: &Campaign) -> String {
    let member = contract::MemberId::parse("ann").unwrap();
    let wallets = shop.ledger.balance(&pipeline(), &member).await.unwrap().unwrap_or_default();
    wallets
        .iter()
        .find(|balance| balance.wallet.as_str() == "cents")
        .map_or("0".to_owned(), |of| of.available.to_string())
}

async fn a_rule_pays_by_the_tier_that_the_member_had(shop: Campaign) {
    gold_pays_more(&shop).await;
    // The one that makes gold is paid as it was before it; the next one of the same batch is gold's.
    shop.apply(&[&buy("a", "2022-03-10", "300.00"), &buy("b", "2022-03-11", "1.00")]).await;
    assert_eq!(cents(&shop).await, "10.00");
    // Late: it was of a time before gold.
    shop.apply(&[&buy("late", "2022-03-09", "1.00")]).await;
    assert_eq!(cents(&shop).await, "10.00");
    // The time of gold is over, and the event itself finds that out.
    shop.apply(&[&buy("c", "2024-01-01", "1.00")]).await;
    assert_eq!(cents(&shop).await, "10.00");
    // Late again, of the time of gold.
    shop.apply(&[&buy("d", "2023-12-31", "2.00")]).await;
    assert_eq!(cents(&shop).await, "30.00");
    shop.audits_clean().await;
}

async fn a_refund_is_of_the_tier_that_paid(shop: Campaign) {
    gold_pays_more(&shop).await;
    shop.apply(&[&buy("a", "2022-03-10", "300.00"), &buy("b", "2022-03-11", "10.00")]).await;
    assert_eq!(cents(&shop).await, "100.00");
    // By then ann is basic again: what is kept of the order is still gold's.
    let lowered = shop.apply(&[&back("r", "2024-02-01", "b", r#","amount":"4.00""#)]).await;
    assert_eq!(told(&lowered), ["gold to basic since 2024-01-01 for ever: Lowered"]);
    assert_eq!(cents(&shop).await, "60.00");
    // And what was bought before gold is owed nothing of it.
    shop.apply(&[&back("s", "2024-02-02", "a", r#","amount":"4.00""#)]).await;
    assert_eq!(cents(&shop).await, "60.00");
    shop.audits_clean().await;
}

//! What refunds take back of a budget's awards can be given again; what they leave, and what was given to others, cannot.

use serde_json::json;

use super::campaign::{Campaign, base_and_spring, buy, on_both_stores, refund};
use super::told;
use crate::shop::earn;

on_both_stores! {
    a_refund_opens_room_again
    what_was_waived_stays_used
    a_clipped_award_is_refunded_as_it_was_given
    a_refund_that_waited_gives_back_what_its_purchase_took
    what_came_back_and_was_given_to_others_does_not_come_again
    what_came_back_comes_again_where_there_is_room
    a_refund_of_an_order_of_earlier_rules_gives_back
    an_erased_member_changes_nothing_of_what_was_given
    a_refund_by_a_worker_without_a_slice_gives_back
    a_refund_after_a_merge_gives_back
}

async fn a_refund_opens_room_again(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "100").await;
    campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    assert_eq!(told(&campaign.apply(&[&buy("o2", "bob", "10.00")]).await[0])[0], "earned 10");
    campaign.apply(&[&refund("r1", "ann", "o1", r#","amount":"4.00""#)]).await;
    assert_eq!(campaign.stands().await, "60 used, 40 left");
    campaign.audits_clean().await;
    assert_eq!(told(&campaign.apply(&[&buy("o3", "bob", "10.00")]).await[0])[0], "earned 50");
    campaign.apply(&[&refund("r2", "ann", "o1", "")]).await;
    assert_eq!((campaign.stands().await.as_str(), campaign.available("ann").await.as_str()), ("40 used, 60 left", "0"));
    campaign.audits_clean().await;
}

async fn what_was_waived_stays_used(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "100").await;
    campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    let spend = r#"{"id":"s1","type":"redeem","occurredAt":"2026-01-11T12:00:00Z","member":"ann","points":"70"}"#;
    campaign.apply(&[spend]).await;
    campaign.apply(&[&refund("r1", "ann", "o1", "")]).await;
    // Of 110 that are due 40 are there; the first rule's 10 are the first to be taken.
    let awards = campaign.explain("o1").await;
    let taken: Vec<_> = awards.iter().map(|award| format!("{} {}", award.taken, award.waived)).collect();
    assert_eq!(taken, ["10 0", "30 70"]);
    assert_eq!(campaign.stands().await, "70 used, 30 left");
    campaign.audits_clean().await;
}

async fn a_clipped_award_is_refunded_as_it_was_given(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "30").await;
    campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    assert_eq!(campaign.available("ann").await, "40");
    // Half of the order would earn 50 of the budget, so that it keeps the 30 that it has.
    campaign.apply(&[&refund("r1", "ann", "o1", r#","amount":"5.00""#)]).await;
    assert_eq!((campaign.available("ann").await.as_str(), campaign.stands().await.as_str()), ("35", "30 used, 0 left"));
    // A tenth would earn 10.
    campaign.apply(&[&refund("r2", "ann", "o1", r#","amount":"4.00""#)]).await;
    assert_eq!(
        (campaign.available("ann").await.as_str(), campaign.stands().await.as_str()),
        ("11", "10 used, 20 left")
    );
    campaign.audits_clean().await;
    campaign.apply(&[&refund("r3", "ann", "o1", "")]).await;
    assert_eq!((campaign.available("ann").await.as_str(), campaign.stands().await.as_str()), ("0", "0 used, 30 left"));
    campaign.audits_clean().await;
}

async fn a_refund_that_waited_gives_back_what_its_purchase_took(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "100").await;
    campaign.apply(&[&refund("r1", "ann", "o1", r#","amount":"4.00""#)]).await;
    // In the same batch: what comes back of the first order is there for the second one.
    let settled = campaign.apply(&[&buy("o1", "ann", "10.00"), &buy("o2", "bob", "10.00")]).await;
    assert_eq!(told(&settled[1]), ["earned 50", "spring gave spring 40 of 100"]);
    assert_eq!(campaign.stands().await, "100 used, 0 left");
    campaign.audits_clean().await;
}

/// 50 out of the budget if an order has exactly one line.
fn single() -> serde_json::Value {
    json!([earn("base", "1"), { "name": "single", "on": "purchase", "when": "size(event.lines) != 2",
        "earn": { "wallet": "points", "fixed": "50", "budget": "spring" } }])
}

fn three_lines(order: &str) -> String {
    let line = |id: &str| format!(r#"{{"line":"{id}","sku":"{id}","quantity":"1","amount":"10.00"}}"#);
    let lines = [line("a"), line("b"), line("c")].join(",");
    buy(order, "ann", "30.00").replace(r#","amount":"30.00"}"#, &format!(r#","amount":"30.00","lines":[{lines}]}}"#))
}

fn returns(id: &str, line: &str) -> String {
    refund(id, "ann", "o1", &format!(r#","lines":[{{"line":"{line}"}}]"#))
}

async fn what_came_back_and_was_given_to_others_does_not_come_again(campaign: Campaign) {
    campaign.rules(&single(), "50").await;
    campaign.apply(&[&three_lines("o1")]).await;
    assert_eq!(campaign.available("ann").await, "80");
    campaign.apply(&[&returns("r1", "a")]).await;
    assert_eq!((campaign.available("ann").await.as_str(), campaign.stands().await.as_str()), ("20", "0 used, 50 left"));
    campaign.apply(&[&buy("o2", "bob", "1.00")]).await;
    assert_eq!(campaign.stands().await, "50 used, 0 left");
    // One line is left: the rule would give 50 again.
    campaign.apply(&[&returns("r2", "b")]).await;
    assert_eq!((campaign.available("ann").await.as_str(), campaign.stands().await.as_str()), ("10", "50 used, 0 left"));
    campaign.audits_clean().await;
    campaign.apply(&[&returns("r3", "c")]).await;
    assert_eq!(campaign.available("ann").await, "0");
    campaign.audits_clean().await;
}

async fn what_came_back_comes_again_where_there_is_room(campaign: Campaign) {
    campaign.rules(&single(), "60").await;
    campaign.apply(&[&three_lines("o1")]).await;
    campaign.apply(&[&returns("r1", "a")]).await;
    campaign.apply(&[&returns("r2", "b")]).await;
    assert_eq!(
        (campaign.available("ann").await.as_str(), campaign.stands().await.as_str()),
        ("60", "50 used, 10 left")
    );
    campaign.audits_clean().await;
}

async fn a_refund_of_an_order_of_earlier_rules_gives_back(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "100").await;
    campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    // No rule names the budget any more, nor does the programme.
    super::campaign::append(campaign.ledger.as_ref(), ("points", &json!([earn("base", "1")])), None).await.unwrap();
    campaign.apply(&[&refund("r1", "ann", "o1", "")]).await;
    assert_eq!(campaign.stands().await, "0 used, 100 left");
    campaign.audits_clean().await;
}

async fn an_erased_member_changes_nothing_of_what_was_given(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "100").await;
    campaign.apply(&[&buy("o1", "ann", "10.00"), &refund("r1", "ann", "o1", r#","amount":"4.00""#)]).await;
    let erase = r#"{"id":"x1","type":"erase","occurredAt":"2026-01-31T13:00:00Z","member":"ann","reason":"asked","author":"eve"}"#;
    campaign.apply(&[erase]).await;
    assert_eq!(campaign.stands().await, "60 used, 40 left");
    campaign.audits_clean().await;
}

async fn a_refund_by_a_worker_without_a_slice_gives_back(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "200").await;
    campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    let other = campaign.beside().await;
    other.apply(&[&refund("r1", "ann", "o1", "")]).await;
    assert_eq!(campaign.stands().await, "0 used, 200 left");
    campaign.audits_clean().await;
    // What it got back it may give itself.
    assert_eq!(
        told(&other.apply(&[&buy("o2", "bob", "30.00")]).await[0]),
        ["earned 230", "spring gave spring 200 of 300"]
    );
    campaign.audits_clean().await;
}

async fn a_refund_after_a_merge_gives_back(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "150").await;
    campaign.apply(&[&buy("o1", "ann", "10.00"), &buy("o2", "bob", "5.00")]).await;
    let merge = r#"{"id":"x1","type":"merge","occurredAt":"2026-01-11T12:00:00Z","member":"ann","into":"bob","reason":"one person","author":"bea"}"#;
    campaign.apply(&[merge]).await;
    assert_eq!(campaign.stands().await, "150 used, 0 left");
    campaign.audits_clean().await;
    campaign.apply(&[&refund("r1", "bob", "o1", "")]).await;
    assert_eq!(
        (campaign.stands().await.as_str(), campaign.available("bob").await.as_str()),
        ("50 used, 100 left", "55")
    );
    campaign.audits_clean().await;
}

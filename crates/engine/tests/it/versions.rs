//! Rules change while events come.

use crate::shop::{Shop, append, base, earn, purchase, refund};

#[tokio::test]
async fn an_event_uses_the_rules_of_its_time_and_a_refund_those_that_paid() {
    let shop = Shop::in_memory().await;
    shop.apply(&[&purchase("before", 1, "50.00")]).await;
    append(shop.ledger.as_ref(), serde_json::json!([earn("base", "2")]), Some("2026-01-10T00:00:00Z")).await;
    shop.apply(&[&purchase("late", 9, "50.00"), &purchase("after", 10, "50.00")]).await;
    assert_eq!(shop.available("m").await, "200", "50 + 50 + 100");
    shop.apply(&[&refund("r", "before", "")]).await;
    assert_eq!(shop.available("m").await, "150", "what the old rules paid, not twice as much");
    shop.audits_clean().await;
}

#[tokio::test]
async fn going_back_to_earlier_rules_is_a_line_of_its_own() {
    let shop = Shop::in_memory().await;
    append(shop.ledger.as_ref(), serde_json::json!([earn("base", "2")]), Some("2026-01-10T00:00:00Z")).await;
    append(shop.ledger.as_ref(), base(), Some("2026-01-20T00:00:00Z")).await;
    for (day, available) in [(1, "10"), (10, "30"), (19, "50"), (20, "60")] {
        shop.apply(&[&purchase(&format!("d{day}"), day, "10.00")]).await;
        assert_eq!(shop.available("m").await, available, "day {day}");
    }
    assert_eq!(shop.engine.rulebook().seq, 3);
}

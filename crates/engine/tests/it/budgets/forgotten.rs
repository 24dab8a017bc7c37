//! Events of long ago are forgotten; one of them that comes again is late, whatever the pipeline's limits, and moves nothing.

use std::time::Duration;

use contract::BuryReason;
use contract::period::Period;
use engine::Settled;
use ledger::ForgetAsk;

use super::campaign::{Campaign, base_and_spring, buy, on_both_stores, refund};
use crate::shop::pipeline;

on_both_stores! {
    a_forgotten_event_that_comes_again_is_late
    what_is_told_by_hand_and_of_an_erased_member_is_never_late_for_it
}

impl Campaign {
    /// So many events are forgotten of what was published.
    async fn forgets(&self) -> i64 {
        let unpublished = self.ledger.unpublished(&pipeline(), Duration::ZERO, 100).await.unwrap();
        let batches: Vec<_> = unpublished.iter().map(|batch| batch.batch).collect();
        self.ledger.mark_published(&batches).await.unwrap();
        let ago = if self.url.starts_with("sqlite") { "1096 * 86400000000" } else { "interval '1096 days'" };
        for table in ["inbox", "batch", "entry"] {
            self.tamper(&format!("update {table} set recorded_at = recorded_at - {ago}")).await;
        }
        let ask = ForgetAsk { pipeline: pipeline(), keep: Period::days(90), dry_run: false };
        let report = self.ledger.forget(&ask, &|_| ()).await.unwrap();
        self.audits_clean().await;
        report.events
    }
}

fn is_late(settled: &Settled) -> bool {
    matches!(settled, Settled::Buried(refusal) if refusal.reason == BuryReason::TooLate
        && refusal.detail.contains("is forgotten: it may have been applied already"))
}

async fn a_forgotten_event_that_comes_again_is_late(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "250").await;
    let merge = r#"{"id":"m1","type":"merge","occurredAt":"2026-01-31T13:00:00Z","member":"bob","into":"ann","reason":"one person","author":"bea"}"#;
    let lines = [
        buy("o1", "ann", "10.00"),
        refund("r1", "ann", "o1", r#","amount":"4.00""#),
        buy("o2", "bob", "1.00"),
        merge.to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    campaign.apply(&lines).await;
    let stands = (campaign.available("ann").await, campaign.stands().await);
    assert_eq!(campaign.forgets().await, 4);
    let settled = campaign.try_apply(&lines).await.unwrap();
    assert!(settled.iter().all(is_late), "{settled:?}");
    let never_seen = campaign.try_apply(&[&buy("o9", "ann", "10.00")]).await.unwrap();
    assert!(is_late(&never_seen[0]), "nobody knows whether it came");
    assert_eq!((campaign.available("ann").await, campaign.stands().await), stands);
    campaign.audits_clean().await;
    // What is refunded since finds its order.
    let late = refund("r2", "ann", "o1", "").replace("2026-01-31T12", "2026-12-31T12");
    assert!(matches!(campaign.try_apply(&[&late]).await.unwrap()[0], Settled::Fresh { .. }));
    assert_eq!(campaign.available("ann").await, "11");
    campaign.audits_clean().await;
}

async fn what_is_told_by_hand_and_of_an_erased_member_is_never_late_for_it(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "250").await;
    let erase = r#"{"id":"x1","source":"loyaltyctl","type":"erase","occurredAt":"2026-01-31T13:00:00Z","member":"ann","reason":"asked","author":"bea"}"#;
    let of_ann = buy("o1", "ann", "10.00");
    campaign.apply(&[&of_ann, &buy("o2", "bob", "10.00"), erase]).await;
    assert_eq!(campaign.forgets().await, 2);
    // Buried, it would be kept with a name that is to be forgotten.
    let settled = campaign.apply(&[&of_ann]).await;
    assert!(matches!(&settled[0], Settled::Fresh { outcome: ledger::book::Outcome::Erased, .. }), "{settled:?}");
    let by_hand = buy("o3", "bob", "10.00").replace(r#""type""#, r#""source":"loyaltyctl","type""#);
    campaign.apply(&[&by_hand]).await;
    assert_eq!(campaign.available("bob").await, "170");
    campaign.audits_clean().await;
}

//! Budgets and points that wait, where the entries of then became sums: what comes later is told and counted as if these were still there.

use contract::result::ResultBody;
use engine::Settled;
use jiff::{SignedDuration, Timestamp};
use ledger::CarryAsk;

use super::campaign::{Campaign, base_and_spring, buy, on_both_stores, refund};
use crate::shop::pipeline;

on_both_stores! {
    a_budget_whose_awards_are_of_long_ago_gets_back_what_refunds_take
    a_budget_stands_after_a_merge_that_is_carried_forward_and_one_that_comes_after
}

/// All that stands was recorded three years ago. In `PostgreSQL` the first partition ended a year ago: its rows are older.
const YEARS_PASS: [&str; 2] = [
    "update entry set recorded_at = recorded_at - 1096 * 86400000000",
    "do $$ declare t text; begin foreach t in array array['entry', 'posting', 'allocation'] loop
        execute format('update %I set recorded_at = recorded_at - interval ''1096 days''', t);
        execute format('alter table %I detach partition %I', t, t || '_first');
        execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', t, t || '_first',
            date_trunc('month', now() at time zone 'utc' - interval '1 year') at time zone 'utc');
    end loop; end $$",
];

impl Campaign {
    /// So many entries were summed.
    async fn years_are_carried(&self) -> i64 {
        self.tamper(YEARS_PASS[usize::from(!self.url.starts_with("sqlite"))]).await;
        let before = Timestamp::now() - SignedDuration::from_hours(24 * 330);
        let ask = CarryAsk { pipeline: pipeline(), before, dry_run: false };
        let report = self.ledger.carry_forward(&ask, &|_| ()).await.unwrap();
        self.audits_clean().await;
        report.entries
    }
}

fn moved(settled: &[Settled]) -> Vec<String> {
    let results = settled.iter().flat_map(|settled| match settled {
        Settled::Fresh { results, .. } | Settled::Replayed { results, .. } => results,
        Settled::Buried(refusal) => panic!("{refusal:?}"),
    });
    let told = results.map(|result| match &result.body {
        ResultBody::Earned { points, .. } => format!("earned {points}"),
        ResultBody::ClawedBack { points, .. } => format!("clawed back {points}"),
        other => other.type_name().to_owned(),
    });
    told.collect()
}

async fn a_budget_whose_awards_are_of_long_ago_gets_back_what_refunds_take(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "250").await;
    campaign.apply(&[&buy("o1", "ann", "10.00"), &buy("o2", "ann", "10.00"), &buy("o3", "bob", "10.00")]).await;
    campaign.apply(&[&refund("r1", "ann", "o1", r#","amount":"4.00""#)]).await;
    assert_eq!(campaign.stands().await, "210 used, 40 left");
    assert_eq!(campaign.years_are_carried().await, 4);
    assert_eq!(campaign.stands().await, "210 used, 40 left");
    let settled = campaign.apply(&[&refund("r2", "ann", "o1", ""), &buy("o4", "bob", "10.00")]).await;
    assert_eq!(moved(&settled), ["clawed back 66", "earned 110"]);
    assert_eq!(campaign.stands().await, "250 used, 0 left");
    campaign.audits_clean().await;
}

async fn a_budget_stands_after_a_merge_that_is_carried_forward_and_one_that_comes_after(campaign: Campaign) {
    let merge = |id: &str, from: &str, into: &str| {
        format!(
            r#"{{"id":"{id}","type":"merge","occurredAt":"2026-01-31T13:00:00Z","member":"{from}","into":"{into}","reason":"one person","author":"bea"}}"#
        )
    };
    campaign.rules(&base_and_spring(), "350").await;
    campaign.apply(&[&buy("o1", "ann", "10.00"), &buy("o2", "bob", "10.00"), &buy("o3", "cid", "10.00")]).await;
    campaign.apply(&[&merge("m1", "ann", "bob")]).await;
    assert_eq!(campaign.years_are_carried().await, 5);
    campaign.apply(&[&merge("m2", "bob", "cid")]).await;
    campaign.audits_clean().await;
    let settled = campaign.apply(&[&refund("r1", "ann", "o1", ""), &refund("r2", "cid", "o2", "")]).await;
    assert_eq!(moved(&settled), ["clawed back 110", "clawed back 110"]);
    assert_eq!(campaign.stands().await, "100 used, 250 left");
    assert_eq!(campaign.available("cid").await, "110");
    campaign.audits_clean().await;
}

//! What campaigns may give in all: never a point more, and all of it, whoever decides. On both stores.

pub(crate) mod audit;
pub(crate) mod campaign;
mod carried;
mod forgotten;
mod refunds;
mod workers;

use contract::result::ResultBody;
use engine::Settled;
use ledger::LedgerError;

use campaign::{Campaign, base_and_spring, buy, on_both_stores};

on_both_stores! {
    no_more_is_given_than_the_budget_has_and_what_is_missing_is_told
    a_batch_of_several_awards_of_one_budget_is_given_what_one_after_the_other_would_be
    rules_of_one_budget_share_it_in_their_order
    a_replayed_event_and_a_double_take_nothing_more
    a_preview_takes_nothing
    another_limit_counts_from_when_it_is_said
    a_limit_may_be_near_the_largest_number
    a_wallets_decimals_are_the_budgets
    the_last_point_is_given_although_another_workers_slice_has_it
    what_a_dead_worker_had_is_given_by_others
    workers_that_come_and_go_leave_few_slices
    a_budget_keeps_its_wallet
    an_activity_may_come_out_of_a_budget
    an_activity_that_waited_for_its_purchase_comes_out_of_a_budget
}

fn told(settled: &Settled) -> Vec<String> {
    let (Settled::Fresh { results, .. } | Settled::Replayed { results, .. }) = settled else { panic!("{settled:?}") };
    let told = results.iter().map(|result| match &result.body {
        ResultBody::Earned { points, .. } => format!("earned {points}"),
        ResultBody::BudgetExhausted { budget, rule, points, wanted, .. } => {
            format!("{budget} gave {rule} {points} of {wanted}")
        }
        other => other.type_name().to_owned(),
    });
    told.collect()
}

async fn no_more_is_given_than_the_budget_has_and_what_is_missing_is_told(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "250").await;
    for (order, expected) in [
        ("o1", vec!["earned 110"]),
        ("o2", vec!["earned 110"]),
        ("o3", vec!["earned 60", "spring gave spring 50 of 100"]),
        ("o4", vec!["earned 10", "spring gave spring 0 of 100"]),
    ] {
        let settled = campaign.apply(&[&buy(order, "ann", "10.00")]).await;
        assert_eq!(told(&settled[0]), expected, "{order}");
        campaign.audits_clean().await;
    }
    assert_eq!(campaign.stands().await, "250 used, 0 left");
    let report = campaign.explain("o3").await;
    let of_spring = report.iter().find(|award| award.rule.as_str() == "spring").unwrap();
    let budget = of_spring.inputs.budget.as_ref().unwrap();
    assert_eq!((of_spring.awarded.to_string().as_str(), budget.wanted.to_string().as_str()), ("50", "100"));
    assert_eq!(budget.name.as_str(), "spring");
}

async fn a_batch_of_several_awards_of_one_budget_is_given_what_one_after_the_other_would_be(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "250").await;
    let lines: Vec<String> = (1..=4).map(|n| buy(&format!("o{n}"), &format!("m{}", n % 3), "10.00")).collect();
    let settled = campaign.apply(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let told: Vec<_> = settled.iter().map(told).collect();
    assert_eq!(told[..2], [["earned 110"], ["earned 110"]]);
    assert_eq!(
        told[2..],
        [["earned 60", "spring gave spring 50 of 100"], ["earned 10", "spring gave spring 0 of 100"]]
    );
    assert_eq!(campaign.stands().await, "250 used, 0 left");
    campaign.audits_clean().await;
}

async fn rules_of_one_budget_share_it_in_their_order(campaign: Campaign) {
    let fixed = |name: &str| serde_json::json!({ "name": name, "on": "purchase", "earn": { "wallet": "points", "fixed": "30", "budget": "spring" } });
    campaign.rules(&serde_json::json!([fixed("first"), fixed("second")]), "50").await;
    let settled = campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    assert_eq!(told(&settled[0]), ["earned 50", "spring gave second 20 of 30"]);
    campaign.audits_clean().await;
}

async fn a_replayed_event_and_a_double_take_nothing_more(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "250").await;
    let line = buy("o1", "ann", "10.00");
    let first = campaign.apply(&[&line, &line]).await;
    let again = campaign.beside().await.apply(&[&line]).await;
    assert_eq!((told(&first[0]), told(&again[0])), (vec!["earned 110".to_owned()], vec!["earned 110".to_owned()]));
    assert_eq!(campaign.stands().await, "100 used, 150 left");
    campaign.audits_clean().await;
}

async fn a_preview_takes_nothing(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "50").await;
    for _ in 0..2 {
        let previewed = campaign.preview(&buy("o1", "ann", "10.00")).await;
        assert_eq!(told(&previewed[0]), ["earned 60", "spring gave spring 50 of 100"]);
    }
    assert_eq!(campaign.stands().await, "0 used, 50 left");
}

async fn another_limit_counts_from_when_it_is_said(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "150").await;
    let other = campaign.beside().await;
    let gives = async |campaign: &Campaign, order: &str| {
        told(&campaign.apply(&[&buy(order, "ann", "10.00")]).await[0]).remove(0)
    };
    // Both have a slice with something in it.
    other.apply(&[&buy("o0", "bob", "1.00")]).await;
    assert_eq!(gives(&campaign, "o1").await, "earned 110");
    // Less than the slices hold, but more than was given.
    campaign.rules(&base_and_spring(), "115").await;
    assert_eq!(campaign.stands().await, "110 used, 5 left");
    assert_eq!((gives(&campaign, "o2").await, gives(&other, "o3").await), ("earned 15".into(), "earned 10".into()));
    // Less than was given takes nothing back and gives nothing.
    campaign.rules(&base_and_spring(), "20").await;
    assert_eq!(gives(&other, "o4").await, "earned 10");
    assert_eq!(campaign.stands().await, "115 used, 0 left");
    // A refund of which something comes back below the limit: only that can be given again, although the other's slice holds more than the limit.
    other.apply(&[&campaign::refund("r1", "ann", "o1", "")]).await;
    assert_eq!(campaign.stands().await, "15 used, 5 left");
    assert_eq!(gives(&other, "again").await, "earned 15");
    assert_eq!(campaign.stands().await, "20 used, 0 left");
    campaign.audits_clean().await;
    campaign.rules(&base_and_spring(), "10").await;
    assert_eq!(gives(&campaign, "o5").await, "earned 10");
    // More is more.
    campaign.rules(&base_and_spring(), "300").await;
    assert_eq!((gives(&other, "o6").await, gives(&campaign, "o7").await), ("earned 110".into(), "earned 110".into()));
    assert_eq!((gives(&other, "o8").await, gives(&campaign, "o9").await), ("earned 90".into(), "earned 10".into()));
    assert_eq!(campaign.stands().await, "300 used, 0 left");
    campaign.audits_clean().await;
}

async fn a_limit_may_be_near_the_largest_number(campaign: Campaign) {
    // Seven hundredths less.
    campaign.rules_of("cents", &a_tenth(), "92233720368547758").await;
    campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    campaign.beside().await.apply(&[&campaign::refund("r1", "ann", "o1", "")]).await;
    // The first one has nothing left, and so many slices lie about that it recalls them: what was used of them is below nought.
    let idle = |n: i32| {
        format!(
            "insert into slice (pipeline, budget, owner, epoch, granted, used) values ('shop', 'spring', 'w{n}', 0, 0, 0);"
        )
    };
    let all: String = (0..64).map(idle).collect();
    campaign.tamper(&format!("{all} update slice set granted = used where used > 0; update budget set granted = (select sum(granted) from slice)")).await;
    campaign.audits_clean().await;
    assert_eq!(told(&campaign.apply(&[&buy("o2", "ann", "10.00")]).await[0]), ["earned 1.00"]);
    assert_eq!(campaign.slices().await.len(), 1);
    assert_eq!(campaign.stands().await, "1.00 used, 92233720368547757.00 left");
    campaign.audits_clean().await;
}

/// Of a point, a unit of money.
fn a_tenth() -> serde_json::Value {
    serde_json::json!([{ "name": "spring", "on": "purchase",
        "earn": { "wallet": "cents", "per": { "amount": "1.00", "points": "0.1" }, "budget": "spring" } }])
}

async fn a_wallets_decimals_are_the_budgets(campaign: Campaign) {
    campaign.rules_of("cents", &a_tenth(), "1.25").await;
    let told: Vec<_> =
        campaign.apply(&[&buy("o1", "ann", "10.00"), &buy("o2", "bob", "10.00")]).await.iter().map(told).collect();
    assert_eq!(told, [vec!["earned 1.00"], vec!["earned 0.25", "spring gave spring 0.25 of 1.00"]]);
    assert_eq!(campaign.stands().await, "1.25 used, 0.00 left");
    campaign.audits_clean().await;
}

async fn the_last_point_is_given_although_another_workers_slice_has_it(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "1000").await;
    let (a, b) = (campaign.beside().await, campaign.beside().await);
    a.apply(&[&buy("a1", "ann", "10.00")]).await;
    b.apply(&[&buy("b1", "bob", "10.00")]).await;
    let held = campaign.slices().await;
    assert!(held.len() == 2 && held.iter().all(|unused| *unused > 0), "{held:?}");
    // All that is left, that of the other included.
    assert_eq!(told(&b.apply(&[&buy("b2", "bob", "80.00")]).await[0]), ["earned 880"]);
    assert_eq!(campaign.stands().await, "1000 used, 0 left");
    // Whose slice it was goes on without.
    assert_eq!(told(&a.apply(&[&buy("a2", "ann", "1.00")]).await[0]), ["earned 1", "spring gave spring 0 of 10"]);
    campaign.audits_clean().await;
}

async fn what_a_dead_worker_had_is_given_by_others(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "10000").await;
    let dead = campaign.beside().await;
    dead.apply(&[&buy("a1", "ann", "10.00")]).await;
    drop(dead);
    assert!(campaign.slices().await[0] > 600, "it took more than it used");
    let mut given = 100;
    for n in 0..25 {
        let settled = campaign.apply(&[&buy(&format!("o{n}"), "bob", "40.00")]).await;
        given += told(&settled[0])[0].trim_start_matches("earned ").parse::<i64>().unwrap() - 40;
        campaign.audits_clean().await;
    }
    assert_eq!(given, 10_000);
    assert_eq!(campaign.stands().await, "10000 used, 0 left");
}

async fn workers_that_come_and_go_leave_few_slices(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "1000000").await;
    campaign.apply(&[&buy("o1", "ann", "1.00")]).await;
    let own = campaign.slices().await[0];
    // Each left one with ten points in it.
    let left = |n: i32| {
        format!(
            "insert into slice (pipeline, budget, owner, epoch, granted, used) values ('shop', 'spring', 'w{n}', 0, 10, 0);"
        )
    };
    let all: String = (0..63).map(left).collect();
    campaign.tamper(&format!("{all} update budget set granted = granted + 630")).await;
    campaign.audits_clean().await;
    campaign.beside().await.apply(&[&buy("o2", "ann", "1.00")]).await;
    assert_eq!(campaign.slices().await.len(), 65);
    campaign.beside().await.apply(&[&buy("o3", "ann", "1.00")]).await;
    let slices = campaign.slices().await;
    assert!(slices.len() == 1 && slices[0] >= own - 10, "the next one recalls those of all others: {slices:?}");
    campaign.apply(&[&buy("o4", "ann", "1.00")]).await;
    assert_eq!(campaign.stands().await, "40 used, 999960 left");
    campaign.audits_clean().await;
}

async fn a_budget_keeps_its_wallet(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "100").await;
    let error = campaign.try_rules("cents", &serde_json::json!([]), "100").await.unwrap_err();
    assert!(matches!(error, LedgerError::Incompatible { .. }), "{error}");
    assert!(
        error.to_string().contains("budget `spring` is of wallet `cents`, but an earlier version's was of `points`"),
        "{error}"
    );
}

async fn an_activity_may_come_out_of_a_budget(campaign: Campaign) {
    let rules = serde_json::json!([{ "name": "spring", "on": "visit", "earn": { "wallet": "points", "fixed": "7", "budget": "spring" } }]);
    campaign.rules(&rules, "10").await;
    let visit =
        |id: &str| format!(r#"{{"id":"{id}","type":"visit","occurredAt":"2026-01-02T12:00:00Z","member":"ann"}}"#);
    let told: Vec<_> = campaign.apply(&[&visit("v1"), &visit("v2"), &visit("v3")]).await.iter().map(told).collect();
    assert_eq!(
        told,
        [vec!["earned 7"], vec!["earned 3", "spring gave spring 3 of 7"], vec!["spring gave spring 0 of 7"]]
    );
    assert_eq!(campaign.stands().await, "10 used, 0 left");
    campaign.audits_clean().await;
}

/// Whose purchases name no budget themselves.
async fn an_activity_that_waited_for_its_purchase_comes_out_of_a_budget(campaign: Campaign) {
    let mut base = crate::shop::earn("base", "1");
    base["earn"]["pending"] = serde_json::json!({ "until": "visit" });
    let rules = serde_json::json!([base, { "name": "spring", "on": "visit", "earn": { "wallet": "points", "fixed": "7", "budget": "spring" } }]);
    campaign.rules(&rules, "10").await;
    let visit = |order: &str| {
        format!(
            r#"{{"id":"v-{order}","type":"visit","occurredAt":"2026-01-12T12:00:00Z","member":"ann","order":"{order}"}}"#
        )
    };
    campaign.apply(&[&visit("o1"), &visit("o2"), &visit("o3")]).await;
    assert_eq!(campaign.stands().await, "0 used, 10 left");
    assert_eq!(
        told(&campaign.apply(&[&buy("o1", "ann", "10.00")]).await[0]),
        ["earned 10", "points.activated", "earned 7"]
    );
    // By another worker, and two of them in one batch.
    let settled = campaign.beside().await.apply(&[&buy("o2", "ann", "10.00"), &buy("o3", "ann", "10.00")]).await;
    assert_eq!(told(&settled[0]), ["earned 10", "points.activated", "earned 3", "spring gave spring 3 of 7"]);
    assert_eq!(told(&settled[1]), ["earned 10", "points.activated", "spring gave spring 0 of 7"]);
    assert_eq!(campaign.stands().await, "10 used, 0 left");
    campaign.audits_clean().await;
}

//! Rules that count over several events, whole, on both stores.

use contract::result::ResultBody;
use engine::Settled;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::budgets::campaign::{Campaign, on_both_stores};
use crate::refunds::Dice;

on_both_stores! {
    a_period_is_rounded_once_and_a_refund_takes_what_the_rest_is_not_worth
    orders_of_one_batch_and_their_refunds_are_rounded_together
    the_tenth_piece_is_free_and_the_rest_goes_on_to_the_next_card
    every_third_purchase_and_every_second_visit_bring_points
    a_milestone_is_reached_once_a_year
    a_refund_that_was_first_counts_when_its_purchase_comes
    what_was_spent_is_waived_and_set_off_against_what_comes_next
    what_is_owed_for_a_sum_is_paid_off_by_what_comes_next
    another_version_of_a_rule_goes_on_with_the_card
    two_cards_become_one
    an_erased_member_has_no_card
    conditions_on_the_whole_order_give_again_with_the_next_one
    any_history_leaves_what_the_sum_is_worth
    the_most_of_a_month_is_the_most_of_all_its_orders
    another_most_holds_from_the_next_event_on
    a_sum_that_was_tampered_with_is_told
    what_is_counted_is_told_of_each_member
    what_was_waived_and_deserved_again_is_taken_of_whatever_is_there
    an_orders_own_points_that_have_expired_meet_what_is_due_for_it
    a_rule_that_counts_keeps_the_type_of_its_events
}

fn rule(name: &str, on: &str, earn: &Value) -> Value {
    let mut earn = earn.clone();
    earn["wallet"] = json!("points");
    json!({ "name": name, "on": on, "earn": earn })
}

/// A point for each whole unit of money of a month.
fn monthly() -> Value {
    rule("base", "purchase", &json!({ "per": { "amount": "1.00", "points": "1" }, "over": "Month" }))
}

async fn open(shop: &Campaign, rules: &[Value]) {
    shop.rules(&json!(rules), "1").await;
}

fn time(when: &str) -> String {
    if when.contains('T') { when.to_owned() } else { format!("{when}T12:00:00Z") }
}

fn buy(order: &str, when: &str, amount: &str) -> String {
    format!(
        r#"{{"id":"{order}","type":"purchase","occurredAt":"{}","member":"ann","order":"{order}","amount":"{amount}"}}"#,
        time(when)
    )
}

fn back(order: &str, when: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"back-{order}-{when}","type":"refund","occurredAt":"{}","member":"ann","order":"{order}"{rest}}}"#,
        time(when)
    )
}

fn cups(order: &str, when: &str, pieces: u32) -> String {
    format!(
        r#"{{"id":"{order}","type":"purchase","occurredAt":"{}","member":"ann","order":"{order}","amount":"{pieces}.00","lines":[
            {{"id":"1","sku":"coffee","quantity":"{pieces}","amount":"{pieces}.00"}}]}}"#,
        time(when)
    )
}

async fn says(shop: &Campaign, line: &str) -> String {
    shop.apply(&[line]).await;
    shop.available("ann").await
}

/// One after the other, each with what can be spent after it.
async fn check(shop: &Campaign, story: &[(String, &str)]) {
    for (line, points) in story {
        assert_eq!(says(shop, line).await, *points, "{line}");
    }
    shop.audits_clean().await;
    // All of it again changes nothing.
    let lines: Vec<&str> = story.iter().map(|(line, _)| line.as_str()).collect();
    let settled = shop.apply(&lines).await;
    assert!(settled.iter().all(|settled| matches!(settled, Settled::Replayed { .. })));
}

async fn a_period_is_rounded_once_and_a_refund_takes_what_the_rest_is_not_worth(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let story = [
        (buy("o1", "2026-01-03", "0.60"), "0"),
        (buy("o2", "2026-01-09", "0.60"), "1"),
        (buy("o3", "2026-01-20", "10.90"), "12"),
        // Another month.
        (buy("o4", "2026-02-01", "0.95"), "12"),
        // 11.50 are left of January, one less than 12.10 was worth: the point that came with the second order.
        (back("o1", "2026-02-02", ""), "11"),
        (back("o3", "2026-02-03", r#","amount":"0.45""#), "11"),
        (back("o3", "2026-02-04", r#","amount":"0.06""#), "10"),
        (buy("late", "2026-01-31T23:59:59Z", "0.01"), "11"),
        (back("o2", "2026-02-05", ""), "10"),
        (back("o3", "2026-02-06", ""), "0"),
    ];
    check(&shop, &story).await;
    let explained = shop.explain("o2").await;
    let tally = explained[0].inputs.tally.clone().unwrap();
    assert_eq!((tally.sum.to_string(), tally.before.to_string()), ("1.2".into(), "0".into()));
}

async fn orders_of_one_batch_and_their_refunds_are_rounded_together(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let lines = [
        buy("o1", "2026-01-03", "0.60"),
        buy("o2", "2026-01-09", "0.60"),
        back("o2", "2026-01-10", ""),
        buy("o3", "2026-01-11", "2.40"),
        back("o1", "2026-01-12", ""),
    ];
    shop.apply(&lines.each_ref().map(String::as_str)).await;
    assert_eq!(shop.available("ann").await, "2");
    shop.audits_clean().await;
    assert_eq!(says(&shop, &back("o3", "2026-01-13", r#","amount":"0.41""#)).await, "1");
    shop.audits_clean().await;
}

async fn the_tenth_piece_is_free_and_the_rest_goes_on_to_the_next_card(shop: Campaign) {
    let mut stamps =
        rule("stamps", "purchase", &json!({ "every": { "quantity": "10", "points": "1" }, "over": "Ever" }));
    stamps["include"] = json!({ "skus": ["coffee"] });
    open(&shop, &[stamps]).await;
    let piece = r#","lines":[{"line":"1","quantity":"1"}]"#;
    let story = [
        (cups("o1", "2026-01-03", 9), "0"),
        (buy("tea", "2026-01-04", "100.00"), "0"),
        (cups("o2", "2026-01-09", 25), "3"),
        (cups("o3", "2027-01-09", 5), "3"),
        (cups("o4", "2028-01-09", 1), "4"),
        (back("o1", "2028-01-10", piece), "3"),
        (cups("o5", "2028-02-09", 1), "4"),
        (back("o2", "2028-02-10", ""), "1"),
    ];
    check(&shop, &story).await;
}

async fn every_third_purchase_and_every_second_visit_bring_points(shop: Campaign) {
    let third = rule("third", "purchase", &json!({ "every": { "events": 3, "points": "50" }, "over": "Year" }));
    let visits = rule("visits", "visit", &json!({ "every": { "events": 2, "points": "7" }, "over": "Week" }));
    open(&shop, &[third, visits]).await;
    let visit = |id: &str, when: &str| {
        format!(r#"{{"id":"{id}","type":"visit","occurredAt":"{}","member":"ann"}}"#, time(when))
    };
    let story = [
        (buy("o1", "2026-01-03", "1.00"), "0"),
        (buy("o2", "2026-01-04", "1.00"), "0"),
        (buy("o3", "2026-12-31", "1.00"), "50"),
        (buy("o4", "2027-01-01", "1.00"), "50"),
        (back("o1", "2027-01-02", ""), "0"),
        (buy("late", "2026-06-01", "1.00"), "50"),
        // Sunday, and the Monday after it.
        (visit("v1", "2026-01-04"), "50"),
        (visit("v2", "2026-01-05"), "50"),
        (visit("v3", "2026-01-11"), "57"),
    ];
    check(&shop, &story).await;
}

async fn a_milestone_is_reached_once_a_year(shop: Campaign) {
    let marks = json!([{ "amount": "100.00", "points": "10" }, { "amount": "250.00", "points": "40" }]);
    open(&shop, &[rule("marks", "purchase", &json!({ "reaching": marks, "over": "Year" }))]).await;
    let story = [
        (buy("o1", "2026-01-03", "99.99"), "0"),
        (buy("o2", "2026-01-04", "0.01"), "10"),
        (buy("o3", "2026-01-05", "300.00"), "50"),
        (back("o3", "2026-01-06", r#","amount":"200.00""#), "10"),
        (back("o1", "2026-01-07", ""), "10"),
        (back("o2", "2026-01-08", ""), "10"),
        (back("o3", "2026-01-09", r#","amount":"0.01""#), "0"),
        (buy("o4", "2027-01-05", "100.00"), "10"),
    ];
    check(&shop, &story).await;
}

async fn a_refund_that_was_first_counts_when_its_purchase_comes(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let story = [
        (buy("o1", "2026-01-03", "1.60"), "1"),
        (back("o2", "2026-01-05", r#","amount":"0.30""#), "1"),
        (buy("o2", "2026-01-04", "0.60"), "1"),
        (buy("o3", "2026-01-06", "0.10"), "2"),
    ];
    check(&shop, &story).await;
}

async fn what_was_spent_is_waived_and_set_off_against_what_comes_next(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let spend =
        r#"{"id":"s","type":"redeem","occurredAt":"2026-01-10T12:00:00Z","member":"ann","points":"5"}"#.to_owned();
    let story = [
        (buy("o1", "2026-01-03", "2.50"), "2"),
        (buy("o2", "2026-01-04", "3.50"), "6"),
        (spend, "1"),
        // Four are due, one is there.
        (back("o2", "2026-01-11", ""), "0"),
        // 3.50 are worth three; two of the five that were spent are paid for by nothing.
        (buy("o3", "2026-01-12", "1.00"), "0"),
        (buy("o4", "2026-01-13", "1.50"), "0"),
        (buy("o5", "2026-01-14", "1.00"), "1"),
        (back("o1", "2026-01-15", ""), "0"),
        (buy("o6", "2026-01-16", "4.50"), "3"),
    ];
    check(&shop, &story).await;
}

async fn what_is_owed_for_a_sum_is_paid_off_by_what_comes_next(shop: Campaign) {
    let rules = json!([monthly()]);
    let program = json!({
        "currency": "USD", "wallets": [{ "name": "points" }, { "name": "cents", "scale": 2 }], "refunds": { "takeBack": "Unlimited" },
        "budgets": [],
    });
    let ruleset = contract::ruleset::Ruleset::new(
        &serde_json::from_value(program).unwrap(),
        &serde_json::from_value::<Vec<_>>(rules).unwrap(),
    );
    let since = ledger::Since { valid_from: Some("1970-01-01T00:00:00Z".parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&crate::shop::pipeline(), &ruleset, &since).await.unwrap();
    let spend =
        r#"{"id":"s","type":"redeem","occurredAt":"2026-01-10T12:00:00Z","member":"ann","points":"5"}"#.to_owned();
    let story = [
        (buy("o1", "2026-01-03", "2.50"), "2"),
        (buy("o2", "2026-01-04", "3.50"), "6"),
        (spend, "1"),
        (back("o2", "2026-01-11", ""), "0"),
        (buy("o3", "2026-01-12", "3.50"), "1"),
        (back("o3", "2026-01-13", ""), "0"),
        (back("o1", "2026-01-14", ""), "0"),
        (buy("o4", "2026-02-12", "10.00"), "5"),
    ];
    check(&shop, &story).await;
}

async fn another_version_of_a_rule_goes_on_with_the_card(shop: Campaign) {
    let stamps = |n: &str, points: &str| {
        rule("stamps", "purchase", &json!({ "every": { "quantity": n, "points": points }, "over": "Ever" }))
    };
    open(&shop, &[stamps("10", "1")]).await;
    assert_eq!(says(&shop, &cups("o1", "2026-01-03", 9)).await, "0");
    shop.rules_from(&json!([stamps("5", "1")]), "2026-01-04T00:00:00Z").await;
    // Ten pieces are worth two by now.
    assert_eq!(says(&shop, &cups("o2", "2026-01-05", 1)).await, "2");
    // By the rules that paid for it nine pieces less are worth nothing.
    assert_eq!(says(&shop, &back("o1", "2026-01-06", "")).await, "0");
    assert_eq!(says(&shop, &cups("o3", "2026-01-07", 9)).await, "2");
    shop.audits_clean().await;
}

async fn two_cards_become_one(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let other = |line: String| line.replace(r#""member":"ann""#, r#""member":"bob""#);
    let merge = r#"{"id":"m","type":"merge","occurredAt":"2026-01-10T12:00:00Z","member":"bob","into":"ann","reason":"one person","author":"jo"}"#;
    let story = [
        (buy("o1", "2026-01-03", "1.60"), "1"),
        (other(buy("b1", "2026-01-04", "2.60")), "1"),
        (merge.to_owned(), "3"),
        // 4.20 are worth four.
        (buy("o2", "2026-01-11", "0.00"), "4"),
        (other(back("b1", "2026-01-12", "")), "1"),
        (back("o1", "2026-01-13", ""), "0"),
    ];
    check(&shop, &story).await;
}

async fn an_erased_member_has_no_card(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let erase = r#"{"id":"e","type":"erase","occurredAt":"2026-01-10T12:00:00Z","member":"ann","reason":"asked","author":"jo"}"#;
    shop.apply(&[&buy("o1", "2026-01-03", "1.60"), erase]).await;
    shop.audits_clean().await;
    shop.tamper(
        "insert into tally select 'shop', bucket, number, 'base', 'points', 'Money', 1, 0, 0, 0, 0 from member",
    )
    .await;
    let mut told: Vec<String> = shop.differences().await.into_iter().map(|finding| finding.detail).collect();
    told.dedup();
    assert_eq!(told, ["erased, and what rule base counts is kept"]);
}

async fn conditions_on_the_whole_order_give_again_with_the_next_one(shop: Campaign) {
    let mut single = monthly();
    single["when"] = json!("size(event.lines) == 1");
    open(&shop, &[single]).await;
    let two = r#"{"id":"o1","type":"purchase","occurredAt":"2026-01-03T12:00:00Z","member":"ann","order":"o1","amount":"5.00","lines":[
        {"id":"1","amount":"2.00"},{"id":"2","amount":"3.00"}]}"#
        .to_owned();
    let story = [
        (two, "0"),
        // The order has one line now, and is not worth more than it was when it was bought: nothing was counted of it.
        (back("o1", "2026-01-04", r#","lines":[{"line":"1"}]"#), "0"),
        (buy("o2", "2026-01-05", "1.00"), "1"),
    ];
    check(&shop, &story).await;
}

async fn the_most_of_a_month_is_the_most_of_all_its_orders(shop: Campaign) {
    let mut capped = monthly();
    capped["earn"]["max"] = json!("3");
    open(&shop, &[capped]).await;
    let story = [
        (buy("o1", "2026-01-03", "2.00"), "2"),
        (buy("o2", "2026-01-04", "2.00"), "3"),
        (buy("o3", "2026-01-05", "2.00"), "3"),
        // Four are left, and worth three.
        (back("o2", "2026-01-06", ""), "3"),
        (back("o1", "2026-01-07", ""), "2"),
        (buy("o4", "2026-01-08", "9.00"), "3"),
        (buy("o5", "2026-02-01", "9.00"), "6"),
    ];
    check(&shop, &story).await;
}

/// A refund takes what the rest is not worth by the version that paid for its order, and what is deserved by another one comes with the next event.
async fn another_most_holds_from_the_next_event_on(shop: Campaign) {
    let most = |most: &str| {
        let mut rule = monthly();
        rule["earn"]["max"] = json!(most);
        rule
    };
    open(&shop, &[most("3")]).await;
    check(&shop, &[(buy("o1", "2026-01-03", "9.00"), "3")]).await;
    shop.rules_from(&json!([most("5")]), "2026-01-04T00:00:00Z").await;
    let part = |order: &str, when: &str, amount: &str| back(order, when, &format!(r#","amount":"{amount}""#));
    let story = [
        (buy("o2", "2026-01-05", "9.00"), "5"),
        (part("o2", "2026-01-06", "1.00"), "5"),
        (part("o1", "2026-01-07", "1.00"), "3"),
        (buy("o3", "2026-01-08", "1.00"), "5"),
    ];
    check(&shop, &story).await;
}

/// However it came to it, a member has what the sum of what was kept is worth, where everything due can be taken.
async fn any_history_leaves_what_the_sum_is_worth(shop: Campaign) {
    let seed = Timestamp::now().as_microsecond().unsigned_abs();
    println!("seed {seed}");
    for round in 0_u64..6 {
        let shop = shop.fresh_one().await;
        let most = round.is_multiple_of(2).then_some(10);
        let mut rule = monthly();
        rule["earn"]["max"] = most.map_or(Value::Null, |most| json!(most.to_string()));
        open(&shop, &[rule]).await;
        let mut dice = Dice(seed + round);
        let (mut orders, mut kept, mut lines) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..25 {
            if !orders.is_empty() && dice.upto(3) == 0 {
                let at = usize::try_from(dice.upto(orders.len() as u64)).unwrap();
                let cents = 1 + dice.upto(90).min(kept[at]);
                let order: &String = &orders[at];
                kept[at] -= cents.min(kept[at]);
                lines.push(format!(
                    r#"{{"id":"r{n}","type":"refund","occurredAt":"2026-01-20T12:00:00Z","member":"ann","order":"{order}","amount":"{}.{:02}"}}"#,
                    cents / 100, cents % 100
                ));
            } else {
                let cents = 1 + dice.upto(300);
                orders.push(format!("o{n}"));
                kept.push(cents);
                lines.push(buy(&format!("o{n}"), "2026-01-10", &format!("{}.{:02}", cents / 100, cents % 100)));
            }
        }
        let size = 1 + usize::try_from(dice.upto(7)).unwrap();
        for batch in lines.chunks(size) {
            shop.apply(&batch.iter().map(String::as_str).collect::<Vec<_>>()).await;
        }
        let worth = (kept.iter().sum::<u64>() / 100).min(most.unwrap_or(u64::MAX));
        assert_eq!(shop.available("ann").await, worth.to_string(), "seed {seed}, round {round}: {lines:#?}");
        shop.audits_clean().await;
    }
}

async fn a_sum_that_was_tampered_with_is_told(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let settled = shop.apply(&[&buy("o1", "2026-01-03", "2.60")]).await;
    let Settled::Fresh { results, .. } = &settled[0] else { panic!() };
    assert!(matches!(&results[0].body, ResultBody::Earned { points, .. } if points == "2"), "{results:?}");
    shop.tamper("update tally set awarded = 3").await;
    let told: Vec<String> = shop.differences().await.into_iter().map(|finding| finding.detail).collect();
    assert_eq!(told, ["sum - awards: awarded 1, taken 0, waived 0"]);
    shop.tamper("update tally set awarded = 2, due = 1, waived = 1").await;
    let told: Vec<String> = shop.differences().await.into_iter().map(|finding| finding.detail).collect();
    assert_eq!(told, ["sum - awards: awarded 0, taken 0, waived 1"]);
    // PostgreSQL itself would not let it stand.
    let unchecked =
        if shop.url.starts_with("postgres") { "alter table tally drop constraint tally_check;" } else { "" };
    shop.tamper(&format!("{unchecked} update tally set due = 1, waived = 0")).await;
    let told: Vec<String> = shop.differences().await.into_iter().map(|finding| finding.detail).collect();
    assert_eq!(told, ["awarded 2, due 1, taken 0, waived 0"]);
}

async fn what_is_counted_is_told_of_each_member(shop: Campaign) {
    let third = rule("third", "purchase", &json!({ "every": { "events": 3, "points": "50" }, "over": "Ever" }));
    open(&shop, &[monthly(), third]).await;
    let lines = [buy("o1", "2026-01-03", "1.60"), buy("o2", "2026-02-03", "2.25"), buy("o3", "2026-02-04", "0.25")];
    shop.apply(&lines.each_ref().map(String::as_str)).await;
    shop.apply(&[&back("o1", "2026-02-05", r#","amount":"0.70""#)]).await;
    let told = async |member: &str| {
        let member = member.to_owned().try_into().unwrap();
        let reports = shop.ledger.tallies(&crate::shop::pipeline(), &member).await.unwrap();
        let line = |report: ledger::report::TallyReport| {
            let since = report.since.map_or_else(|| "ever".to_owned(), |since| since.to_string());
            format!("{} {} {} {} {}", report.rule, report.counts.as_str(), since, report.sum, report.given)
        };
        reports.into_iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        told("ann").await,
        ["base Multiplied 2026-02-01 2.5 2", "base Multiplied 2026-01-01 0.9 0", "third Events ever 3 50"]
    );
    assert_eq!(told("nobody").await, [""; 0]);
}

async fn what_was_waived_and_deserved_again_is_taken_of_whatever_is_there(shop: Campaign) {
    open(&shop, &[monthly()]).await;
    let spend =
        r#"{"id":"s","type":"redeem","occurredAt":"2026-01-03T13:00:00Z","member":"ann","points":"1"}"#.to_owned();
    let story = [
        (buy("o1", "2026-01-03", "1.00"), "1"),
        (spend, "0"),
        (back("o1", "2026-01-03T14:00:00Z", ""), "0"),
        // Paid for by the point that was spent.
        (buy("o2", "2026-01-04", "1.00"), "0"),
        (buy("o3", "2026-02-01", "1.00"), "1"),
        (back("o2", "2026-02-02", ""), "0"),
    ];
    check(&shop, &story).await;
}

async fn an_orders_own_points_that_have_expired_meet_what_is_due_for_it(shop: Campaign) {
    let earn = json!({ "per": { "amount": "1.00", "points": "1" }, "over": "Year", "expiry": { "after": "1mo" } });
    open(&shop, &[rule("base", "purchase", &earn)]).await;
    let spend =
        r#"{"id":"s","type":"redeem","occurredAt":"2026-03-02T12:00:00Z","member":"ann","points":"10"}"#.to_owned();
    let story = [
        (buy("o1", "2026-01-03", "10.00"), "10"),
        (buy("o2", "2026-03-01", "10.00"), "10"),
        (spend, "0"),
        (back("o1", "2026-03-03", ""), "0"),
        (buy("o3", "2026-03-04", "10.00"), "10"),
    ];
    check(&shop, &story).await;
}

async fn a_rule_that_counts_keeps_the_type_of_its_events(shop: Campaign) {
    let third = |on: &str| rule("third", on, &json!({ "every": { "events": 3, "points": "7" }, "over": "Ever" }));
    let waits = |until: &str| {
        rule("base", "purchase", &json!({ "per": { "amount": "1.00", "points": "1" }, "pending": { "until": until } }))
    };
    open(&shop, &[third("visit")]).await;
    for (rules, problem) in [
        (
            json!([third("purchase")]),
            "counts `purchase` over several events, but that of an earlier version counted `visit`",
        ),
        (json!([waits("visit")]), "by another version points wait for that"),
    ] {
        let refused = shop.try_rules("points", &rules, "1").await.unwrap_err();
        let ledger::LedgerError::Incompatible { detail } = refused else { panic!("{refused:?}") };
        assert!(detail.contains(problem), "{detail}");
    }
    shop.try_rules("points", &json!([waits("delivered")]), "1").await.unwrap();
    let refused = shop.try_rules("points", &json!([third("delivered")]), "1").await.unwrap_err();
    assert!(matches!(refused, ledger::LedgerError::Incompatible { .. }), "{refused:?}");
}

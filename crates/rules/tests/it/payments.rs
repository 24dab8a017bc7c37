//! Points that paid for an order: how many come back when a part of it does, and until when they can be spent.

use std::collections::BTreeMap;

use contract::decision::{Decision, Facts, GiveBack, HoldStage, HoldState, OrderState};
use contract::event::{Capture, Event, Kind, Redeem, Refund};
use contract::{HoldId, OrderId, Points, Quantity, WalletName};
use rules::{Compiled, compile, reads};
use serde_json::{Value, json};

use crate::refunds::{basket, one_per_dollar, some_order, some_refund};
use crate::support::{
    Dice, back, by_id, by_sku, compiled, event, line, lines_back, merged, order, purchase, ruleset_of, sentences,
    state, wallet, whole,
};

type Paid = BTreeMap<WalletName, Points>;

fn paid(points: i64) -> Paid {
    [(wallet("points"), Points(points))].into()
}

/// Applies one refund to the order and tells what comes back in all.
fn refunded(rules: &Compiled, state: &mut OrderState, paid: &Paid, refund: &Refund) -> GiveBack {
    match rules.decide(
        &event(Kind::Refund(refund.clone())),
        Facts { order: Some(state), paid: Some(paid), ..Facts::default() },
    ) {
        Ok(Decision::Refund { returned, gives_back, .. }) => {
            state.returned = returned;
            gives_back
        }
        other => panic!("{other:?}"),
    }
}

fn points(given: &GiveBack) -> i64 {
    given.points.get("points").copied().unwrap_or_default().0
}

#[test]
fn what_pays_for_the_kept_part_stays_in_whole_units_rounded_up() {
    let rules = compiled(&json!([one_per_dollar()]));
    // Of 20.00 that were paid, with 7 points among it: 3 apples for 10.00, two lines of pears at 4.00 and 6.00, a wrapping for 0.00.
    let table: [(&str, Refund, i64); 9] = [
        ("nothing", back("0.00"), 0),
        ("a cent", back("0.01"), 0),
        ("less than a seventh", back("2.85"), 0),
        ("a seventh", back("2.86"), 1),
        ("a third of the apples", lines_back(vec![by_id("1", Some("1"), None)]), 1),
        ("the pears", lines_back(vec![by_sku("pear", None, None)]), 3),
        ("all but the wrapping", lines_back(vec![by_sku("pear", None, None), by_id("1", None, None)]), 7),
        ("the wrapping", lines_back(vec![by_sku("wrap", None, None)]), 0),
        ("all of it", whole(), 7),
    ];
    for (name, refund, expected) in table {
        let mut order = state(&rules, &purchase(basket()));
        assert_eq!(points(&refunded(&rules, &mut order, &paid(7), &refund)), expected, "{name}");
    }
}

#[test]
fn an_order_that_cost_nothing_comes_back_by_its_lines_and_their_pieces() {
    let rules = compiled(&json!([one_per_dollar()]));
    let free = |id: &str, quantity: &str| contract::event::Line {
        quantity: Quantity::parse(quantity).unwrap(),
        ..line(id, "0.00")
    };
    let mut order = state(&rules, &purchase(vec![free("1", "3"), free("2", "1")]));
    let back: Vec<i64> = [("1", "1"), ("1", "2"), ("2", "1")]
        .iter()
        .map(|(id, pieces)| lines_back(vec![by_id(id, Some(pieces), None)]))
        .map(|refund| points(&refunded(&rules, &mut order, &paid(100), &refund)))
        .collect();
    // 5/6, 1/2 and nothing of it were kept.
    assert_eq!(back, [16, 50, 100]);
}

#[test]
fn each_wallet_that_paid_gets_its_own_back_in_its_own_units() {
    let wallets = json!([{ "name": "points" }, { "name": "cash", "scale": 2 }]);
    let rules = compile(ruleset_of(&wallets, &json!([one_per_dollar()]))).unwrap();
    let mut order = state(&rules, &order("30.00"));
    let paid: Paid = [(wallet("points"), Points(10)), (wallet("cash"), Points(1000))].into();
    let given = refunded(&rules, &mut order, &paid, &back("20.00"));
    assert_eq!(given.points, [(wallet("points"), Points(6)), (wallet("cash"), Points(666))].into());
}

#[test]
fn an_order_that_no_points_paid_for_gives_none_back() {
    let rules = compiled(&json!([one_per_dollar()]));
    let mut order = state(&rules, &order("30.00"));
    assert_eq!(refunded(&rules, &mut order, &Paid::new(), &whole()), GiveBack::default());
}

fn until(refunds: &Value, zone: &str, at: &str) -> String {
    let mut ruleset = ruleset_of(&json!([{ "name": "points" }]), &json!([one_per_dollar()]));
    zone.clone_into(&mut ruleset.program.time_zone);
    ruleset.program.refunds = serde_json::from_value(refunds.clone()).unwrap();
    let rules = compile(ruleset).unwrap();
    let order = state(&rules, &order("30.00"));
    let refund = Event { occurred_at: at.parse().unwrap(), ..event(Kind::Refund(whole())) };
    let decision = rules.decide(&refund, Facts { order: Some(&order), paid: Some(&paid(5)), ..Facts::default() });
    let Ok(Decision::Refund { gives_back, .. }) = decision else { panic!("{decision:?}") };
    gives_back.until.unwrap().to_string()
}

#[test]
fn what_comes_back_can_be_spent_until_the_end_of_the_last_day_of_the_grace() {
    let at = "2026-11-23T22:30:00Z";
    assert_eq!(until(&json!({}), "UTC", at), "2026-12-24T00:00:00Z", "30 days unless the programme says otherwise");
    assert_eq!(until(&json!({ "reinstateGrace": "0d" }), "UTC", at), "2026-11-24T00:00:00Z", "the rest of the day");
    assert_eq!(until(&json!({ "reinstateGrace": "1mo" }), "Europe/Moscow", at), "2026-12-24T21:00:00Z");
}

#[test]
fn the_default_grace_leaves_the_hash_of_a_rule_set_as_it_was() {
    let mut ruleset = ruleset_of(&json!([{ "name": "points" }]), &json!([one_per_dollar()]));
    assert!(ruleset.to_json().contains(r#""refunds":{"takeBack":"WithinBalance"}"#), "{}", ruleset.to_json());
    ruleset.program.refunds = serde_json::from_value(json!({ "reinstateGrace": "30d" })).unwrap();
    assert!(!ruleset.to_json().contains("reinstateGrace"));
    ruleset.program.refunds = serde_json::from_value(json!({ "reinstateGrace": "31d" })).unwrap();
    assert!(ruleset.to_json().contains(r#""reinstateGrace":"31d""#));
}

#[test]
fn only_pending_where_nothing_ever_waits_is_a_mistake() {
    let mut told = Vec::new();
    let zero = json!({ "pending": { "for": "0d" } });
    for (of_wallet, of_rule) in [(json!({}), json!({})), (zero.clone(), zero)] {
        let rule = merged(&json!({ "wallet": "points", "fixed": "1" }), &of_rule);
        let rules = json!([{ "name": "base", "on": "purchase", "earn": rule }]);
        let mut ruleset = ruleset_of(&json!([merged(&json!({ "name": "points" }), &of_wallet)]), &rules);
        ruleset.program.refunds = serde_json::from_value(json!({ "takeBack": "OnlyPending" })).unwrap();
        told.push(sentences(&compile(ruleset.clone()).unwrap_err()));
        // With a wait somewhere it is fine, and so are the other policies.
        for (path, wait) in [
            ("wallet", json!({ "for": "14d" })),
            ("rule", json!({ "for": "14d" })),
            ("rule", json!({ "until": "packed" })),
        ] {
            let mut fine = ruleset.clone();
            let wait = serde_json::from_value(wait).unwrap();
            match path {
                "wallet" => fine.program.wallets[0].pending = Some(wait),
                _ => fine.rules[0].earn.as_mut().unwrap().pending = Some(wait),
            }
            compile(fine).unwrap();
        }
        for policy in ["WithinBalance", "Unlimited"] {
            ruleset.program.refunds = serde_json::from_value(json!({ "takeBack": policy })).unwrap();
            compile(ruleset.clone()).unwrap();
        }
    }
    let problem = "spec.program.refunds.takeBack: is `OnlyPending`, but no points ever wait, so that no refund would take any; \
                   give a wallet or a rule `pending`, or say `WithinBalance`";
    assert_eq!(told, [problem; 2]);
}

fn redeem(points: &str, order: Option<&str>) -> Event {
    let order = order.map(|order| OrderId::parse(order).unwrap());
    event(Kind::Redeem(Redeem { wallet: None, points: Quantity::parse(points).unwrap(), order }))
}

fn capture(points: &str, order: Option<&str>) -> Event {
    let (hold, points) = (HoldId::parse("h-1").unwrap(), Some(Quantity::parse(points).unwrap()));
    let order = order.map(|order| OrderId::parse(order).unwrap());
    event(Kind::Capture(Capture { hold, points, keeps_rest: false, order }))
}

#[test]
fn a_redemption_or_capture_reads_the_order_that_it_pays_for() {
    assert_eq!(reads(&capture("5", Some("o-1"))).order.unwrap().as_str(), "o-1");
    assert_eq!(reads(&capture("5", None)).order, None);
    assert_eq!(reads(&redeem("5", Some("o-1"))).order.unwrap().as_str(), "o-1");
    assert_eq!(reads(&redeem("5", None)).order, None);
}

#[test]
fn a_redemption_or_capture_after_the_return_gets_back_what_the_return_would_have_given() {
    let rules = compiled(&json!([one_per_dollar()]));
    let held = HoldState {
        wallet: wallet("points"),
        points: Points(9),
        held: Points(8),
        captured: Points(1),
        released: Points::ZERO,
        expires: None,
        stage: HoldStage::Open,
    };
    let late = |state: &OrderState, paid: Option<&Paid>| {
        let decision = rules.decide(&redeem("7", Some("o-1")), Facts { order: Some(state), paid, ..Facts::default() });
        let Ok(Decision::Redeem { gives_back, .. }) = decision else { panic!("{decision:?}") };
        let facts = Facts { order: Some(state), paid, hold: Some(&held), ..Facts::default() };
        let captured = rules.decide(&capture("7", Some("o-1")), facts);
        let Ok(Decision::Capture { gives_back: of_a_capture, .. }) = captured else { panic!("{captured:?}") };
        assert_eq!(of_a_capture, gives_back, "whichever of the two pays");
        points(&gives_back)
    };
    let mut order = state(&rules, &purchase(basket()));
    assert_eq!(late(&order, None), 0, "nothing came back yet");
    refunded(&rules, &mut order, &Paid::new(), &lines_back(vec![by_sku("pear", None, None)]));
    assert_eq!(late(&order, None), 3, "half of 7");
    assert_eq!(late(&order, Some(&paid(8))), 7, "half of 15 in all, whatever came back before");
    refunded(&rules, &mut order, &Paid::new(), &whole());
    assert_eq!(late(&order, None), 7);
}

#[test]
fn what_comes_back_depends_neither_on_the_order_of_refunds_nor_on_how_they_were_split() {
    let rules = compiled(&json!([one_per_dollar()]));
    let mut dice = Dice::seeded(20_261_126);
    for round in 0..600 {
        let lines = some_order(&mut dice);
        let bought = purchase(lines.clone());
        let all = i64::try_from(dice.below(200)).unwrap();
        let paid = paid(all);
        let mut refunds: Vec<Refund> = (0..=dice.below(4)).map(|_| some_refund(&mut dice, &lines)).collect();
        let mut one_after_the_other = state(&rules, &bought);
        let mut back = 0;
        for refund in &refunds {
            let more = points(&refunded(&rules, &mut one_after_the_other, &paid, refund));
            assert!((back..=all).contains(&more), "round {round}: {more} after {back} of {all}");
            back = more;
        }
        for at in (1..refunds.len()).rev() {
            refunds.swap(at, usize::try_from(dice.below(at as u64 + 1)).unwrap());
        }
        let mut shuffled = state(&rules, &bought);
        let again =
            refunds.iter().map(|refund| points(&refunded(&rules, &mut shuffled, &paid, refund))).last().unwrap();
        assert_eq!(again, back, "round {round}: {refunds:?} of {lines:?}");
        assert_eq!(points(&refunded(&rules, &mut shuffled, &paid, &whole())), all, "round {round}: all in the end");
    }
}

//! Rules that count over several events: what one more event is worth, and what is wrong with them as they are written.

use std::collections::BTreeMap;

use contract::decision::{Decision, Facts};
use contract::tally::{Tally, TallyChange, TallyKey};
use rules::{Compiled, compile};
use serde_json::{Value, json};

use crate::support::{earn, merged, order, ruleset_of, sentences};

fn compiled(rule: &Value) -> Result<Compiled, String> {
    let wallets = json!([{ "name": "points" }, { "name": "halves", "scale": 1 }]);
    compile(ruleset_of(&wallets, &json!([rule]))).map_err(|errors| sentences(&errors))
}

fn rules(effect: &Value) -> Compiled {
    compiled(&earn("r", effect, &json!({}))).unwrap()
}

/// Points that an order brings, one after the other, and what the last one is told to be worth.
fn bring(rules: &Compiled, amounts: &[&str]) -> Vec<i64> {
    let mut known: BTreeMap<TallyKey, Tally> = BTreeMap::new();
    let mut points = Vec::new();
    for amount in amounts {
        let event = order(amount);
        for key in rules.reads(&event).tallies {
            known.entry(key).or_default();
        }
        let facts = Facts { tallies: Some(&known), ..Facts::default() };
        let Ok(Decision::Purchase { awards, tallies }) = rules.decide(&event, facts) else { panic!() };
        points.push(awards.iter().map(|award| award.points.0).sum());
        for TallyChange { part, sum, worth } in tallies {
            let tally = known[&part.key].given(worth).unwrap();
            known.insert(part.key, Tally { sum, ..tally });
        }
    }
    points
}

#[test]
fn an_event_brings_what_the_sum_is_worth_more() {
    for (effect, amounts, points) in [
        (
            json!({ "per": { "amount": "1.00", "points": "1" }, "over": "Month" }),
            vec!["0.60", "0.60", "0.79", "0.01"],
            vec![0, 1, 0, 1],
        ),
        (
            json!({ "per": { "amount": "3.00", "points": "1" }, "over": "Ever", "rounding": { "mode": "Ceiling" } }),
            vec!["0.01", "2.99", "0.01"],
            vec![1, 0, 1],
        ),
        (
            json!({ "per": { "amount": "1.00", "points": "1" }, "over": "Ever", "rounding": { "mode": "HalfEven" } }),
            vec!["0.50", "1.00", "1.00", "0.01"],
            vec![0, 2, 0, 1],
        ),
        (
            json!({ "perStep": { "amount": "10.00", "points": "5" }, "over": "Year" }),
            vec!["9.99", "0.01", "25.00"],
            vec![0, 5, 10],
        ),
        (json!({ "every": { "events": 3, "points": "7" }, "over": "Ever" }), vec!["1.00"; 6], vec![0, 0, 7, 0, 0, 7]),
        (
            json!({ "reaching": [{ "events": 1, "points": "1" }, { "events": 3, "points": "2" }], "over": "Ever" }),
            vec!["1.00"; 4],
            vec![1, 0, 2, 0],
        ),
        (
            json!({ "wallet": "halves", "per": { "amount": "1.00", "points": "1" }, "over": "Ever" }),
            vec!["0.19", "0.01", "0.10"],
            vec![1, 1, 1],
        ),
        (
            json!({ "per": { "amount": "1.00", "points": "1" }, "over": "Month", "max": "3" }),
            vec!["1.60", "1.60", "5.00", "1.00"],
            vec![1, 2, 0, 0],
        ),
        (
            json!({ "every": { "events": 1, "points": "2" }, "over": "Day", "max": "5" }),
            vec!["1.00"; 4],
            vec![2, 2, 1, 0],
        ),
    ] {
        assert_eq!(bring(&rules(&effect), &amounts), points, "{effect}");
    }
}

#[test]
fn multipliers_count_in_what_is_rounded_together_and_not_in_steps() {
    let double = json!({ "name": "double", "on": "purchase", "multiply": { "by": "1.5" } });
    let wallets = json!([{ "name": "points" }]);
    for (effect, points) in [
        (json!({ "per": { "amount": "1.00", "points": "1" }, "over": "Ever" }), [0, 1, 1]),
        (json!({ "perStep": { "amount": "1.00", "points": "1" }, "over": "Ever" }), [0, 1, 0]),
    ] {
        let set = compile(ruleset_of(&wallets, &json!([earn("r", &effect, &json!({})), double]))).unwrap();
        assert_eq!(bring(&set, &["0.60", "0.60", "0.60"]), points, "{effect}");
    }
}

#[test]
fn what_nobody_looked_at_is_not_counted() {
    let rules = rules(&json!({ "every": { "events": 3, "points": "7" }, "over": "Ever" }));
    let facts = Facts { tallies: Some(&BTreeMap::new()), ..Facts::default() };
    let refusal = rules.decide(&order("1.00"), facts).unwrap_err();
    assert!(
        refusal.detail.starts_with("rule `r` counts over several events, and its sum was not read"),
        "{}",
        refusal.detail
    );
}

#[test]
fn an_order_can_bring_no_more_than_a_wallet_holds() {
    let rules = rules(&json!({ "per": { "amount": "0.01", "points": "999999999999" }, "over": "Ever" }));
    let key = rules.reads(&order("1.00")).tallies.into_iter().next().unwrap();
    for tally in [Tally { sum: i64::MAX, ..Tally::default() }, Tally { sum: i64::MAX / 2, ..Tally::default() }] {
        let known = BTreeMap::from([(key.clone(), tally)]);
        let refusal = rules.decide(&order("1.00"), Facts { tallies: Some(&known), ..Facts::default() }).unwrap_err();
        assert!(refusal.detail.contains("more points for this event than a wallet can hold"), "{}", refusal.detail);
    }
}

#[test]
fn a_sum_belongs_to_its_time_in_the_programmes_zone() {
    let rule = earn("r", &json!({ "every": { "events": 3, "points": "7" }, "over": "Month" }), &json!({}));
    let mut set = ruleset_of(&json!([{ "name": "points" }]), &json!([rule]));
    "Asia/Kathmandu".clone_into(&mut set.program.time_zone);
    let rules = compile(set).unwrap();
    for (at, since) in [("2026-01-31T18:14:59Z", "2026-01-01"), ("2026-01-31T18:15:00Z", "2026-02-01")] {
        let event = contract::event::Event { occurred_at: at.parse().unwrap(), ..order("1.00") };
        let keys: Vec<String> = rules.reads(&event).tallies.iter().map(TallyKey::counted).collect();
        assert_eq!(keys, [format!("Events since {since}")]);
    }
}

#[test]
fn an_activity_that_may_wait_for_its_purchase_is_not_counted() {
    let waits = json!({ "per": { "amount": "1.00", "points": "1" }, "pending": { "until": "delivered" } });
    let counts = json!({ "every": { "events": 3, "points": "7" }, "over": "Ever" });
    let rules = |on: &str| json!([earn("base", &waits, &json!({})), earn("third", &counts, &json!({ "on": on }))]);
    let told = |on: &str| compile(ruleset_of(&json!([{ "name": "points" }]), &rules(on))).map_err(|e| sentences(&e));
    let problem =
        "spec.rules[1].earn.over: counts `delivered`, for which points of orders wait; count another activity";
    assert_eq!(told("delivered").unwrap_err(), problem);
    assert!(told("visit").is_ok());
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let over = |effect: Value| merged(&effect, &json!({ "over": "Month" }));
    let on = |activity: &str| json!({ "on": activity });
    for (effect, rest, told) in [
        (
            json!({ "every": { "events": 3, "points": "7" } }),
            json!({}),
            "earn.every: counts over several events, and nothing says which",
        ),
        (
            json!({ "reaching": [{ "events": 3, "points": "7" }] }),
            json!({}),
            "earn.reaching: counts over several events",
        ),
        (over(json!({ "fixed": "5" })), json!({}), "earn.fixed: is for what one event earns"),
        (over(json!({ "fixed": "5" })), json!({}), "must say how many points: give one of"),
        (over(json!({ "per": { "amount": "0", "points": "1" } })), json!({}), "earn.per.amount: is 0"),
        (
            over(json!({ "reaching": [{ "events": 3, "points": "7" }], "max": "5" })),
            json!({}),
            "earn.max: has no effect, as the marks say how many points there are",
        ),
        (
            over(json!({ "every": { "events": 1, "points": "1" }, "max": "0.5" })),
            json!({}),
            "earn.max: is `0.5`, finer than the 0 decimals",
        ),
        (
            over(json!({ "per": { "amount": "1", "points": "1" }, "rounding": { "at": "Line" } })),
            json!({}),
            "earn.rounding.at: is `Line`, but with `over`",
        ),
        (
            over(json!({ "perStep": { "amount": "1", "points": "1" }, "rounding": { "mode": "Ceiling" } })),
            json!({}),
            "earn.rounding: has no effect, as only full steps count",
        ),
        (
            over(json!({ "perStep": { "amount": "0.0000001", "points": "1" } })),
            json!({}),
            "earn.perStep.amount: is finer than a millionth",
        ),
        (
            over(json!({ "perStep": { "amount": "1", "points": "0.5" } })),
            json!({}),
            "earn.perStep.points: is `0.5`, finer than the 0 decimals",
        ),
        (
            over(json!({ "every": { "events": 0, "points": "7" } })),
            json!({}),
            "earn.every.events: is 0; it must be at least 1",
        ),
        (over(json!({ "every": { "points": "7" } })), json!({}), "earn.every: must say of what"),
        (
            over(json!({ "every": { "quantity": "2", "points": "7" } })),
            on("visit"),
            "earn.every.quantity: only a purchase has lines",
        ),
        (
            over(json!({ "every": { "quantity": "2", "points": "7" }, "base": { "tax": "Excluded" } })),
            json!({}),
            "earn.base: has no effect, as no money is counted",
        ),
        (
            over(json!({ "reaching": [{ "events": 3, "points": "7" }, { "events": 3, "points": "7" }] })),
            json!({}),
            "earn.reaching[1]: asks for no more than the mark before it",
        ),
        (
            over(json!({ "reaching": [{ "events": 3, "points": "7" }, { "amount": "5", "points": "7" }] })),
            json!({}),
            "earn.reaching[1]: counts something else than the mark before it",
        ),
        (over(json!({ "reaching": [{ "points": "7" }] })), json!({}), "earn.reaching[0]: must say what is reached"),
        (
            over(json!({ "per": { "amount": "1", "points": "1" }, "pending": { "until": "delivered" } })),
            json!({}),
            "earn.over: is for points of one order, and these are of several",
        ),
    ] {
        let sentences = compiled(&earn("r", &effect, &rest)).unwrap_err();
        assert!(sentences.contains(told), "{effect}: {sentences}");
    }
}

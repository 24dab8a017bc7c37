//! Effects, the walk over the rules, and the arithmetic that an award tells.

use contract::BuryReason;
use contract::decision::{Award, Effect, Facts};
use contract::event::{Event, Kind, Line};
use rules::compile;
use serde_json::{Value, json};

use crate::support::{
    awards, compiled, custom, earn, event, line, merged, multiply, order, per, points, purchase, ruleset_of,
};

fn article(id: &str, sku: &str, amount: &str) -> Line {
    Line { sku: Some(sku.to_owned()), ..line(id, amount) }
}

fn steps(amount: &str, points: &str, at: &str) -> Value {
    json!({ "perStep": { "amount": amount, "points": points }, "rounding": { "at": at } })
}

#[test]
fn steps_count_over_the_order_or_line_by_line() {
    let lines = || purchase(vec![article("1", "a", "17.00"), article("2", "b", "8.00"), article("3", "c", "5.00")]);
    let double_a = multiply("double", "2", &json!({ "include": { "skus": ["a"] } }));
    let table = [
        ("order: three steps of 30.00", json!([earn("s", &steps("10", "1", "Order"), &json!({}))]), 3),
        ("line: one step of 17.00", json!([earn("s", &steps("10", "1", "Line"), &json!({}))]), 1),
        // (17 x 2 + 8 + 5) / 30 x 3 = 4.7
        ("order: the factor weighs by money", json!([earn("s", &steps("10", "1", "Order"), &json!({})), double_a]), 4),
        ("line: with its own factor", json!([earn("s", &steps("10", "1", "Line"), &json!({})), double_a]), 2),
        ("not even one step", json!([earn("s", &steps("31", "1", "Order"), &json!({}))]), 0),
        (
            "only what is included",
            json!([earn("s", &steps("10", "1", "Order"), &json!({ "include": { "skus": ["b", "c"] } }))]),
            1,
        ),
    ];
    for (name, rules, expected) in table {
        assert_eq!(points(&compiled(&rules), &lines()), expected, "{name}");
    }
    assert_eq!(points(&compiled(&json!([earn("s", &steps("10", "1", "Order"), &json!({}))])), &order("0.00")), 0);
}

#[test]
fn a_minimum_is_of_the_whole_order_and_stop_after_only_counts_when_applied() {
    let a_only = json!({ "include": { "skus": ["a"] }, "minimumOrder": "20.00" });
    let table = [
        ("the whole order reaches it", json!([per("a", "1", "1.00", &a_only)]), 15),
        ("exactly reached", json!([per("a", "1", "1.00", &merged(&a_only, &json!({ "minimumOrder": "20" })))]), 15),
        ("missed by a cent", json!([per("a", "1", "1.00", &merged(&a_only, &json!({ "minimumOrder": "20.01" })))]), 0),
        (
            "a rule without a line of its own does not stop",
            json!([
                per("x", "1", "1.00", &json!({ "include": { "skus": ["x"] }, "stopAfter": true })),
                per("b", "1", "1.00", &json!({}))
            ]),
            20,
        ),
        (
            "a rule that gives 0 points stops all the same",
            json!([per("tiny", "1", "100.00", &json!({ "stopAfter": true })), per("b", "1", "1.00", &json!({}))]),
            0,
        ),
        (
            "a multiplier after the stop is not asked",
            json!([per("a", "1", "1.00", &json!({ "stopAfter": true })), multiply("late", "2", &json!({}))]),
            20,
        ),
        (
            "a multiplier before or after the award",
            json!([
                multiply("m", "2", &json!({})),
                per("a", "1", "1.00", &json!({})),
                multiply("n", "1.5", &json!({}))
            ]),
            60,
        ),
        (
            "excluded wins over included",
            json!([per("a", "1", "1.00", &json!({ "include": { "skus": ["a", "b"] }, "exclude": { "skus": ["b"] } }))]),
            15,
        ),
    ];
    for (name, rules, expected) in table {
        let event = purchase(vec![article("1", "a", "15.00"), article("2", "b", "5.00")]);
        assert_eq!(points(&compiled(&rules), &event), expected, "{name}");
    }
}

#[test]
fn a_multiplier_may_be_for_one_wallet() {
    let wallets = json!([{ "name": "points" }, { "name": "cash", "scale": 2 }]);
    let cash = json!({ "name": "cash", "on": "purchase", "earn": { "wallet": "cash", "per": { "amount": "100", "points": "1.5" } } });
    let double = json!({ "name": "double", "on": "purchase", "multiply": { "by": "2", "wallet": "cash" } });
    let rules = compile(ruleset_of(&wallets, &json!([per("base", "1", "1.00", &json!({})), cash, double]))).unwrap();
    let given: Vec<_> =
        awards(&rules, &order("33.33")).iter().map(|award| (award.rule.to_string(), award.points.0)).collect();
    // 0.49995 x 2 = 0.9999, floored to hundredths.
    assert_eq!(given, [("base".to_owned(), 33), ("cash".to_owned(), 99)]);
}

#[test]
fn sign_ups_and_custom_activities_earn_fixed_points() {
    let on = |name: &str, on: &str, and: &Value| {
        let earn = json!({ "wallet": "points", "fixed": "10" });
        merged(&json!({ "name": name, "on": on, "earn": earn }), and)
    };
    let rules = compiled(&json!([
        on("welcome", "signup", &json!({})),
        on("visit", "visit", &json!({ "when": "event.channel == 'web'" }))
    ]));
    let rule_names =
        |event: &Event| awards(&rules, event).iter().map(|award| award.rule.to_string()).collect::<Vec<_>>();
    assert_eq!(rule_names(&event(Kind::Signup)), ["welcome"]);
    assert_eq!(rule_names(&custom("visit")), ["visit"]);
    assert!(rule_names(&Event { channel: None, ..custom("visit") }).is_empty());
    assert!(rule_names(&custom("review")).is_empty());
    assert!(rule_names(&order("5.00")).is_empty());
}

fn told(award: &Award) -> Value {
    serde_json::to_value(&award.inputs).unwrap()
}

#[test]
fn an_award_tells_its_arithmetic() {
    let rules = compiled(&json!([
        per("base", "3.5", "1.00", &json!({ "exclude": { "skus": ["tax"] } })),
        multiply("red", "2", &json!({ "include": { "skus": ["red"] } })),
        multiply("other", "9", &json!({ "include": { "skus": ["blue"] } })),
        earn("gift", &json!({ "fixed": "25" }), &json!({})),
    ]));
    let simple = &awards(&rules, &order("29.33"))[0];
    assert_eq!(simple.points.0, 102);
    let rounding = json!({ "mode": "Floor", "at": "Order" });
    assert_eq!(
        told(simple),
        json!({ "effect": "Per", "base": "29.33", "perAmount": "1.00", "points": "3.5", "exact": "102.655", "rounding": rounding })
    );
    let event =
        purchase(vec![article("1", "red", "10.01"), article("2", "plain", "5.00"), article("3", "tax", "9.00")]);
    let both = awards(&rules, &event);
    assert_eq!(both[0].points.0, 87);
    assert_eq!(
        told(&both[0]),
        json!({
            "effect": "Per", "base": "15.01", "perAmount": "1.00", "points": "3.5",
            "multipliers": [{ "rule": "red", "by": "2" }], "exact": "87.57", "rounding": rounding,
            "lines": [
                { "line": "1", "base": "10.01", "factor": "2", "exact": "70.07" },
                { "line": "2", "base": "5", "factor": "1", "exact": "17.5" },
            ],
        })
    );
    assert_eq!(both[1].inputs.effect, Effect::Fixed);
    assert_eq!(told(&both[1]), json!({ "effect": "Fixed", "base": "0", "points": "25", "exact": "25" }));
}

#[test]
fn a_line_by_line_award_tells_its_lines_even_when_there_is_one() {
    let rules = compiled(&json!([earn("s", &steps("3", "1", "Line"), &json!({}))]));
    let award = &awards(&rules, &order("10.00"))[0];
    assert_eq!(told(award)["lines"], json!([{ "line": "1", "base": "10", "factor": "1", "exact": "3" }]));
    assert_eq!(told(award)["effect"], "PerStep");
}

#[test]
fn more_points_than_a_wallet_can_hold_refuse_the_event() {
    let rules = compiled(&json!([per("base", "999999999999999999", "0.01", &json!({}))]));
    let refusal = rules.decide(&order("1.00"), Facts::default()).unwrap_err();
    assert_eq!(refusal.reason, BuryReason::Overflow);
    assert_eq!(
        refusal.detail,
        "rule `base` gives more points for this event than a wallet can hold; check its amounts"
    );
}

#[test]
fn extreme_numbers_that_fit_are_computed_exactly() {
    let rules = compiled(&json!([
        per("base", "0.00000000000000001", "0.00000000000000001", &json!({})),
        multiply("a", "1.00000000000000001", &json!({})),
        multiply("b", "0.99999999999999999", &json!({})),
    ]));
    // A thousand, but for 10^-31 of a point: floor takes the whole point.
    assert_eq!(points(&rules, &order("1000.00")), 999);
}

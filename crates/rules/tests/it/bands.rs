//! Rates by status, by size of the order and by quantity, and the most that an event earns.

use contract::Quantity;
use contract::event::Line;
use rules::compile;
use serde_json::{Value, json};

use crate::support::{
    awards, back, by_id, compiled, earn, line, lines_back, merged, money, multiply, order, per, points, purchase,
    refunded, ruleset_of, sentences, state, whole, with_data,
};

/// 1 per 20.00 below 555.00, and 1 per 10.00 from there.
fn pyaterochka() -> Value {
    let steps = |from: &str, amount: &str| json!({ "from": from, "perStep": { "amount": amount, "points": "1" } });
    earn("base", &json!({ "bands": [steps("0", "20.00"), steps("555.00", "10.00")] }), &json!({}))
}

#[test]
fn pyaterochka_2019_one_per_20_below_555_and_one_per_10_from_there() {
    let rules = compiled(&json!([pyaterochka()]));
    for (amount, expected) in [("554.99", 27), ("555.00", 55), ("1234.50", 123), ("19.99", 0), ("0.00", 0)] {
        assert_eq!(points(&rules, &order(amount)), expected, "{amount}");
    }
    // By conditions it says the same.
    let two = compiled(&json!([
        per("small", "1", "20.00", &json!({ "when": "event.amountMinor < 55500" })),
        per("large", "1", "10.00", &json!({ "when": "event.amountMinor >= 55500" })),
    ]));
    for minor in [0, 1999, 55_499, 55_500, 55_509, 123_450] {
        let event = order(&format!("{}.{:02}", minor / 100, minor % 100));
        assert_eq!(points(&two, &event), points(&rules, &event), "{minor}");
    }
}

#[test]
fn what_is_kept_is_paid_by_its_own_band() {
    let rules = compiled(&json!([pyaterochka()]));
    let mut order = state(&rules, &order("600.00"));
    assert_eq!(order.awards[0].awarded.0, 60);
    assert_eq!(refunded(&rules, &mut order, &back("45.00")), 5, "555.00 are kept: 55");
    assert_eq!(refunded(&rules, &mut order, &back("0.01")), 33, "554.99 are kept: 27");
    assert_eq!(refunded(&rules, &mut order, &whole()), 60);
}

#[test]
fn a_band_counts_the_selected_money_by_its_base_and_may_begin_above_nought() {
    let bands = json!([
        { "from": "10", "fixed": "5" },
        { "from": "20.00", "per": { "amount": "1", "points": "1" } },
        { "from": "30", "perQuantity": { "quantity": "1", "points": "50" } },
    ]);
    let how = json!({ "bands": bands, "base": { "tax": "Excluded" } });
    let double = multiply("double", "2", &json!({}));
    let rules = compiled(&json!([earn("r", &how, &json!({ "exclude": { "categories": ["gift"] } })), double]));
    let sold = |amount: &str| {
        let gift = Line { category: Some("gift".to_owned()), ..line("2", "90.00") };
        let tax = Some(money("1.00"));
        purchase(vec![Line { tax, quantity: Quantity::parse("1.5").unwrap(), ..line("1", amount) }, gift])
    };
    // A fixed number is never multiplied.
    for (amount, expected) in [("10.99", 0), ("11.00", 5), ("20.99", 5), ("21.00", 40), ("31.00", 150)] {
        assert_eq!(points(&rules, &sold(amount)), expected, "{amount}");
    }
    let told = |amount: &str| serde_json::to_value(&awards(&rules, &sold(amount))[0].inputs).unwrap();
    assert_eq!(
        told("11.00"),
        json!({ "effect": "Fixed", "base": "10", "counts": { "tax": "Excluded" }, "points": "5", "exact": "5", "band": "10" })
    );
    let of_pieces = told("31.00");
    assert_eq!(
        (&of_pieces["effect"], &of_pieces["base"], &of_pieces["perAmount"]),
        (&json!("PerQuantity"), &json!("1.5"), &json!("1"))
    );
    assert_eq!(of_pieces["lines"], json!([{ "line": "1", "base": "1.5", "factor": "2", "exact": "150" }]));
}

#[test]
fn points_for_quantities_are_exact_and_rounded_once() {
    let sold = |quantities: &[&str]| {
        let line = |(n, text): (usize, &&str)| Line {
            quantity: Quantity::parse(text).unwrap(),
            ..line(&n.to_string(), "1.00")
        };
        purchase(quantities.iter().enumerate().map(line).collect())
    };
    let rate = |quantity: &str, points: &str, and: &Value| {
        let how = json!({ "perQuantity": { "quantity": quantity, "points": points } });
        compiled(&json!([earn("r", &merged(&how, and), &json!({}))]))
    };
    let table: [(&str, &str, Value, &[&str], i64); 7] = [
        ("1", "5", json!({}), &["2", "1"], 15),
        ("1", "5", json!({}), &["0.350"], 1),
        ("1", "5", json!({ "rounding": { "mode": "HalfUp" } }), &["0.35", "0.15"], 3),
        ("1", "5", json!({ "rounding": { "mode": "Floor", "at": "Line" } }), &["0.35", "0.35"], 2),
        ("1", "5", json!({}), &["0.35", "0.35"], 3),
        ("3", "1", json!({}), &["1", "1", "1"], 1),
        ("0.1", "0.1", json!({}), &["0.3"], 0),
    ];
    for (quantity, of_it, and, quantities, expected) in table {
        assert_eq!(
            points(&rate(quantity, of_it, &and), &sold(quantities)),
            expected,
            "{of_it} per {quantity}: {quantities:?}"
        );
    }
    let rules = compiled(&json!([
        earn("r", &json!({ "perQuantity": { "quantity": "1", "points": "5" } }), &json!({})),
        multiply("double", "2", &json!({}))
    ]));
    let mut order = state(&rules, &sold(&["3"]));
    assert_eq!(order.awards[0].awarded.0, 30);
    assert_eq!(refunded(&rules, &mut order, &lines_back(vec![by_id("0", Some("1"), None)])), 10);
    assert_eq!(refunded(&rules, &mut order, &back("0.10")), 10, "money goes back, the pieces stay");
    let delivery = json!({ "base": { "delivery": "Excluded" } });
    let with_delivery = vec![line("1", "1.00"), Line { is_delivery: true, ..line("2", "1.00") }];
    assert_eq!(points(&rate("1", "5", &delivery), &purchase(with_delivery)), 5);
}

#[test]
fn delta_at_most_75_000_a_ticket() {
    let how = json!({ "per": { "amount": "1.00", "points": "11" }, "max": "75000", "base": { "tax": "Excluded" } });
    let rules = compiled(&json!([earn("diamond", &how, &json!({}))]));
    for (fare, expected) in [("300.00", 3300), ("6818.18", 74_999), ("6818.19", 75_000), ("9000.00", 75_000)] {
        assert_eq!(points(&rules, &order(fare)), expected, "{fare}");
    }
    let told = |fare: &str| serde_json::to_value(&awards(&rules, &order(fare))[0].inputs).unwrap();
    assert_eq!(told("9000.00")["cap"], json!({ "max": "75000", "wanted": "99000" }));
    assert_eq!(told("300.00")["cap"], json!({ "max": "75000", "wanted": "3300" }));
    // What is kept is capped again: nothing is due until less than the cap is earned.
    let mut ticket = state(&rules, &order("9000.00"));
    assert_eq!(refunded(&rules, &mut ticket, &back("2000.00")), 0);
    assert_eq!(refunded(&rules, &mut ticket, &back("1000.00")), 9000);
    assert_eq!(refunded(&rules, &mut ticket, &whole()), 75_000);
}

#[test]
fn a_cap_holds_after_multipliers_and_rounding_and_for_each_rule_by_itself() {
    let how = json!({ "per": { "amount": "1", "points": "1" }, "rounding": { "mode": "Ceiling", "at": "Line" }, "max": "10" });
    let rules =
        compiled(&json!(
            [earn("a", &how, &json!({})), per("b", "1", "1", &json!({})), multiply("m", "3", &json!({})),]
        ));
    assert_eq!(points(&rules, &order("3.10")), 10 + 9);
    assert_eq!(points(&rules, &order("3.00")), 9 + 9);
}

#[test]
fn bands_quantities_and_caps_that_make_no_sense_are_told() {
    let told = |how: Value, and: Value| {
        let ruleset = ruleset_of(&json!([{ "name": "points" }]), &json!([earn("r", &how, &and)]));
        compile(ruleset).map_or_else(|errors| sentences(&errors), |_| String::new())
    };
    let band = |from: &str, and: Value| merged(&json!({ "from": from }), &and);
    let (fixed, rate) = (json!({ "fixed": "5" }), json!({ "per": { "amount": "1", "points": "1" } }));
    let many: Vec<Value> = (0..17).map(|n| band(&n.to_string(), fixed.clone())).collect();
    let table = [
        (
            json!({ "bands": [band("10", fixed.clone()), band("10.00", rate.clone())] }),
            "spec.rules[0].earn.bands[1].from: is 10.00, and the band before it begins at 10; write them in ascending order",
        ),
        (
            json!({ "bands": [band("0", json!({}))] }),
            "spec.rules[0].earn.bands[0]: says no number of points; give it one of `per`, `perStep`, `perQuantity` and `fixed`",
        ),
        (
            json!({ "bands": [band("0", merged(&fixed, &rate))] }),
            "spec.rules[0].earn.bands[0]: may have only one of `per`, `perStep`, `perQuantity` and `fixed`; a band gives one thing",
        ),
        (
            json!({ "bands": [band("0", json!({ "per": { "amount": "0", "points": "1" } }))] }),
            "spec.rules[0].earn.bands[0].per.amount: is 0; it must be more",
        ),
        (
            json!({ "bands": [band("0", json!({ "fixed": "0.5" }))] }),
            "spec.rules[0].earn.bands[0].fixed: is `0.5`, finer than the 0 decimals of wallet `points`; round it, or raise the wallet's `scale`",
        ),
        (json!({ "bands": many }), "spec.rules[0].earn.bands: has 17 bands; at most 16 are allowed"),
        (
            merged(&rate, &json!({ "bands": [band("0", fixed.clone())] })),
            "spec.rules[0].earn: may have only one of `per`, `perStep`, `perQuantity`, `bands`, `fixed`, `every` and `reaching`; make each a rule of its own",
        ),
        (
            json!({ "bands": [band("0", fixed.clone())], "rounding": { "mode": "Floor" } }),
            "spec.rules[0].earn.rounding: has no effect, as all bands give a fixed number; remove it",
        ),
        (
            json!({ "perQuantity": { "quantity": "0", "points": "1" } }),
            "spec.rules[0].earn.perQuantity.quantity: is 0; it must be more",
        ),
        (
            json!({ "perQuantity": { "quantity": "1", "points": "1" }, "base": { "tax": "Excluded", "delivery": "Excluded" } }),
            "spec.rules[0].earn.base: `discount` and `tax` are money and have no effect on `perQuantity`; leave `delivery` alone",
        ),
        (merged(&rate, &json!({ "max": "0" })), "spec.rules[0].earn.max: is 0; it must be more"),
        (
            merged(&rate, &json!({ "max": "7.5" })),
            "spec.rules[0].earn.max: is `7.5`, finer than the 0 decimals of wallet `points`; round it, or raise the wallet's `scale`",
        ),
        (
            merged(&fixed, &json!({ "max": "3" })),
            "spec.rules[0].earn.max: has no effect beside `fixed`; write the smaller number there",
        ),
    ];
    for (how, expected) in table {
        assert_eq!(told(how, json!({})), expected);
    }
    assert_eq!(
        told(json!({ "bands": [band("0", fixed)] }), json!({ "on": "visit" })),
        "spec.rules[0].earn.bands: only a purchase has lines and an amount; remove this, or say `on: purchase` (it is `visit`)"
    );
}

#[test]
fn delta_miles_by_status_and_not_on_taxes() {
    let statuses = [("General", "5"), ("Silver", "7"), ("Gold", "8"), ("Platinum", "9"), ("Diamond", "11")];
    let rules: Vec<_> = statuses
        .iter()
        .map(|(status, rate)| {
            let when = format!("event.data.status == '{status}'");
            let and = json!({ "when": when, "exclude": { "categories": ["taxes"] } });
            per(&status.to_lowercase(), rate, "1.00", &and)
        })
        .collect();
    let rules = compiled(&json!(rules));
    for ((status, _), expected) in statuses.iter().zip([1500, 2100, 2400, 2700, 3300]) {
        let event = with_data(order("300.00"), json!({ "status": status }));
        assert_eq!(points(&rules, &event), expected, "{status}");
    }
    let taxes = Line { category: Some("taxes".to_owned()), ..line("2", "61.30") };
    let ticket = with_data(purchase(vec![line("1", "428.00"), taxes]), json!({ "status": "Silver" }));
    assert_eq!(points(&rules, &ticket), 2996);
}

#[test]
fn hilton_older_edition_bonus_on_the_base_by_status() {
    let bonus = |name: &str, by: &str| {
        multiply(&name.to_lowercase(), by, &json!({ "when": format!("event.data.status == '{name}'") }))
    };
    let rules = compiled(&json!([
        per("tru", "5", "1.00", &json!({ "include": { "categories": ["tru"] } })),
        per("base", "10", "1.00", &json!({ "exclude": { "categories": ["tru"] } })),
        bonus("Silver", "1.20"),
        bonus("Gold", "1.80"),
        bonus("Diamond", "2.00"),
    ]));
    let tru = Line { category: Some("tru".to_owned()), ..line("1", "120.00") };
    let table = [(purchase(vec![line("1", "300.00")]), "Gold", 5400), (purchase(vec![tru]), "Silver", 720)];
    for (event, status, expected) in table {
        assert_eq!(points(&rules, &with_data(event, json!({ "status": status }))), expected, "{status}");
    }
}

//! What of a line counts: before or after its discount, with its tax or without, and whether its delivery does.

use contract::event::Line;
use rules::compile;
use serde_json::{Value, json};

use crate::support::{
    awards, back, by_id, compiled, earn, line, lines_back, merged, money, per, points, purchase, refunded, ruleset_of,
    sentences, state, whole,
};

/// A line with what was taken off it and the tax in it.
fn taxed(id: &str, amount: &str, discount: &str, tax: &str) -> Line {
    let some = |text: &str| Some(money(text)).filter(|money| money.minor > 0);
    Line { discount: some(discount), tax: some(tax), ..line(id, amount) }
}

/// 10.00 after 5.00 off, with 1.60 of tax; 4.90 of delivery, with 0.78.
fn with_delivery() -> Vec<Line> {
    vec![taxed("1", "10.00", "5.00", "1.60"), Line { is_delivery: true, ..taxed("2", "4.90", "0", "0.78") }]
}

fn cents(base: &Value) -> Value {
    let how = json!({ "per": { "amount": "1.00", "points": "100" }, "base": base });
    earn("cents", &how, &json!({}))
}

#[test]
fn each_part_of_the_money_counts_or_not() {
    let table = [
        (json!({}), 1490),
        (json!({ "discount": "After", "tax": "Included", "delivery": "Included" }), 1490),
        (json!({ "discount": "Before" }), 1990),
        (json!({ "tax": "Excluded" }), 1252),
        (json!({ "delivery": "Excluded" }), 1000),
        (json!({ "discount": "Before", "tax": "Excluded" }), 1752),
        (json!({ "discount": "Before", "tax": "Excluded", "delivery": "Excluded" }), 1340),
    ];
    for (base, expected) in table {
        assert_eq!(points(&compiled(&json!([cents(&base)])), &purchase(with_delivery())), expected, "{base}");
    }
}

#[test]
fn steps_are_steps_of_the_money_that_counts() {
    let steps = |base: &Value| {
        let how = json!({ "perStep": { "amount": "5", "points": "1" }, "base": base });
        compiled(&json!([earn("s", &how, &json!({}))]))
    };
    assert_eq!(points(&steps(&json!({})), &purchase(with_delivery())), 2);
    assert_eq!(points(&steps(&json!({ "discount": "Before" })), &purchase(with_delivery())), 3);
    assert_eq!(points(&steps(&json!({ "tax": "Excluded", "delivery": "Excluded" })), &purchase(with_delivery())), 1);
}

#[test]
fn a_rule_that_leaves_delivery_out_does_not_apply_to_delivery_alone() {
    let first = merged(&cents(&json!({ "delivery": "Excluded" })), &json!({ "stopAfter": true }));
    let rules = compiled(&json!([first, per("rest", "1", "1.00", &json!({}))]));
    let delivery = Line { is_delivery: true, ..line("1", "7.00") };
    assert_eq!(points(&rules, &purchase(vec![delivery])), 7);
}

#[test]
fn the_least_order_goes_by_what_is_paid() {
    let rule = |least: &str| merged(&cents(&json!({ "discount": "Before" })), &json!({ "minimumOrder": least }));
    assert_eq!(points(&compiled(&json!([rule("14.90")])), &purchase(with_delivery())), 1990);
    assert_eq!(points(&compiled(&json!([rule("14.91")])), &purchase(with_delivery())), 0);
}

#[test]
fn conditions_see_discount_tax_and_delivery() {
    let when = "event.lines.exists(line, line.discountMinor == 500 && line.taxMinor == 160 && !line.isDelivery) && \
                event.lines.exists(line, line.discountMinor == 0 && line.isDelivery)";
    let rules = compiled(&json!([per("base", "1", "1.00", &json!({ "when": when }))]));
    assert_eq!(points(&rules, &purchase(with_delivery())), 14);
    assert_eq!(points(&rules, &purchase(vec![line("1", "14.90")])), 0);
}

/// Not on taxes, as the programme says.
#[test]
fn delta_a_fare_of_428_and_taxes_of_61_30_at_7_a_dollar() {
    let how = json!({ "per": { "amount": "1.00", "points": "7" }, "base": { "tax": "Excluded" } });
    let rules = compiled(&json!([earn("silver", &how, &json!({}))]));
    assert_eq!(points(&rules, &purchase(vec![taxed("ticket", "489.30", "0", "61.30")])), 2996);
}

#[test]
fn smile_io_a_coupon_of_10_off_50_earns_40_and_a_full_refund_leaves_nothing() {
    let rules = compiled(&json!([per("base", "1", "1.00", &json!({}))]));
    let mut order = state(&rules, &purchase(vec![taxed("1", "40.00", "10.00", "0")]));
    assert_eq!(order.awards[0].awarded.0, 40);
    assert_eq!(refunded(&rules, &mut order, &whole()), 40);
}

#[test]
fn discount_and_tax_go_back_in_proportion() {
    let rules = compiled(&json!([cents(&json!({ "discount": "Before", "tax": "Excluded" }))]));
    let three = |line: Line| purchase(vec![Line { quantity: contract::Quantity::parse("3").unwrap(), ..line }]);
    let sold = || three(taxed("1", "10.00", "5.00", "1.00"));
    assert_eq!(points(&rules, &sold()), 1400);
    let table = [
        // 6.67 are kept, and of 3.335 and 0.667 the half cent goes up: 6.67 + 3.34 - 0.67.
        ("a piece", lines_back(vec![by_id("1", Some("1"), None)]), 1400 - 934),
        ("two pieces", lines_back(vec![by_id("1", Some("2"), None)]), 1400 - 467),
        ("money of the line", lines_back(vec![by_id("1", None, Some("2.50"))]), 1400 - 1050),
        ("money of the order", back("2.50"), 1400 - 1050),
        ("all the money, and no piece", lines_back(vec![by_id("1", None, Some("10.00"))]), 1400),
        ("the whole line", lines_back(vec![by_id("1", None, None)]), 1400),
    ];
    for (name, refund, expected) in table {
        let mut order = state(&rules, &sold());
        assert_eq!(refunded(&rules, &mut order, &refund), expected, "{name}");
    }
    let mut free = state(&rules, &three(taxed("1", "0.00", "6.00", "0")));
    assert_eq!(refunded(&rules, &mut free, &lines_back(vec![by_id("1", Some("1"), None)])), 200, "free, by its pieces");
    assert_eq!(refunded(&rules, &mut free, &lines_back(vec![by_id("1", Some("2"), None)])), 600);
}

#[test]
fn an_award_tells_which_money_it_counted() {
    let rules = compiled(&json!([cents(&json!({ "tax": "Excluded" })), per("plain", "1", "1.00", &json!({}))]));
    let told: Vec<Value> = awards(&rules, &purchase(with_delivery()))
        .iter()
        .map(|award| serde_json::to_value(&award.inputs).unwrap())
        .collect();
    assert_eq!((&told[0]["base"], &told[0]["counts"]), (&json!("12.52"), &json!({ "tax": "Excluded" })));
    assert_eq!((&told[1]["base"], told[1].get("counts")), (&json!("14.9"), None));
}

#[test]
fn a_base_that_is_not_used_is_a_mistake_and_one_that_says_nothing_is_not_there() {
    let told = |rule: Value| {
        let ruleset = ruleset_of(&json!([{ "name": "points" }]), &json!([rule]));
        compile(ruleset).map_or_else(|errors| sentences(&errors), |_| String::new())
    };
    let fixed = json!({ "fixed": "5", "base": { "tax": "Excluded" } });
    assert_eq!(told(earn("r", &fixed, &json!({}))), "spec.rules[0].earn.base: has no effect beside `fixed`; remove it");
    let hash = |base: &Value| compiled(&json!([cents(base)])).hash().clone();
    let default = json!({ "discount": "After", "tax": "Included", "delivery": "Included" });
    assert_eq!(hash(&default), compiled(&json!([per("cents", "100", "1.00", &json!({}))])).hash().clone());
    assert_ne!(hash(&json!({ "tax": "Excluded" })), hash(&default));
}

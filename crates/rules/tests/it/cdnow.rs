//! The CDNOW sample: 6,919 real purchases, with totals computed outside this project.

use contract::Quantity;
use contract::event::{Event, Line};
use rules::Compiled;
use serde_json::{Value, json};

use crate::support::{compiled, earn, line as line_of, per, points, purchase};

/// Columns: customer, sample id, day, CDs, dollars.
fn purchases() -> Vec<Event> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cdnow/cdnow-sample.txt");
    let text = std::fs::read_to_string(path).expect("the sample of examples/cdnow");
    let bought = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let quantity = Quantity::parse(columns[3]).expect("a number of CDs");
        purchase(vec![Line { quantity, ..line_of("1", columns[4]) }])
    };
    text.lines().map(bought).collect()
}

fn total(rules: &Compiled, orders: &[Event]) -> i64 {
    orders.iter().map(|event| points(rules, event)).sum()
}

fn rounded(mode: &str) -> Value {
    json!([earn("base", &json!({ "per": { "amount": "1", "points": "1" }, "rounding": { "mode": mode } }), &json!({}))])
}

#[test]
fn the_sample_earns_what_was_computed_elsewhere() {
    let orders = purchases();
    assert_eq!(orders.len(), 6919);
    let base = per("base", "1", "1.00", &json!({}));
    let bonus = earn("fifty", &json!({ "fixed": "25" }), &json!({ "minimumOrder": "50.00" }));
    let table = [
        ("floor", rounded("Floor"), 239_444),
        ("half up", rounded("HalfUp"), 243_871),
        ("half even", rounded("HalfEven"), 243_849),
        ("ceiling", rounded("Ceiling"), 246_325),
        (
            "per full 10 dollars",
            json!([earn("ten", &json!({ "perStep": { "amount": "10", "points": "1" } }), &json!({}))]),
            20_904,
        ),
        ("3.5 a dollar", json!([per("base", "3.5", "1.00", &json!({}))]), 850_665),
        ("+25 from 50.00", json!([base, bonus]), 272_819),
        (
            "a point a CD",
            json!([earn("cd", &json!({ "perQuantity": { "quantity": "1", "points": "1" } }), &json!({}))]),
            16_479,
        ),
        (
            "+25 from 50.00, as a band",
            json!([
                per("base", "1", "1.00", &json!({})),
                earn("fifty", &json!({ "bands": [{ "from": "50.00", "fixed": "25" }] }), &json!({}))
            ]),
            272_819,
        ),
        ("cents", json!([per("cents", "100", "1.00", &json!({}))]), 24_409_194),
    ];
    for (name, rules, expected) in table {
        assert_eq!(total(&compiled(&rules), &orders), expected, "{name}");
    }
    let bonus_alone = compiled(&json!([earn("fifty", &json!({ "fixed": "25" }), &json!({ "minimumOrder": "50.00" }))]));
    assert_eq!(total(&bonus_alone, &orders), 25 * 1335);
    let by_condition =
        compiled(&json!([earn("fifty", &json!({ "fixed": "25" }), &json!({ "when": "event.amountMinor >= 5000" }))]));
    assert_eq!(total(&by_condition, &orders), 25 * 1335);
}

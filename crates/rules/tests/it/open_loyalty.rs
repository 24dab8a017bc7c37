//! Open Loyalty's own rule evaluator tests (2018).

use serde_json::{Value, json};

use contract::event::Line;

use crate::support::{compiled, earn, line, multiply, per, points, purchase};

/// sku 123 = 12.00 (red), sku 000 = 100.00 (blue), sku 0001 = 40.00 (delivery).
fn cart() -> Vec<Line> {
    let article = |id: &str, sku: &str, amount: &str| Line { sku: Some(sku.to_owned()), ..line(id, amount) };
    vec![
        Line { labels: vec!["color=red".to_owned()], ..article("1", "123", "12.00") },
        Line { labels: vec!["color=blue".to_owned()], ..article("2", "000", "100.00") },
        Line { category: Some("delivery".to_owned()), ..article("3", "0001", "40.00") },
    ]
}

fn per_unit(points: &str, and: &Value) -> Value {
    per(&format!("per-{points}"), points, "1.00", and)
}

fn sku(sku: &str) -> Value {
    json!({ "skus": [sku] })
}

fn label(label: &str) -> Value {
    json!({ "labels": [label] })
}

fn times(name: &str, by: &str, include: &Value) -> Value {
    multiply(name, by, &json!({ "include": include }))
}

fn fixed(points: &str, bought: &str) -> Value {
    earn("fixed", &json!({ "fixed": points }), &json!({ "include": sku(bought) }))
}

#[test]
fn open_loyalty_2018() {
    let (red, blue) = (label("color=red"), label("color=blue"));
    let four = per_unit("4", &json!({}));
    let first = per("first", "1", "1.00", &json!({}));
    let last = per("last", "1", "1.00", &json!({ "stopAfter": true }));
    let table = [
        ("4 per unit of money", 608, json!([four])),
        ("exclude sku 000", 208, json!([per_unit("4", &json!({ "exclude": sku("000") }))])),
        ("exclude label red", 560, json!([per_unit("4", &json!({ "exclude": red }))])),
        ("include label red only", 48, json!([per_unit("4", &json!({ "include": red }))])),
        (
            "exclude red and delivery",
            400,
            json!([per_unit("4", &json!({ "exclude": { "labels": ["color=red"], "categories": ["delivery"] } }))]),
        ),
        ("fixed 200 for buying sku 000", 200, json!([fixed("200", "000")])),
        ("10 per unit + 4 per unit", 2128, json!([per_unit("10", &json!({})), four])),
        ("fixed 100 for sku 123 + 4 per unit", 708, json!([fixed("100", "123"), four])),
        ("4 per unit, x3 on sku 123", 704, json!([four, times("three", "3", &sku("123"))])),
        ("4 per unit, x3 on red", 704, json!([four, times("three", "3", &red)])),
        ("red x3 and blue x6", 2704, json!([four, times("three", "3", &red), times("six", "6", &blue)])),
        (
            "red x0, blue x2, xxl x2",
            960,
            json!([four, times("nought", "0", &red), times("two", "2", &blue), times("xxl", "2", &label("size=xxl"))]),
        ),
        ("red x0, blue x0", 160, json!([four, times("red", "0", &red), times("blue", "0", &blue)])),
        (
            "blue x2, orange x3",
            1008,
            json!([four, times("blue", "2", &blue), times("orange", "3", &label("color=orange"))]),
        ),
        ("minimum order 100", 608, json!([per_unit("4", &json!({ "minimumOrder": "100" }))])),
        ("minimum order 300", 0, json!([per_unit("4", &json!({ "minimumOrder": "300" }))])),
        (
            "4 + 10 per unit, x3 red, x5 blue, +200 for sku 000",
            8264,
            json!([
                four,
                per_unit("10", &json!({})),
                times("red", "3", &red),
                times("blue", "5", &blue),
                fixed("200", "000")
            ]),
        ),
        ("x2 on all three skus", 1216, json!([four, times("two", "2", &json!({ "skus": ["123", "000", "0001"] }))])),
        ("1, then 1 marked last, then 10", 304, json!([first, last, per_unit("10", &json!({}))])),
        (
            "1, then 1 marked last whose minimum is not met, then 2",
            456,
            json!([
                first,
                per("last", "1", "1.00", &json!({ "stopAfter": true, "minimumOrder": "1000" })),
                per_unit("2", &json!({}))
            ]),
        ),
    ];
    for (name, expected, rules) in table {
        assert_eq!(points(&compiled(&rules), &purchase(cart())), expected, "{name}");
    }
}

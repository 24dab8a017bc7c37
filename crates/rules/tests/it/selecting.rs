//! Lines that a rule looks at, by what they carry.

use contract::event::Line;
use serde_json::{Value, json};

use crate::support::{compiled, line, per, points, purchase};

fn of_brand(id: &str, brand: &str, amount: &str) -> Line {
    Line { brand: Some(brand.to_owned()), ..line(id, amount) }
}

/// 12.00 of one brand, 100.00 of another, and 40.00 of none.
fn cart() -> Vec<Line> {
    vec![of_brand("1", "Lavazza", "12.00"), of_brand("2", "illy", "100.00"), line("3", "40.00")]
}

#[test]
fn brands_are_included_and_excluded_as_they_are_written() {
    let brands = |names: &[&str]| json!({ "brands": names });
    let table: [(Value, i64); 7] = [
        (json!({}), 152),
        (json!({ "include": brands(&["Lavazza"]) }), 12),
        (json!({ "include": brands(&["Lavazza", "illy"]) }), 112),
        (json!({ "exclude": brands(&["illy"]) }), 52),
        (json!({ "include": brands(&["lavazza"]) }), 0),
        (json!({ "include": brands(&["illy"]), "exclude": brands(&["illy"]) }), 0),
        (json!({ "when": "event.lines.exists(line, line.brand == 'illy') && event.lines[2].brand == ''" }), 152),
    ];
    for (and, expected) in table {
        let rules = compiled(&json!([per("base", "1", "1.00", &and)]));
        assert_eq!(points(&rules, &purchase(cart())), expected, "{and}");
    }
}

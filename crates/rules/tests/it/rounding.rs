//! Rounding as published: Frasers Group, Square, Nectar and Boots (each table names its programme and edition).

use serde_json::json;

use crate::support::{compiled, earn, line, order, per, points, purchase};

#[test]
fn frasers_2024_one_per_pound_floored_for_each_item() {
    let rules = compiled(&json!([earn(
        "base",
        &json!({ "per": { "amount": "1.00", "points": "1" }, "rounding": { "mode": "Floor", "at": "Line" } }),
        &json!({})
    )]));
    let table: [(&[&str], i64); 3] = [(&["50.00"], 50), (&["4.99"], 4), (&["4.99", "4.99"], 8)];
    for (items, expected) in table {
        let lines = items.iter().enumerate().map(|(n, amount)| line(&n.to_string(), amount)).collect();
        assert_eq!(points(&rules, &purchase(lines)), expected, "{items:?}");
    }
}

#[test]
fn square_one_per_ten_dollars_floored() {
    let rules = compiled(&json!([per("base", "1", "10.00", &json!({}))]));
    assert_eq!(points(&rules, &order("105.00")), 10);
    let steps = compiled(&json!([earn("base", &json!({ "perStep": { "amount": "10", "points": "1" } }), &json!({}))]));
    assert_eq!(points(&steps, &order("105.00")), 10);
}

#[test]
fn each_mode_rounds_halves_its_own_way() {
    // 2 points a dollar: halves are at .25 and .75. The amount, and floor, ceiling, half up, half down, half even.
    let table = [
        ("0.25", [0, 1, 1, 0, 0]),
        ("0.75", [1, 2, 2, 1, 2]),
        ("1.25", [2, 3, 3, 2, 2]),
        ("1.24", [2, 3, 2, 2, 2]),
        ("1.26", [2, 3, 3, 3, 3]),
        ("1.00", [2, 2, 2, 2, 2]),
        ("0.00", [0, 0, 0, 0, 0]),
    ];
    let modes = ["Floor", "Ceiling", "HalfUp", "HalfDown", "HalfEven"];
    for (amount, expected) in table {
        for (mode, expected) in modes.iter().zip(expected) {
            let how = json!({ "per": { "amount": "1", "points": "2" }, "rounding": { "mode": mode } });
            let rules = compiled(&json!([earn("base", &how, &json!({}))]));
            assert_eq!(points(&rules, &order(amount)), expected, "{amount} {mode}");
        }
    }
}

#[test]
fn a_division_that_does_not_end_loses_nothing() {
    // Three lines of 1.00 at 1 per 3.00 are thirds, and make a whole: nothing may be cut off on the way.
    let thirds = || purchase(vec![line("1", "1.00"), line("2", "1.00"), line("3", "1.00")]);
    let table = [
        ("per 3.00", "3.00", "1", thirds(), 1),
        ("per 7.00 of seven", "7.00", "1", purchase((0..7).map(|n| line(&n.to_string(), "1.00")).collect()), 1),
        ("0.05 at 1 per 0.05", "0.05", "1", order("0.05"), 1),
        ("0.15 at 1 per 0.05", "0.05", "1", order("0.15"), 3),
        ("0.30 at 1 per 0.10", "0.10", "1", order("0.30"), 3),
        ("3.00 at 1 per 3.00", "3.00", "1", order("3.00"), 1),
        ("2.99 at 1 per 3.00", "3.00", "1", order("2.99"), 0),
        ("19.99 at 100 per 1.00", "1.00", "100", order("19.99"), 1999),
        ("0.29 at 100 per 1.00", "1.00", "100", order("0.29"), 29),
    ];
    for (name, amount, points_for_it, event, expected) in table {
        for kind in ["per", "perStep"] {
            if kind == "perStep" && points_for_it != "1" {
                continue;
            }
            let how = json!({ kind: { "amount": amount, "points": points_for_it } });
            let rules = compiled(&json!([earn("base", &how, &json!({}))]));
            assert_eq!(points(&rules, &event), expected, "{name} {kind}");
        }
    }
}

#[test]
fn halves_out_of_thirds_are_still_halves() {
    // 0.5 as 3 x 1/6: half even must see the tie, half down must not round it up.
    for (mode, expected) in [("HalfEven", 0), ("HalfDown", 0), ("HalfUp", 1)] {
        let how = json!({ "per": { "amount": "6.00", "points": "1" }, "rounding": { "mode": mode } });
        let rules = compiled(&json!([earn("base", &how, &json!({}))]));
        let lines = ["1.00", "1.00", "1.00"].iter().enumerate().map(|(n, amount)| line(&n.to_string(), amount));
        assert_eq!(points(&rules, &purchase(lines.collect())), expected, "{mode}");
    }
}

//! Rates by status and by size of the order.

use contract::event::Line;
use serde_json::json;

use crate::support::{compiled, line, multiply, order, per, points, purchase, with_data};

#[test]
fn pyaterochka_2019_one_per_20_below_555_and_one_per_10_from_there() {
    let rules = compiled(&json!([
        per("small", "1", "20.00", &json!({ "when": "event.amountMinor < 55500" })),
        per("large", "1", "10.00", &json!({ "when": "event.amountMinor >= 55500" })),
    ]));
    for (amount, expected) in [("554.99", 27), ("555.00", 55), ("1234.50", 123)] {
        assert_eq!(points(&rules, &order(amount)), expected, "{amount}");
    }
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

//! Programmes as they were published, each by its name and edition, that need more than one effect.

use contract::event::{Event, Line};
use serde_json::{Value, json};

use crate::support::{compiled, earn, line, merged, money, multiply, order, per, points, purchase, with_data};

/// 25 status points per EUR 10: of the levels (2,000 and 7,000 and 26,000) these orders reach Silver, Gold and Diamond.
#[test]
fn accor_25_status_points_per_ten_euros() {
    let rules = compiled(&json!([per("status", "25", "10.00", &json!({}))]));
    for (spent, expected) in [("800.00", 2000), ("2800.00", 7000), ("10400.00", 26_000), ("799.99", 1999)] {
        assert_eq!(points(&rules, &order(spent)), expected, "{spent}");
    }
}

/// 5, 7, 8, 9 and 11 a dollar of the fare by status, at most 75,000 a ticket, not on taxes.
#[test]
fn delta_by_status_capped_and_without_taxes_in_one_programme() {
    let statuses = [("General", "5"), ("Silver", "7"), ("Gold", "8"), ("Platinum", "9"), ("Diamond", "11")];
    let rules: Vec<Value> = statuses
        .iter()
        .map(|(status, rate)| {
            let how =
                json!({ "per": { "amount": "1.00", "points": rate }, "base": { "tax": "Excluded" }, "max": "75000" });
            let when = format!("event.data.status == '{status}'");
            earn(&status.to_lowercase(), &how, &json!({ "when": when }))
        })
        .collect();
    let rules = compiled(&json!(rules));
    let ticket = |status: &str, paid: &str, tax: &str| -> Event {
        let tax = Some(money(tax)).filter(|tax| tax.minor > 0);
        with_data(purchase(vec![Line { tax, ..line("1", paid) }]), json!({ "status": status }))
    };
    let table = [
        ("General", "300.00", "0", 1500),
        ("Silver", "300.00", "0", 2100),
        ("Gold", "300.00", "0", 2400),
        ("Platinum", "300.00", "0", 2700),
        ("Diamond", "300.00", "0", 3300),
        ("Diamond", "9000.00", "0", 75_000),
        ("Silver", "489.30", "61.30", 2996),
    ];
    for (status, paid, tax, expected) in table {
        assert_eq!(points(&rules, &ticket(status, paid, tax)), expected, "{status} {paid}");
    }
}

/// 1 per full GBP 2 from 2022-11-01, before 2 per full GBP 1: as two rules of one version.
#[test]
fn nectar_2022_as_two_rules_that_follow_each_other() {
    let steps = |name: &str, amount: &str, points: &str, valid: Value| {
        let how = json!({ "perStep": { "amount": amount, "points": points } });
        earn(name, &how, &json!({ "valid": valid }))
    };
    let rules = compiled(&json!([
        steps("before", "1.00", "2", json!({ "until": "2022-11-01" })),
        steps("after", "2.00", "1", json!({ "from": "2022-11-01" })),
    ]));
    for (at, expected) in [("2022-11-02T12:00:00Z", 4), ("2022-10-31T12:00:00Z", 18)] {
        assert_eq!(points(&rules, &Event { occurred_at: at.parse().unwrap(), ..order("9.99") }), expected, "{at}");
    }
}

/// 4 per GBP until 2023-04-30, 3 after.
#[test]
fn boots_2023_as_two_rules_that_follow_each_other() {
    let rules = compiled(&json!([
        per("before", "4", "1.00", &json!({ "valid": { "until": "2023-05-01" } })),
        per("after", "3", "1.00", &json!({ "valid": { "from": "2023-05-01" } })),
    ]));
    for (at, expected) in [("2023-04-30T23:59:59Z", 40), ("2023-05-01T00:00:00Z", 30)] {
        assert_eq!(points(&rules, &Event { occurred_at: at.parse().unwrap(), ..order("10.00") }), expected, "{at}");
    }
}

/// 10 per USD, 5 at Tru; bonus of 20, 80 or 100 % of the base, whichever is the largest.
#[test]
fn hilton_older_edition_the_largest_bonus_counts() {
    let tru = json!({ "brands": ["Tru"] });
    let bonus = |status: &str, by: &str| {
        let when = format!("event.data.status in {status}");
        merged(
            &multiply(&format!("by-{}", by.replace('.', "-")), by, &json!({ "when": when })),
            &json!({ "group": "bonus" }),
        )
    };
    let rules = json!([
        per("tru", "5", "1.00", &json!({ "include": tru })),
        per("base", "10", "1.00", &json!({ "exclude": tru })),
        bonus("['Silver', 'Gold', 'Diamond']", "1.2"),
        bonus("['Gold', 'Diamond']", "1.8"),
        bonus("['Diamond']", "2"),
    ]);
    let mut ruleset = crate::support::ruleset_of(&json!([{ "name": "points" }]), &rules);
    ruleset.program.groups = serde_json::from_value(json!([{ "name": "bonus", "pick": "Best" }])).unwrap();
    let rules = rules::compile(ruleset).unwrap();
    let stay = |brand: &str, amount: &str, status: &str| {
        let line = Line { brand: Some(brand.to_owned()), ..line("1", amount) };
        with_data(purchase(vec![line]), json!({ "status": status }))
    };
    for (event, expected) in [
        (stay("Hampton", "300.00", "Gold"), 5400),
        (stay("Tru", "120.00", "Silver"), 720),
        (stay("Hampton", "300.00", "Diamond"), 6000),
        (stay("Hampton", "300.00", "Member"), 3000),
    ] {
        assert_eq!(points(&rules, &event), expected);
    }
}

//! Custom activities whose fields are declared.

use contract::decision::Facts;
use contract::event::{Event, Kind, OfOrder};
use contract::ruleset::{Ruleset, SEMANTICS};
use contract::{BuryReason, EventType, OrderId};
use rules::compile;
use serde_json::{Value, json};

use crate::support::{custom, event, order, points, sentences, with_data};

fn ruleset(activities: &Value, on: &str, when: &str) -> Ruleset {
    let program = json!({ "currency": "USD", "wallets": [{ "name": "points" }], "activities": activities });
    let rule = json!({ "name": "r", "on": on, "when": when, "earn": { "wallet": "points", "fixed": "1" } });
    serde_json::from_value(json!({ "semantics": SEMANTICS, "program": program, "rules": [rule] })).unwrap()
}

fn review() -> Value {
    json!([{ "name": "review", "fields": { "stars": "Int", "verified": "Bool", "product": "String", "spent": "Money" } }])
}

fn told(activities: &Value, on: &str, when: &str) -> String {
    compile(ruleset(activities, on, when)).map_or_else(|errors| sentences(&errors), |_| String::new())
}

#[test]
fn conditions_see_declared_fields_with_their_types() {
    let full = json!({ "stars": 5, "verified": true, "product": "mug", "spent": "12.50", "extra": [1] });
    let table = [
        ("event.data.stars >= 4 && event.data.verified && event.data.product.startsWith('m')", full.clone(), true),
        ("event.data.verified ? event.data.stars == 5 : false", full.clone(), true),
        ("event.data.spentMinor == 1250", full.clone(), true),
        ("event.data.spentMinor == 1200", json!({ "spent": 12 }), true),
        ("has(event.data.spent) && has(event.data.spentMinor) && event.data['stars'] == 5", full.clone(), true),
        ("has(event.data.stars) || has(event.data.spentMinor)", json!({}), false),
        ("has(event.data.stars) && event.data.stars >= 4", json!({ "product": "mug" }), false),
        ("event.data.product in ['mug', 'cup']", full, true),
    ];
    for (when, data, expected) in table {
        let rules =
            compile(ruleset(&review(), "review", when)).unwrap_or_else(|errors| panic!("{}", sentences(&errors)));
        assert_eq!(points(&rules, &with_data(custom("review"), data)), i64::from(expected), "{when}");
    }
}

#[test]
fn a_condition_on_a_declared_activity_is_checked_against_it() {
    let table = [
        ("event.data.star >= 4", 12, "activity `review` declares no field `star`; did you mean `stars`?"),
        (
            "event.data.colour == 'red'",
            12,
            "activity `review` declares no field `colour`; it has `product`, `spent`, `stars`, `verified`",
        ),
        ("has(event.data.verifid)", 1, "activity `review` declares no field `verifid`; did you mean `verified`?"),
        ("event.data['star'] == 4", 11, "activity `review` declares no field `star`; did you mean `stars`?"),
        ("event.data.stars == '4'", 18, "`==` compares an int with a string; both sides must be of one type"),
        ("event.data.verified > 1", 21, "`>` compares a bool with an int; both sides must be of one type"),
        ("event.data.spent > 1250", 12, "`spent` is money; read `spentMinor`, which is in whole minor units"),
        (
            "event.data.spentMinor > 12.5",
            23,
            "`>` compares an int with a double; amounts are whole minor units: write 1250 for 12.50",
        ),
        ("event.data.product", 12, "is a string; a condition must be true or false: compare it with something"),
        ("event.data[event.channel] == 1", 11, "fields are named after a dot, as in `event.channel`"),
        (
            "'stars' in event.data",
            9,
            "`in` needs a list on its right, not the activity's data; a part of a text is found by `contains`",
        ),
        ("event.data.size() == 1", 12, "`size` is asked of the activity's data; it takes a string, a list or a map"),
        (
            "event.data == event.data",
            12,
            "`==` cannot compare the activity's data with the activity's data; compare their parts",
        ),
    ];
    let mut wrong = Vec::new();
    for (when, column, problem) in table {
        let expected = format!("spec.rules[0].when, line 1, column {column}: {problem}");
        let told = told(&review(), "review", when);
        if told != expected {
            wrong.push(format!("{when}\n  told     {told}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Of other activities nothing is known, and nothing is refused.
    assert_eq!(told(&review(), "visit", "event.data.star >= 4"), "");
    assert_eq!(told(&review(), "purchase", "event.data.star >= 4"), "");
}

#[test]
fn an_event_with_another_type_in_a_declared_field_is_buried_with_its_name() {
    let rules = compile(ruleset(&review(), "visit", "true")).unwrap();
    let table = [
        (
            json!({ "stars": "5" }),
            "`data.stars` is a text, and activity `review` declares it as Int; send a whole number, or leave it out",
        ),
        (
            json!({ "stars": 4.5 }),
            "`data.stars` is a number that is not whole, or too large, and activity `review` declares it as Int; send a whole number, \
             or leave it out",
        ),
        (
            json!({ "stars": null }),
            "`data.stars` is null, and activity `review` declares it as Int; send a whole number, or leave it out",
        ),
        (
            json!({ "verified": "yes" }),
            "`data.verified` is a text, and activity `review` declares it as Bool; send `true` or `false`, or leave it out",
        ),
        (
            json!({ "product": ["a"] }),
            "`data.product` is a list, and activity `review` declares it as String; send a text, or leave it out",
        ),
        (
            json!({ "spent": 12.5 }),
            "`data.spent` is a number that is not whole, or too large, and activity `review` declares it as Money; send a decimal text \
             such as \"12.50\", or leave it out",
        ),
    ];
    let of_order = |name: &str| {
        let (name, order) = (EventType::parse(name).unwrap(), OrderId::parse("o-1").unwrap());
        event(Kind::OfOrder(OfOrder { name, order }))
    };
    for (data, expected) in table {
        for of in [custom("review"), of_order("review")] {
            let refusal = rules.decide(&with_data(of, data.clone()), Facts::default()).unwrap_err();
            assert_eq!((refusal.reason, refusal.detail.as_str()), (BuryReason::WrongType, expected), "{data}");
        }
        // Nobody declared these.
        rules.decide(&with_data(custom("visit"), data.clone()), Facts::default()).unwrap();
        rules.decide(&with_data(order("1.00"), data), Facts::default()).unwrap();
    }
    let refusal =
        rules.decide(&with_data(custom("review"), json!({ "spent": "12.505" })), Facts::default()).unwrap_err();
    assert_eq!(refusal.reason, BuryReason::BadValue);
    assert!(refusal.detail.starts_with("`data.spent` ") && refusal.detail.contains("2 decimals"), "{}", refusal.detail);
    rules.decide(&with_data(custom("review"), json!({ "other": "5" })), Facts::default()).unwrap();
}

#[test]
fn a_field_that_is_not_sent_fails_a_condition_that_needs_it() {
    let rules = compile(ruleset(&review(), "review", "event.data.stars > 3")).unwrap();
    let refusal = rules.decide(&Event { ..custom("review") }, Facts::default()).unwrap_err();
    assert_eq!(refusal.reason, BuryReason::RuleFailed);
}

#[test]
fn declarations_that_make_no_sense_are_told() {
    let many: serde_json::Map<String, Value> = (0..65).map(|n| (format!("f{n}"), json!("Int"))).collect();
    let activity = |name: &str, fields: Value| json!({ "name": name, "fields": fields });
    let table = [
        (
            json!([activity("visit", json!({ "a": "Int" })), activity("visit", json!({ "b": "Int" }))]),
            "spec.program.activities[1].name: `visit` is also the name of spec.program.activities[0]; declare all of its fields there",
        ),
        (
            json!([activity("signup", json!({ "a": "Int" }))]),
            "spec.program.activities[0].name: `signup` is built in and has fields of its own; declare an activity of yours",
        ),
        (
            json!([activity("visit", json!({}))]),
            "spec.program.activities[0].fields: is empty; declare at least one field, or leave the activity out",
        ),
        (
            json!([activity("visit", json!(many))]),
            "spec.program.activities[0].fields: has 65 fields; at most 64 are allowed",
        ),
        (
            json!([activity("visit", json!({ "a-b": "Int" }))]),
            "spec.program.activities[0].fields.a-b: is no name that a condition could read; use letters, digits and `_`, and begin with a \
             letter",
        ),
        (
            json!([activity("visit", json!({ "paid": "Money", "paidMinor": "Int" }))]),
            "spec.program.activities[0].fields.paid: is money, which conditions read as `paidMinor`: rename the field of that name",
        ),
    ];
    for (activities, expected) in table {
        assert_eq!(told(&activities, "purchase", "true"), expected);
    }
}

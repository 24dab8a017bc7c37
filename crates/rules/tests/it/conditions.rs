//! Conditions: what they may say, what is wrong with them and where, and what happens when one fails.

use contract::BuryReason;
use contract::decision::Facts;
use contract::event::{Event, Kind, Line};
use rules::Compiled;
use serde_json::{Value, json};

use crate::support::{compiled, custom, event, line, merged, order, points, purchase, with_data};

fn rule(on: &str, when: &str) -> Value {
    json!({ "name": "r", "on": on, "when": when, "earn": { "wallet": "points", "fixed": "1" } })
}

fn asked(on: &str, when: &str) -> Compiled {
    compiled(&json!([rule(on, when)]))
}

fn basket() -> Event {
    let sold = |id: &str, sku: &str, category: &str, quantity: &str, amount: &str| Line {
        sku: Some(sku.to_owned()),
        category: Some(category.to_owned()),
        quantity: quantity.parse_quantity(),
        labels: vec!["color=red".to_owned(), "size=xl".to_owned()],
        ..line(id, amount)
    };
    let event = purchase(vec![sold("1", "123", "shoes", "2", "12.00"), sold("2", "000", "fruit", "1.250", "100.00")]);
    with_data(
        event,
        json!({ "tier": "gold", "visits": 3, "ratio": 2.5, "vip": true, "tags": ["a", "b"], "shop": { "city": "Riga" }, "none": null,
        "twin": { "city": "Riga" }, "other": { "city": "Rome" }, "nested": [{ "city": "Riga" }, [1, "a", null]] }),
    )
}

trait ParseQuantity {
    fn parse_quantity(&self) -> contract::Quantity;
}
impl ParseQuantity for str {
    fn parse_quantity(&self) -> contract::Quantity {
        contract::Quantity::parse(self).unwrap()
    }
}

#[test]
fn a_condition_sees_the_event() {
    let table = [
        ("event.channel in ['store', 'web']", true),
        ("event.channel == 'store'", false),
        ("event.id == 'e-1' && event.source == 'shop' && event.member == 'm-1' && event.type == 'purchase'", true),
        ("event.order == 'o-1' && event.currency == 'USD' && event.amountMinor == 11200", true),
        ("event.amountMinor / 100 >= 112 && event.amountMinor % 100 == 0 && -event.amountMinor < 0", true),
        ("event.lines.size() == 2 && size(event.lines) == 2", true),
        ("event.lines[0].sku == '123' && event.lines[1].line == '2'", true),
        ("event.lines.exists(l, l.sku == '000' && l.amountMinor == 10000)", true),
        ("event.lines.all(l, l.amountMinor > 1200)", false),
        ("event.lines.exists_one(l, l.category == 'fruit')", true),
        ("event.lines.filter(l, l.category == 'fruit').size() == 1", true),
        ("'000' in event.lines.map(l, l.sku)", true),
        ("event.lines.map(l, l.category == 'fruit', l.quantityMilli) == [1250]", true),
        ("event.lines.exists(l, 'color=red' in l.labels)", true),
        ("event.lines[0].quantityMilli == 2000", true),
        ("event.occurredAt >= timestamp('2026-11-23T00:00:00Z')", true),
        ("event.occurredAt - timestamp('2026-11-22T12:00:00Z') == duration('24h')", true),
        ("event.occurredAt.getDayOfWeek() == 1 && event.occurredAt.getHours('Europe/Moscow') == 15", true),
        ("event.member.startsWith('m-') && event.member.endsWith('1') && event.member.contains('-')", true),
        ("event.data.tier == 'gold'", true),
        ("event.data['tier'] == 'gold'", true),
        ("has(event.data.tier) && !has(event.data.level)", true),
        ("has(event.data.level) && event.data.level == 3", false),
        ("event.data.visits + 1 == 4 && event.data.visits >= 3", true),
        ("event.data.ratio > 2.4 && event.data.ratio < 3", true),
        ("event.data.vip == true && (event.data.vip ? 1 : 2) == 1", true),
        ("'b' in event.data.tags && event.data.tags.exists(t, t == 'a')", true),
        ("event.data.shop.city == 'Riga' && 'shop' in event.data", true),
        ("event.data.none == null", true),
        ("event.data.visits == '3'", false),
        ("event.data.shop == event.data.twin && event.data.shop != event.data.other", true),
        ("event.data.nested == event.data.nested && event.data.shop in event.data.nested", true),
        ("event.data.size() == 10 && event.data.shop.size() == 1", true),
        ("true // whatever", true),
        ("'a' + 'b' == 'ab' && 'é'.size() == 1", true),
    ];
    for (when, expected) in table {
        assert_eq!(points(&asked("purchase", when), &basket()), i64::from(expected), "{when}");
    }
    assert_eq!(points(&asked("signup", "event.type == 'signup'"), &event(Kind::Signup)), 1);
    assert_eq!(points(&asked("visit", "event.channel == ''"), &Event { channel: None, ..custom("visit") }), 1);
}

#[test]
fn the_deepest_condition_is_evaluated_on_an_ordinary_thread() {
    // The walk runs on the worker's threads of 2 MiB; half of that must do.
    let deep = format!("(event.amountMinor{}) > 0", " + 1".repeat(13));
    let rules = asked("purchase", &format!("event.lines.all(l, l.amountMinor{} > 0)", " + 1".repeat(11)));
    let plain = asked("purchase", &deep);
    let small = std::thread::Builder::new().stack_size(1 << 20);
    let walked = small.spawn(move || points(&rules, &basket()) + points(&plain, &basket())).unwrap().join();
    assert_eq!(walked.unwrap(), 2);
}

#[test]
fn a_condition_that_cannot_be_evaluated_buries_the_event_and_is_never_false() {
    let large: Vec<u32> = (0..2000).collect();
    let fine = Line { quantity: "0.0001".parse_quantity(), ..line("1", "5.00") };
    let table = [
        (
            "event.data.tier == 'gold'",
            order("5.00"),
            "there is no `tier` in it; ask `has(...)` first, or send it with every event",
        ),
        (
            "event.data.visits + 1 > 3",
            with_data(order("5.00"), json!({ "visits": "3" })),
            "a field of `data` has another type than the condition needs; send the type that it needs",
        ),
        (
            "event.data.tags[3] == 'x'",
            with_data(order("5.00"), json!({ "tags": ["a"] })),
            "an index is beyond the end of its list; ask `size()` first",
        ),
        (
            "event.data.start.startsWith('x')",
            with_data(order("5.00"), json!({ "start": 3 })),
            "`startsWith` does not go with int and string; send the fields of `data` with the types that the condition needs",
        ),
        (
            "1 in event.data.many",
            with_data(order("5.00"), json!({ "many": large })),
            "`data` has more than 1000 values (64 bytes of a text count as one); send fewer",
        ),
        (
            "event.lines.all(l, l.quantityMilli >= 1000)",
            purchase(vec![fine]),
            "there is no `quantityMilli` in it; ask `has(...)` first, or send it with every event",
        ),
        (
            "event.data.visits > 3",
            with_data(order("5.00"), json!({ "visits": "3" })),
            "`>` does not go with string and int; send the fields of `data` with the types that the condition needs",
        ),
        (
            "event.data.shop.all(k, k == 'a')",
            with_data(order("5.00"), json!({ "shop": { "a": 1 } })),
            "a field of `data` has another type than the condition needs; send the type that it needs",
        ),
        (
            "event.data.vip && true",
            with_data(order("5.00"), json!({ "vip": "yes" })),
            "`&&` does not go with string and bool; send the fields of `data` with the types that the condition needs",
        ),
        (
            "timestamp(event.data.since) < event.occurredAt",
            with_data(order("5.00"), json!({ "since": "long ago" })),
            "`timestamp` cannot take this value; send one of the form that it needs",
        ),
    ];
    let mut wrong = Vec::new();
    for (when, event, problem) in table {
        let rules = asked("purchase", when);
        let expected = format!("rule `r` could not be evaluated on this event: {problem}");
        match rules.decide(&event, Facts::default()) {
            Err(refusal) if refusal.reason == BuryReason::RuleFailed && refusal.detail == expected => {}
            other => wrong.push(format!("{when}\n  told     {other:?}\n  expected {expected}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_condition_is_only_asked_of_an_order_that_the_rule_could_reach() {
    let fails = "event.data.tier == 'gold'";
    let rule = |and: &Value| merged(&rule("purchase", fails), and);
    for and in [json!({ "minimumOrder": "10" }), json!({ "include": { "skus": ["x"] } })] {
        assert_eq!(points(&compiled(&json!([rule(&and)])), &order("5.00")), 0);
    }
    // Large data trouble only conditions that read them.
    let large: Vec<u32> = (0..2000).collect();
    let event = with_data(order("5.00"), json!({ "many": large }));
    assert_eq!(points(&asked("purchase", "event.amountMinor == 500"), &event), 1);
}

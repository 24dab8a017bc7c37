//! Which of the rules that apply count, and in which order they come.

use contract::decision::{Award, Decision, Facts, Rooms};
use contract::event::{Event, Kind, Line, Refund};
use contract::ruleset::{Ruleset, SEMANTICS};
use contract::{BudgetName, Points};
use rules::{Compiled, compile};
use serde_json::{Value, json};

use crate::support::{
    awards, back, by_id, earn, event, line, lines_back, merged, multiply, order, per, points, purchase, refunded,
    sentences, state, whole,
};

/// Groups `best`, `first` and `all` that pick so, and two wallets.
fn ruleset(rules: &Value) -> Ruleset {
    let group = |name: &str, pick: &str| json!({ "name": name, "pick": pick });
    let program = json!({
        "currency": "USD",
        "wallets": [{ "name": "points" }, { "name": "stars", "scale": 1 }],
        "budgets": [{ "name": "spring", "wallet": "points", "points": "1000" }],
        "groups": [group("best", "Best"), group("first", "First"), group("all", "All"), group("second", "Best")],
    });
    serde_json::from_value(json!({ "semantics": SEMANTICS, "program": program, "rules": rules })).unwrap()
}

fn rules(rules: &Value) -> Compiled {
    compile(ruleset(rules)).unwrap_or_else(|errors| panic!("{}", sentences(&errors)))
}

fn of(group: &str) -> Value {
    json!({ "group": group })
}

fn fixed(name: &str, points: &str, and: &Value) -> Value {
    earn(name, &json!({ "fixed": points }), and)
}

/// Rules with their points.
fn told(rules: &Compiled, event: &Event) -> Vec<(String, i64)> {
    awards(rules, event).into_iter().map(|award| (award.rule.to_string(), award.points.0)).collect()
}

fn check(set: &Value, event: &Event, expected: &[(&str, i64)]) {
    let expected: Vec<(String, i64)> = expected.iter().map(|(name, points)| ((*name).to_owned(), *points)).collect();
    assert_eq!(told(&rules(set), event), expected, "{set}");
}

#[test]
fn of_a_group_all_the_best_or_the_first_stay() {
    let (base, gift) =
        (per("base", "1", "1.00", &json!({})), |points: &str, group: &str| fixed("gift", points, &of(group)));
    let rate = |group: &str| per("rate", "2", "1.00", &of(group));
    let order = order("10.00");
    check(&json!([base, gift("15", "all"), rate("all")]), &order, &[("base", 10), ("gift", 15), ("rate", 20)]);
    check(&json!([base, gift("15", "best"), rate("best")]), &order, &[("base", 10), ("rate", 20)]);
    check(&json!([base, gift("25", "best"), rate("best")]), &order, &[("base", 10), ("gift", 25)]);
    check(&json!([gift("25", "best"), base, rate("best")]), &order, &[("gift", 25), ("base", 10)]);
    // Of equals the first.
    check(&json!([gift("20", "best"), rate("best")]), &order, &[("gift", 20)]);
    check(&json!([base, gift("15", "first"), rate("first")]), &order, &[("base", 10), ("gift", 15)]);
    // Two groups are two choices.
    check(&json!([gift("15", "best"), rate("second")]), &order, &[("gift", 15), ("rate", 20)]);
    // What does not apply is not picked.
    let large = merged(&gift("99", "best"), &json!({ "minimumOrder": "50" }));
    check(&json!([large, rate("best")]), &order, &[("rate", 20)]);
    let large = merged(&gift("99", "first"), &json!({ "minimumOrder": "50" }));
    check(&json!([large, rate("first")]), &order, &[("rate", 20)]);
}

#[test]
fn the_best_is_found_after_multipliers_rounding_and_caps() {
    let capped = earn("capped", &json!({ "per": { "amount": "1", "points": "9" }, "max": "12" }), &of("best"));
    let rate = per("rate", "1", "1.00", &of("best"));
    let double = multiply("double", "2", &json!({ "when": "event.channel == 'web'" }));
    check(&json!([capped, rate, double]), &order("7.00"), &[("rate", 14)]);
    check(&json!([capped, rate]), &order("7.00"), &[("capped", 12)]);
    // What comes to nothing is no award, and stands in nobody's place.
    let steps = earn("steps", &json!({ "perStep": { "amount": "50", "points": "9" } }), &of("best"));
    check(&json!([steps, rate]), &order("7.00"), &[("rate", 7)]);
}

#[test]
fn the_first_that_applied_ends_its_group_even_if_it_comes_to_nothing() {
    let steps = earn("steps", &json!({ "perStep": { "amount": "50", "points": "9" } }), &of("first"));
    // The others are not asked: a condition that would fail on the event does not.
    let fails = fixed("fails", "5", &merged(&of("first"), &json!({ "when": "event.data.tier == 'gold'" })));
    let rest = per("rest", "1", "1.00", &json!({}));
    check(&json!([steps, fails, rest]), &order("7.00"), &[("rest", 7)]);
}

#[test]
fn a_higher_priority_is_asked_first_and_equals_in_the_order_of_the_file() {
    let with = |priority: i64, and: &Value| merged(&json!({ "priority": priority }), and);
    let set = json!([
        fixed("late", "1", &with(-5, &json!({}))),
        fixed("plain", "2", &json!({})),
        fixed("early", "3", &with(10, &json!({}))),
        fixed("also-plain", "4", &with(0, &json!({}))),
    ]);
    check(&set, &order("5.00"), &[("early", 3), ("plain", 2), ("also-plain", 4), ("late", 1)]);
    let first = json!([fixed("a", "1", &of("first")), fixed("b", "2", &with(1, &of("first")))]);
    check(&first, &order("5.00"), &[("b", 2)]);
    let stops = json!([fixed("a", "1", &json!({})), fixed("b", "2", &with(1, &json!({ "stopAfter": true })))]);
    check(&stops, &order("5.00"), &[("b", 2)]);
    // A rule that applied ends the walk, though its group picks another one.
    let best = json!([
        fixed("a", "9", &of("best")),
        fixed("b", "2", &merged(&of("best"), &json!({ "stopAfter": true }))),
        fixed("c", "5", &json!({}))
    ]);
    check(&best, &order("5.00"), &[("a", 9)]);
    let hash = |and: &Value| rules(&json!([fixed("a", "1", and)])).hash().clone();
    assert_eq!(hash(&json!({ "priority": 0 })), hash(&json!({})));
}

/// 10.00 of one article and 20.00 of another.
fn cart() -> Event {
    let article = |id: &str, sku: &str, amount: &str| Line { sku: Some(sku.to_owned()), ..line(id, amount) };
    purchase(vec![article("1", "red", "10.00"), article("2", "blue", "20.00")])
}

#[test]
fn of_multipliers_in_a_group_each_line_has_its_own() {
    let base = per("base", "1", "1.00", &json!({}));
    let red =
        |by: &str, group: &str| multiply("red", by, &merged(&of(group), &json!({ "include": { "skus": ["red"] } })));
    let any = |by: &str, group: &str| multiply("any", by, &of(group));
    let table = [
        (json!([base, red("5", "all"), any("2", "all")]), 10 * 10 + 20 * 2),
        (json!([base, red("5", "best"), any("2", "best")]), 10 * 5 + 20 * 2),
        (json!([base, red("5", "best"), any("7", "best")]), 10 * 7 + 20 * 7),
        (json!([base, red("2", "first"), any("7", "first")]), 10 * 2 + 20 * 7),
        (json!([base, any("7", "first"), red("2", "first")]), 10 * 7 + 20 * 7),
        (json!([base, red("0", "best"), any("0.5", "best")]), 5 + 10),
        // Beside a multiplier of no group, and of another one.
        (json!([base, red("5", "best"), any("2", "best"), multiply("three", "3", &json!({}))]), 3 * (50 + 40)),
        (json!([base, red("5", "best"), any("2", "second")]), 10 * 10 + 20 * 2),
    ];
    for (set, expected) in table {
        assert_eq!(points(&rules(&set), &cart()), expected, "{set}");
    }
    // A multiplier of one wallet is no rival in another.
    let stars = json!({ "name": "stars", "on": "purchase", "earn": { "wallet": "stars", "per": { "amount": "1", "points": "0.1" } } });
    let only = |name: &str, by: &str, wallet: &str| {
        merged(&multiply(name, by, &of("best")), &json!({ "multiply": { "by": by, "wallet": wallet } }))
    };
    let set = rules(&json!([base, stars, only("p", "2", "points"), only("s", "3", "stars")]));
    assert_eq!(told(&set, &cart()), [("base".to_owned(), 60), ("stars".to_owned(), 90)]);
    let shown = &awards(&set, &cart())[0].inputs.multipliers;
    assert_eq!(serde_json::to_value(shown).unwrap(), json!([{ "rule": "p", "by": "2" }]));
}

#[test]
fn multipliers_that_count_for_no_line_are_not_told() {
    let base = per("base", "1", "1.00", &json!({}));
    let set = rules(&json!([base, multiply("small", "2", &of("best")), multiply("large", "3", &of("best"))]));
    let inputs = &awards(&set, &cart())[0].inputs;
    assert_eq!(serde_json::to_value(&inputs.multipliers).unwrap(), json!([{ "rule": "large", "by": "3" }]));
}

#[test]
fn an_award_tells_what_it_was_picked_over() {
    let set = rules(&json!([
        fixed("a", "5", &of("best")),
        fixed("b", "9", &of("best")),
        fixed("c", "7", &of("best")),
        fixed("d", "1", &of("first")),
        fixed("e", "1", &of("all")),
    ]));
    let groups: Vec<Value> =
        awards(&set, &order("5.00")).iter().map(|award| serde_json::to_value(&award.inputs.group).unwrap()).collect();
    let over = json!([{ "rule": "a", "points": "5" }, { "rule": "c", "points": "7" }]);
    assert_eq!(groups[0], json!({ "name": "best", "pick": "Best", "over": over }));
    assert_eq!(groups[1], json!({ "name": "first", "pick": "First" }));
    assert_eq!(groups[2], Value::Null);
}

#[test]
fn a_refund_picks_anew_for_what_was_kept() {
    // Below 50.00 the rate gives less than the gift.
    let set = rules(&json!([per("rate", "1", "1.00", &of("best")), fixed("gift", "50", &of("best"))]));
    let mut known = state(&set, &order("80.00"));
    assert_eq!(known.awards[0].awarded, Points(80));
    assert_eq!(refunded(&set, &mut known, &back("20.00")), 20);
    assert_eq!(refunded(&set, &mut known, &back("40.00")), 30, "20.00 are kept, and the gift for them");
    assert_eq!(refunded(&set, &mut known, &whole()), 80);
    // The first that applies to what was kept may be another one, and give more: nothing is due, and nothing more is given.
    let small = merged(&fixed("small", "90", &of("first")), &json!({ "when": "event.amountMinor < 5000" }));
    let set = rules(&json!([small, per("rate", "1", "1.00", &of("first"))]));
    let mut known = state(&set, &order("80.00"));
    assert_eq!(refunded(&set, &mut known, &back("40.00")), 0);
    assert_eq!(refunded(&set, &mut known, &whole()), 80);
}

/// What is due in all, and of each award that came out of a budget.
fn due(set: &Compiled, known: &contract::decision::OrderState, refund: &Refund) -> (i64, Vec<(String, i64)>) {
    let rooms: Rooms = [(BudgetName::parse("spring").unwrap(), Points(1000))].into();
    let facts = Facts { order: Some(known), rooms: Some(&rooms), ..Facts::default() };
    match set.decide(&event(Kind::Refund(refund.clone())), facts) {
        Ok(Decision::Refund { due, of_budgets, .. }) => (
            due.into_values().map(|due| due.0).sum(),
            of_budgets.into_iter().map(|(rule, due)| (rule.to_string(), due.0)).collect(),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn out_of_a_budget_the_rule_that_is_picked_anew_stands_for_the_one_that_gave() {
    let out_of = |rule: Value| {
        let earn = merged(&rule["earn"], &json!({ "budget": "spring" }));
        merged(&rule, &json!({ "earn": earn }))
    };
    let set = rules(&json!([
        out_of(per("rate", "1", "1.00", &of("best"))),
        out_of(fixed("gift", "50", &of("best"))),
        per("base", "1", "1.00", &json!({})),
    ]));
    let known = state(&set, &order("80.00"));
    assert_eq!(due(&set, &known, &back("20.00")), (40, vec![("rate".to_owned(), 20)]));
    assert_eq!(
        due(&set, &known, &back("60.00")),
        (90, vec![("rate".to_owned(), 30)]),
        "the gift out of the same budget"
    );
    assert_eq!(due(&set, &known, &whole()), (160, vec![("rate".to_owned(), 80)]));
}

#[test]
fn the_best_is_picked_before_anybody_looks_at_budgets() {
    let gift = earn("gift", &json!({ "fixed": "50", "budget": "spring" }), &of("best"));
    let other = earn("other", &json!({ "fixed": "20", "budget": "spring" }), &of("best"));
    let set = rules(&json!([gift, other]));
    let rooms: Rooms = [(BudgetName::parse("spring").unwrap(), Points(30))].into();
    let facts = Facts { rooms: Some(&rooms), ..Facts::default() };
    let Ok(Decision::Purchase { awards, .. }) = set.decide(&order("5.00"), facts) else { panic!() };
    let told: Vec<(&str, i64)> = awards.iter().map(|award: &Award| (award.rule.as_str(), award.points.0)).collect();
    assert_eq!(told, [("gift", 30)]);
}

/// Base, multipliers by line, rounding, cap, groups: in this order.
#[test]
fn the_order_of_effects_is_the_one_that_is_written_down() {
    let base = earn(
        "base",
        &json!({ "per": { "amount": "1", "points": "1" }, "base": { "tax": "Excluded" }, "max": "40" }),
        &of("best"),
    );
    let gift = fixed("gift", "39", &of("best"));
    let set = rules(&json!([base, gift, multiply("double", "2", &json!({ "priority": -1000 }))]));
    let taxed = |amount: &str| {
        let line = line("1", amount);
        purchase(vec![Line { tax: Some(line.amount.with_minor(100)), ..line }])
    };
    // 18.00 count, doubled 36; 19.60 doubled 39.2, and equals go to the first; 30.00 doubled 60, capped.
    for (amount, expected) in [("19.00", ("gift", 39)), ("20.60", ("base", 39)), ("31.00", ("base", 40))] {
        assert_eq!(told(&set, &taxed(amount)), [(expected.0.to_owned(), expected.1)], "{amount}");
    }
    let mut known = state(&set, &taxed("31.00"));
    // 0.355 of the tax go back with 11.00.
    assert_eq!(refunded(&set, &mut known, &lines_back(vec![by_id("1", None, Some("11.00"))])), 40 - 39);
}

#[test]
fn groups_that_make_no_sense_are_told() {
    let told = |set: Value| compile(ruleset(&set)).map_or_else(|errors| sentences(&errors), |_| String::new());
    let gift = fixed("gift", "5", &of("best"));
    let stars = |group: &str| {
        let earn = json!({ "wallet": "stars", "fixed": "5" });
        merged(&fixed("stars", "5", &of(group)), &json!({ "earn": earn }))
    };
    let table = [
        (
            json!([fixed("a", "5", &of("bset"))]),
            "spec.rules[0].group: the programme has no group `bset`; did you mean `best`?",
        ),
        (
            json!([gift, stars("best")]),
            "spec.rules[1].earn.wallet: is `stars`, and rule `gift` of group `best` gives into `points`; a group that picks gives into \
             one wallet",
        ),
        (json!([fixed("a", "5", &of("all")), stars("all")]), ""),
        (
            json!([gift, earn("b", &json!({ "fixed": "5", "budget": "spring" }), &of("best"))]),
            "spec.rules[1].earn.budget: would let the rule give out of budget `spring`, and rule `gift` of group `best` gives out of no \
             budget; a group that picks gives out of one",
        ),
        (
            json!([gift, multiply("m", "2", &of("best"))]),
            "spec.rules[1].group: `best` has rules that earn and rules that multiply; make it two groups",
        ),
        (json!([fixed("a", "5", &json!({ "priority": 1001 }))]), "spec.rules[0].priority: is 1001; give -1000 to 1000"),
    ];
    for (set, expected) in table {
        assert_eq!(told(set), expected);
    }
    let mut twice = ruleset(&json!([]));
    twice.program.groups.push(twice.program.groups[0].clone());
    assert_eq!(
        sentences(&compile(twice).unwrap_err()),
        "spec.program.groups[4].name: `best` is also the name of spec.program.groups[0]; give each group its own"
    );
}

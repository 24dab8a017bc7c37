//! Budgets as they are written, and awards that get no more than is left.

use contract::decision::{Award, Decision, Facts, OrderState, Rooms};
use contract::event::Kind;
use contract::{BudgetName, Points, RuleName};
use rules::{Compiled, compile};
use serde_json::{Value, json};

use crate::support::{
    back, by_id, earn, event, line, lines_back, merged, order, per, purchase, ruleset_of, sentences, state, whole,
};

fn name(text: &str) -> BudgetName {
    BudgetName::parse(text).unwrap()
}

fn with_budgets(budgets: &Value, rules: &Value) -> Result<Compiled, String> {
    let wallets = json!([{ "name": "points" }, { "name": "cents", "scale": 2 }]);
    let mut ruleset = ruleset_of(&wallets, rules);
    ruleset.program.budgets = serde_json::from_value(budgets.clone()).unwrap();
    compile(ruleset).map_err(|errors| sentences(&errors))
}

fn spring(points: &str) -> Value {
    json!({ "name": "spring", "wallet": "points", "points": points })
}

fn of(budget: &str, rule: Value) -> Value {
    let mut rule = rule;
    rule["earn"]["budget"] = json!(budget);
    rule
}

#[test]
fn a_budget_that_cannot_be_is_told_with_its_field() {
    const PATH: &str = "spec.program.budgets[0]";
    let cents = |points: &str| json!({ "name": "spring", "wallet": "cents", "points": points });
    for (budgets, problem) in [
        (json!([spring("100"), json!({ "name": "summer", "wallet": "cents", "points": "0.25" })]), String::new()),
        (json!([spring("0")]), format!("{PATH}.points: is 0, so that its rules would give nothing; it must be more")),
        (
            json!([spring("99.5")]),
            format!("{PATH}.points: is `99.5`, finer than the 0 decimals of wallet `points`; round it, or raise the wallet's `scale`"),
        ),
        (
            json!([cents("999999999999999999")]),
            format!("{PATH}.points: is `999999999999999999`, more than wallet `cents` can hold; make it smaller"),
        ),
        (
            json!([json!({ "name": "spring", "wallet": "point", "points": "1" })]),
            format!("{PATH}.wallet: the programme has no wallet `point`; did you mean `points`?"),
        ),
        (
            json!([spring("100"), cents("1")]),
            "spec.program.budgets[1].name: `spring` is also the name of spec.program.budgets[0]; give each budget its own".to_owned(),
        ),
    ] {
        assert_eq!(with_budgets(&budgets, &json!([])).err().unwrap_or_default(), problem, "{budgets}");
    }
    let many: Vec<Value> = (0..33).map(|n| merged(&spring("1"), &json!({ "name": format!("b{n}") }))).collect();
    let told = with_budgets(&json!(many), &json!([])).unwrap_err();
    assert_eq!(told, "spec.program.budgets: has 33 budgets; at most 32 are allowed");
}

#[test]
fn a_rule_names_a_budget_of_its_wallet() {
    const PATH: &str = "spec.rules[0].earn.budget";
    let cents = merged(
        &earn("a", &json!({ "fixed": "1" }), &json!({})),
        &json!({ "earn": { "wallet": "cents", "fixed": "1" } }),
    );
    let points = earn("a", &json!({ "fixed": "1" }), &json!({}));
    for (budgets, rule, problem) in [
        (json!([spring("9")]), of("spring", points.clone()), String::new()),
        (
            json!([spring("9")]),
            of("sprng", points.clone()),
            "the programme has no budget `sprng`; did you mean `spring`?".into(),
        ),
        (
            json!([spring("9")]),
            of("autumn", points.clone()),
            "the programme has no budget `autumn`; it has `spring`".into(),
        ),
        (json!([]), of("autumn", points), "the programme has no budget `autumn`; list it in `program.budgets`".into()),
        (
            json!([spring("9")]),
            of("spring", cents),
            "budget `spring` is of wallet `points`, but the rule gives into `cents`; name one budget for each wallet"
                .into(),
        ),
    ] {
        let told = with_budgets(&budgets, &json!([rule])).err().unwrap_or_default();
        let expected: String = problem;
        let expected = if expected.is_empty() { expected } else { format!("{PATH}: {expected}") };
        assert_eq!(told, expected);
    }
}

fn rooms(points: i64) -> Rooms {
    Rooms::from([(name("spring"), Points(points))])
}

fn given(rules: &Compiled, room: i64) -> Vec<(String, i64, String)> {
    let rooms = rooms(room);
    let decision = rules.decide(&order("10.00"), Facts { rooms: Some(&rooms), ..Facts::default() }).unwrap();
    let Decision::Purchase { awards, .. } = decision else { panic!() };
    let told = |award: Award| {
        let wanted = award.inputs.budget.map(|budget| budget.wanted.to_string());
        (award.rule.to_string(), award.points.0, wanted.unwrap_or_default())
    };
    awards.into_iter().map(told).collect()
}

#[test]
fn an_award_gets_no_more_than_is_left_and_says_what_it_wanted() {
    let rules = json!([
        per("base", "1", "1.00", &json!({})),
        of("spring", per("ten", "10", "1.00", &json!({}))),
        of("spring", earn("bonus", &json!({ "fixed": "25" }), &json!({}))),
    ]);
    let rules = with_budgets(&json!([spring("1000")]), &rules).unwrap();
    let award = |rule: &str, points, wanted: &str| (rule.to_owned(), points, wanted.to_owned());
    for (room, ten, bonus) in
        [(1000, 100, 25), (125, 100, 25), (110, 100, 10), (100, 100, 0), (7, 7, 0), (0, 0, 0), (-5, 0, 0)]
    {
        let expected = [award("base", 10, ""), award("ten", ten, "100"), award("bonus", bonus, "25")];
        assert_eq!(given(&rules, room), expected, "room {room}");
    }
    // A budget that nobody looked at gives nothing.
    let facts = Facts { rooms: Some(&Rooms::new()), ..Facts::default() };
    let Ok(Decision::Purchase { awards, .. }) = rules.decide(&order("10.00"), facts) else { panic!() };
    assert_eq!(awards.iter().map(|award| award.points.0).collect::<Vec<_>>(), [10, 0, 0]);
    let reads = rules.reads(&order("10.00"));
    assert_eq!(reads.budgets.into_iter().collect::<Vec<_>>(), [name("spring")]);
    assert!(rules.reads(&event(Kind::Signup)).budgets.is_empty());
}

/// What is due in all, and of the rule with the budget.
fn due(rules: &Compiled, state: &OrderState, refund: contract::event::Refund, room: i64) -> (i64, i64) {
    let rooms = rooms(room);
    let facts = Facts { order: Some(state), rooms: Some(&rooms), ..Facts::default() };
    let Ok(Decision::Refund { due, of_budgets, .. }) = rules.decide(&event(Kind::Refund(refund)), facts) else {
        panic!()
    };
    let of_rule = of_budgets.get(&RuleName::parse("ten").unwrap()).copied().unwrap_or_default();
    (due.get("points").unwrap().0, of_rule.0)
}

#[test]
fn a_refund_leaves_of_a_clipped_award_what_the_rule_gives_for_the_rest() {
    let rules = json!([per("base", "1", "1.00", &json!({})), of("spring", per("ten", "10", "1.00", &json!({})))]);
    let rules = with_budgets(&json!([spring("1000")]), &rules).unwrap();
    let mut clipped = state(&rules, &order("10.00"));
    clipped.awards[1].awarded = Points(30);
    for (refund, expected) in [
        // 5.00 are kept and would earn 50: all 30 stay.
        (back("5.00"), (5, 0)),
        (back("7.00"), (7, 0)),
        (back("8.00"), (18, 10)),
        (whole(), (40, 30)),
    ] {
        assert_eq!(due(&rules, &clipped, refund, 0), expected);
    }
}

#[test]
fn what_was_taken_back_comes_again_only_where_there_is_room() {
    let single = of("spring", earn("ten", &json!({ "fixed": "50" }), &json!({ "when": "size(event.lines) != 2" })));
    let rules = with_budgets(&json!([spring("50")]), &json!([per("base", "1", "1.00", &json!({})), single])).unwrap();
    let lines = ["a", "b", "c"].map(|id| line(id, "10.00"));
    let mut known = state(&rules, &purchase(lines.to_vec()));
    let back = |id: &str| lines_back(vec![by_id(id, None, None)]);
    assert_eq!(due(&rules, &known, back("a"), 0), (60, 50), "other rules do not make up for it");
    known.returned = known.returned.and(&back("a")).unwrap();
    // Taken, and perhaps given to others since.
    (known.awards[1].due, known.awards[1].taken) = (Points(50), Points(50));
    for (room, expected) in [(0, (70, 50)), (20, (50, 30)), (50, (20, 0)), (90, (20, 0)), (-9, (70, 50))] {
        assert_eq!(due(&rules, &known, back("b"), room), expected, "room {room}");
    }
    // What was waived is still there.
    (known.awards[1].taken, known.awards[1].waived) = (Points(20), Points(30));
    assert_eq!(due(&rules, &known, back("b"), 0), (40, 20));
}

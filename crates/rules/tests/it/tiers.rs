//! What is wrong with tiers as they are written, and what of an order's money counts.

use contract::decision::{Decision, Facts, OrderAward};
use contract::event::Kind;
use contract::ruleset::{Ruleset, SEMANTICS};
use contract::{Points, TierName};
use rules::compile;
use serde_json::{Value, json};

use crate::support::{event, line, lines_back, merged, per, points, purchase, sentences, state};

fn ruleset(tiers: &Value) -> Ruleset {
    let program = json!({ "currency": "USD", "wallets": [{ "name": "points" }], "tiers": tiers });
    let rules = [per("base", "1", "1.00", &json!({}))];
    serde_json::from_value(json!({ "semantics": SEMANTICS, "program": program, "rules": rules })).unwrap()
}

fn good() -> Value {
    json!({
        "levels": [{ "name": "basic" }, { "name": "silver", "reach": { "points": "100" } }, { "name": "gold", "reach": { "points": "300", "spend": "50.00" } }],
        "window": { "calendar": "Year" },
        "validity": { "for": "1y", "roundUpTo": "Year" },
    })
}

fn told(tiers: &Value) -> String {
    compile(ruleset(tiers)).err().map(|errors| sentences(&errors)).unwrap_or_default()
}

/// The field that is another one, and what is told.
type Mistake = (&'static str, &'static str);

const MISTAKES: &[Mistake] = &[
    (r#"{ "levels": [] }"#, "levels: is empty; name at least the one that everybody has"),
    (
        r#"{ "levels": [{ "name": "basic" }, { "name": "basic", "reach": { "points": "5" } }] }"#,
        "levels[1].name: `basic` is also the name of spec.program.tiers.levels[0]; give each level its own",
    ),
    (
        r#"{ "levels": [{ "name": "silver", "reach": { "points": "5" } }] }"#,
        "levels[0].reach: is of the first level, which everybody has; remove it, or put a level without it first",
    ),
    (
        r#"{ "levels": [{ "name": "basic" }, { "name": "silver" }] }"#,
        "levels[1].reach: is missing: only the first level is everybody's; give `points`, `spend` or `visits`",
    ),
    (
        r#"{ "levels": [{ "name": "basic" }, { "name": "silver", "reach": {} }] }"#,
        "levels[1].reach: names nothing; give `points`, `spend` or `visits`, or several of them",
    ),
    (
        r#"{ "levels": [{ "name": "basic" }, { "name": "silver", "reach": { "points": "0" } }] }"#,
        "levels[1].reach.points: is 0, so that everybody has it; it must be more",
    ),
    (
        r#"{ "levels": [{ "name": "basic" }, { "name": "silver", "reach": { "points": "0.5" } }] }"#,
        "levels[1].reach.points: is `0.5`, finer than the 0 decimals of wallet `points`; round it, or raise the wallet's `scale`",
    ),
    (
        r#"{ "levels": [{ "name": "basic" }, { "name": "silver", "reach": { "visits": 3 } }] }"#,
        "levels[1].reach.visits: counts visits, and nothing is one; name types of events in `spec.program.tiers.visits`",
    ),
    (
        r#"{ "levels": [{ "name": "basic" }, { "name": "silver", "reach": { "points": "100" } }, { "name": "gold", "reach": { "points": "100", "spend": "9.00" } }] }"#,
        "levels[2].reach.points: is not more than that of `silver`, a level below; make it more",
    ),
    (
        r#"{ "points": { "wallet": "point" } }"#,
        "points.wallet: the programme has no wallet `point`; did you mean `points`?",
    ),
    (
        r#"{ "visits": { "activities": [] } }"#,
        "visits.activities: is empty, so that nothing would be a visit; name types of events, such as `purchase`",
    ),
    (
        r#"{ "visits": { "activities": ["purchase", "refund"] } }"#,
        "visits.activities[1]: `refund` undoes what the member did, and is no visit; remove it",
    ),
    (r#"{ "window": {} }"#, "window: names no time; give `calendar`, `rolling`, `sinceStart` or `forEver`"),
    (
        r#"{ "window": { "calendar": "Year", "forEver": true } }"#,
        "window: names several times; give one of `calendar`, `rolling`, `sinceStart` and `forEver`",
    ),
    (r#"{ "window": { "rolling": "0d" } }"#, "window.rolling: is no time at all; give at least `1d`"),
    (
        r#"{ "validity": { "for": "0d" } }"#,
        "validity.for: is no time at all; give at least `1d`, or put it off with `roundUpTo` or `onDates`",
    ),
    (
        r#"{ "validity": { "for": "1y", "onDates": ["02-29", "02-29"] } }"#,
        "validity.onDates[1]: `02-29` is named before; remove it",
    ),
    (
        r#"{ "validity": null, "downgrade": "Never" }"#,
        "downgrade: has nothing to do, as levels never end; give `validity`, or remove it",
    ),
];

#[test]
fn each_mistake_is_told_with_its_field_and_a_way_out() {
    assert_eq!(told(&good()), "");
    let mut wrong = Vec::new();
    for (field, problem) in MISTAKES {
        let (expected, told) =
            (format!("spec.program.tiers.{problem}"), told(&merged(&good(), &serde_json::from_str(field).unwrap())));
        if told != expected {
            wrong.push(format!("{field}\n  told     {told}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The condition of a rule, with or without tiers.
fn condition(when: &str, tiers: &Value) -> Result<rules::Compiled, String> {
    let mut ruleset = ruleset(tiers);
    ruleset.rules[0].when = Some(when.to_owned());
    compile(ruleset).map_err(|errors| sentences(&errors))
}

#[test]
fn a_condition_sees_the_tier_of_the_member() {
    let order = purchase(vec![line("a", "10.00")]);
    let rules = condition("member.tier in ['silver', 'gold']", &good()).unwrap();
    let gold = TierName::parse("gold").unwrap();
    assert_eq!(points(&rules, &order), 0, "the first one");
    let facts = Facts { tier: Some(&gold), ..Facts::default() };
    let Ok(Decision::Purchase { awards, .. }) = rules.decide(&order, facts) else { panic!() };
    assert_eq!(awards[0].points.0, 10);
    // A refund is decided by the tier that paid, whatever the member has by now.
    let mut known = state(&rules, &order);
    known.awards = vec![OrderAward {
        rule: awards[0].rule.clone(),
        wallet: awards[0].wallet.clone(),
        awarded: awards[0].points,
        due: Points::ZERO,
        taken: Points::ZERO,
        waived: Points::ZERO,
        budget: None,
    }];
    for (paid, now, due) in [(Some(gold.clone()), None, 4), (None, Some(&gold), 10)] {
        known.tier = paid;
        let facts = Facts { order: Some(&known), tier: now, ..Facts::default() };
        let decided = rules.decide(&event(Kind::Refund(crate::support::back("4.00"))), facts).unwrap();
        let Decision::Refund { due: told, .. } = decided else { panic!() };
        assert_eq!(told.values().map(|points| points.0).collect::<Vec<_>>(), [due]);
    }
}

#[test]
fn a_mistake_about_a_tier_is_told_with_its_place() {
    for (when, tiers, problem) in [
        (
            "member.tier == 'gold'",
            Value::Null,
            "column 1: there is no `member`, as the programme has no tiers; who it is, is `event.member`",
        ),
        ("member.tier == 'glod'", good(), "column 16: the programme has no tier `glod`; did you mean `gold`?"),
        (
            "'platinum' != member.tier",
            good(),
            "column 1: the programme has no tier `platinum`; it has `basic`, `silver`, `gold`",
        ),
        (
            "member.tier in ['gold', 'slver']",
            good(),
            "column 25: the programme has no tier `slver`; did you mean `silver`?",
        ),
        ("member.level == 'gold'", good(), "column 8: a member has no field `level`; there is `member.tier`"),
        (
            "member.tier > 'basic'",
            good(),
            "column 13: `>` cannot compare a tier's name with a string; compare their parts",
        ),
        (
            "member.tier == 1",
            good(),
            "column 13: `==` compares a tier's name with an int; both sides must be of one type",
        ),
        (
            "member == 'gold'",
            good(),
            "column 8: `==` compares the member with a string; both sides must be of one type",
        ),
        ("has(member.tier)", good(), "column 1: `tier` is always there; compare it, with '' for one that was not sent"),
    ] {
        let told = condition(when, &tiers).unwrap_err();
        assert_eq!(told, format!("spec.rules[0].when, line 1, {problem}"), "{when}");
    }
}

#[test]
fn too_many_levels_and_too_fine_money_are_told() {
    let level = |n: usize| json!({ "name": format!("l{n}"), "reach": { "spend": format!("{n}.00") } });
    let mut levels: Vec<Value> = vec![json!({ "name": "basic" })];
    levels.extend((1..17).map(level));
    let told = told(&merged(&good(), &json!({ "levels": levels })));
    assert_eq!(told, "spec.program.tiers.levels: has 17 levels; at most 16 are allowed");
    let fine = json!({ "levels": [{ "name": "basic" }, { "name": "silver", "reach": { "spend": "1.001" } }] });
    let told = self::told(&merged(&good(), &fine));
    assert!(told.starts_with("spec.program.tiers.levels[1].reach.spend: "), "{told}");
}

/// A rule set without tiers, and one that leaves out what is so anyway, are what they were.
#[test]
fn what_is_not_said_is_not_in_the_hash() {
    let without = ruleset(&Value::Null);
    assert!(!without.to_json().contains("tiers"), "{}", without.to_json());
    let said = merged(&good(), &json!({ "downgrade": "ToDue" }));
    assert_eq!(ruleset(&good()).hash(), ruleset(&said).hash());
}

#[test]
fn what_is_kept_of_an_order_counts() {
    let rules = compile(ruleset(&good())).unwrap();
    let order = purchase(vec![line("a", "10.00"), line("b", "5.00")]);
    assert_eq!(rules.spends(&order, Facts::default()).unwrap(), 1500);
    let mut known = state(&rules, &order);
    let refund = lines_back(vec![crate::support::by_id("b", None, None)]);
    let facts = Facts { order: Some(&known), ..Facts::default() };
    assert_eq!(rules.spends(&event(Kind::Refund(refund.clone())), facts).unwrap(), -500);
    known.returned = known.returned.and(&refund).unwrap();
    let facts = Facts { order: Some(&known), ..Facts::default() };
    assert_eq!(rules.spends(&event(Kind::Refund(refund)), facts).unwrap(), 0, "it came back already");
    let whole = crate::support::whole();
    assert_eq!(rules.spends(&event(Kind::Refund(whole)), facts).unwrap(), -1000);
    assert_eq!(rules.spends(&event(Kind::Signup), Facts::default()).unwrap(), 0);
    let none = compile(ruleset(&Value::Null)).unwrap();
    assert_eq!(none.spends(&order, Facts::default()).unwrap(), 0, "nothing counts without tiers");
}

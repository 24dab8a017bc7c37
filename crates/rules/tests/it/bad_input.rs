//! Rule sets that are refused, each with a sentence that names the field.

use contract::ruleset::Ruleset;
use rules::compile;
use serde_json::{Value, json};

use crate::support::{earn, merged, multiply, order, per, points, ruleset_of, sentences};

fn told(wallets: &Value, rules: &Value) -> String {
    compile(ruleset_of(wallets, rules)).map_or_else(|errors| sentences(&errors), |_| String::new())
}

fn base(and: &Value) -> Value {
    per("base", "1", "1.00", and)
}

#[test]
fn each_bad_rule_is_a_sentence() {
    let no = json!({});
    let plain = |what: &Value| merged(&json!({ "name": "r", "on": "purchase" }), what);
    let table = [
        (
            json!([base(&no), per("base", "2", "1.00", &no)]),
            "spec.rules[1].name: `base` is also the name of spec.rules[0]; an award names its rule, so give each its own",
        ),
        (
            json!([merged(&base(&no), &json!({ "earn": { "wallet": "point", "fixed": "1" } }))]),
            "spec.rules[0].earn.wallet: the programme has no wallet `point`; did you mean `points`?",
        ),
        (
            json!([merged(&base(&no), &json!({ "earn": { "wallet": "miles", "fixed": "1" } }))]),
            "spec.rules[0].earn.wallet: the programme has no wallet `miles`; it has `points`, `stars`",
        ),
        (
            json!([merged(&multiply("m", "2", &no), &json!({ "multiply": { "by": "2", "wallet": "star" } }))]),
            "spec.rules[0].multiply.wallet: the programme has no wallet `star`; did you mean `stars`?",
        ),
        (json!([plain(&no)]), "spec.rules[0]: does nothing; give it `earn` or `multiply`"),
        (
            json!([merged(&base(&no), &json!({ "multiply": { "by": "2" } }))]),
            "spec.rules[0]: has both `earn` and `multiply`; make it two rules",
        ),
        (
            json!([earn("r", &no, &no)]),
            "spec.rules[0].earn: says no number of points; give it one of `per`, `perStep`, `perQuantity`, `bands`, `fixed`, `every` and `reaching`",
        ),
        (
            json!([earn("r", &json!({ "fixed": "1", "per": { "amount": "1", "points": "1" } }), &no)]),
            "spec.rules[0].earn: may have only one of `per`, `perStep`, `perQuantity`, `bands`, `fixed`, `every` and `reaching`; make each a rule of its own",
        ),
        (json!([per("r", "1", "0.00", &no)]), "spec.rules[0].earn.per.amount: is 0; it must be more"),
        (json!([per("r", "0", "1.00", &no)]), "spec.rules[0].earn.per.points: is 0; it must be more"),
        (
            json!([earn("r", &json!({ "perStep": { "amount": "0", "points": "0" } }), &no)]),
            "spec.rules[0].earn.perStep.amount: is 0; it must be more\nspec.rules[0].earn.perStep.points: is 0; it must be more",
        ),
        (json!([earn("r", &json!({ "fixed": "0" }), &no)]), "spec.rules[0].earn.fixed: is 0; it must be more"),
        (
            json!([earn("r", &json!({ "fixed": "2.5" }), &no)]),
            "spec.rules[0].earn.fixed: is `2.5`, finer than the 0 decimals of wallet `points`; round it, or raise the wallet's `scale`",
        ),
        (
            json!([earn("r", &json!({ "wallet": "stars", "fixed": "999999999999999999" }), &no)]),
            "spec.rules[0].earn.fixed: is `999999999999999999`, more than wallet `stars` can hold; make it smaller",
        ),
        (
            json!([earn("r", &json!({ "fixed": "2", "rounding": { "mode": "Floor" } }), &no)]),
            "spec.rules[0].earn.rounding: has no effect beside `fixed`; remove it",
        ),
        (
            json!([base(&json!({ "include": {} }))]),
            "spec.rules[0].include: names nothing; list `skus`, `categories`, `labels` or `brands`, or leave it out to count all lines",
        ),
        (
            json!([base(&json!({ "exclude": { "skus": [] } }))]),
            "spec.rules[0].exclude: names nothing; list `skus`, `categories`, `labels` or `brands`, or leave it out to leave no line out",
        ),
        (
            json!([base(&json!({ "include": { "skus": ["a", ""] } }))]),
            "spec.rules[0].include.skus[1]: is empty; write the name in full, or remove it",
        ),
        (
            json!([base(&json!({ "include": { "labels": vec!["x"; 1001] } }))]),
            "spec.rules[0].include.labels: has 1001 names; at most 1000 are allowed",
        ),
        (
            json!([base(&json!({ "on": "signup", "minimumOrder": "5", "exclude": { "skus": ["a"] } }))]),
            "spec.rules[0].minimumOrder: only a purchase has lines and an amount; remove this, or say `on: purchase` (it is `signup`)\n\
             spec.rules[0].exclude: only a purchase has lines and an amount; remove this, or say `on: purchase` (it is `signup`)\n\
             spec.rules[0].earn.per: only a purchase has lines and an amount; remove this, or say `on: purchase` (it is `signup`)",
        ),
        (
            json!([merged(&multiply("m", "2", &no), &json!({ "on": "visit" }))]),
            "spec.rules[0].multiply: only a purchase has lines and an amount; remove this, or say `on: purchase` (it is `visit`)",
        ),
    ];
    for (rules, expected) in table {
        assert_eq!(told(&json!([{ "name": "points" }, { "name": "stars", "scale": 4 }]), &rules), expected);
    }
}

#[test]
fn what_earns_nothing_triggers_no_rule() {
    let table = [
        (
            json!([earn("r", &json!({ "fixed": "2" }), &json!({ "on": "refund" }))]),
            "spec.rules[0].on: a rule cannot be triggered by `refund`: a refund takes back what its purchase earned, by the rules \
             that paid; use `purchase`, `signup` or a custom type",
        ),
        (
            json!([earn("r", &json!({ "fixed": "2" }), &json!({ "on": "redeem" }))]),
            "spec.rules[0].on: a rule cannot be triggered by `redeem`: a redemption spends points and earns none; use `purchase`, \
             `signup` or a custom type",
        ),
        (
            json!([earn("r", &json!({ "fixed": "2" }), &json!({ "on": "adjust" }))]),
            "spec.rules[0].on: a rule cannot be triggered by `adjust`: an adjustment is a person's decision and earns nothing more; \
             use `purchase`, `signup` or a custom type",
        ),
        (
            json!([earn("r", &json!({ "fixed": "2" }), &json!({ "on": "transfer" }))]),
            "spec.rules[0].on: a rule cannot be triggered by `transfer`: points go from one member to another, and none are earned; \
             use `purchase`, `signup` or a custom type",
        ),
        (
            json!([earn("r", &json!({ "fixed": "2" }), &json!({ "on": "freeze" }))]),
            "spec.rules[0].on: a rule cannot be triggered by `freeze`: it says who may spend points, and gives none; \
             use `purchase`, `signup` or a custom type",
        ),
    ];
    for (rules, expected) in table {
        assert_eq!(told(&json!([{ "name": "points" }]), &rules), expected);
    }
}

#[test]
fn each_bad_set_of_wallets_is_a_sentence() {
    let many: Vec<Value> = (0..17).map(|n| json!({ "name": format!("w{n}") })).collect();
    let table = [
        (json!([]), "spec.program.wallets: is empty; name at least one wallet"),
        (
            json!([{ "name": "points" }, { "name": "stars" }, { "name": "points" }]),
            "spec.program.wallets[2].name: `points` is also the name of spec.program.wallets[0]; give each wallet its own",
        ),
        (json!(many), "spec.program.wallets: has 17 wallets; at most 16 are allowed"),
    ];
    for (wallets, expected) in table {
        assert_eq!(told(&wallets, &json!([])), expected);
    }
}

#[test]
fn too_many_rules_are_refused_unread() {
    let rules: Vec<Value> =
        (0..1001).map(|n| per(&format!("r{n}"), "1", "1.00", &json!({ "when": "nonsense" }))).collect();
    assert_eq!(
        told(&json!([{ "name": "points" }]), &json!(rules)),
        "spec.rules: has 1001 rules; at most 1000 are allowed"
    );
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_the_fields() {
    let wallets = json!([{ "name": "points" }, { "name": "points" }]);
    let rules = json!([
        base(&json!({ "when": "event.chanel == 'a'" })),
        per("base", "0", "1.00", &json!({ "when": "event.amountMinor" })),
    ]);
    assert_eq!(
        told(&wallets, &rules),
        "spec.program.wallets[1].name: `points` is also the name of spec.program.wallets[0]; give each wallet its own\n\
         spec.rules[0].when, line 1, column 7: an event has no field `chanel`; did you mean `channel`?\n\
         spec.rules[1].name: `base` is also the name of spec.rules[0]; an award names its rule, so give each its own\n\
         spec.rules[1].when, line 1, column 7: is an int; a condition must be true or false: compare it with something\n\
         spec.rules[1].earn.per.points: is 0; it must be more"
    );
}

#[test]
fn rules_of_other_arithmetic_are_refused() {
    let ruleset = ruleset_of(&json!([{ "name": "points" }]), &json!([]));
    let errors = compile(Ruleset { semantics: 2, ..ruleset }).unwrap_err();
    assert_eq!(
        sentences(&errors),
        "semantics: is 2, but this version computes by 1; run the version that wrote the rule set"
    );
}

#[test]
fn a_programme_without_rules_earns_nothing() {
    let rules = compile(ruleset_of(&json!([{ "name": "points" }]), &json!([]))).unwrap();
    assert_eq!(points(&rules, &order("5.00")), 0);
    assert_eq!(*rules.hash(), rules.ruleset().hash());
}

//! Expressions that nobody would write: whatever they say, the answer comes soon and nothing falls over.

use std::time::{Duration, Instant};

use contract::BuryReason;
use contract::decision::Facts;
use rules::compile;
use serde_json::json;

use crate::support::{Dice, line, order, purchase, ruleset_of, with_data};

const WORDS: [&str; 62] = [
    "event",
    ".",
    ".",
    "channel",
    "lines",
    "data",
    "amountMinor",
    "sku",
    "labels",
    "occurredAt",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ",",
    "?",
    ":",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "in",
    "'a'",
    "\"b",
    "'",
    "r'",
    "b'x'",
    "1",
    "0",
    "9223372036854775807",
    "1.5",
    "2u",
    "true",
    "null",
    "l",
    "x",
    "exists",
    "all",
    "map",
    "filter",
    "has",
    "size",
    "timestamp",
    "duration",
    "getHours",
    "\\",
    "é",
    "\n",
    "//",
];

fn junk(dice: &mut Dice) -> String {
    let len = 1 + dice.below(40);
    let glue = dice.one_of(&["", " "]);
    (0..len).map(|_| dice.one_of(&WORDS).to_owned() + glue).collect()
}

/// An expression of the grammar, of any types.
fn expression(dice: &mut Dice, depth: u32) -> String {
    if depth == 0 {
        return dice
            .one_of(&[
                "event.channel",
                "event.amountMinor",
                "event.data.n",
                "event.lines",
                "1",
                "'a'",
                "true",
                "l.sku",
                "[1, 2]",
                "event.data",
            ])
            .to_owned();
    }
    let mut part = || expression(dice, depth - 1);
    let (a, b, c) = (part(), part(), part());
    match dice.below(12) {
        0 => format!("({a} == {b})"),
        1 => format!("({a} && {b})"),
        2 => format!("{a} < {b}"),
        3 => format!("({a} + {b})"),
        4 => format!("({a} / {b})"),
        5 => format!("({a} ? {b} : {c})"),
        6 => format!("{a}.exists(l, {b})"),
        7 => format!("{a}.filter(l, {b}).size() == {c}"),
        8 => format!("{a}[{b}]"),
        9 => format!("[{a}, {b}]"),
        10 => format!("!{a} || {b}"),
        _ => format!("{a} in {b}"),
    }
}

/// A condition of well-typed parts, so that most are let in.
fn likely(dice: &mut Dice, depth: u32) -> String {
    if depth == 0 {
        return dice
            .one_of(&[
                "event.channel == 'web'",
                "event.amountMinor > 500",
                "event.data.n == 1",
                "event.data.n + event.amountMinor > 9223372036854775806",
                "event.lines.exists(l, l.sku == 'a')",
                "event.lines.map(l, l.amountMinor)[0] > 3",
                "has(event.data.n) && event.data.n > 3",
                "event.data.list.all(x, x < 3)",
                "event.amountMinor / event.data.n > 1",
                "event.lines.all(l, l.labels.size() == event.data.n)",
                "event.local.weekday in ['Monday', 'Sunday'] && event.local.hour < 13",
                "event.lines.exists(l, l.brand == event.local.date || l.taxMinor > event.data.n)",
            ])
            .to_owned();
    }
    let (a, b) = (likely(dice, depth - 1), likely(dice, depth - 1));
    dice.one_of(&["A && B", "A || B", "!(A) && B", "(A) == (B)", "(A) ? (B) : (A)"]).replace('A', &a).replace('B', &b)
}

#[test]
fn random_expressions_neither_panic_nor_hang() {
    let mut dice = Dice::seeded(7);
    let events = [
        order("0.00"),
        with_data(order("5.00"), json!({ "n": 0, "list": [1, 2, "x"] })),
        with_data(purchase((0..50).map(|n| line(&n.to_string(), "1.00")).collect()), json!({ "n": 1.5, "list": [] })),
    ];
    let (mut let_in, mut failed, mut slowest) = (0, 0, Duration::ZERO);
    for round in 0..2000_u32 {
        let text = match round % 3 {
            0 => junk(&mut dice),
            1 => {
                let depth = 1 + u32::try_from(dice.below(3)).unwrap();
                expression(&mut dice, depth)
            }
            _ => {
                let depth = u32::try_from(dice.below(4)).unwrap();
                likely(&mut dice, depth)
            }
        };
        let rule = json!({ "name": "r", "on": "purchase", "when": text, "earn": { "wallet": "points", "fixed": "1" } });
        let started = Instant::now();
        if let Ok(rules) = compile(ruleset_of(&json!([{ "name": "points" }]), &json!([rule]))) {
            let_in += 1;
            for event in &events {
                if let Err(refusal) = rules.decide(event, Facts::default()) {
                    assert_eq!(refusal.reason, BuryReason::RuleFailed, "{text}");
                    failed += 1;
                }
            }
        }
        slowest = slowest.max(started.elapsed());
        // A debug build takes 40 ms for the largest expression; a machine under load a few times that.
        assert!(started.elapsed() < Duration::from_secs(5), "{:?} for {text}", started.elapsed());
    }
    println!("{let_in} let in, {failed} failed on an event, slowest {slowest:?}");
    assert!(let_in > 500 && failed > 300, "{let_in} let in, {failed} failed: the generator has lost its aim");
}

#[test]
fn the_dearest_condition_over_the_largest_event_ends_soon() {
    let body = vec!["(l.sku in event.data.list && l.amountMinor > 1)"; 20].join(" || ");
    let when = vec![format!("event.lines.all(l, !({body}))"); 2].join(" && ");
    let rule = json!({ "name": "r", "on": "purchase", "when": when, "earn": { "wallet": "points", "fixed": "1" } });
    let rules = compile(ruleset_of(&json!([{ "name": "points" }]), &json!([rule]))).unwrap();
    let lines = (0..2000).map(|n| line(&n.to_string(), "1.00")).collect();
    let list: Vec<String> = (0..11).map(|n| format!("sku-{n}")).collect();
    let event = with_data(purchase(lines), json!({ "list": list }));
    let started = Instant::now();
    assert!(rules.decide(&event, Facts::default()).is_ok());
    println!("{:?}", started.elapsed());
    let more: Vec<String> = (0..12).map(|n| format!("sku-{n}")).collect();
    let refusal = rules.decide(&with_data(event, json!({ "list": more })), Facts::default()).unwrap_err();
    assert_eq!(
        refusal.detail,
        "rule `r` could not be evaluated on this event: its macros would look at more than a million values of `data`, \
         again for each line; send fewer in `data`"
    );
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

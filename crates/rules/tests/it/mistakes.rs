//! What is wrong with a condition, told with line, column and a way out.

use rules::{RuleError, compile};
use serde_json::json;

use crate::support::{ruleset_of, sentences};

fn errors(on: &str, when: &str) -> Vec<RuleError> {
    let rule = json!({ "name": "r", "on": on, "when": when, "earn": { "wallet": "points", "fixed": "1" } });
    compile(ruleset_of(&json!([{ "name": "points" }]), &json!([rule]))).err().unwrap_or_default()
}

/// The expression, its line and column, and the sentence.
type Mistake = (&'static str, (u32, u32), &'static str);

fn check(table: &[Mistake]) {
    let mut wrong = Vec::new();
    for (when, (line, column), problem) in table {
        let expected = format!("spec.rules[0].when, line {line}, column {column}: {problem}");
        let told = errors("purchase", when).first().map(ToString::to_string).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{when:?}\n  told     {told}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const FIELDS: &[Mistake] = &[
    ("event.chanel == 'web'", (1, 7), "an event has no field `chanel`; did you mean `channel`?"),
    ("event.amount > 5", (1, 7), "an event has no field `amount`; did you mean `amountMinor`?"),
    ("event.store == 'x'", (1, 7), "an event has no field `store`; what a producer adds is in `event.data.store`"),
    ("evnt.channel == 'web'", (1, 1), "there is no `evnt`; did you mean `event`?"),
    ("event.channel == web", (1, 18), "there is no `web`; a condition sees `event`, and text stands in quotes"),
    ("event.occurredAt < now", (1, 20), "there is no `now`; the event's own time is `event.occurredAt`"),
    ("event.lines.exists(l, l.quantity > 1)", (1, 25), "a line has no field `quantity`; did you mean `quantityMilli`?"),
    (
        "event.lines[0].price > 1",
        (1, 16),
        "a line has no field `price`; it has `line`, `sku`, `quantityMilli`, `amountMinor`, `discountMinor`, `taxMinor`, `isDelivery`, \
         `category`, `brand`, `labels`",
    ),
    ("event.lines.sku == 'x'", (1, 13), "a list has no field `sku`; ask `exists(line, line.sku == ...)` of it"),
    ("event.channel.name == 'x'", (1, 15), "a string has no fields; remove `.name`"),
    ("has(event.channel)", (1, 1), "`channel` is always there; compare it, with '' for one that was not sent"),
];

#[test]
fn a_field_or_a_name_that_is_not_there() {
    check(FIELDS);
}

const TYPES: &[Mistake] = &[
    ("event.channel == 5", (1, 15), "`==` compares a string with an int; both sides must be of one type"),
    ("event.amountMinor > '5'", (1, 19), "`>` compares an int with a string; both sides must be of one type"),
    (
        "event.amountMinor > 12.5",
        (1, 19),
        "`>` compares an int with a double; amounts are whole minor units: write 1250 for 12.50",
    ),
    (
        "event.amountMinor * 1.5 > 3",
        (1, 19),
        "`*` cannot compute with doubles; amounts are whole minor units: write 1250 for 12.50",
    ),
    (
        "event.occurredAt > '2026-01-01'",
        (1, 18),
        "`>` compares a timestamp with a string; both sides must be of one type",
    ),
    ("event.channel + 1 == 'a'", (1, 15), "`+` does not go with a string and an int"),
    (
        "event.channel in 'web'",
        (1, 15),
        "`in` needs a list on its right, not a string; a part of a text is found by `contains`",
    ),
    (
        "event.channel in [1, 2]",
        (1, 15),
        "`in` looks for a string in a list of which an element is an int; both must be of one type",
    ),
    (
        "event.channel in ['web', 3]",
        (1, 26),
        "is an int in a list of which an element is a string; a list has one type",
    ),
    ("event.lines == event.lines", (1, 13), "`==` cannot compare a list with a list; compare their parts"),
    ("event.amountMinor == 5u", (1, 22), "numbers here are ints; write it without the `u`"),
    ("event.channel == b'web'", (1, 18), "there are no bytes in an event; write a string, without the `b`"),
    ("event.channel && true", (1, 7), "is a string, but `&&` takes true or false; compare it with something"),
    ("!event.amountMinor", (1, 8), "is an int, but `!` takes true or false; compare it with something"),
    (
        "(event.amountMinor > 1 ? 'a' : 2) == 'a'",
        (1, 24),
        "`? :` chooses between a string and an int; both must be of one type",
    ),
    ("event.lines['a'].sku == 'x'", (1, 12), "a list is indexed by an int from 0, not by a string"),
    ("event['channel'] == 'x'", (1, 6), "fields are named after a dot, as in `event.channel`"),
    ("{'a': 1}.a == 1", (1, 1), "maps cannot be written here; use a list"),
    ("event in [event]", (1, 7), "`in` cannot look for the event; look for one of its fields"),
];

#[test]
fn types_that_do_not_go_together() {
    check(TYPES);
}

const ANSWERS: &[Mistake] = &[
    ("event.amountMinor", (1, 7), "is an int; a condition must be true or false: compare it with something"),
    ("event.channel", (1, 7), "is a string; a condition must be true or false: compare it with something"),
    ("event.data.vip", (1, 12), "may be anything; compare it, as in `event.data.vip == true`"),
    ("event.lines.map(l, l.sku)", (1, 13), "is a list; a condition must be true or false: compare it with something"),
];

#[test]
fn an_answer_that_is_not_true_or_false() {
    check(ANSWERS);
}

const FUNCTIONS: &[Mistake] = &[
    (
        "event.channel.matches('w.*')",
        (1, 15),
        "there is no function `matches`; there are `has`, `size`, `startsWith`, `endsWith`, `contains`, `all`, `exists`, \
             `exists_one`, `map`, `filter`, `timestamp`, `duration`, `getFullYear`, `getMonth`, `getDate`, `getDayOfWeek`, `getHours`",
    ),
    (
        "int(event.channel) == 5",
        (1, 1),
        "there is no function `int`; amounts and whole numbers in `event.data` are ints already",
    ),
    (
        "double(event.amountMinor) > 0.5",
        (1, 1),
        "there is no function `double`; amounts and whole numbers in `event.data` are ints already",
    ),
    ("event.channel.startWith('a')", (1, 15), "there is no function `startWith`; did you mean `startsWith`?"),
    ("event.lines.size(1) == 1", (1, 13), "`size` is not called like this; write `event.lines.size()`"),
    (
        "event.lines.all(l)",
        (1, 13),
        "`all` is not called like this; write `event.lines.all(line, line.amountMinor > 0)`",
    ),
    (
        "event.labels.contains('x')",
        (1, 7),
        "an event has no field `labels`; what a producer adds is in `event.data.labels`",
    ),
    (
        "event.lines.exists(l, l.labels.contains('x'))",
        (1, 32),
        "`contains` looks into a string; an element of a list is found by `x in list`",
    ),
    ("event.amountMinor.startsWith('a')", (1, 19), "`startsWith` takes strings, not an int"),
    ("event.amountMinor.getHours() == 1", (1, 19), "`getHours` is asked of an int; ask it of `event.occurredAt`"),
    (
        "event.occurredAt.getHours('Mars/Base') == 1",
        (1, 27),
        "is not a time zone; write its name as a text, such as 'Europe/Berlin'",
    ),
    ("event.occurredAt > timestamp('yesterday')", (1, 30), "is not a timestamp; write it like '2026-11-01T00:00:00Z'"),
    (
        "event.occurredAt - event.occurredAt < duration('5 days')",
        (1, 48),
        "is not a duration; write it like '36h' or '90m'",
    ),
];

#[test]
fn functions_that_are_not_there_or_called_wrongly() {
    check(FUNCTIONS);
}

const MACROS: &[Mistake] = &[
    (
        "event.lines.all(a, [1].exists(b, b == 1))",
        (1, 24),
        "macros cannot stand within macros; make it two rules, or ask for each alone",
    ),
    (
        "event.lines.all(a, event.lines.size() == 1)",
        (1, 26),
        "`event.lines` cannot be read within a macro; a macro sees one element at a time",
    ),
    ("event.channel.all(c, c == 'a')", (1, 15), "is asked of a string; macros go over lists"),
    ("event.lines.exists(l, l.sku)", (1, 25), "is a string, but `||` takes true or false; compare it with something"),
    ("event.data.all(k, k == 'a')", (1, 12), "is asked of a map; macros go over lists"),
];

#[test]
fn macros_within_macros_and_over_the_wrong_things() {
    check(MACROS);
}

const SYNTAX: &[Mistake] = &[
    ("", (1, 1), "is empty; write a condition, or leave `when` out"),
    ("event.channel = 'web'", (1, 15), "`=` is no operator; to compare, write `==`"),
    (
        "event.channel == 'web",
        (1, 18),
        "the text that begins with `'web` is never closed, or has an unknown escape; end it with the quote that it began with",
    ),
    ("event.channel ==", (1, 17), "the expression ends too early; a value is missing"),
    ("(event.amountMinor > 5", (1, 23), "`)` is missing here"),
    (
        "event.amountMinor > 5)",
        (1, 22),
        "`)` is not expected here; an operator or a value is missing, or it is one too many",
    ),
    ("event.amountMinor > 5 and true", (1, 23), "`and` is no operator; write `&&`"),
    ("event.amountMinor > 5; true", (1, 22), "`;` has no meaning in CEL; remove it"),
    (
        "true &&\n  event.chanel == 'é' &&\n  'ü' == event.typ",
        (2, 9),
        "an event has no field `chanel`; did you mean `channel`?",
    ),
    ("'üé' == event.typ", (1, 15), "an event has no field `typ`; did you mean `type`?"),
    ("'üé' == )", (1, 9), "`)` is not expected here; an operator or a value is missing, or it is one too many"),
];

#[test]
fn what_is_not_cel() {
    check(SYNTAX);
}

#[test]
fn all_mistakes_of_an_expression_are_told_each_once() {
    let told = sentences(&errors(
        "purchase",
        "event.chanel == 'web' &&\n event.amountMinor > 'x' && event.lines.all(l, l.skuu == '')",
    ));
    assert_eq!(
        told,
        "spec.rules[0].when, line 1, column 7: an event has no field `chanel`; did you mean `channel`?\n\
         spec.rules[0].when, line 2, column 20: `>` compares an int with a string; both sides must be of one type\n\
         spec.rules[0].when, line 2, column 50: a line has no field `skuu`; did you mean `sku`?"
    );
}

#[test]
fn other_events_have_no_order() {
    for (on, when, field) in
        [("signup", "event.amountMinor > 1", "amountMinor"), ("visit", "event.lines.size() > 1", "lines")]
    {
        let expected =
            format!("spec.rules[0].when, line 1, column 7: only a purchase has `{field}`; this rule is on `{on}`");
        assert_eq!(sentences(&errors(on, when)), expected);
    }
}

#[test]
fn what_fails_on_a_sample_event_is_refused_at_once() {
    let table = [
        ("100 / event.amountMinor > 3", "fails on a sample event: it divides by nought; ask for nought first"),
        (
            "event.lines[1].sku == 'x'",
            "fails on a sample event: an index is beyond the end of its list; ask `size()` first",
        ),
        (
            "9223372036854775807 + event.amountMinor > 0",
            "fails on a sample event: a number leaves the range of 64 bits; compare smaller numbers",
        ),
    ];
    for (when, problem) in table {
        assert_eq!(sentences(&errors("purchase", when)), format!("spec.rules[0].when: {problem}"));
    }
    for good in
        ["event.amountMinor > 0 && 100 / event.amountMinor > 3", "event.lines.size() > 1 && event.lines[1].sku == 'x'"]
    {
        assert_eq!(sentences(&errors("purchase", good)), "");
    }
}

#[test]
fn an_expression_is_bounded_in_length_size_and_depth() {
    let nested = |n: usize| format!("{}true{}", "(".repeat(n), ")".repeat(n));
    let long_list = |n: usize| format!("event.channel in [{}]", vec!["'a'"; n].join(","));
    let table = [
        (
            format!("'{}' == ''", "x".repeat(4096)),
            "spec.rules[0].when: is 4104 bytes long; at most 4096 are allowed: make it two rules",
        ),
        (
            long_list(600),
            "spec.rules[0].when, line 1, column 2058: has more than 1024 words and signs; make it two rules",
        ),
        (
            nested(25),
            "spec.rules[0].when, line 1, column 25: has more than 24 brackets within brackets; make it two rules",
        ),
        (
            format!("1{} > 0", "+1".repeat(40)),
            "spec.rules[0].when, line 1, column 50: is more than 16 levels deep; make it two rules",
        ),
    ];
    for (when, expected) in table {
        assert_eq!(sentences(&errors("purchase", &when)), expected);
    }
    for good in [
        nested(24),
        long_list(500),
        vec!["event.channel == 'a'"; 100].join(" || "),
        format!("1{} > 0", "+1".repeat(14)),
    ] {
        assert_eq!(sentences(&errors("purchase", &good)), "", "{good}");
    }
}

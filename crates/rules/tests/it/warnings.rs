//! When a member is warned that points end: by the calendar, and never before the event.

use contract::decision::{Decision, Facts};
use contract::event::{Adjust, Event, Kind, Redeem};
use contract::{EventType, OrderId, Quantity};
use rules::{Compiled, compile};
use serde_json::{Value, json};

use crate::support::{awards, earn, merged, order, ruleset_of, sentences, state, whole};

fn programme(zone: &str, expiry: &Value, how: &Value) -> Result<Compiled, String> {
    let rule = earn("base", &merged(&json!({ "fixed": "1" }), how), &json!({}));
    let wallets = json!([{ "name": "points", "expiry": expiry }, { "name": "stars" }]);
    let mut ruleset = ruleset_of(&wallets, &json!([rule]));
    zone.clone_into(&mut ruleset.program.time_zone);
    compile(ruleset).map_err(|errors| sentences(&errors))
}

fn at(event: Event, at: &str) -> Event {
    Event { occurred_at: at.parse().unwrap(), ..event }
}

fn visit() -> Event {
    Event { kind: Kind::Custom(EventType::parse("visit").unwrap()), ..order("1") }
}

/// Zone, `expiry`, when the points are earned, when they end, when that is warned of.
const WARNINGS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "UTC",
        r#"{ "after": "12mo", "warnBefore": "14d" }"#,
        "2026-01-31T12:00:00Z",
        "2027-02-01T00:00:00Z",
        "2027-01-18T00:00:00Z",
    ),
    (
        "UTC",
        r#"{ "after": "12mo", "warnBefore": "1d" }"#,
        "2026-01-31T12:00:00Z",
        "2027-02-01T00:00:00Z",
        "2027-01-31T00:00:00Z",
    ),
    // A month before 1 March begins is 1 February, and before 31 March it is the last day of February.
    (
        "UTC",
        r#"{ "after": "2mo", "warnBefore": "1mo" }"#,
        "2025-12-31T12:00:00Z",
        "2026-03-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
    ),
    (
        "UTC",
        r#"{ "after": "60d", "warnBefore": "1mo" }"#,
        "2026-01-29T12:00:00Z",
        "2026-03-31T00:00:00Z",
        "2026-02-28T00:00:00Z",
    ),
    (
        "UTC",
        r#"{ "after": "3mo", "roundUpTo": "Month", "warnBefore": "2mo" }"#,
        "2026-01-15T12:00:00Z",
        "2026-05-01T00:00:00Z",
        "2026-03-01T00:00:00Z",
    ),
    // Days of the programme's zone, also where the clock changes in between.
    (
        "Europe/Berlin",
        r#"{ "after": "1mo", "warnBefore": "14d" }"#,
        "2026-03-05T12:00:00Z",
        "2026-04-05T22:00:00Z",
        "2026-03-22T23:00:00Z",
    ),
    (
        "Europe/Moscow",
        r#"{ "after": "1mo", "warnBefore": "7d" }"#,
        "2014-09-26T12:00:00Z",
        "2014-10-26T21:00:00Z",
        "2014-10-19T20:00:00Z",
    ),
    // Fixed days; what is earned shortly before is warned of at once.
    (
        "UTC",
        r#"{ "onDates": ["12-31"], "warnBefore": "14d" }"#,
        "2026-05-05T12:00:00Z",
        "2027-01-01T00:00:00Z",
        "2026-12-18T00:00:00Z",
    ),
    (
        "UTC",
        r#"{ "onDates": ["12-31"], "warnBefore": "14d" }"#,
        "2026-12-18T00:00:00Z",
        "2027-01-01T00:00:00Z",
        "2026-12-18T00:00:00Z",
    ),
    (
        "UTC",
        r#"{ "onDates": ["12-31"], "warnBefore": "14d" }"#,
        "2026-12-30T12:00:00Z",
        "2027-01-01T00:00:00Z",
        "2026-12-30T12:00:00Z",
    ),
    (
        "UTC",
        r#"{ "after": "3mo", "onDates": ["12-31"], "warnBefore": "2mo" }"#,
        "2026-10-01T12:00:00Z",
        "2028-01-01T00:00:00Z",
        "2027-11-01T00:00:00Z",
    ),
];

#[test]
fn a_warning_is_given_so_long_before_the_end_and_not_before_the_event() {
    for (zone, expiry, earned, end, warns) in WARNINGS {
        let expiry: Value = serde_json::from_str(expiry).unwrap();
        let compiled = programme(zone, &expiry, &json!({})).unwrap();
        let dates = awards(&compiled, &at(order("1"), earned))[0].dates;
        let want = [Some(end.parse().unwrap()), Some(warns.parse().unwrap())];
        assert_eq!([dates.expires, dates.warns], want, "{zone}, {expiry} from {earned}");
    }
}

#[test]
fn an_activity_says_when_its_end_is_warned_of() {
    let inactivity = json!({ "after": "6mo", "activities": ["purchase", "visit"] });
    let compiled = programme("UTC", &json!({ "inactivity": inactivity, "warnBefore": "14d" }), &json!({})).unwrap();
    let event = at(visit(), "2026-01-31T12:00:00Z");
    let until = compiled.active(&event).unwrap().into_values().next().unwrap();
    assert_eq!(
        (until.end, until.warns),
        ("2026-08-01T00:00:00Z".parse().unwrap(), "2026-07-18T00:00:00Z".parse().ok())
    );
    assert!(compiled.reads(&event).idles, "the end that it moves is warned of");
    assert!(!compiled.reads(&Event { kind: Kind::Signup, ..order("1") }).idles);
    let silent = programme("UTC", &json!({ "inactivity": inactivity }), &json!({})).unwrap();
    assert!(!silent.reads(&event).idles);
    assert_eq!(silent.active(&event).unwrap().into_values().next().unwrap().warns, None);
}

#[test]
fn a_rule_with_an_end_of_its_own_says_for_itself_whether_it_is_warned_of() {
    let wallet = json!({ "after": "12mo", "warnBefore": "14d" });
    let of = |how: &Value| {
        awards(&programme("UTC", &wallet, how).unwrap(), &at(order("1"), "2026-01-31T12:00:00Z"))[0].dates.warns
    };
    assert_eq!(of(&json!({})), "2027-01-18T00:00:00Z".parse().ok());
    assert_eq!(of(&json!({ "expiry": { "after": "1mo" } })), None);
    assert_eq!(of(&json!({ "expiry": { "after": "1mo", "warnBefore": "7d" } })), "2026-02-22T00:00:00Z".parse().ok());
    assert_eq!(of(&json!({ "expiry": { "never": true } })), None);
}

#[test]
fn what_a_person_adds_or_a_refund_gives_back_is_warned_of_as_the_wallet_says() {
    let compiled = programme("UTC", &json!({ "after": "12mo", "warnBefore": "14d" }), &json!({})).unwrap();
    let warns = |points: i64, expires: Option<&str>| {
        let (reason, author) = ("x".to_owned(), "y".to_owned());
        let expires = expires.map(|at| at.parse().unwrap());
        let adjust = Adjust { wallet: None, points: points.into(), reason, author, activates: None, expires };
        let event = at(Event { kind: Kind::Adjust(adjust), ..order("1") }, "2026-01-31T12:00:00Z");
        let Ok(Decision::Adjust { dates, .. }) = compiled.decide(&event, Facts::default()) else { panic!() };
        dates.warns.map(|at| at.to_string()).unwrap_or_default()
    };
    assert_eq!(warns(5, None), "2027-01-18T00:00:00Z");
    assert_eq!(warns(5, Some("2026-06-30T18:00:00Z")), "2026-06-16T18:00:00Z");
    assert_eq!(warns(5, Some("2026-02-03T18:00:00Z")), "2026-01-31T12:00:00Z", "at once");
    assert_eq!(warns(-5, None), "");
    // The lot that ends with the grace of 30 days.
    let mut order = state(&compiled, &order("10"));
    let refund = at(Event { kind: Kind::Refund(whole()), ..visit() }, "2026-03-01T12:00:00Z");
    let paid = ["points", "stars"].map(|name| (name.to_owned().try_into().unwrap(), contract::Points(7))).into();
    let facts = Facts { order: Some(&order), paid: Some(&paid), ..Facts::default() };
    let Ok(Decision::Refund { gives_back, returned, .. }) = compiled.decide(&refund, facts) else { panic!() };
    assert_eq!(gives_back.until, "2026-04-01T00:00:00Z".parse().ok());
    let warned: Vec<_> = gives_back.warns.iter().map(|(wallet, at)| format!("{wallet} {at}")).collect();
    assert_eq!(warned, ["points 2026-03-18T00:00:00Z"], "the wallet of stars warns of nothing");
    // A redemption that comes after the return.
    order.returned = returned;
    let redeem = Redeem { wallet: None, points: Quantity::parse("5").unwrap(), order: OrderId::parse("o").ok() };
    let late = at(Event { kind: Kind::Redeem(redeem), ..visit() }, "2026-03-02T12:00:00Z");
    let Ok(Decision::Redeem { gives_back, .. }) =
        compiled.decide(&late, Facts { order: Some(&order), ..Facts::default() })
    else {
        panic!()
    };
    assert_eq!(gives_back.warns.len(), 1);
}

/// `expiry`, and what is wrong with it.
const MISTAKES: &[(&str, &str)] = &[
    (r#"{ "after": "12mo", "warnBefore": "0d" }"#, "is no time at all; give at least `1d`, or remove it"),
    (
        r#"{ "warnBefore": "14d" }"#,
        "has no end to warn of; give `after`, such as `12mo`, or `onDates`, or `inactivity`",
    ),
    (
        r#"{ "after": "14d", "warnBefore": "14d" }"#,
        "is `14d`, not shorter than the 14d that points live; make it shorter, so that there is time to spend them",
    ),
    (
        r#"{ "after": "12mo", "warnBefore": "1y" }"#,
        "is `1y`, not shorter than the 12mo that points live; make it shorter, so that there is time to spend them",
    ),
    (
        r#"{ "inactivity": { "after": "1mo", "activities": ["visit"] }, "warnBefore": "28d" }"#,
        "is `28d`, not shorter than the 1mo that points live; make it shorter, so that there is time to spend them",
    ),
    (
        r#"{ "onDates": ["03-31", "06-30", "09-30", "12-31"], "warnBefore": "93d" }"#,
        "is `93d`, not shorter than any points live; make it shorter, so that there is time to spend them",
    ),
    (
        r#"{ "after": "0d", "roundUpTo": "Month", "warnBefore": "1mo" }"#,
        "is `1mo`, not shorter than any points live; make it shorter, so that there is time to spend them",
    ),
];

#[test]
fn a_warning_that_cannot_be_is_told_with_its_field() {
    for (expiry, problem) in MISTAKES {
        let expiry: Value = serde_json::from_str(expiry).unwrap();
        let told = programme("UTC", &expiry, &json!({})).unwrap_err();
        assert_eq!(told, format!("spec.program.wallets[0].expiry.warnBefore: {problem}"), "{expiry}");
    }
    let never = json!({ "expiry": { "never": true, "warnBefore": "14d" } });
    assert_eq!(
        programme("UTC", &json!({ "after": "1y" }), &never).unwrap_err(),
        "spec.rules[0].earn.expiry.warnBefore: has no end to warn of, as these points never end; remove it, or `never`"
    );
    for fine in [
        json!({ "after": "1mo", "warnBefore": "27d" }),
        json!({ "after": "1y", "warnBefore": "11mo" }),
        json!({ "onDates": ["03-31", "06-30", "09-30", "12-31"], "warnBefore": "91d" }),
        json!({ "after": "0d", "roundUpTo": "Month", "warnBefore": "7d" }),
    ] {
        assert!(programme("UTC", &fine, &json!({})).is_ok(), "{fine}");
    }
}

//! The end of points by inactivity: which events are activities, what they lead to, and what cannot be.

use contract::decision::{Dates, Decision, Facts, IdlesUntil};
use contract::event::{Adjust, Event, Kind, Redeem};
use contract::{EventType, Quantity};
use rules::{Compiled, compile};
use serde_json::{Value, json};

use crate::support::{awards, earn, merged, order, ruleset_of, sentences};

fn wallet(name: &str, expiry: &Value) -> Value {
    json!({ "name": name, "expiry": expiry })
}

fn programme(zone: &str, wallets: &[Value], how: &Value) -> Result<Compiled, String> {
    let rule = earn("base", &merged(&json!({ "fixed": "1" }), how), &json!({}));
    let mut ruleset = ruleset_of(&json!(wallets), &json!([rule]));
    zone.clone_into(&mut ruleset.program.time_zone);
    compile(ruleset).map_err(|errors| sentences(&errors))
}

fn at(event: Event, at: &str) -> Event {
    Event { occurred_at: at.parse().unwrap(), ..event }
}

fn redeem() -> Event {
    let points = Quantity::parse("5").unwrap();
    Event { kind: Kind::Redeem(Redeem { wallet: None, points, order: None }), ..order("1") }
}

fn visit() -> Event {
    Event { kind: Kind::Custom(EventType::parse("visit").unwrap()), ..order("1") }
}

/// Zone, `expiry` but for the activities, the activity, from when on the wallet's points are gone.
const ENDS: &[(&str, &str, &str, &str, &str)] = &[
    ("UTC", "12mo", "", "2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z"),
    ("UTC", "1mo", "", "2026-01-31T12:00:00Z", "2026-03-01T00:00:00Z"),
    ("UTC", "12mo", "Month", "2026-01-15T12:00:00Z", "2027-02-01T00:00:00Z"),
    ("UTC", "6mo", "Quarter", "2026-01-15T12:00:00Z", "2026-10-01T00:00:00Z"),
    ("UTC", "6mo", "HalfYear", "2026-01-15T12:00:00Z", "2027-01-01T00:00:00Z"),
    ("UTC", "6mo", "Year", "2026-07-01T12:00:00Z", "2028-01-01T00:00:00Z"),
    ("Europe/Moscow", "1d", "", "2014-10-25T12:00:00Z", "2014-10-26T21:00:00Z"),
    ("Europe/Berlin", "1d", "", "2026-03-28T12:00:00Z", "2026-03-29T22:00:00Z"),
    ("America/New_York", "1d", "", "2026-10-31T12:00:00Z", "2026-11-02T05:00:00Z"),
    ("Asia/Kathmandu", "1mo", "", "2026-01-31T18:20:00Z", "2026-03-01T18:15:00Z"),
];

#[test]
fn points_end_with_the_last_day_after_the_activity() {
    for (zone, after, part, activity, end) in ENDS {
        let inactivity = json!({ "after": after, "activities": ["purchase", "visit"] });
        let expiry = match *part {
            "" => json!({ "inactivity": inactivity }),
            part => json!({ "inactivity": inactivity, "roundUpTo": part }),
        };
        let compiled = programme(zone, &[wallet("points", &expiry)], &json!({})).unwrap();
        let end = end.parse().unwrap();
        let active = compiled.active(&at(visit(), activity)).unwrap();
        let want = [IdlesUntil { end, warns: None }];
        assert_eq!(active.into_values().collect::<Vec<_>>(), want, "{zone}, {expiry} from {activity}");
        let earned = awards(&compiled, &at(order("1"), activity))[0].dates;
        assert_eq!(earned, Dates { expires: Some(end), idles: true, ..Dates::default() });
    }
}

#[test]
fn each_wallet_says_what_an_activity_is() {
    let by = |activities: &[&str]| json!({ "inactivity": { "after": "1y", "activities": activities } });
    let wallets = [
        wallet("points", &by(&["purchase", "redeem"])),
        wallet("stars", &by(&["visit", "purchase"])),
        wallet("cash", &json!({ "after": "1y" })),
        json!({ "name": "coins" }),
    ];
    let compiled = programme("UTC", &wallets, &json!({})).unwrap();
    let names = |event: Event| {
        let active = compiled.active(&event).unwrap();
        active.keys().map(|wallet| wallet.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!([names(order("1")), names(redeem()), names(visit())], ["points stars", "points", "stars"]);
}

#[test]
fn a_rule_may_say_otherwise_and_a_person_adds_what_the_wallet_says() {
    let idle = wallet("points", &json!({ "inactivity": { "after": "1y", "activities": ["purchase"] } }));
    let dates =
        |how: &Value| awards(&programme("UTC", std::slice::from_ref(&idle), how).unwrap(), &order("1"))[0].dates;
    assert!(dates(&json!({})).idles);
    assert_eq!(dates(&json!({ "expiry": { "never": true } })), Dates::default());
    let fixed = dates(&json!({ "expiry": { "onDates": ["12-31"] } }));
    assert!(!fixed.idles && fixed.expires.is_some());
    let (reason, author) = ("x".to_owned(), "y".to_owned());
    let adjust = Adjust { wallet: None, points: 5.into(), reason, author, activates: None, expires: None };
    let event = Event { kind: Kind::Adjust(adjust), ..order("1") };
    let compiled = programme("UTC", &[idle], &json!({})).unwrap();
    let Ok(Decision::Adjust { dates, .. }) = compiled.decide(&event, Facts::default()) else { panic!() };
    assert!(dates.idles && dates.expires.is_some());
    assert!(compiled.active(&event).unwrap().is_empty(), "it is not what the member did");
}

/// `expiry` of a wallet, and what is wrong with it.
const MISTAKES: &[(&str, &str)] = &[
    (
        r#"{ "inactivity": { "after": "0d", "activities": ["purchase"] } }"#,
        ".inactivity.after: is no time at all; give at least `1d`",
    ),
    (
        r#"{ "inactivity": { "after": "1y", "activities": [] } }"#,
        ".inactivity.activities: is empty, so that nothing would keep points alive; name types of events, such as `purchase`",
    ),
    (
        r#"{ "inactivity": { "after": "1y", "activities": ["visit", "redeem", "visit"] } }"#,
        ".inactivity.activities[2]: `visit` is named before; remove it",
    ),
    (
        r#"{ "inactivity": { "after": "1y", "activities": ["refund"] } }"#,
        ".inactivity.activities[0]: `refund` undoes what the member did, and keeps no points alive; remove it",
    ),
    (
        r#"{ "inactivity": { "after": "1y", "activities": ["unfreeze"] } }"#,
        ".inactivity.activities[0]: `unfreeze` is what somebody else did, and keeps no points alive; remove it",
    ),
    (
        r#"{ "inactivity": { "after": "1y", "activities": ["purchase", "adjust"] } }"#,
        ".inactivity.activities[1]: `adjust` is what somebody else did, and keeps no points alive; remove it",
    ),
    (
        r#"{ "after": "1y", "inactivity": { "after": "1y", "activities": ["purchase"] } }"#,
        ".inactivity: stands beside another end; remove it, or the other",
    ),
    (
        r#"{ "never": true, "inactivity": { "after": "1y", "activities": ["purchase"] } }"#,
        ".inactivity: stands beside another end; remove it, or the other",
    ),
];

#[test]
fn an_inactivity_that_cannot_be_is_told_with_its_field() {
    for (expiry, problem) in MISTAKES {
        let expiry = serde_json::from_str(expiry).unwrap();
        let told = programme("UTC", &[wallet("points", &expiry)], &json!({})).unwrap_err();
        assert_eq!(told, format!("spec.program.wallets[0].expiry{problem}"));
    }
    let types: Vec<String> = (0..33).map(|n| format!("visit-{n}")).collect();
    let many = json!({ "inactivity": { "after": "1y", "activities": types } });
    assert!(programme("UTC", &[wallet("points", &many)], &json!({})).unwrap_err().contains("has 33 types; at most 32"));
    let idle = json!({ "inactivity": { "after": "1y", "activities": ["purchase"] } });
    assert_eq!(
        programme("UTC", &[json!({ "name": "points" })], &json!({ "expiry": idle })).unwrap_err(),
        "spec.rules[0].earn.expiry.inactivity: ends all points of a wallet together; say it in the wallet, and here `after`, `onDates` \
         or `never: true`"
    );
    let soon = json!({ "inactivity": { "after": "1mo", "activities": ["purchase"] } });
    let late = json!([merged(&wallet("points", &soon), &json!({ "pending": { "for": "90d" } }))]);
    let told = programme("UTC", late.as_array().unwrap(), &json!({})).unwrap_err();
    assert!(told.contains("spec.program.wallets[0].expiry: ends points 1mo after they were earned"), "{told}");
}

#[test]
fn an_activity_that_would_keep_points_beyond_the_calendar_is_refused() {
    let idle = wallet("points", &json!({ "inactivity": { "after": "1y", "activities": ["visit"] } }));
    let compiled = programme("UTC", &[idle], &json!({})).unwrap();
    let refusal = compiled.active(&at(visit(), "9999-06-01T00:00:00Z")).unwrap_err();
    assert_eq!(refusal.reason.to_string(), "Overflow");
}

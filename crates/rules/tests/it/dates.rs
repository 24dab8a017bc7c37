//! When points can be spent and when they end: the calendar in the programme's time zone.

use contract::decision::{Dates, Decision, Facts};
use contract::event::{Adjust, Event, Kind, Reinstate};
use contract::ruleset::Ruleset;
use rules::compile;
use serde_json::{Value, json};

use crate::support::{awards, earn, merged, order, ruleset_of, sentences};

fn programme(zone: &str, wallet: &Value, how: &Value) -> Ruleset {
    let wallet = merged(&json!({ "name": "points" }), wallet);
    let rule = earn("base", &merged(&json!({ "fixed": "1" }), how), &json!({}));
    let mut ruleset = ruleset_of(&json!([wallet]), &json!([rule]));
    zone.clone_into(&mut ruleset.program.time_zone);
    ruleset
}

fn dates(zone: &str, wallet: &Value, how: &Value, at: &str) -> Dates {
    let compiled = compile(programme(zone, wallet, how)).unwrap_or_else(|errors| panic!("{}", sentences(&errors)));
    let event = Event { occurred_at: at.parse().unwrap(), ..order("1") };
    awards(&compiled, &event)[0].dates
}

fn faults(zone: &str, wallet: &Value, how: &Value) -> String {
    compile(programme(zone, wallet, how)).err().map(|errors| sentences(&errors)).unwrap_or_default()
}

/// Zone, `expiry`, when the points are earned, from when on they are gone.
const ENDS: &[(&str, &str, &str, &str)] = &[
    // Days of the calendar.
    ("UTC", "0d", "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z"),
    ("UTC", "1mo", "2026-01-31T12:00:00Z", "2026-03-01T00:00:00Z"),
    ("UTC", "1mo", "2024-01-31T12:00:00Z", "2024-03-01T00:00:00Z"),
    ("UTC", "12mo", "2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z"),
    ("UTC", "1y", "2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z"),
    ("UTC", "4y", "2024-02-29T12:00:00Z", "2028-03-01T00:00:00Z"),
    ("UTC", "12mo", "2023-02-28T12:00:00Z", "2024-02-29T00:00:00Z"),
    ("UTC", "30d", "2024-01-31T12:00:00Z", "2024-03-02T00:00:00Z"),
    // Put off to the end of a part of the year.
    ("UTC", "12mo Month", "2026-01-15T12:00:00Z", "2027-02-01T00:00:00Z"),
    ("UTC", "1mo Month", "2024-01-31T12:00:00Z", "2024-03-01T00:00:00Z"),
    ("UTC", "12mo Quarter", "2026-01-15T12:00:00Z", "2027-04-01T00:00:00Z"),
    ("UTC", "0d Quarter", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"),
    ("UTC", "12mo HalfYear", "2026-06-30T12:00:00Z", "2027-07-01T00:00:00Z"),
    ("UTC", "12mo HalfYear", "2026-07-01T12:00:00Z", "2028-01-01T00:00:00Z"),
    ("UTC", "12mo Year", "2026-01-15T12:00:00Z", "2028-01-01T00:00:00Z"),
    // Moscow: +03 and summer time until 2010, +04 all year from March 2011, +03 from 26 October 2014.
    ("Europe/Moscow", "0d", "2010-03-27T12:00:00Z", "2010-03-27T21:00:00Z"),
    ("Europe/Moscow", "0d", "2010-03-28T12:00:00Z", "2010-03-28T20:00:00Z"),
    ("Europe/Moscow", "0d", "2014-10-25T12:00:00Z", "2014-10-25T20:00:00Z"),
    ("Europe/Moscow", "1d", "2014-10-25T12:00:00Z", "2014-10-26T21:00:00Z"),
    ("Europe/Moscow", "0d", "2014-10-25T20:30:00Z", "2014-10-26T21:00:00Z"),
    ("Europe/Berlin", "0d", "2026-03-28T12:00:00Z", "2026-03-28T23:00:00Z"),
    ("Europe/Berlin", "0d", "2026-03-29T12:00:00Z", "2026-03-29T22:00:00Z"),
    ("Europe/Berlin", "0d", "2026-10-24T12:00:00Z", "2026-10-24T22:00:00Z"),
    ("Europe/Berlin", "0d", "2026-10-25T12:00:00Z", "2026-10-25T23:00:00Z"),
    ("America/New_York", "0d", "2026-03-07T12:00:00Z", "2026-03-08T05:00:00Z"),
    ("America/New_York", "0d", "2026-03-08T12:00:00Z", "2026-03-09T04:00:00Z"),
    ("America/New_York", "0d", "2026-10-31T12:00:00Z", "2026-11-01T04:00:00Z"),
    ("America/New_York", "0d", "2026-11-01T12:00:00Z", "2026-11-02T05:00:00Z"),
    // Kathmandu is 5:45 ahead: at 18:10 it is still the 31st of January, at 18:20 the 1st of February.
    ("Asia/Kathmandu", "1mo", "2026-01-31T18:10:00Z", "2026-02-28T18:15:00Z"),
    ("Asia/Kathmandu", "1mo", "2026-01-31T18:20:00Z", "2026-03-01T18:15:00Z"),
];

#[test]
fn points_end_with_the_last_day_in_the_programmes_time_zone() {
    for (zone, expiry, at, end) in ENDS {
        let (after, part) = expiry.split_once(' ').unwrap_or((expiry, ""));
        let expiry = match part {
            "" => json!({ "after": after }),
            part => json!({ "after": after, "roundUpTo": part }),
        };
        let Dates { activates, expires, .. } = dates(zone, &json!({ "expiry": expiry }), &json!({}), at);
        assert_eq!((activates, expires), (None, Some(end.parse().unwrap())), "{zone}, {expiry} from {at}");
    }
}

/// Zone, `pending.for`, when the points are earned, from when on they can be spent.
const WAITS: &[(&str, &str, &str, &str)] = &[
    ("UTC", "14d", "2026-01-31T12:34:56Z", "2026-02-14T12:34:56Z"),
    ("UTC", "1mo", "2026-01-31T12:00:00Z", "2026-02-28T12:00:00Z"),
    ("UTC", "1mo", "2024-01-31T12:00:00Z", "2024-02-29T12:00:00Z"),
    // The clock goes back: a day of 25 hours, and of the hour that comes twice the first one.
    ("Europe/Moscow", "1d", "2014-10-25T12:00:00+04:00", "2014-10-26T12:00:00+03:00"),
    ("Europe/Moscow", "1d", "2014-10-25T01:30:00+04:00", "2014-10-26T01:30:00+04:00"),
    ("Europe/Moscow", "1d", "2010-03-27T12:00:00+03:00", "2010-03-28T12:00:00+04:00"),
    // The clock goes forward: a time that is skipped is as much later.
    ("Europe/Berlin", "1d", "2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00"),
    ("Europe/Berlin", "1d", "2026-10-24T12:00:00+02:00", "2026-10-25T12:00:00+01:00"),
    ("America/New_York", "1d", "2026-03-07T12:00:00-05:00", "2026-03-08T12:00:00-04:00"),
    ("America/New_York", "1d", "2026-10-31T12:00:00-04:00", "2026-11-01T12:00:00-05:00"),
    ("Asia/Kathmandu", "14d", "2026-01-31T23:59:00+05:45", "2026-02-14T23:59:00+05:45"),
];

#[test]
fn points_wait_to_the_same_time_of_day_in_the_programmes_time_zone() {
    for (zone, wait, at, from) in WAITS {
        let Dates { activates, expires, .. } = dates(zone, &json!({ "pending": { "for": wait } }), &json!({}), at);
        assert_eq!((activates, expires), (Some(from.parse().unwrap()), None), "{zone}, {wait} from {at}");
    }
}

/// Zone, `expiry`, when the points are earned, from when on they are gone.
const ON_DATES: &[(&str, &str, &str, &str)] = &[
    ("UTC", r#"{ "onDates": ["12-31"] }"#, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["12-31"] }"#, "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["12-31"] }"#, "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"),
    // The points of the last three months are carried to the next date.
    ("UTC", r#"{ "after": "3mo", "onDates": ["12-31"] }"#, "2026-09-30T12:00:00Z", "2027-01-01T00:00:00Z"),
    ("UTC", r#"{ "after": "3mo", "onDates": ["12-31"] }"#, "2026-10-01T12:00:00Z", "2028-01-01T00:00:00Z"),
    // What was earned in a year can be spent until March of the next one.
    ("UTC", r#"{ "after": "3mo", "onDates": ["03-31"] }"#, "2026-01-01T12:00:00Z", "2027-04-01T00:00:00Z"),
    ("UTC", r#"{ "after": "3mo", "onDates": ["03-31"] }"#, "2026-12-31T12:00:00Z", "2027-04-01T00:00:00Z"),
    // The nearest of several, whatever their order.
    ("UTC", r#"{ "onDates": ["12-31", "06-30"] }"#, "2026-06-30T12:00:00Z", "2026-07-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["12-31", "06-30"] }"#, "2026-07-01T12:00:00Z", "2027-01-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["12-31", "06-30"] }"#, "2026-01-01T12:00:00Z", "2026-07-01T00:00:00Z"),
    // The last day of February.
    ("UTC", r#"{ "onDates": ["02-29"] }"#, "2026-02-28T12:00:00Z", "2026-03-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["02-29"] }"#, "2024-02-28T12:00:00Z", "2024-03-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["02-28"] }"#, "2024-02-29T12:00:00Z", "2025-03-01T00:00:00Z"),
    // The day of the programme's time zone counts, at both ends.
    ("Europe/Moscow", r#"{ "onDates": ["12-31"] }"#, "2014-12-31T20:59:59Z", "2014-12-31T21:00:00Z"),
    ("Europe/Moscow", r#"{ "onDates": ["12-31"] }"#, "2014-12-31T21:00:00Z", "2015-12-31T21:00:00Z"),
    ("Europe/Moscow", r#"{ "onDates": ["10-25"] }"#, "2014-10-01T12:00:00Z", "2014-10-25T20:00:00Z"),
    ("Europe/Moscow", r#"{ "onDates": ["10-26"] }"#, "2014-10-01T12:00:00Z", "2014-10-26T21:00:00Z"),
    ("Europe/Berlin", r#"{ "onDates": ["03-28"] }"#, "2026-03-01T12:00:00Z", "2026-03-28T23:00:00Z"),
    ("Europe/Berlin", r#"{ "onDates": ["03-29"] }"#, "2026-03-01T12:00:00Z", "2026-03-29T22:00:00Z"),
    ("Europe/Berlin", r#"{ "onDates": ["10-25"] }"#, "2026-10-01T12:00:00Z", "2026-10-25T23:00:00Z"),
    ("America/New_York", r#"{ "onDates": ["03-08"] }"#, "2026-03-01T12:00:00Z", "2026-03-09T04:00:00Z"),
    ("America/New_York", r#"{ "onDates": ["11-01"] }"#, "2026-10-01T12:00:00Z", "2026-11-02T05:00:00Z"),
    ("Asia/Kathmandu", r#"{ "onDates": ["12-31"] }"#, "2026-12-31T18:10:00Z", "2026-12-31T18:15:00Z"),
    ("Asia/Kathmandu", r#"{ "onDates": ["12-31"] }"#, "2026-12-31T18:20:00Z", "2027-12-31T18:15:00Z"),
];

#[test]
fn points_end_with_the_next_of_the_named_days() {
    for (zone, expiry, at, end) in ON_DATES {
        let wallet = json!({ "expiry": serde_json::from_str::<Value>(expiry).unwrap() });
        let Dates { activates, expires, .. } = dates(zone, &wallet, &json!({}), at);
        assert_eq!((activates, expires), (None, Some(end.parse().unwrap())), "{zone}, {expiry} from {at}");
    }
}

const DAYS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    i64::from(DAYS[usize::try_from(month - 1).unwrap()]) + i64::from(month == 2 && leap)
}

/// A plain calendar, one day after the other: when points of a local day end that last so many months and on to one of these days.
fn walked((mut year, mut month, mut day): (i64, i64, i64), months: i64, named: &[(i64, i64)]) -> (i64, i64, i64) {
    for _ in 0..months {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    day = day.min(days_of(year, month));
    while !named.iter().any(|(m, d)| *m == month && (*d).min(days_of(year, month)) == day) {
        day += 1;
        if day > days_of(year, month) {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
    }
    (year, month, day)
}

#[test]
fn fixed_days_are_those_of_a_plain_calendar() {
    const ZONES: [&str; 5] = ["UTC", "Europe/Moscow", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"];
    let mut state = 2014_u64;
    let mut dice = |n: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap() % n
    };
    for _ in 0..400 {
        let zone = ZONES[usize::try_from(dice(5)).unwrap()];
        // From 2009 on for twenty years, to the second.
        let at = jiff::Timestamp::from_second(1_230_768_000 + dice(20 * 365 * 86_400)).unwrap();
        let months = dice(15);
        let mut named: Vec<(i64, i64)> = Vec::new();
        for _ in 0..=dice(3) {
            let month = 1 + dice(12);
            let day = (month, 1 + dice(days_of(2024, month)));
            if !named.contains(&day) {
                named.push(day);
            }
        }
        let written: Vec<String> = named.iter().map(|(month, day)| format!("{month:02}-{day:02}")).collect();
        let wallet = json!({ "expiry": { "after": format!("{months}mo"), "onDates": written } });
        let end = dates(zone, &wallet, &json!({}), &at.to_string()).expires.unwrap();
        let tz = jiff::tz::TimeZone::get(zone).unwrap();
        let local = |at: jiff::Timestamp| {
            let date = tz.to_datetime(at).date();
            (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
        };
        let last = walked(local(at), months, &named);
        // A moment before the end it is still that day, and then no more.
        assert_eq!(local(end - jiff::SignedDuration::from_secs(1)), last, "{zone}, {wallet} from {at}");
        assert!(local(end) > last, "{zone}, {wallet} from {at}");
    }
}

/// Zone, `pending`, when the points are earned, from when on they can be spent.
const WAITS_FOR_DATES: &[(&str, &str, &str, &str)] = &[
    ("UTC", r#"{ "onDates": ["01-01"] }"#, "2026-05-05T12:00:00Z", "2027-01-01T00:00:00Z"),
    // The day of the event has begun already; at its very beginning it has come.
    ("UTC", r#"{ "onDates": ["01-01"] }"#, "2026-01-01T12:00:00Z", "2027-01-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["01-01"] }"#, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ("UTC", r#"{ "onDates": ["07-01", "01-01"] }"#, "2026-01-01T12:00:00Z", "2026-07-01T00:00:00Z"),
    ("UTC", r#"{ "for": "14d", "onDates": ["07-01"] }"#, "2026-06-17T00:00:00Z", "2026-07-01T00:00:00Z"),
    ("UTC", r#"{ "for": "14d", "onDates": ["07-01"] }"#, "2026-06-17T00:00:01Z", "2027-07-01T00:00:00Z"),
    ("Europe/Moscow", r#"{ "onDates": ["10-27"] }"#, "2014-10-26T12:00:00Z", "2014-10-26T21:00:00Z"),
    ("America/New_York", r#"{ "onDates": ["03-09"] }"#, "2026-03-08T12:00:00Z", "2026-03-09T04:00:00Z"),
    ("Asia/Kathmandu", r#"{ "onDates": ["02-29"] }"#, "2026-01-01T12:00:00Z", "2026-02-27T18:15:00Z"),
];

#[test]
fn points_wait_for_the_beginning_of_the_next_of_the_named_days() {
    for (zone, pending, at, from) in WAITS_FOR_DATES {
        let wallet = json!({ "pending": serde_json::from_str::<Value>(pending).unwrap() });
        let Dates { activates, expires, .. } = dates(zone, &wallet, &json!({}), at);
        assert_eq!((activates, expires), (Some(from.parse().unwrap()), None), "{zone}, {pending} from {at}");
    }
}

#[test]
fn a_rule_may_say_otherwise_than_its_wallet() {
    let wallet = json!({ "pending": { "for": "14d" }, "expiry": { "after": "12mo" } });
    let at = "2026-01-01T12:00:00Z";
    let of = |how: Value| {
        let Dates { activates, expires, .. } = dates("UTC", &wallet, &how, at);
        [activates, expires].map(|at| at.map_or_else(String::new, |at| at.to_string()))
    };
    assert_eq!(of(json!({})), ["2026-01-15T12:00:00Z", "2027-01-02T00:00:00Z"]);
    assert_eq!(of(json!({ "pending": { "for": "0d" } })), ["", "2027-01-02T00:00:00Z"]);
    assert_eq!(of(json!({ "expiry": { "after": "1mo" } })), ["2026-01-15T12:00:00Z", "2026-02-02T00:00:00Z"]);
    assert_eq!(of(json!({ "expiry": { "onDates": ["06-30"] } })), ["2026-01-15T12:00:00Z", "2026-07-01T00:00:00Z"]);
    assert_eq!(of(json!({ "expiry": { "never": true } })), ["2026-01-15T12:00:00Z", ""]);
}

#[test]
fn what_a_person_gives_back_is_there_at_once_and_ends_as_the_wallet_or_the_person_says() {
    let wallet = json!({ "scale": 1, "pending": { "for": "14d" }, "expiry": { "after": "1mo" } });
    let compiled = compile(programme("UTC", &wallet, &json!({}))).unwrap();
    let decide = |points: &str, expires: Option<jiff::Timestamp>| {
        let (reason, author, points) = ("x".to_owned(), "y".to_owned(), contract::Quantity::parse(points).unwrap());
        let reinstate = Reinstate { wallet: None, points, reason, author, expires };
        let at = "2026-01-31T12:00:00Z".parse().unwrap();
        let event = Event { occurred_at: at, kind: Kind::Reinstate(reinstate), ..order("1") };
        compiled.decide(&event, Facts::default())
    };
    let decided = |expires: Option<jiff::Timestamp>| match decide("2.5", expires).unwrap() {
        Decision::Reinstate { points, dates, .. } => (points.0, dates.activates, dates.expires),
        other => panic!("{other:?}"),
    };
    let at = |time: &str| Some(time.parse().unwrap());
    assert_eq!(decided(None), (25, None, at("2026-03-01T00:00:00Z")));
    let later = at("2026-12-31T00:00:00Z");
    assert_eq!(decided(later), (25, None, later));
    assert_eq!(decide("0.25", None).unwrap_err().reason, contract::BuryReason::BadValue);
}

#[test]
fn what_a_person_adds_is_there_at_once_and_ends_as_the_wallet_says() {
    let wallet = json!({ "pending": { "for": "14d" }, "expiry": { "after": "1mo" } });
    let compiled = compile(programme("UTC", &wallet, &json!({}))).unwrap();
    let decide = |points: i64, [activates, expires]: [Option<jiff::Timestamp>; 2]| {
        let (reason, author) = ("x".to_owned(), "y".to_owned());
        let adjust = Adjust { wallet: None, points: points.into(), reason, author, activates, expires };
        let at = "2026-01-31T12:00:00Z".parse().unwrap();
        let event = Event { occurred_at: at, kind: Kind::Adjust(adjust), ..order("1") };
        compiled.decide(&event, Facts::default())
    };
    let with = |points, dates| match decide(points, dates).unwrap() {
        Decision::Adjust { dates, .. } => [dates.activates, dates.expires],
        other => panic!("{other:?}"),
    };
    let at = |time: &str| Some(time.parse().unwrap());
    assert_eq!(with(5, [None, None]), [None, at("2026-03-01T00:00:00Z")]);
    assert_eq!(with(-5, [None, None]), [None, None]);
    let (wait, end) = (at("2026-02-05T00:00:00Z"), at("2026-02-09T00:00:00Z"));
    assert_eq!(with(5, [wait, end]), [wait, end], "unless they say otherwise");
    assert_eq!(with(5, [wait, None]), [wait, at("2026-03-01T00:00:00Z")]);
    let refusal = decide(5, [at("2026-03-01T00:00:00Z"), None]).unwrap_err();
    assert!(refusal.detail.contains("name a later `expiresAt`"), "{}", refusal.detail);
}

#[test]
fn a_time_zone_and_terms_that_cannot_be_are_told_with_their_field() {
    let none = json!({});
    assert_eq!(
        faults("Europe/Moskow", &none, &none),
        "spec.program.timeZone: `Europe/Moskow` is not a time zone; did you mean `Europe/Moscow`?"
    );
    assert_eq!(
        faults("shopwhere", &none, &none),
        "spec.program.timeZone: `shopwhere` is not a time zone; write its IANA name, such as `Europe/Moscow` or `UTC`"
    );
    let never = json!({ "pending": { "for": "90d" }, "expiry": { "after": "1mo", "roundUpTo": "Month" } });
    let sentence = "ends points 1mo after they were earned, before their wait of 90d is over; make it longer, or `pending` shorter";
    assert_eq!(faults("UTC", &never, &none), format!("spec.program.wallets[0].expiry: {sentence}"));
    let wallet = json!({ "pending": { "for": "90d" } });
    let rule = json!({ "expiry": { "after": "1mo" } });
    assert_eq!(faults("UTC", &wallet, &rule), format!("spec.rules[0].earn.expiry: {sentence}"));
    let late = json!({ "pending": { "for": "61d" }, "expiry": { "after": "1mo", "roundUpTo": "Month" } });
    assert_eq!(faults("UTC", &late, &none), "");
}

/// `expiry` of a wallet, and what is wrong with it.
const MISTAKES: &[(&str, &str)] = &[
    ("{}", ": names no end; give `after`, such as `12mo`, or `onDates`, or `inactivity`, or `never: true`"),
    (r#"{ "after": "1y", "never": true }"#, ".never: stands beside an end; remove it, or `after` and `onDates`"),
    (r#"{ "never": true, "roundUpTo": "Year" }"#, ".roundUpTo: has nothing to put off; give `after`, or remove it"),
    (
        r#"{ "after": "1y", "roundUpTo": "Year", "onDates": ["12-31"] }"#,
        ".roundUpTo: stands beside `onDates`, which put the end off themselves; remove one of them",
    ),
    (r#"{ "onDates": ["06-30", "12-31", "06-30"] }"#, ".onDates[2]: `06-30` is named before; remove it"),
];

#[test]
fn an_expiry_that_says_nothing_or_two_things_is_told_with_its_field() {
    let none = json!({});
    for (expiry, problem) in MISTAKES {
        let how = json!({ "expiry": serde_json::from_str::<Value>(expiry).unwrap() });
        assert_eq!(faults("UTC", &how, &none), format!("spec.program.wallets[0].expiry{problem}"));
        assert_eq!(faults("UTC", &none, &how), format!("spec.rules[0].earn.expiry{problem}"));
    }
    assert_eq!(
        faults("UTC", &json!({ "pending": {} }), &none),
        "spec.program.wallets[0].pending: names no time; give `for`, such as `14d`, or `onDates`, or an activity of the order as `until`"
    );
    let never = json!({ "expiry": { "never": true } });
    assert_eq!(
        faults("UTC", &never, &none),
        "spec.program.wallets[0].expiry.never: is what a wallet without `expiry` has anyway; remove `expiry`"
    );
    assert_eq!(faults("UTC", &none, &never), "");
    let at_once = |from: &str| json!({ "pending": { "onDates": [from] }, "expiry": { "onDates": ["12-31"] } });
    assert_eq!(
        faults("UTC", &at_once("01-01"), &none),
        "spec.program.wallets[0].expiry: ends points before their wait is over, on whatever day they were earned; make it longer, or \
         `pending` shorter"
    );
    assert_eq!(faults("UTC", &at_once("12-31"), &none), "", "they can be spent on the last day");
    let days = ["05-05"; 25];
    let many = faults("UTC", &json!({ "pending": { "onDates": days } }), &none);
    assert!(many.contains("pending.onDates: has 25 days; at most 24 are allowed"), "{many}");
    let waits = json!({ "pending": { "for": "400d" }, "expiry": { "onDates": ["12-31"] } });
    assert!(faults("UTC", &waits, &none).contains("ends points at most 366d after they were earned"));
    let only = json!({ "pending": { "onDates": ["01-01"] } });
    let mut ruleset = programme("UTC", &only, &none);
    ruleset.program.refunds.take_back = contract::program::TakeBack::OnlyPending;
    assert!(compile(ruleset).is_ok(), "points wait for a date");
}

#[test]
fn points_that_would_outlive_the_calendar_are_refused() {
    for expiry in [json!({ "after": "1y" }), json!({ "onDates": ["01-01"] }), json!({ "onDates": ["12-31"] })] {
        let compiled = compile(programme("UTC", &json!({ "expiry": expiry }), &json!({}))).unwrap();
        let event = Event { occurred_at: "9999-06-01T00:00:00Z".parse().unwrap(), ..order("1") };
        let refusal = compiled.decide(&event, Facts::default()).unwrap_err();
        assert_eq!(refusal.reason.to_string(), "Overflow");
    }
}

//! When a rule holds: from and until, days and hours in the programme's time zone.

use contract::event::{Event, Kind};
use contract::ruleset::Ruleset;
use rules::{Compiled, compile};
use serde_json::{Value, json};

use crate::support::{back, earn, event, merged, order, points, refunded, ruleset_of, sentences, state};

fn ruleset(zone: &str, valid: &Value, and: &Value) -> Ruleset {
    let rule = earn("r", &json!({ "fixed": "1" }), &merged(&json!({ "valid": valid }), and));
    let mut ruleset = ruleset_of(&json!([{ "name": "points" }]), &json!([rule]));
    zone.clone_into(&mut ruleset.program.time_zone);
    ruleset
}

fn rules(zone: &str, valid: &Value) -> Compiled {
    compile(ruleset(zone, valid, &json!({}))).unwrap_or_else(|errors| panic!("{}", sentences(&errors)))
}

fn at(time: &str) -> Event {
    Event { occurred_at: time.parse().unwrap(), ..order("10.00") }
}

/// Times, and whether the rule holds at each.
fn check(zone: &str, valid: &Value, table: &[(&str, bool)]) {
    let rules = rules(zone, valid);
    for (time, holds) in table {
        assert_eq!(points(&rules, &at(time)), i64::from(*holds), "{valid} in {zone} at {time}");
    }
}

#[test]
fn a_rule_holds_from_its_first_moment_and_no_more_at_its_last() {
    let month = json!({ "from": "2026-12-01", "until": "2027-01-01" });
    check(
        "Europe/Berlin",
        &month,
        &[
            ("2026-11-30T22:59:59.999999Z", false),
            ("2026-11-30T23:00:00Z", true),
            ("2026-12-31T22:59:59.999999Z", true),
            ("2026-12-31T23:00:00Z", false),
        ],
    );
    check(
        "America/New_York",
        &json!({ "from": "2026-12-01T18:00" }),
        &[("2026-12-01T22:59:59Z", false), ("2026-12-01T23:00:00Z", true)],
    );
    // With an offset the zone does not matter.
    check(
        "America/New_York",
        &json!({ "until": "2026-12-01T18:00:00Z" }),
        &[("2026-12-01T17:59:59Z", true), ("2026-12-01T18:00:00Z", false)],
    );
}

#[test]
fn days_are_those_of_the_programme() {
    // Saturday the 5th of December 2026 begins at 23:00 on Friday in UTC.
    check(
        "Europe/Berlin",
        &json!({ "weekdays": ["Saturday", "Sunday"] }),
        &[
            ("2026-12-04T22:59:59Z", false),
            ("2026-12-04T23:00:00Z", true),
            ("2026-12-06T22:59:59Z", true),
            ("2026-12-06T23:00:00Z", false),
        ],
    );
    check(
        "Asia/Shanghai",
        &json!({ "dates": ["11-11", "02-29"] }),
        &[
            ("2026-11-10T15:59:59Z", false),
            ("2026-11-10T16:00:00Z", true),
            ("2027-11-11T15:59:59Z", true),
            ("2028-02-29T04:00:00Z", true),
            ("2028-02-28T04:00:00Z", false),
            ("2027-02-28T04:00:00Z", true),
        ],
    );
    check(
        "UTC",
        &json!({ "weekdays": ["Wednesday"], "dates": ["11-11"] }),
        &[("2026-11-11T00:00:00Z", true), ("2027-11-11T00:00:00Z", false), ("2026-11-18T00:00:00Z", false)],
    );
}

#[test]
fn hours_over_midnight_belong_to_the_day_on_which_they_began() {
    check(
        "UTC",
        &json!({ "hours": [{ "from": "17:00", "until": "19:00" }] }),
        &[
            ("2026-12-05T16:59:59.999999Z", false),
            ("2026-12-05T17:00:00Z", true),
            ("2026-12-05T18:59:59.999999Z", true),
            ("2026-12-05T19:00:00Z", false),
        ],
    );
    // From Saturday evening into Sunday's first two hours, and to midnight.
    let night = json!({ "weekdays": ["Saturday"], "hours": [{ "from": "22:00", "until": "02:00" }] });
    check(
        "UTC",
        &night,
        &[
            ("2026-12-05T01:00:00Z", false),
            ("2026-12-05T21:59:59Z", false),
            ("2026-12-05T22:00:00Z", true),
            ("2026-12-06T01:59:59Z", true),
            ("2026-12-06T02:00:00Z", false),
            ("2026-12-06T23:00:00Z", false),
        ],
    );
    let new_year = json!({ "dates": ["12-31"], "hours": [{ "from": "20:00", "until": "04:00" }] });
    check(
        "UTC",
        &new_year,
        &[("2026-12-31T03:00:00Z", false), ("2027-01-01T03:59:59Z", true), ("2027-01-01T20:00:00Z", false)],
    );
    let two = json!({ "hours": [{ "from": "07:00", "until": "09:00" }, { "from": "23:00", "until": "00:00" }] });
    check(
        "UTC",
        &two,
        &[
            ("2026-12-05T08:00:00Z", true),
            ("2026-12-05T12:00:00Z", false),
            ("2026-12-05T23:59:59Z", true),
            ("2026-12-06T00:00:00Z", false),
        ],
    );
}

/// What clocks show counts: an hour that is skipped never comes, one that is repeated comes twice.
#[test]
fn summer_time_skips_an_hour_and_repeats_one() {
    let two_to_three = json!({ "hours": [{ "from": "02:00", "until": "03:00" }] });
    // 29 March and 25 October 2026, 02:00 and 03:00 at 01:00 UTC.
    check(
        "Europe/Berlin",
        &two_to_three,
        &[
            ("2026-03-28T01:30:00Z", true),
            ("2026-03-29T00:59:59Z", false),
            ("2026-03-29T01:00:00Z", false),
            ("2026-03-29T01:30:00Z", false),
            ("2026-10-24T23:59:59Z", false),
            ("2026-10-25T00:00:00Z", true),
            ("2026-10-25T00:59:59Z", true),
            ("2026-10-25T01:00:00Z", true),
            ("2026-10-25T01:59:59Z", true),
            ("2026-10-25T02:00:00Z", false),
        ],
    );
    // 8 March and 1 November 2026, at 07:00 and 06:00 UTC.
    check(
        "America/New_York",
        &two_to_three,
        &[("2026-03-08T06:59:59Z", false), ("2026-03-08T07:00:00Z", false), ("2026-03-08T07:30:00Z", false)],
    );
    check(
        "America/New_York",
        &json!({ "hours": [{ "from": "01:00", "until": "02:00" }] }),
        &[
            ("2026-11-01T04:59:59Z", false),
            ("2026-11-01T05:30:00Z", true),
            ("2026-11-01T06:30:00Z", true),
            ("2026-11-01T07:00:00Z", false),
        ],
    );
    // A window that begins before the hour that is skipped and ends within it ends where it begins.
    check(
        "Europe/Berlin",
        &json!({ "weekdays": ["Saturday"], "hours": [{ "from": "23:00", "until": "02:30" }] }),
        &[("2026-03-29T00:59:59Z", true), ("2026-03-29T01:00:00Z", false), ("2026-10-25T01:29:59Z", true)],
    );
    // Moments that clocks skip and show twice.
    check(
        "Europe/Berlin",
        &json!({ "from": "2026-03-29T02:30", "until": "2026-10-25T02:30" }),
        &[
            ("2026-03-29T01:29:59Z", false),
            ("2026-03-29T01:30:00Z", true),
            ("2026-10-25T00:29:59Z", true),
            ("2026-10-25T00:30:00Z", false),
        ],
    );
}

#[test]
fn a_refund_goes_by_the_time_of_its_order() {
    let rate = json!({ "earn": { "wallet": "points", "per": { "amount": "1", "points": "1" } } });
    let rules = compile(ruleset("UTC", &json!({ "from": "2026-12-01", "until": "2027-01-01" }), &rate)).unwrap();
    let mut known = state(&rules, &at("2026-12-31T23:59:59Z"));
    assert_eq!(known.awards[0].awarded.0, 10);
    // The refund itself happens whenever it happens.
    assert_eq!(refunded(&rules, &mut known, &back("4.00")), 4);
}

#[test]
fn a_condition_is_only_asked_while_the_rule_holds() {
    let and = json!({ "when": "event.data.tier == 'gold'", "on": "signup" });
    let rules = compile(ruleset("UTC", &json!({ "until": "2026-01-01" }), &and)).unwrap();
    assert_eq!(points(&rules, &event(Kind::Signup)), 0);
}

#[test]
fn times_that_make_no_sense_are_told() {
    let told = |valid: Value| {
        compile(ruleset("UTC", &valid, &json!({}))).map_or_else(|errors| sentences(&errors), |_| String::new())
    };
    let many: Vec<Value> = (0..9).map(|n| json!({ "from": format!("0{n}:00"), "until": format!("0{n}:30") })).collect();
    let table = [
        (
            json!({}),
            "spec.rules[0].valid: says nothing; give `from`, `until`, `weekdays`, `hours` or `dates`, or leave it out",
        ),
        (
            json!({ "from": "2026-12-01", "until": "2026-12-01T00:00:00Z" }),
            "spec.rules[0].valid.until: is 2026-12-01T00:00:00Z, not after `from` (2026-12-01T00:00:00Z), so that the rule would never \
             hold; name a later one",
        ),
        (
            json!({ "weekdays": ["Monday", "Sunday", "Monday"] }),
            "spec.rules[0].valid.weekdays[2]: is `Monday` a second time; remove it",
        ),
        (
            json!({ "hours": [{ "from": "17:00", "until": "17:00" }] }),
            "spec.rules[0].valid.hours[0]: ends at 17:00, when it begins; leave `hours` out for the whole day",
        ),
        (json!({ "hours": many }), "spec.rules[0].valid.hours: has 9 entries; at most 8 are allowed"),
        (json!({ "dates": vec!["11-11"; 65] }), "spec.rules[0].valid.dates: has 65 entries; at most 64 are allowed"),
    ];
    for (valid, expected) in table {
        assert_eq!(told(valid), expected);
    }
    for (valid, says) in [
        (json!({ "hours": [{ "from": "5pm", "until": "19:00" }] }), "`5pm` is not a time of day"),
        (json!({ "from": "next week" }), "`next week` is not a point in time"),
        (json!({ "weekdays": ["saturday"] }), "unknown variant `saturday`"),
    ] {
        let error = serde_json::from_value::<contract::program::Valid>(valid).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

//! What conditions see of the programme's own time: what clocks show there when the event happened.

use contract::event::Event;
use rules::{Compiled, compile};
use serde_json::json;

use crate::support::{order, points, ruleset_of, sentences};

fn compiled_in(zone: &str, when: &str) -> Result<Compiled, String> {
    let rule = json!({ "name": "r", "on": "purchase", "when": when, "earn": { "wallet": "points", "fixed": "1" } });
    let mut ruleset = ruleset_of(&json!([{ "name": "points" }]), &json!([rule]));
    zone.clone_into(&mut ruleset.program.time_zone);
    compile(ruleset).map_err(|errors| sentences(&errors))
}

fn holds(zone: &str, when: &str, at: &str) -> bool {
    let rules = compiled_in(zone, when).unwrap_or_else(|told| panic!("{told}"));
    points(&rules, &Event { occurred_at: at.parse().unwrap(), ..order("5.00") }) == 1
}

#[test]
fn the_local_time_is_that_of_the_programme() {
    let new_year = "2026-12-31T23:30:00Z";
    let table = [
        ("UTC", "event.local.year == 2026 && event.local.month == 12 && event.local.day == 31", true),
        ("Europe/Berlin", "event.local.year == 2027 && event.local.month == 1 && event.local.day == 1", true),
        ("Europe/Berlin", "event.local.weekday == 'Friday' && event.local.hour == 0 && event.local.minute == 30", true),
        ("America/New_York", "event.local.weekday == 'Thursday' && event.local.hour == 18", true),
        ("Asia/Kolkata", "event.local.hour == 5 && event.local.minute == 0", true),
        ("Europe/Berlin", "event.local.date == '2027-01-01' && event.local.date > '2026-12-31'", true),
        ("Europe/Berlin", "event.local.weekday in ['Saturday', 'Sunday']", false),
        ("Europe/Berlin", "event.local.date >= '2026-12-24' && event.local.date < '2027-01-01'", false),
        // CEL's own functions go by UTC where no zone is named.
        ("Europe/Berlin", "event.occurredAt.getHours() == 23 && event.occurredAt.getHours('Europe/Berlin') == 0", true),
        ("Europe/Berlin", "event.lines.all(line, event.local.hour == 0)", true),
    ];
    for (zone, when, expected) in table {
        assert_eq!(holds(zone, when, new_year), expected, "{when} in {zone}");
    }
}

/// Of 2026-03-29 and 2026-10-25 in Berlin, 2026-03-08 and 2026-11-01 in New York.
#[test]
fn an_hour_that_summer_time_skips_is_never_shown_and_one_that_it_repeats_is_shown_twice() {
    let table = [
        ("Europe/Berlin", "2026-03-29T00:59:59Z", 1),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", 3),
        ("Europe/Berlin", "2026-10-25T00:30:00Z", 2),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", 2),
        ("America/New_York", "2026-03-08T06:59:59Z", 1),
        ("America/New_York", "2026-03-08T07:00:00Z", 3),
        ("America/New_York", "2026-11-01T05:30:00Z", 1),
        ("America/New_York", "2026-11-01T06:30:00Z", 1),
    ];
    for (zone, at, hour) in table {
        assert!(holds(zone, &format!("event.local.hour == {hour}"), at), "{at} in {zone}");
    }
}

#[test]
fn what_no_clock_shows_is_told() {
    let table = [
        ("event.local.hours == 1", 13, "the local time has no `hours`; did you mean `hour`?"),
        (
            "event.local.zone == ''",
            13,
            "the local time has no `zone`; it has `year`, `month`, `day`, `weekday`, `hour`, `minute`, `date`",
        ),
        ("event.local.weekday == 'Saterday'", 24, "there is no day of the week `Saterday`; did you mean `Saturday`?"),
        (
            "event.local.weekday in ['Sunday', 'Caturday', 'Feiertag']",
            35,
            "there is no day of the week `Caturday`; did you mean `Saturday`?",
        ),
        ("event.local.weekday == 6", 21, "`==` compares a day of the week with an int; both sides must be of one type"),
        (
            "event.local.weekday > 'Friday'",
            21,
            "`>` cannot compare a day of the week with a string; compare their parts",
        ),
        ("has(event.local.hour)", 1, "`hour` is always there; compare it, with '' for one that was not sent"),
        ("event.local > 5", 13, "`>` compares the local time with an int; both sides must be of one type"),
        ("event.local['hour'] == 5", 12, "fields are named after a dot, as in `event.channel`"),
    ];
    let mut wrong = Vec::new();
    for (when, column, problem) in table {
        let expected = format!("spec.rules[0].when, line 1, column {column}: {problem}");
        let told = compiled_in("UTC", when).err().unwrap_or_default();
        if told.lines().next() != Some(expected.as_str()) {
            wrong.push(format!("{when}\n  told     {told}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

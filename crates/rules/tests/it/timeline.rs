//! Which rule set holds when.

use std::sync::Arc;

use contract::ruleset::TimelineLine;
use jiff::Timestamp;
use rules::{Compiled, Timeline};
use serde_json::json;

use crate::support::{compiled, earn, order, per, points};

fn said(seq: i64, from: Option<&str>, compiled: &Arc<Compiled>) -> (TimelineLine, Arc<Compiled>) {
    let valid_from = from.map(|text| text.parse().unwrap());
    let line = TimelineLine { seq, valid_from, hash: compiled.hash().clone(), author: "test".to_owned() };
    (line, Arc::clone(compiled))
}

fn rate(points: &str) -> Arc<Compiled> {
    Arc::new(compiled(&json!([per("base", points, "1.00", &json!({}))])))
}

fn paid(timeline: &Timeline, at: &str, amount: &str) -> i64 {
    let at: Timestamp = at.parse().unwrap();
    points(timeline.at(at).expect("a rule set"), &order(amount))
}

#[test]
fn nectar_2022_and_boots_2023_by_the_events_time() {
    let step = |points: &str, amount: &str| {
        let how = json!({ "perStep": { "amount": amount, "points": points } });
        Arc::new(compiled(&json!([earn("base", &how, &json!({}))])))
    };
    let nectar = Timeline::from(vec![
        said(1, None, &step("2", "1.00")),
        said(2, Some("2022-11-01T00:00:00Z"), &step("1", "2.00")),
    ]);
    assert_eq!(paid(&nectar, "2022-11-02T10:00:00Z", "9.99"), 4);
    assert_eq!(paid(&nectar, "2022-10-31T10:00:00Z", "9.99"), 18);
    let boots = Timeline::from(vec![said(1, None, &rate("4")), said(2, Some("2023-05-01T00:00:00Z"), &rate("3"))]);
    assert_eq!(paid(&boots, "2023-04-30T23:59:59Z", "10.00"), 40);
    assert_eq!(paid(&boots, "2023-05-01T00:00:00Z", "10.00"), 30);
}

#[test]
fn the_last_line_said_wins_among_those_that_hold() {
    let (a, b, c) = (rate("1"), rate("2"), rate("3"));
    let (may, june, july) = (Some("2026-05-01T00:00:00Z"), Some("2026-06-01T00:00:00Z"), Some("2026-07-01T00:00:00Z"));
    let back_again = Timeline::from(vec![said(3, july, &a), said(1, None, &a), said(2, june, &b)]);
    let corrected = Timeline::from(vec![said(1, None, &a), said(2, june, &b), said(3, may, &c)]);
    let planned = Timeline::from(vec![said(1, None, &a), said(2, july, &b)]);
    // The timeline, and what a dollar earns in April, on 15 May, on 15 June and on 15 July.
    let table = [
        ("A, B, A", &back_again, [1, 1, 2, 1]),
        ("an earlier date later", &corrected, [1, 3, 3, 3]),
        ("planned", &planned, [1, 1, 1, 2]),
    ];
    for (name, timeline, expected) in table {
        let months =
            ["04", "05", "06", "07"].map(|month| paid(timeline, &format!("2026-{month}-15T00:00:00Z"), "1.00"));
        assert_eq!(months, expected, "{name}");
    }
    assert_eq!(back_again.seq(), 3);
    assert!(Arc::ptr_eq(back_again.by_hash(b.hash()).unwrap(), &b));
    assert!(back_again.by_hash(c.hash()).is_none());
    assert!(Timeline::default().at(Timestamp::UNIX_EPOCH).is_none());
}

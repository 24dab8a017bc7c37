//! Holds, captures and releases as a till says them.

use contract::event::{Capture, Event, Kind};
use contract::pipeline::Format;

use crate::support::{PURCHASE, intake, json};

fn said(rest: &str) -> Event {
    let body = format!(r#"{{"id":"e1","occurredAt":"2026-01-31T12:00:00Z","member":"m1",{rest}}}"#);
    json("desk.1", &body).unwrap()
}

#[test]
fn a_hold_ends_at_a_time_or_after_a_while_or_says_nothing() {
    let expires = |rest: &str| match said(&format!(r#""type":"hold","hold":"h1","points":"5"{rest}"#)).kind {
        Kind::Hold(hold) => hold.expires.map(|at| at.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(expires(""), None);
    assert_eq!(expires(r#","for":"15m""#).as_deref(), Some("2026-01-31T12:15:00Z"));
    assert_eq!(expires(r#","for":"2d""#).as_deref(), Some("2026-02-02T12:00:00Z"));
    assert_eq!(expires(r#","expiresAt":"2026-01-31T14:15:00+02:00""#).as_deref(), Some("2026-01-31T12:15:00Z"));
    let hash = |rest: &str| said(&format!(r#""type":"hold","hold":"h1","points":"5"{rest}"#)).content_hash();
    let same = hash(r#","expiresAt":"2026-01-31T12:15:00Z""#);
    assert_eq!(hash(r#","for":"15m""#), same, "the same end in other words");
    assert_ne!(hash(""), same);
}

#[test]
fn a_capture_takes_all_or_a_part_and_the_rest_is_free_unless_it_says_otherwise() {
    let capture = |rest: &str| match said(&format!(r#""type":"capture","hold":"h1"{rest}"#)).kind {
        Kind::Capture(Capture { points, keeps_rest, .. }) => (points.map(|points| points.to_string()), keeps_rest),
        other => panic!("{other:?}"),
    };
    assert_eq!(capture(""), (None, false));
    assert_eq!(capture(r#","points":"2.50""#), (Some("2.5".to_owned()), false));
    assert_eq!(capture(r#","points":"2","final":true"#), (Some("2".to_owned()), false));
    assert_eq!(capture(r#","points":2,"final":false"#), (Some("2".to_owned()), true));
}

#[test]
fn a_capture_may_name_the_order_that_it_pays_for_and_is_what_it_was_without_one() {
    let capture = |rest: &str| said(&format!(r#""type":"capture","hold":"h1"{rest}"#));
    assert_eq!(capture(r#","order":"o-1""#).order().unwrap().as_str(), "o-1");
    assert_eq!(capture("").order(), None);
    assert_ne!(capture("").content_hash(), capture(r#","order":"o-1""#).content_hash());
    assert_eq!(serde_json::to_value(&capture("").kind).unwrap(), serde_json::json!({ "Capture": { "hold": "h1" } }));
    let body =
        r#"{"id":"e1","occurredAt":"2026-01-31T12:00:00Z","member":"m1","type":"capture","hold":"h1","order":""}"#;
    assert!(json("desk.1", body).unwrap_err().detail.contains("`order`"));
}

#[test]
fn each_names_its_hold_and_is_stored_as_it_is() {
    for rest in [
        r#""type":"hold","hold":"h1","points":"5","for":"1h","wallet":"stars""#,
        r#""type":"capture","hold":"h1","points":"5","final":false"#,
        r#""type":"release","hold":"h1""#,
    ] {
        let event = said(rest);
        assert_eq!(event.hold().map(contract::HoldId::as_str), Some("h1"), "{rest}");
        assert_eq!(event.order(), None);
        assert!(rest.contains(&format!(r#""type":"{}""#, event.type_name())));
        let read: Event = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(read, event);
    }
}

#[test]
fn in_other_events_the_words_of_a_hold_are_the_producers_own() {
    let with = PURCHASE.replace('}', r#","hold":7,"for":{"whom":"me"},"final":"sale","expiresAt":[]}"#);
    assert_eq!(json("purchase.store", &with), json("purchase.store", PURCHASE));
}

#[test]
fn a_hold_may_come_as_a_cloud_event() {
    let body =
        br#"{"specversion":"1.0","id":"e1","source":"till","type":"hold","time":"2026-01-31T12:00:00Z","subject":"m1",
        "data":{"hold":"h1","points":"5","for":"15m"}}"#;
    let delivery = contract::intake::Delivery {
        exchange: "shop",
        routing_key: "desk.1",
        content_type: Some("application/cloudevents+json"),
        headers: &[],
        body,
    };
    let event = intake(Format::CloudEvents).decode(&delivery).unwrap();
    let flat = said(r#""type":"hold","source":"till","hold":"h1","points":"5","for":"15m""#);
    assert_eq!(event.content_hash(), flat.content_hash());
}

//! What makes two messages the same event.

use contract::event::Kind;
use contract::{BuryReason, Refusal};

use crate::support::{PURCHASE, json};

fn hash(body: &str) -> [u8; 32] {
    json("purchase.store", body).unwrap().content_hash().0
}

#[test]
fn spacing_and_order_of_keys_do_not_make_another_event() {
    let data = r#","data":{"b":{"y":1,"x":2},"a":[1]}}"#;
    let turned = r#"{ "data":{"a":[1],"b":{"x":2,"y":1}}, "amount":29.33, "order":"o1","member":"m1",
        "occurredAt":"2026-01-31T13:00:00+01:00", "type":"purchase", "id":"e1", "ignored": [null] }"#;
    let straight = PURCHASE.replace('}', "") + data;
    assert_eq!(hash(&straight), hash(turned));
}

#[test]
fn other_content_is_another_event() {
    let plain = hash(PURCHASE);
    for (old, new) in [("29.33", "29.34"), ("o1", "o2"), ("m1", "m2"), ("12:00:00Z", "12:00:00.000001Z")] {
        assert_ne!(plain, hash(&PURCHASE.replace(old, new)), "{old}");
    }
}

#[test]
fn the_exchange_is_the_source_of_an_event_that_names_none() {
    assert_eq!(json("purchase", PURCHASE).unwrap().source.as_str(), "shop");
    let named = PURCHASE.replace('{', r#"{"source":"till-7","#);
    assert_eq!(json("purchase", &named).unwrap().source.as_str(), "till-7");
}

#[test]
fn a_redemption_may_name_the_order_that_it_pays_for() {
    let redeem = |rest: &str| {
        let body = format!(
            r#"{{"id":"e1","type":"redeem","occurredAt":"2026-01-31T12:00:00Z","member":"m1","points":"5"{rest}}}"#
        );
        json("desk.1", &body).unwrap()
    };
    assert_eq!(redeem(r#","order":"o-1""#).order().unwrap().as_str(), "o-1");
    assert_eq!(redeem("").order(), None);
    // What was said before there was such a field is stored, and hashed, as it was.
    assert_eq!(serde_json::to_string(&redeem("").kind).unwrap(), r#"{"Redeem":{"points":"5"}}"#);
}

#[test]
fn an_order_without_lines_is_one_line() {
    let Kind::Purchase(purchase) = json("purchase", PURCHASE).unwrap().kind else { panic!("no purchase") };
    assert_eq!(purchase.lines.len(), 1);
    assert_eq!(purchase.lines[0].amount.minor, 2933);
    assert_eq!(purchase.amount.minor, 2933);
}

#[test]
fn a_stored_event_reads_back_equal() {
    let with_lines = PURCHASE.replace(
        '}',
        r#","lines":[{"sku":"a","quantity":"0.350","amount":"29.33","labels":["x=y"],"brand":"b","discount":"1.50","tax":4,"isDelivery":true}],"data":{"n":1}}"#,
    );
    let event = json("purchase", &with_lines).unwrap();
    let stored = serde_json::to_string(&event).unwrap();
    let read: contract::event::Event = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, event);
    assert_eq!(read.content_hash(), event.content_hash());
}

#[test]
fn what_a_line_says_nothing_of_makes_no_other_event() {
    let line = |more: &str| PURCHASE.replace('}', &format!(r#","lines":[{{"amount":"29.33"{more}}}]}}"#));
    for nothing in [r#","discount":"0.00""#, r#","tax":0,"isDelivery":false"#, r#","discount":null,"brand":null"#] {
        assert_eq!(hash(&line(nothing)), hash(&line("")), "{nothing}");
    }
    for something in [r#","discount":"0.01""#, r#","tax":1"#, r#","isDelivery":true"#, r#","brand":"b""#] {
        assert_ne!(hash(&line(something)), hash(&line("")), "{something}");
    }
}

#[test]
fn a_refund_may_say_of_its_lines_what_it_likes_beside_what_is_read() {
    let refund = PURCHASE.replace("purchase", "refund").replace(
        r#""amount":"29.33""#,
        r#""lines":[{"line":"1","discount":"all of it","tax":{"vat":19},"isDelivery":"no"}]"#,
    );
    assert!(matches!(json("refund", &refund).unwrap().kind, Kind::Refund(_)));
}

#[test]
fn lateness_is_measured_by_the_pipelines_clock() {
    let events = |clock: &str| -> contract::pipeline::Events {
        serde_json::from_value(serde_json::json!({ "sources": [], "maxLateness": "30d", "clock": clock })).unwrap()
    };
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    let check = |clock: &str, at: &str| -> Result<(), Refusal> {
        contract::intake::TimeLimits::new(&events(clock)).check(at.parse().unwrap(), now)
    };
    for (clock, at, expected) in [
        ("Wall", "2026-01-01T12:00:00Z", Ok(())),
        ("Wall", "2026-01-01T11:59:59Z", Err(BuryReason::TooLate)),
        ("Wall", "2026-01-31T12:05:00Z", Ok(())),
        ("Wall", "2026-01-31T12:05:01Z", Err(BuryReason::InTheFuture)),
        ("Event", "1997-01-01T12:00:00Z", Ok(())),
        ("Event", "2997-01-01T12:00:00Z", Ok(())),
    ] {
        assert_eq!(check(clock, at).map_err(|refusal| refusal.reason), expected, "{clock} {at}");
    }
}

#[test]
fn the_hash_of_an_event_stays_what_it_is() {
    // Inboxes hold it: another hash for the same content would make every redelivery a clash.
    let whole = PURCHASE.replace(
        '}',
        r#","channel":"web","data":{"n":1},"lines":[{"sku":"a","quantity":"2.50","amount":"29.33","labels":["x=y"]}]}"#,
    );
    assert_eq!(
        contract::ruleset::hex(&hash(PURCHASE)),
        "45c2e71f4cdea78121cb853721a6b8b0941188e476245143acab594005a5f68c"
    );
    assert_eq!(
        contract::ruleset::hex(&hash(&whole)),
        "1fc628a193db11fa6d16c1ee99c9d95fc4d8e38b21d5439421305b44a859baf7"
    );
    assert_eq!(hash(&whole), hash(&whole.replace("2.50", "2.5")), "the same number in other digits");
}

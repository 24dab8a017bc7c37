//! Each fault has a reason of its own and a sentence that names the field.

use contract::BuryReason::{self, *};

use crate::support::{PURCHASE, json, raw};

fn check(routing_key: &str, body: &str, reason: BuryReason, says: &str) {
    let refusal = json(routing_key, body).expect_err(body);
    assert_eq!(refusal.reason, reason, "{body}: {refusal}");
    assert!(refusal.detail.contains(says), "{body}: `{}` does not say `{says}`", refusal.detail);
}

/// The purchase with one text replaced by another.
fn with(old: &str, new: &str) -> String {
    assert!(PURCHASE.contains(old), "{old}");
    PURCHASE.replace(old, new)
}

#[test]
fn a_body_that_is_no_event_is_refused_with_its_reason() {
    for (body, reason, says) in [
        ("hello".into(), NotJson, "not JSON"),
        (String::new(), NotJson, "empty"),
        ("  \n".into(), NotJson, "empty"),
        (PURCHASE[..40].into(), Truncated, "ends too early"),
        ("[]".into(), WrongType, "a list"),
        ("{}".into(), MissingField, "`type`"),
        ("7".into(), WrongType, "the body"),
        (with(r#""m1""#, "17"), WrongType, "`member`"),
        (with(r#""29.33""#, r#"{"v":1}"#), WrongType, "`amount`"),
        (with(r#""29.33""#, "true"), WrongType, "`amount`"),
        (with("purchase", "purchace"), UnknownEventType, "`purchace`"),
        (with("purchase", "adjust"), TypeNotAllowed, "exchange `shop`"),
        (with(r#""id":"e1","#, ""), MissingField, "`id`"),
        (with(r#""type":"purchase","#, ""), MissingField, "`type`"),
        (with(r#","member":"m1""#, ""), MissingField, "`member`"),
        (with(r#","order":"o1""#, ""), MissingField, "`order`"),
        (with(r#","amount":"29.33""#, ""), MissingField, "`amount`"),
        (with(r#""occurredAt":"2026-01-31T12:00:00Z","#, ""), MissingField, "`occurredAt`"),
        (with("29.33", "-29.33"), NegativeAmount, "`amount`"),
        (with("29.33", "29.333"), BadValue, "2 decimals of USD"),
        (with("29.33", "1e3"), BadValue, "plain decimal"),
        (with("29.33", "99999999999999999999"), BadValue, "too large"),
        (with(r#""29.33""#, r#""29.33","currency":"EUR""#), ForeignCurrency, "EUR; the programme's is USD"),
        (with(r#""29.33""#, r#""29.33","currency":"euro""#), BadValue, "`currency`"),
        (with("2026-01-31T12:00:00Z", "31.1.2026"), BadValue, "RFC 3339"),
        (with("2026-01-31T12:00:00Z", "-004800-01-31T12:00:00Z"), BadValue, "before the year 1"),
        (with("2026-01-31T12:00:00Z", "2026-01-31T12:00:00"), BadValue, "offset"),
        (with(r#""e1""#, r#""a\u0000b""#), BadValue, "control character"),
        (with(r#""id":"e1""#, &format!(r#""id":"{}""#, "x".repeat(256))), BadValue, "at most 255"),
    ] {
        check("purchase.store", &body, reason, says);
    }
}

#[test]
fn lines_are_held_to_the_order() {
    let lines = |lines: &str| with(r#""29.33""#, &format!(r#""29.33","lines":{lines}"#));
    for (body, reason, says) in [
        (lines(r#"[{"amount":"20.00"},{"amount":"9.00"}]"#), BadValue, "add up to 29.00 USD"),
        (lines(r#"[{"amount":"-1.00"},{"amount":"30.33"}]"#), NegativeAmount, "`lines[0].amount`"),
        (lines(r#"[{"sku":"a"}]"#), MissingField, "`lines[0].amount`"),
        (lines(r#"[{"amount":"29.33","quantity":0}]"#), BadValue, "`lines[0].quantity`"),
        (lines(r#"[{"amount":"29.33","quantity":-1}]"#), NegativeAmount, "`lines[0].quantity`"),
        (lines(r#"[{"amount":"29.33","sku":7}]"#), WrongType, "`lines[0].sku`"),
        (lines(r#"[{"amount":"29.33","brand":7}]"#), WrongType, "`lines[0].brand`"),
        (
            lines(r#"[{"amount":"29.33","tax":"29.34"}]"#),
            BadValue,
            "`lines[0].tax` is 29.34 USD, more than the line's `amount` (29.33 USD), of which it is a part",
        ),
        (lines(r#"[{"amount":"29.33","tax":true}]"#), WrongType, "`lines[0].tax`"),
        (lines(r#"[{"amount":"29.33","discount":"-1"}]"#), NegativeAmount, "`lines[0].discount`"),
        (
            lines(r#"[{"amount":"29.33","discount":"92233720368547758.07"}]"#),
            BadValue,
            "`lines[0].discount` and the line's `amount` add up to more than an amount can hold",
        ),
        (lines(r#"[{"amount":"29.33","isDelivery":"yes"}]"#), WrongType, "`lines[0].isDelivery`"),
        (lines(r#"[["1","sku",1,"29.33",null,[]]]"#), WrongType, "`lines[0]` is a list"),
        (lines("[7]"), WrongType, "`lines[0]`"),
        (lines(r#"[{"line":"a","amount":"29.33"},{"line":"a","amount":"0.00"}]"#), BadValue, "two lines called `a`"),
        (lines(r#"[{"line":"2","amount":"29.33"},{"amount":"0.00"}]"#), BadValue, "two lines called `2`"),
        (lines(&format!("[{}]", vec![r#"{"amount":"0"}"#; 2001].join(","))), BadValue, "at most 2000"),
    ] {
        check("purchase.store", &body, reason, says);
    }
}

#[test]
fn a_transfer_leaves_room_for_the_name_of_its_arrival() {
    let send = |id: &str, source: &str| {
        format!(
            r#"{{"id":"{id}","source":"{source}","occurredAt":"2026-01-31T12:00:00Z","member":"m1","type":"transfer","to":"m2","points":"5"}}"#
        )
    };
    let long = |len: usize| "x".repeat(len);
    check("desk.1", &send(&long(251), "s"), BadValue, "`id` is 251 bytes long; that of a transfer has at most 250");
    check(
        "desk.1",
        &send("e1", &long(239)),
        BadValue,
        "`source` is 239 bytes long; that of a transfer has at most 238",
    );
    crate::support::json("desk.1", &send(&long(250), &long(238))).unwrap();
}

fn desk(rest: &str) -> String {
    format!(r#"{{"id":"e1","occurredAt":"2026-01-31T12:00:00Z","member":"m1",{rest}}}"#)
}

#[test]
fn promotions_are_held_to_their_shape() {
    for (rest, reason, says) in [
        (r#""type":"promote","author":"ann","reason":"x""#, MissingField, "`tier`"),
        (r#""type":"promote","tier":7,"author":"ann","reason":"x""#, WrongType, "`tier` has a wrong type"),
        (r#""type":"promote","tier":"Gold!","author":"ann","reason":"x""#, BadValue, "`tier`"),
        (r#""type":"promote","tier":"gold","author":"ann""#, MissingField, "`reason`"),
        (r#""type":"promote","tier":"gold","until":"soon","author":"ann","reason":"x""#, BadValue, "`until` is `soon`"),
        (
            r#""type":"promote","tier":"gold","until":"2026-01-31T12:00:00Z","author":"ann","reason":"x""#,
            BadValue,
            "`until` is not after `occurredAt`",
        ),
    ] {
        check("desk.1", &desk(rest), reason, says);
    }
}

#[test]
fn requests_of_the_desk_are_held_to_their_shape() {
    for (rest, reason, says) in [
        (r#""type":"redeem""#, MissingField, "`points`"),
        (r#""type":"redeem","points":"-5""#, NegativeAmount, "`points`"),
        (r#""type":"redeem","points":"0""#, BadValue, "`points`"),
        (r#""type":"redeem","points":"5","wallet":"A B""#, BadValue, "`wallet`"),
        (r#""type":"redeem","points":"5","order":"""#, BadValue, "`order`"),
        (r#""type":"hold","points":"5""#, MissingField, "`hold`"),
        (r#""type":"hold","hold":"h1""#, MissingField, "`points`"),
        (r#""type":"hold","hold":"","points":"5""#, BadValue, "`hold` is empty"),
        (r#""type":"hold","hold":7,"points":"5""#, WrongType, "`hold` has a wrong type"),
        (r#""type":"hold","hold":"h1","points":"-5""#, NegativeAmount, "`points`"),
        (
            r#""type":"hold","hold":"h1","points":"5","for":"15m","expiresAt":"2026-02-01T00:00:00Z""#,
            BadValue,
            "one of them",
        ),
        (
            r#""type":"hold","hold":"h1","points":"5","for":"1w""#,
            BadValue,
            "`for` is wrong: `1w` is not a length of time",
        ),
        (r#""type":"hold","hold":"h1","points":"5","for":15"#, WrongType, "`for` has a wrong type"),
        (r#""type":"hold","hold":"h1","points":"5","for":"0s""#, BadValue, "`for` ends the hold before it begins"),
        (r#""type":"hold","hold":"h1","points":"5","expiresAt":"tomorrow""#, BadValue, "`expiresAt` is `tomorrow`"),
        (
            r#""type":"hold","hold":"h1","points":"5","expiresAt":"2026-01-31T12:00:00Z""#,
            BadValue,
            "after `occurredAt`",
        ),
        (r#""type":"capture""#, MissingField, "`hold`"),
        (r#""type":"capture","hold":"h1","points":"0""#, BadValue, "`points`"),
        (
            r#""type":"capture","hold":"h1","final":"no""#,
            WrongType,
            "`final` has a wrong type; write `true` or `false`",
        ),
        (r#""type":"release""#, MissingField, "`hold`"),
        (r#""type":"adjust","points":"5","author":"ann""#, MissingField, "`reason`"),
        (r#""type":"adjust","points":"5","author":" ","reason":"x""#, MissingField, "`author`"),
        (r#""type":"transfer","points":"5""#, MissingField, "`to`"),
        (r#""type":"transfer","points":"5","to":7"#, WrongType, "`to` has a wrong type"),
        (r#""type":"transfer","points":"5","to":"m1""#, BadValue, "`to` is the member itself"),
        (r#""type":"transfer","to":"m2""#, MissingField, "`points`"),
        (
            r#""type":"transfer","to":"m2","points":"5","source":"loyalty.transfer/shop""#,
            BadValue,
            "only the ledger itself",
        ),
        (r#""type":"freeze","author":"ann""#, MissingField, "`reason`"),
        (r#""type":"unfreeze","reason":"x""#, MissingField, "`author`"),
        (r#""type":"erase","author":"x""#, MissingField, "`reason`"),
        (r#""type":"merge","reason":"x","author":"x""#, MissingField, "`into`"),
        (r#""type":"merge","into":5,"reason":"x","author":"x""#, WrongType, "`into`"),
        (r#""type":"merge","into":"m1","reason":"x","author":"x""#, BadValue, "the member itself"),
        (r#""type":"merge","into":"n","author":"x""#, MissingField, "`reason`"),
        (
            r#""type":"merge","into":"n","reason":"x","author":"x","source":"loyalty.merge/shop""#,
            BadValue,
            "only the ledger itself",
        ),
        (
            r#""type":"adjust","points":"-5","author":"ann","reason":"x","expiresAt":"2027-01-01T00:00:00Z""#,
            BadValue,
            "`expiresAt` stands beside points that are taken",
        ),
        (
            r#""type":"adjust","points":"5","author":"ann","reason":"x","activatesAt":"2026-01-31T12:00:00Z""#,
            BadValue,
            "`activatesAt` is not after `occurredAt`",
        ),
        (
            r#""type":"adjust","points":"5","author":"ann","reason":"x","expiresAt":7"#,
            WrongType,
            "`expiresAt` has a wrong type",
        ),
        (r#""type":"adjust","points":"0","author":"ann","reason":"x""#, BadValue, "nought"),
        (r#""type":"reinstate","author":"ann","reason":"x""#, MissingField, "`points`"),
        (r#""type":"reinstate","points":"-5","author":"ann","reason":"x""#, NegativeAmount, "`points`"),
        (r#""type":"reinstate","points":"0","author":"ann","reason":"x""#, BadValue, "nought"),
        (r#""type":"reinstate","points":"5","author":"ann""#, MissingField, "`reason`"),
        (r#""type":"reinstate","points":"5","reason":"x""#, MissingField, "`author`"),
        (
            r#""type":"reinstate","points":"5","author":"ann","reason":"x","activatesAt":"2027-01-01T00:00:00Z""#,
            BadValue,
            "`activatesAt` stands beside points that had ended",
        ),
        (
            r#""type":"reinstate","points":"5","author":"ann","reason":"x","expiresAt":"2026-01-31T12:00:00Z""#,
            BadValue,
            "`expiresAt` is not after `occurredAt`",
        ),
    ] {
        check("desk.1", &desk(rest), reason, says);
    }
}

#[test]
fn a_message_that_came_by_no_source_is_refused() {
    check("stock.moved", PURCHASE, UnknownSource, "`stock.moved`");
}

#[test]
fn a_body_over_the_limit_is_refused_unread() {
    let refusal = raw("purchase", &vec![b'x'; 5 << 20]).unwrap_err();
    assert_eq!(refusal.reason, TooLarge);
    assert!(refusal.detail.contains("5242880 bytes"));
}

#[test]
fn mutated_bodies_never_panic() {
    // A small own generator: the same bodies on every machine.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    for _ in 0..20_000 {
        let mut body = PURCHASE.as_bytes().to_vec();
        for _ in 0..=next() % 4 {
            let at = next() % body.len();
            match next() % 3 {
                0 => body[at] = u8::try_from(next() % 256).unwrap(),
                1 => body.truncate(at.max(1)),
                _ => body.insert(at, b"{}[]\",:0-e.\\"[next() % 12]),
            }
        }
        let _ = raw("purchase", &body);
    }
}

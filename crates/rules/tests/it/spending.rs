//! Redemptions, adjustments, and what an event asks the ledger for.

use contract::decision::{Dates, Decision, Facts, GiveBack};
use contract::event::{Adjust, Event, Kind, Redeem, Transfer};
use contract::{BuryReason, EventId, MemberId, Points, Quantity};
use rules::{Compiled, compile, reads};
use serde_json::json;

use crate::support::{custom, event, order, ruleset_of, state, wallet, whole};

fn two_wallets() -> Compiled {
    compile(ruleset_of(&json!([{ "name": "points" }, { "name": "cash", "scale": 2 }]), &json!([]))).unwrap()
}

fn redeem(name: Option<&str>, points: &str) -> Event {
    event(Kind::Redeem(Redeem { wallet: name.map(wallet), points: Quantity::parse(points).unwrap(), order: None }))
}

fn adjust(name: Option<&str>, points: &str) -> Event {
    let (reason, author) = ("a test".to_owned(), "tester".to_owned());
    let (wallet, points) = (name.map(wallet), points.parse().unwrap());
    event(Kind::Adjust(Adjust { wallet, points, reason, author, activates: None, expires: None }))
}

fn send(name: Option<&str>, points: &str) -> Event {
    let (to, points) = (MemberId::parse("m2").unwrap(), Quantity::parse(points).unwrap());
    event(Kind::Transfer(Transfer { to, wallet: name.map(wallet), points }))
}

#[test]
fn a_transfer_is_decided_like_a_redemption_and_asks_for_its_receiver() {
    let rules = two_wallets();
    let to = MemberId::parse("m2").unwrap();
    let sent =
        |name: &str, units: i64| Decision::Transfer { to: to.clone(), wallet: wallet(name), points: Points(units) };
    assert_eq!(rules.decide(&send(None, "7"), Facts::default()).unwrap(), sent("points", 7));
    assert_eq!(rules.decide(&send(Some("cash"), "0.05"), Facts::default()).unwrap(), sent("cash", 5));
    assert_eq!(reads(&send(None, "7")).recipient, Some(to));
    let finer = rules.decide(&send(None, "7.5"), Facts::default()).unwrap_err();
    assert_eq!(finer.reason, BuryReason::BadValue, "{finer}");
}

#[test]
fn points_are_read_at_the_wallets_scale() {
    let rules = two_wallets();
    let decided = |event: &Event| rules.decide(event, Facts::default()).unwrap();
    let redeemed = |name: &str, units: i64| Decision::Redeem {
        wallet: wallet(name),
        points: Points(units),
        gives_back: GiveBack::default(),
    };
    let adjusted = |name: &str, units: i64| Decision::Adjust {
        wallet: wallet(name),
        points: Points(units),
        dates: Dates::default(),
    };
    assert_eq!(decided(&redeem(None, "120")), redeemed("points", 120));
    assert_eq!(decided(&redeem(None, "120.0")), redeemed("points", 120));
    assert_eq!(decided(&redeem(Some("cash"), "1.2")), redeemed("cash", 120));
    assert_eq!(decided(&adjust(Some("points"), "-7")), adjusted("points", -7));
    assert_eq!(decided(&adjust(Some("cash"), "0.05")), adjusted("cash", 5));
}

#[test]
fn what_no_wallet_can_hold_is_refused_with_a_sentence() {
    let rules = two_wallets();
    let table = [
        (
            redeem(Some("cashh"), "1"),
            BuryReason::UnknownWallet,
            "the programme has no wallet `cashh`; did you mean `cash`?",
        ),
        (
            redeem(Some("miles"), "1"),
            BuryReason::UnknownWallet,
            "the programme has no wallet `miles`; it has `points`, `cash`",
        ),
        (
            adjust(Some("point"), "1"),
            BuryReason::UnknownWallet,
            "the programme has no wallet `point`; did you mean `points`?",
        ),
        (
            redeem(None, "1.5"),
            BuryReason::BadValue,
            "`points` is `1.5`, which is finer than the 0 decimals of wallet `points`; round it",
        ),
        (
            adjust(Some("cash"), "-1.005"),
            BuryReason::BadValue,
            "`points` is `-1.005`, which is finer than the 2 decimals of wallet `cash`; round it",
        ),
        (
            redeem(Some("cash"), "999999999999999999"),
            BuryReason::BadValue,
            "`points` is `999999999999999999`, which is more than wallet `cash` can hold; make it smaller",
        ),
    ];
    for (event, reason, sentence) in table {
        let refusal = rules.decide(&event, Facts::default()).unwrap_err();
        assert_eq!((refusal.reason, refusal.detail.as_str()), (reason, sentence));
    }
}

#[test]
fn only_events_about_an_order_ask_for_it() {
    assert_eq!(reads(&order("1.00")).order.unwrap().as_str(), "o-1");
    assert_eq!(reads(&event(Kind::Refund(whole()))).order.unwrap().as_str(), "o-1");
    for event in [event(Kind::Signup), custom("visit"), redeem(None, "1"), adjust(None, "1")] {
        assert_eq!(reads(&event).order, None);
    }
}

#[test]
fn an_order_is_paid_for_once() {
    let rules = two_wallets();
    let first = order("1.00");
    let known = state(&rules, &first);
    let facts = Facts { order: Some(&known), ..Facts::default() };
    assert!(rules.decide(&first, facts).is_ok(), "the same event again");
    let second = Event { id: EventId::parse("e-2").unwrap(), ..first };
    let refusal = rules.decide(&second, facts).unwrap_err();
    assert_eq!(refusal.reason, BuryReason::DuplicateOrder);
    assert_eq!(refusal.detail, "order `o-1` was already paid for by another event; give each purchase its own `order`");
}

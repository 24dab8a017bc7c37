//! Holds, captures and releases: what is turned down, with which reason, and what is buried.

use contract::decision::{Decision, Declined, Facts, GiveBack, HoldStage, HoldState};
use contract::event::{Capture, Event, Hold, Kind, Release};
use contract::result::RejectReason::{self, *};
use contract::{BuryReason, HoldId, Points, Quantity};
use rules::{Compiled, compile, reads};
use serde_json::{Value, json};

use crate::support::{custom, event, order, ruleset_of, sentences, wallet};

fn rules_of(wallets: &Value) -> Compiled {
    compile(ruleset_of(wallets, &json!([]))).unwrap_or_else(|errors| panic!("{}", sentences(&errors)))
}

fn two_wallets() -> Compiled {
    rules_of(&json!([{ "name": "points" }, { "name": "cash", "scale": 2 }]))
}

fn name() -> HoldId {
    HoldId::parse("h-1").unwrap()
}

fn hold(of: Option<&str>, points: &str) -> Event {
    let points = Quantity::parse(points).unwrap();
    event(Kind::Hold(Hold { hold: name(), wallet: of.map(wallet), points, expires: None }))
}

fn capture(points: Option<&str>) -> Event {
    let points = points.map(|points| Quantity::parse(points).unwrap());
    event(Kind::Capture(Capture { hold: name(), points, keeps_rest: false, order: None }))
}

fn release() -> Event {
    event(Kind::Release(Release { hold: name() }))
}

/// A hold of 5.00 cash of which 2.00 were captured.
fn known(stage: HoldStage) -> HoldState {
    let left = if stage == HoldStage::Open { Points(300) } else { Points::ZERO };
    HoldState {
        wallet: wallet("cash"),
        points: Points(500),
        held: left,
        captured: Points(200),
        released: Points(300 - left.0),
        expires: None,
        stage,
    }
}

fn decided(event: &Event, known: Option<&HoldState>) -> Decision {
    two_wallets().decide(event, Facts { hold: known, ..Facts::default() }).unwrap()
}

fn declined(reason: RejectReason, points: Option<i64>, missing: Option<i64>) -> Declined {
    let (points, missing) = (points.map(Points), missing.map(Points));
    Declined { hold: name(), wallet: Some(wallet("cash")), points, missing, reason }
}

#[test]
fn a_hold_and_its_capture_are_of_points_at_the_wallets_scale() {
    let open = known(HoldStage::Open);
    let held = |name_of: &str, units| Decision::Hold {
        hold: name(),
        wallet: wallet(name_of),
        points: Points(units),
        expires: None,
    };
    assert_eq!(decided(&hold(None, "120"), None), held("points", 120));
    assert_eq!(decided(&hold(Some("cash"), "1.2"), None), held("cash", 120));
    let captured = |units| Decision::Capture {
        hold: name(),
        points: Points(units),
        keeps_rest: false,
        gives_back: GiveBack::default(),
    };
    assert_eq!(decided(&capture(Some("2.99")), Some(&open)), captured(299));
    assert_eq!(decided(&capture(None), Some(&open)), captured(300));
    assert_eq!(decided(&release(), Some(&open)), Decision::Release { hold: name() });
    let Event { kind: Kind::Capture(part), .. } = capture(Some("1")) else { panic!("a capture") };
    let part = event(Kind::Capture(Capture { keeps_rest: true, ..part }));
    let Decision::Capture { points, keeps_rest, .. } = decided(&part, Some(&open)) else { panic!("a capture") };
    assert_eq!((points, keeps_rest), (Points(100), true));
}

#[test]
fn what_a_person_can_get_wrong_is_turned_down_with_its_reason() {
    let open = known(HoldStage::Open);
    let no = |declined| Decision::Decline(declined);
    assert_eq!(decided(&hold(Some("cash"), "1"), Some(&open)), no(declined(DuplicateHold, Some(100), None)));
    assert_eq!(decided(&capture(Some("3.01")), Some(&open)), no(declined(MoreThanHeld, Some(301), Some(1))));
    for (stage, reason) in
        [(HoldStage::Captured, HoldCaptured), (HoldStage::Released, HoldReleased), (HoldStage::TimedOut, HoldExpired)]
    {
        let ended = known(stage);
        assert_eq!(decided(&capture(Some("1")), Some(&ended)), no(declined(reason, Some(100), None)));
        assert_eq!(decided(&capture(None), Some(&ended)), no(declined(reason, None, None)));
        let of_release = Declined { wallet: None, ..declined(reason, None, None) };
        assert_eq!(decided(&release(), Some(&ended)), no(of_release));
        // Its name is taken, whatever became of it.
        assert_eq!(decided(&hold(Some("cash"), "1"), Some(&ended)), no(declined(DuplicateHold, Some(100), None)));
    }
    let unknown = Declined { wallet: None, ..declined(UnknownHold, None, None) };
    for event in [capture(Some("1")), capture(None), release()] {
        assert_eq!(decided(&event, None), no(unknown.clone()));
    }
}

#[test]
fn what_no_wallet_can_hold_is_buried_as_a_redemption_of_it_is() {
    let open = known(HoldStage::Open);
    let rules = two_wallets();
    let refused = |event: &Event, known| {
        let refusal = rules.decide(event, Facts { hold: known, ..Facts::default() }).unwrap_err();
        (refusal.reason, refusal.detail)
    };
    assert_eq!(refused(&hold(Some("miles"), "1"), None).0, BuryReason::UnknownWallet);
    let (reason, detail) = refused(&hold(None, "1.5"), None);
    assert_eq!(reason, BuryReason::BadValue);
    assert_eq!(detail, "`points` is `1.5`, which is finer than the 0 decimals of wallet `points`; round it");
    assert_eq!(refused(&capture(Some("1.005")), Some(&open)).0, BuryReason::BadValue);
}

#[test]
fn a_hold_that_does_not_say_its_end_has_the_wallets() {
    let rules = rules_of(&json!([{ "name": "points", "holds": { "timeout": "30m" } }, { "name": "cash" }]));
    let expires = |event: &Event| match rules.decide(event, Facts::default()).unwrap() {
        Decision::Hold { expires, .. } => expires.map(|at| at.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(expires(&hold(None, "1")).as_deref(), Some("2026-11-23T12:30:00Z"));
    assert_eq!(expires(&hold(Some("cash"), "1")), None);
    let Kind::Hold(own) = hold(None, "1").kind else { panic!("a hold") };
    let own = Hold { expires: Some("2026-11-23T13:00:00Z".parse().unwrap()), ..own };
    assert_eq!(expires(&event(Kind::Hold(own))).as_deref(), Some("2026-11-23T13:00:00Z"));
    let last = Event { occurred_at: "9999-12-30T22:00:00Z".parse().unwrap(), ..hold(None, "1") };
    assert_eq!(rules.decide(&last, Facts::default()).unwrap_err().reason, BuryReason::Overflow);
}

#[test]
fn a_timeout_of_nothing_and_a_rule_on_a_hold_are_mistakes() {
    let faults = |wallets: &Value, rules: &Value| sentences(&compile(ruleset_of(wallets, rules)).unwrap_err());
    let told = faults(&json!([{ "name": "points", "holds": { "timeout": "0s" } }]), &json!([]));
    assert_eq!(
        told,
        "spec.program.wallets[0].holds.timeout: ends a hold before it begins; give at least `1s`, or leave it out for holds without an end"
    );
    for on in ["hold", "capture", "release"] {
        let rule = json!([{ "name": "a", "on": on, "earn": { "wallet": "points", "fixed": "1" } }]);
        let told = faults(&json!([{ "name": "points" }]), &rule);
        assert!(told.contains(&format!("cannot be triggered by `{on}`: a hold keeps points that are there")), "{told}");
    }
}

#[test]
fn only_events_about_a_hold_ask_for_it() {
    for event in [hold(None, "1"), capture(None), release()] {
        assert_eq!(reads(&event).hold, Some(name()));
        assert_eq!(reads(&event).order, None);
    }
    for event in [order("1"), custom("visit")] {
        assert_eq!(reads(&event).hold, None);
    }
}

//! Points that are reserved, on every store: captured whole or in part, released, timed out, and what outlives what.

use contract::decision::{Decision, Declined, HoldStage};
use contract::event::{Capture, Event, Hold, Kind, Release};
use contract::result::RejectReason;
use contract::{HoldId, MemberId, Points, Quantity};
use jiff::SignedDuration;
use ledger::book::MemberState;
use ledger::report::{HoldMark, HoldReport, LiabilityAsk, Reckoning, StatementAsk, StatementMark};

use crate::kept::late;
use crate::time::{days, on};
use crate::world::{Said, World, back, bought, event, id, on_every_store, spend};

on_every_store! {
    what_is_held_cannot_be_spent_and_is_captured_whole
    a_partial_hold_is_captured_in_part_and_the_rest_is_free_again
    a_hold_may_be_captured_more_than_once
    a_released_hold_gives_its_points_back_into_their_lots
    a_hold_ends_once
    a_hold_that_cannot_be_says_what_is_missing
    a_hold_takes_what_burns_first_and_so_does_its_capture
    a_hold_outlives_expiry_and_what_is_released_after_it_expires_in_the_same_entry
    a_captured_hold_spends_points_that_ended_meanwhile
    a_hold_times_out_and_its_points_can_be_spent_again
    points_that_a_time_out_sets_free_end_at_their_own_time
    in_a_night_points_come_then_holds_end_then_points_end
    a_hold_takes_no_point_before_its_wait_is_over_or_after_its_end
    the_timers_of_a_quiet_member_end_holds_too
    a_late_capture_of_a_hold_that_has_timed_out_is_turned_down
    a_refund_does_not_touch_what_is_held
    holds_that_end_before_a_refund_that_waited_are_set_free_first
    held_points_of_many_lots_are_found_beyond_the_page
    a_replayed_hold_answers_what_it_answered_the_first_time
    whatever_the_batches_holds_come_to_the_same
    a_hold_is_told_in_statement_explanation_and_liability
    tables_with_rows_of_the_version_before_holds_migrate
}

/// A hold of so many points.
pub(crate) fn hold_of(name: &str, member: &str, (hold, points): (&str, i64)) -> Event {
    let points = Quantity::parse(&points.to_string()).unwrap();
    event(name, member, Kind::Hold(Hold { hold: id(hold), wallet: None, points, expires: None }))
}

/// A hold that ends by itself so many days after it was made.
pub(crate) fn until(mut event: Event, days: i64) -> Event {
    let at = event.occurred_at + SignedDuration::from_hours(24 * days);
    let Kind::Hold(hold) = &mut event.kind else { panic!("{event:?}") };
    hold.expires = Some(at);
    event
}

/// A capture of so many points, or of all.
pub(crate) fn capture(name: &str, member: &str, (hold, points): (&str, Option<i64>), keeps_rest: bool) -> Event {
    let points = points.map(|points| Quantity::parse(&points.to_string()).unwrap());
    event(name, member, Kind::Capture(Capture { hold: id(hold), points, keeps_rest, order: None }))
}

/// It pays for an order.
pub(crate) fn paying(mut event: Event, order: &str) -> Event {
    let Kind::Capture(capture) = &mut event.kind else { panic!("{event:?}") };
    capture.order = Some(id(order));
    event
}

pub(crate) fn release(name: &str, member: &str, hold: &str) -> Event {
    event(name, member, Kind::Release(Release { hold: id(hold) }))
}

/// As the rules decide.
pub(crate) fn on_hold(event: &Event, state: &MemberState) -> Decision {
    let hold = event.hold().unwrap().clone();
    let known = state.hold(&hold);
    let whole = |points: Quantity| Points(i64::try_from(points.get()).unwrap());
    let asked = match &event.kind {
        Kind::Hold(hold) => Some(whole(hold.points)),
        Kind::Capture(capture) => capture.points.map(whole),
        _ => None,
    };
    let wallet = (known.is_some() || matches!(event.kind, Kind::Hold(_))).then(|| id("points"));
    let no = |missing: Option<i64>, reason| {
        let (hold, wallet, missing) = (hold.clone(), wallet.clone(), missing.map(Points));
        Decision::Decline(Declined { hold, wallet, points: asked, missing, reason })
    };
    let ended = |stage| match stage {
        HoldStage::Open => None,
        HoldStage::Captured => Some(RejectReason::HoldCaptured),
        HoldStage::Released => Some(RejectReason::HoldReleased),
        HoldStage::TimedOut => Some(RejectReason::HoldExpired),
    };
    match (&event.kind, known) {
        (Kind::Hold(_), Some(_)) => no(None, RejectReason::DuplicateHold),
        (Kind::Hold(of), None) => {
            Decision::Hold { hold: hold.clone(), wallet: id("points"), points: whole(of.points), expires: of.expires }
        }
        (_, None) => no(None, RejectReason::UnknownHold),
        (_, Some(known)) if known.stage != HoldStage::Open => no(None, ended(known.stage).unwrap()),
        (Kind::Capture(of), Some(known)) => match asked.unwrap_or(known.held) {
            points if points > known.held => no(Some(points.0 - known.held.0), RejectReason::MoreThanHeld),
            points => {
                let gives_back = late((event, of.order.as_ref()), (known.wallet.clone(), points), state);
                Decision::Capture { hold: hold.clone(), points, keeps_rest: of.keeps_rest, gives_back }
            }
        },
        (_, Some(_)) => Decision::Release { hold: hold.clone() },
    }
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

fn held(name: &str, hold: &str, points: i64) -> Event {
    hold_of(name, "ann", (hold, points))
}

fn taken(name: &str, hold: &str, points: i64) -> Event {
    capture(name, "ann", (hold, Some(points)), false)
}

fn all(name: &str, hold: &str) -> Event {
    capture(name, "ann", (hold, None), false)
}

fn freed(name: &str, hold: &str) -> Event {
    release(name, "ann", hold)
}

/// Points of an order that last so many days.
fn lasting(order: &str, lines: &[i64], last: i64) -> Event {
    days(bought(order, "ann", lines), "last", last)
}

/// Available and held points of each lot, in burn order.
async fn lots(world: &World) -> Vec<(i64, String, String)> {
    let balances = world.ledger.balance(&world.pipeline, &id("ann")).await.unwrap().unwrap_or_default();
    let lots = balances.into_iter().flat_map(|balance| balance.lots);
    lots.map(|lot| (lot.sequence, lot.available.to_string(), lot.held.to_string())).collect()
}

async fn open(world: &World) -> Vec<HoldReport> {
    let mark = HoldMark::default();
    world.ledger.open_holds(&world.pipeline, &id::<MemberId>("ann"), None, &mark).await.unwrap().holds
}

async fn what_is_held_cannot_be_spent_and_is_captured_whole(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    assert_eq!(told(&world, held("e1", "h1", 70)).await, ["held 70 as h1, 30"]);
    assert_eq!(told(&world, spend("s1", "ann", 31)).await, ["rejected 31 points, 30, missing 1"]);
    assert_eq!(lots(&world).await, [(1, "30".to_owned(), "70".to_owned())]);
    assert_eq!(told(&world, all("e2", "h1")).await, ["captured 70 of h1, held 0, 30"]);
    assert_eq!(lots(&world).await, [(1, "30".to_owned(), "0".to_owned())]);
    assert_eq!(open(&world).await, []);
}

async fn a_partial_hold_is_captured_in_part_and_the_rest_is_free_again(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    told(&world, held("e1", "h1", 80)).await;
    assert_eq!(told(&world, taken("e2", "h1", 50)).await, ["captured 50 of h1, held 0, freed 30, 50"]);
    assert_eq!(told(&world, freed("e3", "h1")).await, ["not released h1: HoldCaptured"]);
    assert_eq!(told(&world, spend("s1", "ann", 50)).await, ["spent 50 points, 0"]);
}

async fn a_hold_may_be_captured_more_than_once(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    told(&world, held("e1", "h1", 80)).await;
    let part = |name: &str, points| capture(name, "ann", ("h1", Some(points)), true);
    assert_eq!(told(&world, part("e2", 30)).await, ["captured 30 of h1, held 50, 20"]);
    assert_eq!(told(&world, part("e3", 51)).await, ["not captured 51 of h1, held 50, missing 1: MoreThanHeld"]);
    assert_eq!(told(&world, part("e4", 10)).await, ["captured 10 of h1, held 40, 20"]);
    let [hold] = open(&world).await.try_into().unwrap();
    assert_eq!(
        [hold.points, hold.captured, hold.held, hold.released].map(|points| points.to_string()),
        ["80", "40", "40", "0"]
    );
    // The last of it, whether or not the rest were to stay.
    assert_eq!(told(&world, part("e5", 40)).await, ["captured 40 of h1, held 0, 20"]);
    assert_eq!(told(&world, part("e6", 1)).await, ["not captured 1 of h1, held 0: HoldCaptured"]);
}

async fn a_released_hold_gives_its_points_back_into_their_lots(world: World) {
    told(&world, lasting("o1", &[6, 4], 30)).await;
    told(&world, bought("o2", "ann", &[60, 40])).await;
    told(&world, held("e1", "h1", 25)).await;
    let (nought, all) = ("0".to_owned(), "10".to_owned());
    assert_eq!(lots(&world).await, [(1, nought.clone(), all.clone()), (2, "85".to_owned(), "15".to_owned())]);
    assert_eq!(told(&world, freed("e2", "h1")).await, ["released 25 of h1, 110"]);
    assert_eq!(lots(&world).await, [(1, all, nought.clone()), (2, "100".to_owned(), nought)]);
}

async fn a_hold_ends_once(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    for (hold, end, reason) in [
        ("h1", all("c1", "h1"), "HoldCaptured"),
        ("h2", taken("c2", "h2", 1), "HoldCaptured"),
        ("h3", freed("c3", "h3"), "HoldReleased"),
    ] {
        told(&world, held(&format!("e-{hold}"), hold, 10)).await;
        told(&world, end).await;
        let again = told(&world, all(&format!("again-{hold}"), hold)).await;
        assert_eq!(again, [format!("not captured all of {hold}, held 0: {reason}")]);
        let again = told(&world, freed(&format!("free-{hold}"), hold)).await;
        assert_eq!(again, [format!("not released {hold}: {reason}")]);
        // Its name is taken for good.
        let again = told(&world, held(&format!("anew-{hold}"), hold, 1)).await;
        assert!(again[0].ends_with("DuplicateHold"), "{again:?}");
    }
    assert_eq!(world.available("ann", "points").await, "89");
}

async fn a_hold_that_cannot_be_says_what_is_missing(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    assert_eq!(told(&world, held("e1", "h1", 101)).await, ["not held 101 as h1, 100, missing 1: InsufficientBalance"]);
    // Nothing was made: the name is still free.
    assert_eq!(told(&world, held("e2", "h1", 100)).await, ["held 100 as h1, 0"]);
    assert_eq!(told(&world, all("e3", "h9")).await, ["not captured all of h9: UnknownHold"]);
    assert_eq!(told(&world, taken("e4", "h9", 5)).await, ["not captured 5 of h9: UnknownHold"]);
    assert_eq!(told(&world, freed("e5", "h9")).await, ["not released h9: UnknownHold"]);
    // Another member's hold is not known either.
    assert_eq!(told(&world, release("e6", "bob", "h1")).await, ["not released h1: UnknownHold"]);
}

async fn a_hold_takes_what_burns_first_and_so_does_its_capture(world: World) {
    told(&world, bought("o1", "ann", &[6, 4])).await;
    told(&world, lasting("o2", &[6, 4], 30)).await;
    told(&world, lasting("o3", &[6, 4], 10)).await;
    told(&world, held("e1", "h1", 25)).await;
    let lot = |n, available: &str, held: &str| (n, available.to_owned(), held.to_owned());
    assert_eq!(lots(&world).await, [lot(3, "0", "10"), lot(2, "0", "10"), lot(1, "5", "5")]);
    assert_eq!(told(&world, capture("e2", "ann", ("h1", Some(12)), true)).await, ["captured 12 of h1, held 13, 5"]);
    assert_eq!(lots(&world).await, [lot(2, "0", "8"), lot(1, "5", "5")]);
    assert_eq!(told(&world, taken("e3", "h1", 9)).await, ["captured 9 of h1, held 0, freed 4, 9"]);
    assert_eq!(lots(&world).await, [lot(1, "9", "0")]);
}

async fn a_hold_outlives_expiry_and_what_is_released_after_it_expires_in_the_same_entry(world: World) {
    told(&world, lasting("o1", &[60, 40], 30)).await;
    told(&world, bought("o2", "ann", &[6, 4])).await;
    told(&world, held("e1", "h1", 105)).await;
    assert_eq!(told(&world, on(spend("s1", "ann", 6), 31)).await, ["rejected 6 points, 5, missing 1"]);
    assert_eq!(told(&world, on(freed("e2", "h1"), 32)).await, ["released 5 of h1, expired 100, 10"]);
    let explained = world.ledger.explain_event(&world.pipeline, &id("e2"), None).await.unwrap();
    let entry = explained[0].entry.as_ref().unwrap();
    let postings: Vec<_> = entry.postings.iter().map(|line| (line.account.as_str(), line.amount.to_string())).collect();
    let want = [("held", "-105"), ("expired", "100"), ("available", "5")];
    assert_eq!(postings, want.map(|(account, amount)| (account, amount.to_owned())));
    assert_eq!(world.settle_due("2030-01-01T00:00:00Z").await, [""; 0]);
}

async fn a_captured_hold_spends_points_that_ended_meanwhile(world: World) {
    told(&world, lasting("o1", &[60, 40], 30)).await;
    told(&world, bought("o2", "ann", &[6, 4])).await;
    told(&world, held("e1", "h1", 105)).await;
    assert_eq!(
        told(&world, on(taken("e2", "h1", 70), 40)).await,
        ["captured 70 of h1, held 0, freed 5, expired 30, 10"]
    );
    // What a refund of the order asks for is what ended, and then others.
    assert_eq!(
        told(&world, on(back("r1", "ann", "o1", &[]), 41)).await,
        ["clawed 10 points, waived 60, expired 30, 0"]
    );
}

async fn a_hold_times_out_and_its_points_can_be_spent_again(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    assert_eq!(told(&world, until(held("e1", "h1", 80), 2)).await, ["held 80 as h1, 20"]);
    let [hold] = open(&world).await.try_into().unwrap();
    assert_eq!(hold.expires, Some("2026-11-03T12:00:00Z".parse().unwrap()));
    assert_eq!(told(&world, on(spend("s1", "ann", 30), 1)).await, ["rejected 30 points, 20, missing 10"]);
    assert_eq!(
        told(&world, on(capture("e2", "ann", ("h1", Some(10)), true), 1)).await,
        ["captured 10 of h1, held 70, 20"]
    );
    assert_eq!(told(&world, on(spend("s2", "ann", 30), 2)).await, ["timed out 70 of h1, 90", "spent 30 points, 60"]);
    assert_eq!(told(&world, on(all("e3", "h1"), 2)).await, ["not captured all of h1, held 0: HoldExpired"]);
    assert_eq!(world.settle_due("2030-01-01T00:00:00Z").await, [""; 0]);
}

async fn points_that_a_time_out_sets_free_end_at_their_own_time(world: World) {
    told(&world, lasting("o1", &[60, 40], 10)).await;
    told(&world, until(held("e1", "h1", 100), 5)).await;
    // Nothing of the lot was free when the event was loaded; it ends all the same, after the hold did.
    assert_eq!(
        told(&world, on(spend("s1", "ann", 1), 20)).await,
        ["timed out 100 of h1, 100", "expired 100 points, 0", "rejected 1 points, 0, missing 1"]
    );
}

async fn in_a_night_points_come_then_holds_end_then_points_end(world: World) {
    told(&world, lasting("o1", &[60, 40], 5)).await;
    told(&world, days(bought("o2", "ann", &[6, 4]), "wait", 5)).await;
    told(&world, until(held("e1", "h1", 30), 5)).await;
    told(&world, until(held("e2", "h2", 20), 5)).await;
    assert_eq!(
        told(&world, on(spend("s1", "ann", 10), 5)).await,
        [
            "activated 10 points, 60",
            "timed out 0 of h1, expired 30, 60",
            "timed out 0 of h2, expired 20, 60",
            "expired 50 points, 10",
            "spent 10 points, 0"
        ]
    );
}

async fn a_hold_takes_no_point_before_its_wait_is_over_or_after_its_end(world: World) {
    told(&world, days(lasting("o1", &[60, 40], 20), "wait", 10)).await;
    assert_eq!(told(&world, on(held("e1", "h1", 1), 9)).await, ["not held 1 as h1, 0, missing 1: InsufficientBalance"]);
    assert_eq!(told(&world, on(held("e2", "h1", 1), 10)).await, ["activated 100 points, 100", "held 1 as h1, 99"]);
    assert_eq!(
        told(&world, on(held("e3", "h2", 1), 20)).await,
        ["expired 99 points, 0", "not held 1 as h2, 0, missing 1: InsufficientBalance"]
    );
    assert_eq!(told(&world, on(all("e4", "h1"), 21)).await, ["captured 1 of h1, held 0, 0"]);
}

async fn the_timers_of_a_quiet_member_end_holds_too(world: World) {
    for member in ["ann", "bob"] {
        world.one(days(bought(&format!("o-{member}"), member, &[60, 40]), "last", 10)).await;
        world.one(until(hold_of(&format!("e1-{member}"), member, ("h1", 40)), 5)).await;
        world.one(until(hold_of(&format!("e2-{member}"), member, ("h2", 60)), 15)).await;
    }
    assert_eq!(world.settle_due("2026-11-06T11:59:59Z").await, [""; 0]);
    assert_eq!(world.settle_due("2026-11-06T12:00:00Z").await, ["timed out 40 of h1, 40"; 2]);
    world.audits_clean().await;
    assert_eq!(
        world.settle_due("2027-01-01T00:00:00Z").await,
        [["expired 40 points, 0"; 1], ["timed out 0 of h2, expired 60, 0"; 1]].concat().repeat(2)
    );
    world.audits_clean().await;
    assert_eq!(world.settle_due("2030-01-01T00:00:00Z").await, [""; 0]);
}

async fn a_late_capture_of_a_hold_that_has_timed_out_is_turned_down(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    told(&world, until(held("e1", "h1", 80), 2)).await;
    // It happened in time; nobody has ended the hold yet.
    assert_eq!(
        told(&world, on(capture("e2", "ann", ("h1", Some(1)), true), 1)).await,
        ["captured 1 of h1, held 79, 20"]
    );
    assert_eq!(world.settle_due("2026-11-03T12:00:00Z").await, ["timed out 79 of h1, 99"]);
    // What has ended stays so.
    assert_eq!(told(&world, on(all("e3", "h1"), 1)).await, ["not captured all of h1, held 0: HoldExpired"]);
    // A late hold whose time has passed already: the next event or timer ends it.
    assert_eq!(told(&world, until(held("e4", "h2", 9), 1)).await, ["held 9 as h2, 90"]);
    assert_eq!(told(&world, on(spend("s1", "ann", 99), 4)).await, ["timed out 9 of h2, 99", "spent 99 points, 0"]);
}

async fn a_refund_does_not_touch_what_is_held(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    told(&world, held("e1", "h1", 80)).await;
    assert_eq!(told(&world, back("r1", "ann", "o1", &[])).await, ["clawed 20 points, waived 80, 0"]);
    assert_eq!(told(&world, all("e2", "h1")).await, ["captured 80 of h1, held 0, 0"]);
}

async fn holds_that_end_before_a_refund_that_waited_are_set_free_first(world: World) {
    told(&world, bought("o1", "ann", &[30, 20])).await;
    assert_eq!(told(&world, on(back("r1", "ann", "o2", &[]), 3)).await, [""; 0]);
    // It comes late: the refund found nothing of it when it was parked.
    assert_eq!(told(&world, until(on(held("e1", "h1", 40), 1), 1)).await, ["held 40 as h1, 10"]);
    told(&world, bought("o2", "ann", &[60, 40])).await;
    assert_eq!(lots(&world).await, [(1, "50".to_owned(), "0".to_owned())]);
}

async fn held_points_of_many_lots_are_found_beyond_the_page(world: World) {
    let orders: Vec<Event> = (0..120).map(|n| lasting(&format!("o{n}"), &[1, 1], 10 + n % 7)).collect();
    world.batch(&orders).await;
    assert_eq!(told(&world, held("e1", "h1", 201)).await, ["held 201 as h1, 39"]);
    assert_eq!(told(&world, capture("e2", "ann", ("h1", Some(50)), true)).await, ["captured 50 of h1, held 151, 39"]);
    // 36, 34 and 34 points end on the first days; 50 of them are captured.
    let said = told(&world, on(freed("e3", "h1"), 12)).await;
    assert_eq!(said, ["released 97 of h1, expired 54, 136"]);
    assert_eq!(told(&world, on(spend("s1", "ann", 136), 12)).await, ["spent 136 points, 0"]);
}

async fn a_replayed_hold_answers_what_it_answered_the_first_time(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    let events = [held("e1", "h1", 80), taken("e2", "h1", 50), freed("e3", "h1"), held("e4", "h2", 500)];
    let first = world.batch(&events).await;
    for (event, first) in events.into_iter().zip(first) {
        let Said::Fresh(outcome, results) = first else { panic!("{first:?}") };
        assert_eq!(world.one(event).await, Said::Replayed(outcome, results));
    }
    world.audits_clean().await;
}

async fn whatever_the_batches_holds_come_to_the_same(world: World) {
    let history = |member: &str| {
        let named = |event: Event| {
            let id = format!("{}-{member}", event.id).try_into().unwrap();
            Event { id, member: member.to_owned().try_into().unwrap(), ..event }
        };
        [
            named(lasting("o1", &[60, 40], 10)),
            named(bought("o2", "ann", &[30, 20])),
            named(until(held("e1", "h1", 120), 20)),
            named(on(capture("e2", "ann", ("h1", Some(40)), true), 3)),
            named(on(until(held("e3", "h2", 30), 2), 4)),
            named(on(spend("s1", "ann", 25), 11)),
            named(on(taken("e4", "h1", 70), 12)),
            named(on(freed("e5", "h2"), 13)),
        ]
    };
    let said: Vec<Vec<String>> = world.batch(&history("all")).await.iter().map(Said::told).collect();
    assert!(said[6][0].starts_with("captured 70"), "{said:?}");
    for (event, said) in history("each").into_iter().zip(said) {
        assert_eq!(world.one(event).await.told(), said);
    }
    assert_eq!(world.available("all", "points").await, world.available("each", "points").await);
    world.audits_clean().await;
}

async fn a_hold_is_told_in_statement_explanation_and_liability(world: World) {
    told(&world, bought("o1", "ann", &[60, 40])).await;
    told(&world, until(held("e1", "h1", 80), 9)).await;
    told(&world, on(capture("e2", "ann", ("h1", Some(30)), true), 1)).await;
    told(&world, on(held("e3", "h2", 5), 2)).await;
    let (ask, mark) = (StatementAsk::default(), StatementMark::default());
    let page = world.ledger.statement(&world.pipeline, &id("ann"), &ask, &mark).await.unwrap().unwrap();
    let line = |line: &ledger::report::StatementLine| {
        let hold = line.hold.as_ref().map_or("", HoldId::as_str);
        format!("{} {} {} {} {hold}", line.kind, line.state, line.amount, line.balance)
    };
    assert_eq!(
        page.lines[1..].iter().map(line).collect::<Vec<_>>(),
        [
            "Hold available -80 20 h1",
            "Hold held 80 80 h1",
            "Capture held -30 50 h1",
            "Hold available -5 15 h2",
            "Hold held 5 55 h2"
        ]
    );
    let explained = world.ledger.explain_event(&world.pipeline, &id("e1"), None).await.unwrap().remove(0);
    let hold = explained.hold.unwrap();
    assert_eq!((hold.hold.as_str(), hold.stage, hold.held.to_string()), ("h1", HoldStage::Open, "50".to_owned()));
    let others: Vec<_> = explained.of_hold.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(others, ["e2"]);
    let names: Vec<_> = open(&world).await.into_iter().map(|hold| hold.hold.to_string()).collect();
    assert_eq!(names, ["h1", "h2"], "oldest first");
    let owed = async |at: Option<&str>| {
        let at = at.map(|at| at.parse().unwrap());
        let ask = LiabilityAsk { at, by: Reckoning::Happened, zone: jiff::tz::TimeZone::UTC };
        let wallet = world.ledger.liability(&world.pipeline, &ask).await.unwrap().remove(0);
        (wallet.outstanding.to_string(), wallet.held.to_string(), wallet.open_holds)
    };
    assert_eq!(owed(None).await, ("15".to_owned(), "55".to_owned(), 2));
    assert_eq!(owed(Some("2026-11-02T12:00:00Z")).await, ("20".to_owned(), "50".to_owned(), 1));
    told(&world, on(freed("e4", "h1"), 3)).await;
    assert_eq!(owed(None).await, ("65".to_owned(), "5".to_owned(), 1));
    assert_eq!(owed(Some("2026-11-02T12:00:00Z")).await, ("20".to_owned(), "50".to_owned(), 1));
}

async fn tables_with_rows_of_the_version_before_holds_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        // Nobody else can reach it.
        return;
    }
    told(&world, lasting("o1", &[60, 40], 30)).await;
    told(&world, spend("s1", "ann", 10)).await;
    let world = world.migrated_from(2).await;
    assert_eq!(told(&world, until(held("e1", "h1", 50), 2)).await, ["held 50 as h1, 40"]);
    assert_eq!(
        told(&world, on(spend("s2", "ann", 1), 30)).await,
        ["timed out 50 of h1, 90", "expired 90 points, 0", "rejected 1 points, 0, missing 1"]
    );
}

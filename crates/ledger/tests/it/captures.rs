//! Points that were held, paid for an order with their capture, and come back with its return, on every store; as those of a redemption do
//! ([`crate::payments`]).

use contract::event::Event;
use contract::program::TakeBack;

use crate::audit::each_break_is_found;
use crate::holds::{capture, hold_of, paying};
use crate::merging::merged;
use crate::payments::{spend_for, whatever_the_order};
use crate::time::{days, on};
use crate::world::{World, back, bought, on_every_store, spend};

on_every_store! {
    captured_points_come_back_with_the_return_of_their_order
    captured_points_come_back_by_the_share_that_was_returned
    a_capture_after_the_return_comes_back_at_once
    points_that_ended_while_they_were_held_come_back_for_the_time_of_the_grace
    in_whatever_order_they_come_the_same_comes_back
    a_redemption_and_captures_for_one_order_come_back_last_in_first_out
    what_comes_back_of_a_capture_pays_off_what_is_owed
    what_pays_for_nothing_does_not_come_back
    what_was_captured_comes_back_after_a_merge
    a_capture_tells_its_order_in_the_statement
}

fn held(name: &str, points: i64) -> Event {
    hold_of(&format!("h-{name}"), "ann", (name, points))
}

/// All of a hold, or so many points of it, for an order.
fn taken(name: &str, hold: (&str, Option<i64>), order: &str) -> Event {
    paying(capture(name, "ann", hold, false), order)
}

async fn captured_points_come_back_with_the_return_of_their_order(world: World) {
    world.told(days(bought("o1", "ann", &[60, 40]), "last", 30)).await;
    world.told(bought("o2", "ann", &[30, 20])).await;
    world.told(held("till", 120)).await;
    assert_eq!(world.told(on(taken("c1", ("till", None), "o9"), 1)).await, ["captured 120 of till, held 0, 30"]);
    world.told(on(bought("o9", "ann", &[100, 100]), 1)).await;
    assert_eq!(
        world.told(on(back("r1", "ann", "o9", &[]), 2)).await,
        ["returned 120 points, 350", "clawed 200 points, waived 0, 150"]
    );
    assert_eq!(world.lots("ann").await, [(1, "100".to_owned()), (2, "50".to_owned())]);
    assert_eq!(world.told(on(back("r2", "ann", "o9", &["1"]), 3)).await, [""; 0], "once");
}

async fn captured_points_come_back_by_the_share_that_was_returned(world: World) {
    world.told(bought("o1", "ann", &[60, 40])).await;
    world.told(held("till", 50)).await;
    // In two parts, and the rest is free.
    let part = paying(capture("c1", "ann", ("till", Some(15)), true), "o9");
    assert_eq!(world.told(part).await, ["captured 15 of till, held 35, 50"]);
    assert_eq!(world.told(taken("c2", ("till", Some(25)), "o9")).await, ["captured 25 of till, held 0, freed 10, 60"]);
    world.told(bought("o9", "ann", &[100, 60, 40])).await;
    // 140 of 200 were kept, so that 28 of 40 stay paid.
    assert_eq!(
        world.told(back("r1", "ann", "o9", &["2"])).await,
        ["returned 12 points, 272", "clawed 60 points, waived 0, 212"]
    );
}

async fn a_capture_after_the_return_comes_back_at_once(world: World) {
    world.told(bought("o1", "ann", &[50, 50])).await;
    world.told(held("till", 90)).await;
    world.told(bought("o9", "ann", &[30, 10, 20])).await;
    world.told(back("r1", "ann", "o9", &["1"])).await;
    let part = paying(capture("c1", "ann", ("till", Some(40)), true), "o9");
    assert_eq!(world.told(part).await, ["captured 40 of till, held 50, 40", "returned 20 points, 60"]);
    world.told(back("r2", "ann", "o9", &[])).await;
    assert_eq!(
        world.told(taken("c2", ("till", Some(30)), "o9")).await,
        ["captured 30 of till, held 0, freed 20, 70", "returned 30 points, 100"]
    );
    let id = crate::world::id("c2");
    let entry = world.ledger.explain_event(&world.pipeline, &id, None).await.unwrap().remove(0).entry.unwrap();
    let lines: Vec<_> = entry.postings.iter().map(|line| format!("{} {}", line.account, line.amount)).collect();
    let both = ["held -50", "redeemed 30", "available 20", "redeemed -30", "available 30"];
    assert_eq!(lines, both, "both ways can be seen");
}

async fn points_that_ended_while_they_were_held_come_back_for_the_time_of_the_grace(world: World) {
    world.told(days(bought("o1", "ann", &[60, 40]), "last", 10)).await;
    world.told(held("till", 80)).await;
    world.told(on(bought("o9", "ann", &[0, 0]), 1)).await;
    world.told(on(back("r1", "ann", "o9", &[]), 2)).await;
    assert_eq!(
        world.told(on(taken("c1", ("till", Some(50)), "o9"), 20)).await,
        [
            "expired 20 points, 0",
            "captured 50 of till, held 0, expired 30, 0",
            "returned 50 points until 2026-11-26T12:00:00Z, 50"
        ]
    );
    assert_eq!(world.lots("ann").await, [(2, "50".to_owned())]);
    assert_eq!(world.settle_due("2027-01-01T00:00:00Z").await, ["expired 50 points, 0"]);
    world.audits_clean().await;
}

async fn in_whatever_order_they_come_the_same_comes_back(world: World) {
    // Ten points stay held.
    let pays = |name: &str, member: &str, order: &str| {
        let part = capture(&format!("c{name}"), member, ("till", Some(120)), false);
        (Some(hold_of(&format!("h{name}"), member, ("till", 130))), paying(part, order))
    };
    whatever_the_order(&world, &[1, 2, 3], pays).await;
}

async fn a_redemption_and_captures_for_one_order_come_back_last_in_first_out(world: World) {
    world.told(bought("o1", "ann", &[30, 30])).await;
    world.told(bought("o2", "ann", &[30, 30])).await;
    world.told(bought("o9", "ann", &[10, 10])).await;
    world.told(held("till", 60)).await;
    world.told(spend_for("s1", "ann", "o9", 40)).await;
    world.told(taken("c1", ("till", None), "o9")).await;
    // A half of 100: what was captured last, of the first lot.
    assert_eq!(world.told(back("r1", "ann", "o9", &["1"])).await, ["returned 50 points, 90"]);
    assert_eq!(world.lots("ann").await, [(1, "50".to_owned()), (2, "20".to_owned()), (3, "20".to_owned())]);
    assert_eq!(
        world.told(back("r2", "ann", "o9", &["2"])).await,
        ["returned 50 points, 140", "clawed 20 points, waived 0, 120"]
    );
    assert_eq!(world.lots("ann").await, [(1, "60".to_owned()), (2, "60".to_owned())]);
}

async fn what_comes_back_of_a_capture_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o1", "ann", &[60, 40])).await;
    world.told(held("till", 80)).await;
    world.told(spend("s1", "ann", 20)).await;
    world.told(bought("o9", "ann", &[0, 0])).await;
    world.told(back("r9", "ann", "o9", &[])).await;
    assert_eq!(world.told(back("r1", "ann", "o1", &[])).await, ["clawed 0 points, waived 0, owed 100, 0"]);
    // What is set free first, and then what comes back.
    assert_eq!(
        world.told(taken("c1", ("till", Some(50)), "o9")).await,
        [
            "captured 50 of till, held 0, freed 30, 0",
            "repaid 30 points, owed 70, 0",
            "returned 50 points, 0",
            "repaid 50 points, owed 20, 0",
        ]
    );
}

async fn what_pays_for_nothing_does_not_come_back(world: World) {
    world.told(bought("o1", "ann", &[50, 50])).await;
    world.told(held("till", 60)).await;
    world.told(bought("o9", "ann", &[5, 5])).await;
    let more = world.told(taken("c1", ("till", Some(61)), "o9")).await;
    assert_eq!(more, ["not captured 61 of till, held 60, missing 1: MoreThanHeld"]);
    world.told(capture("c2", "ann", ("till", None), false)).await;
    let late = world.told(taken("c3", ("till", None), "o9")).await;
    assert_eq!(late, ["not captured all of till, held 0: HoldCaptured"]);
    assert_eq!(world.told(back("r9", "ann", "o9", &[])).await, ["clawed 10 points, waived 0, 40"]);
}

async fn what_was_captured_comes_back_after_a_merge(world: World) {
    world.told(bought("o1", "ann", &[50, 50])).await;
    world.told(bought("o2", "bob", &[5, 5])).await;
    world.told(held("till", 60)).await;
    world.told(taken("c1", ("till", Some(20)), "o9")).await;
    world.told(bought("o9", "ann", &[4, 4])).await;
    world.told(merged("m1", "ann", "bob")).await;
    assert_eq!(
        world.told(back("r9", "bob", "o9", &[])).await,
        ["returned 20 points, 118", "clawed 8 points, waived 0, 110"]
    );
}

async fn a_capture_tells_its_order_in_the_statement(world: World) {
    world.told(bought("o1", "ann", &[50, 50])).await;
    world.told(held("till", 60)).await;
    world.told(taken("c1", ("till", None), "o9")).await;
    let (ask, mark) = (ledger::report::StatementAsk::default(), ledger::report::StatementMark::default());
    let ann: contract::MemberId = crate::world::id("ann");
    let page = world.ledger.statement(&world.pipeline, &ann, &ask, &mark).await.unwrap().unwrap();
    let line = page.lines.last().unwrap();
    let order = line.order.as_ref().map(ToString::to_string);
    assert_eq!((line.kind.as_str(), order.as_deref()), ("Capture", Some("o9")));
}

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update payment set points = points + 1 where points > 0", &[9]),
    ("delete from payment where points > 0", &[9]),
    ("delete from payment where points < 0", &[3, 9]),
    ("update entry set order_id = null where event_id = 'c1'", &[9]),
    ("update payment set into_lot = into_lot + 7 where points < 0", &[3]),
];

async fn history(world: &World) {
    world.one(bought("o1", "ann", &[60, 40])).await;
    world.one(held("till", 60)).await;
    world.one(bought("o9", "ann", &[10, 10])).await;
    world.one(back("r9", "ann", "o9", &["1"])).await;
    // Half of it comes back at once.
    world.one(taken("c1", ("till", Some(40)), "o9")).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_what_a_capture_paid() {
    each_break_is_found(BREAKS, history, World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_what_a_capture_paid() {
    each_break_is_found(BREAKS, history, World::postgres).await;
}

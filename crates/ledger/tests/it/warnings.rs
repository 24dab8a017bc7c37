//! Warnings that points are about to end, on every store.

use contract::event::{Event, Kind};

use crate::audit::each_break_is_found;
use crate::holds::{hold_of, release, until};
use crate::time::{days, on};
use crate::transfers::{carry, send};
use crate::world::{World, adjust, back, bought, event, id, on_every_store, spend};

on_every_store! {
    a_lot_is_warned_of_once_with_what_is_left_of_it
    one_warning_tells_all_that_ends_together
    what_was_spent_before_is_not_warned_of
    what_comes_in_too_late_for_it_is_warned_of_at_once
    what_a_hold_sets_free_after_its_time_is_warned_of_then
    what_is_held_is_not_told
    after_a_week_only_what_still_ends_is_told
    a_warning_is_told_again_under_its_id_and_never_given_twice
    an_end_that_an_activity_puts_off_is_warned_of_anew
    an_activity_that_puts_off_nothing_warns_of_nothing
    an_end_that_moves_within_a_batch_tells_all_that_idles
    what_is_sent_is_warned_of_at_the_receivers_too
    points_of_which_nothing_was_said_are_not_warned_of
    tables_of_the_version_before_migrate
}

/// Points that end after `last` days and are warned of `warn` days before.
fn ending(order: &str, lines: &[i64], (day, last, warn): (i64, i64, i64)) -> Event {
    days(days(on(bought(order, "ann", lines), day), "last", last), "warn", warn)
}

/// An activity that keeps points alive for 30 days, and is warned of 10 days before.
fn active(event: Event, day: i64) -> Event {
    days(days(on(event, day), "active", 30), "warn", 10)
}

fn idling(order: &str, lines: &[i64], day: i64) -> Event {
    active(days(bought(order, "ann", lines), "idle", 30), day)
}

fn visit(name: &str) -> Event {
    event(name, "ann", Kind::Custom(id("visit")))
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

fn day(day: i64) -> String {
    on(spend("x", "ann", 1), day).occurred_at.to_string()
}

/// What timers tell by a day.
async fn settled(world: &World, by: i64) -> Vec<String> {
    let told = world.settle_due(&day(by)).await;
    world.audits_clean().await;
    told
}

async fn next_due(world: &World) -> Option<String> {
    world.ledger.next_due(&world.pipeline).await.unwrap().map(|at| at.to_string())
}

async fn a_lot_is_warned_of_once_with_what_is_left_of_it(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 30, 14))).await;
    assert_eq!(next_due(&world).await, Some(day(16)));
    assert_eq!(told(&world, on(spend("s1", "ann", 30), 15)).await, ["spent 30 points, 70"]);
    assert_eq!(settled(&world, 16).await, ["expiring 70 points after 2026-12-01, 70"]);
    assert_eq!(next_due(&world).await, Some(day(30)));
    // What comes back later is not warned of again.
    told(&world, on(hold_of("e1", "ann", ("h1", 20)), 17)).await;
    told(&world, on(release("e2", "ann", "h1"), 18)).await;
    assert_eq!(settled(&world, 29).await, [""; 0]);
    assert_eq!(settled(&world, 30).await, ["expired 70 points, 0"]);
    assert_eq!(next_due(&world).await, None);
}

async fn one_warning_tells_all_that_ends_together(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 30, 14))).await;
    told(&world, ending("o2", &[5, 5], (10, 20, 14))).await;
    told(&world, ending("o3", &[7, 1], (1, 30, 15))).await;
    told(&world, days(ending("o4", &[1, 1], (2, 28, 14)), "wait", 20)).await;
    told(&world, on(adjust("a1", "ann", 3), 3)).await;
    assert_eq!(
        settled(&world, 16).await,
        ["expiring 112 points after 2026-12-01, 121", "expiring 8 points after 2026-12-02, 121"]
    );
    assert_eq!(settled(&world, 29).await, ["activated 2 points, 123"]);
}

async fn what_was_spent_before_is_not_warned_of(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 30, 14))).await;
    told(&world, ending("o2", &[5, 5], (0, 40, 14))).await;
    told(&world, on(spend("s1", "ann", 105), 15)).await;
    assert_eq!(next_due(&world).await, Some(day(26)), "the first lot is spent");
    assert_eq!(told(&world, on(spend("s2", "ann", 5), 20)).await, ["spent 5 points, 0"]);
    assert_eq!(next_due(&world).await, None);
    assert_eq!(settled(&world, 100).await, [""; 0]);
}

async fn what_comes_in_too_late_for_it_is_warned_of_at_once(world: World) {
    assert_eq!(told(&world, ending("o1", &[60, 40], (0, 5, 14))).await, ["earned 100 points, 100"]);
    assert_eq!(next_due(&world).await, Some(day(0)));
    assert_eq!(settled(&world, 0).await, ["expiring 100 points after 2026-11-06, 100"]);
    // The next event finds it where no timer was there.
    told(&world, ending("o2", &[5, 5], (1, 5, 14))).await;
    assert_eq!(
        told(&world, on(spend("s1", "ann", 1), 1)).await,
        ["expiring 10 points after 2026-11-07, 110", "spent 1 points, 109"]
    );
}

async fn what_a_hold_sets_free_after_its_time_is_warned_of_then(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 30, 14))).await;
    told(&world, until(on(hold_of("e1", "ann", ("h1", 100)), 10), 10)).await;
    assert_eq!(next_due(&world).await, Some(day(20)), "there is nothing else that could end");
    assert_eq!(
        settled(&world, 25).await,
        ["timed out 100 of h1, 100", "expiring 100 points after 2026-12-01, 100"],
        "in one turn"
    );
    let batches = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 10).await.unwrap();
    let last = batches.iter().flat_map(|batch| &batch.results).last().unwrap();
    assert_eq!(last.time.to_string(), day(20), "when they were free");
}

async fn what_is_held_is_not_told(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 30, 14))).await;
    told(&world, on(hold_of("e1", "ann", ("h1", 30)), 10)).await;
    assert_eq!(settled(&world, 16).await, ["expiring 70 points after 2026-12-01, 70"]);
}

async fn after_a_week_only_what_still_ends_is_told(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 10, 5))).await;
    told(&world, ending("o2", &[5, 5], (0, 13, 5))).await;
    assert_eq!(settled(&world, 12).await, ["expiring 10 points after 2026-11-14, 110", "expired 100 points, 10"]);
    assert_eq!(
        told(&world, on(spend("s1", "ann", 10), 13)).await,
        ["expired 10 points, 0", "rejected 10 points, 0, missing 10"]
    );
    assert_eq!(next_due(&world).await, None);
}

async fn a_warning_is_told_again_under_its_id_and_never_given_twice(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 30, 14))).await;
    let by = on(spend("s1", "ann", 1), 16);
    // A worker dies before its commit: nothing was given.
    let (open, _) = world.ledger.begin(&world.request(std::slice::from_ref(&by))).await.unwrap();
    drop(open);
    let first = world.one(by.clone()).await;
    assert_eq!(first.told(), ["expiring 100 points after 2026-12-01, 100", "spent 1 points, 99"]);
    // Another dies after it, and its delivery comes again: the batch is published by whoever finds it, under the same ids.
    let stored = async || {
        let batches = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 10).await.unwrap();
        batches.into_iter().flat_map(|batch| batch.results).collect::<Vec<_>>()
    };
    let before = stored().await;
    assert_eq!(world.one(by).await.told(), ["spent 1 points, 99"], "the event's own answer");
    assert_eq!(settled(&world, 29).await, [""; 0]);
    assert_eq!(stored().await, before);
    let warnings: Vec<_> = before.iter().filter(|result| result.body.type_name() == "points.expiring").collect();
    assert_eq!((warnings.len(), warnings[0].time.to_string()), (1, day(16)));
    let json: serde_json::Value = serde_json::from_slice(&warnings[0].to_cloud_event(&world.pipeline)).unwrap();
    let want = serde_json::json!({
        "wallet": "points", "points": "100", "available": "100", "expiresAt": "2026-12-01T12:00:00Z", "lastDay": "2026-12-01"
    });
    assert_eq!((&json["subject"], &json["data"]), (&"ann".into(), &want));
}

async fn an_end_that_an_activity_puts_off_is_warned_of_anew(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    told(&world, idling("o2", &[6, 4], 5)).await;
    assert_eq!(next_due(&world).await, Some(day(25)));
    assert_eq!(told(&world, active(visit("v1"), 24)).await, [""; 0], "in time");
    assert_eq!(settled(&world, 43).await, [""; 0]);
    assert_eq!(settled(&world, 44).await, ["expiring 110 points after 2026-12-25, 110"]);
    assert_eq!(next_due(&world).await, Some(day(54)));
    told(&world, active(spend("s1", "ann", 10), 50)).await;
    assert_eq!(settled(&world, 79).await, ["expiring 100 points after 2027-01-20, 100"]);
    assert_eq!(settled(&world, 80).await, ["expired 100 points, 0"]);
    assert_eq!(settled(&world, 500).await, [""; 0]);
    // After that, another end.
    told(&world, idling("o3", &[2, 1], 600)).await;
    assert_eq!(settled(&world, 625).await, ["expiring 3 points after 2028-07-23, 3"]);
}

async fn an_activity_that_puts_off_nothing_warns_of_nothing(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    assert_eq!(settled(&world, 20).await, ["expiring 100 points after 2026-12-01, 100"]);
    // Heard of late; points that are no activity; and one that is turned down.
    told(&world, active(visit("v1"), -3)).await;
    told(&world, days(on(bought("o2", "ann", &[5, 5]), 21), "idle", 30)).await;
    told(&world, active(spend("s1", "ann", 500), 22)).await;
    assert_eq!(settled(&world, 29).await, [""; 0]);
    assert_eq!(settled(&world, 30).await, ["expired 110 points, 0"]);
}

/// A new end may be to be warned of within the batch that moves it, with lots that nothing else asks for.
async fn an_end_that_moves_within_a_batch_tells_all_that_idles(world: World) {
    let orders: Vec<Event> =
        (0..40).map(|n| days(on(bought(&format!("o{n}"), "ann", &[1, 1]), 0), "idle", 30)).collect();
    world.batch(&orders).await;
    // Nothing was said of a warning; the next activity says 25 days before its end.
    let says = days(days(on(visit("v1"), 10), "active", 30), "warn", 25);
    let said = world.batch(&[says, on(visit("v2"), 16)]).await;
    assert_eq!(said[1].told(), ["expiring 80 points after 2026-12-11, 80"]);
    world.audits_clean().await;
    assert_eq!(settled(&world, 39).await, [""; 0]);
}

async fn what_is_sent_is_warned_of_at_the_receivers_too(world: World) {
    told(&world, ending("o1", &[60, 40], (0, 30, 14))).await;
    told(&world, on(send("t1", "ann", ("bob", 30)), 10)).await;
    assert_eq!(carry(&world).await, ["received 30 points, 30"]);
    let mut both = settled(&world, 16).await;
    both.sort();
    assert_eq!(both, ["expiring 30 points after 2026-12-01, 30", "expiring 70 points after 2026-12-01, 70"]);
    // The sender was warned; the receiver is, of what they did not have then.
    told(&world, on(send("t2", "ann", ("cid", 20)), 20)).await;
    carry(&world).await;
    assert_eq!(settled(&world, 20).await, ["expiring 20 points after 2026-12-01, 20"]);
    assert_eq!(settled(&world, 29).await, [""; 0]);
}

async fn points_of_which_nothing_was_said_are_not_warned_of(world: World) {
    told(&world, days(on(bought("o1", "ann", &[60, 40]), 0), "last", 30)).await;
    told(&world, ending("o2", &[5, 5], (0, 30, 14))).await;
    assert_eq!(settled(&world, 29).await, ["expiring 10 points after 2026-12-01, 110"]);
    // A refund takes what was warned of, and what is given back again needs no other warning.
    told(&world, on(back("r1", "ann", "o2", &["1"]), 29)).await;
    assert_eq!(settled(&world, 29).await, [""; 0]);
}

async fn tables_of_the_version_before_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        // Nobody else can reach it.
        return;
    }
    told(&world, days(on(bought("o1", "ann", &[60, 40]), 0), "last", 50)).await;
    told(&world, days(on(bought("o2", "ann", &[3, 3]), 0), "idle", 40)).await;
    let world = world.migrated_from(7).await;
    told(&world, ending("o3", &[6, 4], (1, 30, 5))).await;
    assert_eq!(settled(&world, 27).await, ["expiring 10 points after 2026-12-02, 116"]);
    assert_eq!(settled(&world, 60).await, ["expired 10 points, 106", "expired 6 points, 100", "expired 100 points, 0"]);
}

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update lot set warned = true", &[3]),
    ("update lot set warns_at = null", &[3]),
    ("update due set at = (select max(expires_at) from lot)", &[3]),
    ("delete from due", &[3]),
];

async fn history(world: &World) {
    world.one(ending("o1", &[60, 40], (0, 30, 14))).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_a_warning() {
    each_break_is_found(BREAKS, history, World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_a_warning() {
    each_break_is_found(BREAKS, history, World::postgres).await;
}

/// The same for points that idle.
const IDLE_BREAKS: &[(&str, &[u8])] =
    &[("update balance set idle_warned = true", &[3]), ("update balance set idle_warns_at = null", &[3])];

async fn idle_history(world: &World) {
    world.one(idling("o1", &[60, 40], 0)).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_a_warning_of_what_idles() {
    each_break_is_found(IDLE_BREAKS, idle_history, World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_a_warning_of_what_idles() {
    each_break_is_found(IDLE_BREAKS, idle_history, World::postgres).await;
}

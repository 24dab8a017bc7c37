//! Points that end together when the member did nothing for long enough, on every store.

use contract::event::{Event, Kind};
use jiff::Timestamp;
use ledger::report::{LiabilityAsk, LotMark, Reckoning};

use crate::audit::each_break_is_found;
use crate::holds::{hold_of, release};
use crate::payments::spend_for;
use crate::time::{days, on};
use crate::world::{Said, World, adjust, back, bought, event, id, on_every_store, spend};

on_every_store! {
    an_activity_puts_off_the_end_of_all_points
    what_is_turned_down_keeps_nothing_alive
    points_of_what_is_no_activity_end_with_the_others
    an_activity_without_points_counts_too
    a_rule_may_give_points_an_end_of_their_own_beside_those_that_idle
    what_burns_first_is_found_beyond_the_page
    the_end_never_comes_nearer
    an_activity_that_is_heard_of_too_late_brings_nothing_back
    points_that_have_ended_are_not_brought_back_by_an_activity
    held_points_that_have_ended_are_not_brought_back_by_an_activity
    what_paid_for_an_order_comes_back_with_the_wallets_end_or_the_grace
    years_in_one_batch_end_the_same
    an_activity_of_a_member_with_many_lots_loads_none_of_them
    reports_tell_the_wallets_end
    tables_of_the_fourth_version_migrate
}

/// An activity of a day, that keeps points alive for 30 days.
fn active(event: Event, day: i64) -> Event {
    days(on(event, day), "active", 30)
}

/// Points that idle, 30 days after an activity.
fn idling(order: &str, lines: &[i64], day: i64) -> Event {
    active(days(bought(order, "ann", lines), "idle", 30), day)
}

fn day(day: i64) -> String {
    on(spend("x", "ann", 1), day).occurred_at.to_string()
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

async fn next_due(world: &World) -> Option<String> {
    world.ledger.next_due(&world.pipeline).await.unwrap().map(|at| at.to_string())
}

/// What timers post by a day.
async fn settled(world: &World, by: i64) -> Vec<String> {
    let told = world.settle_due(&day(by)).await;
    world.audits_clean().await;
    told
}

/// Sequence and end of each lot, in burn order.
async fn ends(world: &World) -> Vec<(i64, Option<String>)> {
    let balances = world.ledger.balance(&world.pipeline, &id("ann")).await.unwrap().unwrap_or_default();
    let lots = balances.into_iter().filter(|balance| balance.wallet.as_str() == "points").flat_map(|of| of.lots);
    lots.map(|lot| (lot.sequence, lot.expires.map(|at| at.to_string()))).collect()
}

async fn an_activity_puts_off_the_end_of_all_points(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    assert_eq!(next_due(&world).await, Some(day(30)));
    told(&world, idling("o2", &[5, 5], 10)).await;
    assert_eq!(ends(&world).await, [(1, Some(day(40))), (2, Some(day(40)))]);
    assert_eq!(told(&world, active(spend("s1", "ann", 20), 20)).await, ["spent 20 points, 90"]);
    assert_eq!(next_due(&world).await, Some(day(50)));
    assert_eq!(settled(&world, 49).await, [""; 0]);
    assert_eq!(settled(&world, 50).await, ["expired 90 points, 0"]);
    assert_eq!(next_due(&world).await, None);
    assert_eq!(settled(&world, 500).await, [""; 0]);
    // Once more from the beginning.
    told(&world, idling("o3", &[7, 0], 100)).await;
    assert_eq!(ends(&world).await, [(3, Some(day(130)))]);
    assert_eq!(
        told(&world, active(spend("s2", "ann", 7), 130)).await,
        ["expired 7 points, 0", "rejected 7 points, 0, missing 7"]
    );
}

async fn what_is_turned_down_keeps_nothing_alive(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    assert_eq!(told(&world, active(spend("s1", "ann", 101), 10)).await, ["rejected 101 points, 100, missing 1"]);
    told(&world, active(hold_of("h1", "ann", ("till", 101)), 10)).await;
    told(&world, active(adjust("a1", "ann", -101), 10)).await;
    let mut double = idling("o1", &[1, 1], 10);
    double.id = id("another");
    assert_eq!(told(&world, double).await, ["refused DuplicateOrder"]);
    assert_eq!(next_due(&world).await, Some(day(30)));
    // A refund that waits for its purchase is heard of, and did nothing yet.
    told(&world, active(back("r1", "ann", "o9", &[]), 10)).await;
    assert_eq!(settled(&world, 30).await, ["expired 100 points, 0"]);
}

async fn points_of_what_is_no_activity_end_with_the_others(world: World) {
    let idles = |order: &str, day| days(on(bought(order, "ann", &[6, 4]), day), "idle", 30);
    // The first ones start the time.
    told(&world, idles("o1", 0)).await;
    told(&world, idles("o2", 20)).await;
    assert_eq!(ends(&world).await, [(1, Some(day(30))), (2, Some(day(30)))]);
    // It has passed, and starts again.
    assert_eq!(told(&world, idles("o3", 30)).await, ["expired 20 points, 0", "earned 10 points, 10"]);
    assert_eq!(ends(&world).await, [(3, Some(day(60)))]);
}

async fn an_activity_without_points_counts_too(world: World) {
    let visit = |name: &str, day| active(event(name, "ann", Kind::Custom(id("visit"))), day);
    told(&world, visit("v1", 0)).await;
    assert_eq!(next_due(&world).await, None, "there is nothing to end");
    told(&world, days(on(bought("o1", "ann", &[6, 4]), 10), "idle", 30)).await;
    assert_eq!(next_due(&world).await, Some(day(30)), "with the first activity, although there were no points then");
    assert_eq!(told(&world, visit("v2", 25)).await, [""; 0]);
    assert_eq!(next_due(&world).await, Some(day(55)));
    // The same once more changes nothing.
    told(&world, visit("v2", 25)).await;
    assert_eq!(settled(&world, 54).await, [""; 0]);
    assert_eq!(settled(&world, 55).await, ["expired 10 points, 0"]);
}

async fn a_rule_may_give_points_an_end_of_their_own_beside_those_that_idle(world: World) {
    told(&world, idling("o1", &[50, 50], 0)).await;
    told(&world, days(on(bought("o2", "ann", &[5, 5]), 0), "last", 40)).await;
    told(&world, on(bought("o3", "ann", &[500, 500]), 0)).await;
    assert_eq!(ends(&world).await, [(1, Some(day(30))), (2, Some(day(40))), (3, None)]);
    told(&world, on(spend("s1", "ann", 10), 1)).await;
    assert_eq!(world.lots("ann").await, [(1, "90".to_owned()), (2, "10".to_owned()), (3, "1000".to_owned())]);
    // The activity puts those that idle behind the others.
    told(&world, active(spend("s2", "ann", 10), 20)).await;
    assert_eq!(ends(&world).await, [(2, Some(day(40))), (1, Some(day(50))), (3, None)]);
    told(&world, on(spend("s3", "ann", 15), 21)).await;
    assert_eq!(world.lots("ann").await, [(1, "75".to_owned()), (3, "1000".to_owned())]);
    assert_eq!(settled(&world, 400).await, ["expired 75 points, 1000"]);
}

async fn what_burns_first_is_found_beyond_the_page(world: World) {
    // More than a page of each kind, and the kinds take turns in burn order.
    let early = (0..40).map(|n| days(on(bought(&format!("early{n}"), "ann", &[1, 1]), 0), "last", 10));
    let idle = (0..40).map(|n| idling(&format!("idle{n}"), &[1, 1], 0));
    let late = (0..40).map(|n| days(on(bought(&format!("late{n}"), "ann", &[1, 1]), 0), "last", 60));
    world.batch(&late.chain(idle).chain(early).collect::<Vec<_>>()).await;
    told(&world, on(spend("s1", "ann", 100), 1)).await;
    // 80 of the early ones, 20 of those that idle.
    assert_eq!(settled(&world, 10).await, [""; 0]);
    told(&world, on(spend("s2", "ann", 70), 11)).await;
    assert_eq!(settled(&world, 30).await, [""; 0]);
    assert_eq!(settled(&world, 60).await, ["expired 70 points, 0"]);
}

async fn the_end_never_comes_nearer(world: World) {
    told(&world, idling("o1", &[60, 40], 20)).await;
    // Heard of late, and an activity that would keep points alive for three days only.
    told(&world, active(spend("s1", "ann", 1), 5)).await;
    told(&world, days(on(spend("s2", "ann", 1), 25), "active", 3)).await;
    assert_eq!(next_due(&world).await, Some(day(50)));
}

async fn an_activity_that_is_heard_of_too_late_brings_nothing_back(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    assert_eq!(settled(&world, 30).await, ["expired 100 points, 0"]);
    assert_eq!(told(&world, idling("o2", &[6, 4], 20)).await, ["earned 10 points, 10"]);
    assert_eq!(next_due(&world).await, Some(day(50)));
}

async fn points_that_have_ended_are_not_brought_back_by_an_activity(world: World) {
    told(&world, idling("o1", &[40, 30, 30], 0)).await;
    told(&world, on(back("r1", "ann", "o1", &["1"]), 1)).await;
    assert_eq!(settled(&world, 30).await, ["expired 60 points, 0"]);
    told(&world, idling("o2", &[6, 4], 40)).await;
    // Under +50 for one line, 20 less are due; the lot had ended, and so have they.
    assert_eq!(
        told(&world, on(back("r2", "ann", "o1", &["2"]), 41)).await,
        ["reinstated 0 points, unwaived 0, expired 20, 10"]
    );
    assert_eq!(ends(&world).await, [(2, Some(day(70)))]);
}

async fn held_points_that_have_ended_are_not_brought_back_by_an_activity(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    told(&world, on(hold_of("e1", "ann", ("h1", 100)), 1)).await;
    assert_eq!(next_due(&world).await, None, "a hold outlives the end");
    told(&world, idling("o2", &[6, 4], 40)).await;
    assert_eq!(ends(&world).await, [(1, Some(day(30))), (2, Some(day(70)))]);
    assert_eq!(told(&world, on(release("e2", "ann", "h1"), 41)).await, ["released 0 of h1, expired 100, 10"]);
}

async fn what_paid_for_an_order_comes_back_with_the_wallets_end_or_the_grace(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    told(&world, on(spend_for("s1", "ann", "o2", 50), 1)).await;
    told(&world, on(bought("o2", "ann", &[10, 10]), 2)).await;
    told(&world, on(back("r1", "ann", "o2", &["1"]), 3)).await;
    assert_eq!(ends(&world).await[0], (1, Some(day(30))));
    assert_eq!(world.lots("ann").await[0], (1, "75".to_owned()));
    // The wallet's end is nearer than the grace: what comes back now has one of its own.
    told(&world, on(back("r2", "ann", "o2", &["2"]), 28)).await;
    let first = ends(&world).await.remove(0);
    assert_eq!(first, (1, Some(day(30))));
    told(&world, active(spend("s2", "ann", 1), 29)).await;
    assert!(ends(&world).await.contains(&(1, Some(day(59)))));
}

async fn years_in_one_batch_end_the_same(world: World) {
    let history = |member: &str| {
        let named = |mut event: Event| {
            (event.id, event.member) = (id(&format!("{}-{member}", event.id)), id(member));
            event
        };
        [
            idling("o1", &[60, 40], 0),
            active(spend("s1", "ann", 10), 25),
            on(hold_of("e1", "ann", ("h1", 30)), 26),
            idling("o2", &[6, 4], 100),
            on(release("e2", "ann", "h1"), 101),
            active(spend("s2", "ann", 3), 120),
            idling("o3", &[6, 4], 300),
            on(back("r2", "ann", "o2", &["1"]), 301),
            on(spend("s3", "ann", 4), 400),
        ]
        .map(named)
    };
    let said: Vec<Vec<String>> = world.batch(&history("all")).await.iter().map(Said::told).collect();
    for (event, said) in history("each").into_iter().zip(said) {
        assert_eq!(told(&world, event).await, said);
    }
    let books = async |member: &str| world.ledger.balance(&world.pipeline, &id(member)).await.unwrap().unwrap();
    let numbered = |mut books: Vec<ledger::report::Balance>| {
        for lot in books.iter_mut().flat_map(|balance| &mut balance.lots) {
            lot.entry = 0;
        }
        books
    };
    assert_eq!(numbered(books("all").await), numbered(books("each").await));
}

async fn an_activity_of_a_member_with_many_lots_loads_none_of_them(world: World) {
    let orders: Vec<Event> = (0..300).map(|n| idling(&format!("o{n}"), &[1, 1], 0)).collect();
    world.batch(&orders).await;
    let loaded = async |event: Event| {
        let (open, begun) = world.ledger.begin(&world.request(std::slice::from_ref(&event))).await.unwrap();
        drop(open);
        begun.members[&event.member].lots(&id("points")).len()
    };
    assert_eq!(loaded(active(adjust("a1", "ann", 1), 29)).await, 0);
    assert_eq!(loaded(active(adjust("a1", "ann", 1), 30)).await, 300, "they end");
}

async fn reports_tell_the_wallets_end(world: World) {
    told(&world, idling("o1", &[60, 40], 0)).await;
    told(&world, days(on(bought("o2", "ann", &[5, 5]), 0), "last", 10)).await;
    told(&world, active(spend("s1", "ann", 1), 40)).await;
    told(&world, idling("o3", &[50, 50], 40)).await;
    told(&world, active(adjust("a1", "ann", 1), 60)).await;
    let page = world.ledger.open_lots(&world.pipeline, &id("ann"), None, &LotMark::default()).await.unwrap();
    let ends: Vec<_> = page.lots.iter().map(|lot| lot.expires).collect();
    let end: Timestamp = day(90).parse().unwrap();
    assert_eq!(ends, [Some(end), None]);
    let at = Some(day(60).parse().unwrap());
    let ask = LiabilityAsk { at, by: Reckoning::Happened, zone: jiff::tz::TimeZone::UTC };
    let report = world.ledger.liability(&world.pipeline, &ask).await.unwrap().remove(0);
    let told = report.expiring.iter().filter(|of| !of.points.is_zero());
    let told: Vec<_> = told.map(|of| (of.until.to_string(), of.points.to_string())).collect();
    // 90 days after the first of November.
    assert_eq!(told, [("2027-01".to_owned(), "100".to_owned()), ("never".to_owned(), "1".to_owned())]);
}

async fn tables_of_the_fourth_version_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        // Nobody else can reach it.
        return;
    }
    told(&world, days(on(bought("o1", "ann", &[60, 40]), 0), "last", 50)).await;
    let world = world.migrated_from(4).await;
    told(&world, idling("o2", &[6, 4], 1)).await;
    assert_eq!(ends(&world).await, [(2, Some(day(31))), (1, Some(day(50)))]);
    assert_eq!(settled(&world, 60).await, ["expired 10 points, 100", "expired 100 points, 0"]);
}

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update balance set idle_at = null", &[3]),
    ("update balance set idle_at = expires_at from lot where expires_at is not null", &[3]),
    ("update due set at = null", &[3]),
    ("delete from due", &[3]),
];

async fn history(world: &World) {
    world.one(idling("o1", &[60, 40], 0)).await;
    world.one(days(on(bought("o2", "ann", &[5, 5]), 0), "last", 50)).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_an_end_by_inactivity() {
    each_break_is_found(BREAKS, history, World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_an_end_by_inactivity() {
    each_break_is_found(BREAKS, history, World::postgres).await;
}

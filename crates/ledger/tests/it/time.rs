//! Points that wait and points that end, on every store.

use contract::decision::Reads;
use contract::event::{ContentHash, Event};
use jiff::{SignedDuration, Timestamp};
use ledger::{BatchRequest, BatchWrites, DueMember, Takes, Wanted};

use crate::told::tell;
use crate::world::{Said, World, adjust, back, bought, done, on_every_store, spend};

on_every_store! {
    points_wait_and_an_early_redemption_is_refused_until_they_are_there
    points_end_and_a_late_timer_or_an_early_redemption_cannot_spend_them
    what_is_due_beyond_the_page_of_a_redemption_is_posted_too
    the_timers_of_a_quiet_member_post_the_same
    what_is_due_next_can_be_asked_for_without_its_member
    a_late_event_spends_what_was_there_at_its_time
    a_late_event_may_spend_what_came_since
    a_refused_event_posts_nothing_that_was_due
    a_refund_takes_the_pending_points_of_its_order_first
    points_of_an_order_that_have_expired_are_not_taken_from_others
    points_given_back_into_a_lot_are_what_the_lot_is_by_then
    points_that_end_before_their_wait_is_over_never_come
    whatever_the_batches_what_was_due_is_the_same
    a_member_of_many_lots_is_asked_only_for_what_is_due
    tables_with_rows_of_the_first_version_migrate
}

impl World {
    /// Posts what is due by a time for all members, as timers would; answers what was told.
    pub(crate) async fn settle_due(&self, by: &str) -> Vec<String> {
        self.settle_due_by(by.parse().unwrap()).await
    }

    pub(crate) async fn settle_due_by(&self, by: Timestamp) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let due = self.ledger.due_members(&self.pipeline, by, 3).await.unwrap();
            if due.is_empty() {
                return told;
            }
            let wanted = |due: &DueMember| Wanted {
                identity: due.timer.clone(),
                hash: ContentHash([0; 32]),
                member: due.member.clone(),
                reads: Reads::default(),
                takes: Takes::Nothing,
                at: by,
            };
            let (wanted, rewards) = (due.iter().map(wanted).collect(), self.rewards().wallets());
            let request =
                BatchRequest { pipeline: self.pipeline.clone(), wanted, rewards, budgets: Vec::new(), tiers: None };
            let (open, mut begun) = self.ledger.begin(&request).await.unwrap();
            let mut writes = BatchWrites::default();
            for DueMember { member, timer, .. } in due {
                let state = begun.members.get_mut(&member).unwrap();
                writes.applied.extend(self.settle(state, (&member, &timer), by));
                writes.reviewed.push(member);
            }
            told.extend(writes.applied.iter().flat_map(|applied| applied.results.iter().map(tell)));
            done(&open.commit(writes).await.unwrap());
        }
    }
}

/// So many days after 1 November 2026, noon.
pub(crate) fn on(mut event: Event, day: i64) -> Event {
    event.occurred_at += SignedDuration::from_hours(24 * day);
    event
}

/// Points of an order that wait or last so many days.
pub(crate) fn days(mut event: Event, name: &str, days: i64) -> Event {
    event.data.insert(name.to_owned(), days.into());
    event
}

fn lasting(order: &str, lines: &[i64], day: i64, last: i64) -> Event {
    days(on(bought(order, "ann", lines), day), "last", last)
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

async fn points_wait_and_an_early_redemption_is_refused_until_they_are_there(world: World) {
    let order = days(bought("o1", "ann", &[60, 40]), "wait", 14);
    assert_eq!(told(&world, order).await, ["earned 100 points, 0"]);
    assert_eq!(told(&world, on(spend("s1", "ann", 50), 13)).await, ["rejected 50 points, 0, missing 50"]);
    assert_eq!(
        told(&world, on(spend("s2", "ann", 50), 14)).await,
        ["activated 100 points, 100", "spent 50 points, 50"]
    );
    assert_eq!(world.lots("ann").await, [(1, "50".to_owned())]);
}

async fn points_end_and_a_late_timer_or_an_early_redemption_cannot_spend_them(world: World) {
    told(&world, lasting("o1", &[60, 40], 0, 30)).await;
    told(&world, lasting("o2", &[5, 5], 1, 60)).await;
    let late = on(spend("s1", "ann", 50), 30);
    assert_eq!(told(&world, late.clone()).await, ["expired 100 points, 10", "rejected 50 points, 10, missing 40"]);
    // Once more: the answer is the event's own.
    assert_eq!(told(&world, late).await, ["rejected 50 points, 10, missing 40"]);
    assert_eq!(told(&world, on(spend("s2", "ann", 10), 59)).await, ["spent 10 points, 0"]);
    assert_eq!(world.settle_due("2030-01-01T00:00:00Z").await, [""; 0]);
}

async fn what_is_due_beyond_the_page_of_a_redemption_is_posted_too(world: World) {
    // Burn order begins with what ends first: 40 dead lots stand before the living ones, more than one page.
    let mut events: Vec<Event> = (0..40).map(|n| lasting(&format!("dead{n}"), &[1, 1], 0, 5 + n % 3)).collect();
    events.extend((0..40).map(|n| lasting(&format!("live{n}"), &[1, 1], 0, 90)));
    events.extend((0..40).map(|n| days(lasting(&format!("soon{n}"), &[1, 1], 0, 80), "wait", 20)));
    world.batch(&events).await;
    let said = told(&world, on(spend("s1", "ann", 150), 30)).await;
    assert_eq!(
        said,
        [
            "expired 28 points, 132",
            "expired 26 points, 106",
            "expired 26 points, 80",
            "activated 80 points, 160",
            "spent 150 points, 10"
        ]
    );
}

async fn the_timers_of_a_quiet_member_post_the_same(world: World) {
    for (member, wait) in [("ann", 3), ("bob", 4), ("cid", 5), ("dan", 6)] {
        let order = bought(&format!("o-{member}"), member, &[60, 40]);
        world.one(days(days(order, "wait", wait), "last", 30)).await;
    }
    assert_eq!(world.settle_due("2026-11-04T11:59:59Z").await, [""; 0]);
    world.audits_clean().await;
    assert_eq!(world.settle_due("2026-11-05T12:00:00Z").await, ["activated 100 points, 100"; 2]);
    world.audits_clean().await;
    assert_eq!(world.available("bob", "points").await, "100");
    assert_eq!(
        world.settle_due("2027-01-01T00:00:00Z").await,
        [
            "activated 100 points, 100",
            "expired 100 points, 0",
            "activated 100 points, 100",
            "expired 100 points, 0",
            "expired 100 points, 0",
            "expired 100 points, 0"
        ]
    );
    assert_eq!(world.settle_due("2030-01-01T00:00:00Z").await, [""; 0]);
    world.audits_clean().await;
}

async fn what_is_due_next_can_be_asked_for_without_its_member(world: World) {
    let next = async || world.ledger.next_due(&world.pipeline).await.unwrap().map(|at| at.to_string());
    assert_eq!(next().await, None, "nobody is known yet");
    world.one(bought("o0", "eve", &[60, 40])).await;
    assert_eq!(next().await, None, "these points neither wait nor end");
    for (member, wait) in [("ann", 3), ("bob", 2)] {
        let order = bought(&format!("o-{member}"), member, &[60, 40]);
        world.one(days(days(order, "wait", wait), "last", 30)).await;
    }
    assert_eq!(next().await.as_deref(), Some("2026-11-03T12:00:00Z"), "bob's come first");
    world.settle_due("2026-11-03T12:00:00Z").await;
    assert_eq!(next().await.as_deref(), Some("2026-11-04T12:00:00Z"), "then ann's");
    world.settle_due("2030-01-01T00:00:00Z").await;
    assert_eq!(next().await, None);
    let other = contract::PipelineName::parse("another-one").unwrap();
    assert_eq!(world.ledger.next_due(&other).await.unwrap(), None);
}

async fn a_late_event_spends_what_was_there_at_its_time(world: World) {
    told(&world, lasting("o1", &[60, 40], 0, 30)).await;
    // Nobody has posted the end yet, and at the event's time they were alive.
    told(&world, on(adjust("a1", "ann", 5), 29)).await;
    assert_eq!(told(&world, on(spend("s1", "ann", 40), 29)).await, ["spent 40 points, 65"]);
    assert_eq!(told(&world, on(adjust("a2", "ann", 1), 31)).await, ["expired 60 points, 5", "adjusted 1 points, 6"]);
    // What has ended stays so, also for an event of an earlier time.
    assert_eq!(told(&world, on(spend("s2", "ann", 40), 29)).await, ["rejected 40 points, 6, missing 34"]);
    // A late purchase whose points have ended already: the next event posts it.
    told(&world, lasting("o2", &[20, 20], 0, 10)).await;
    assert_eq!(world.settle_due("2026-12-01T00:00:00Z").await, ["expired 40 points, 6"]);
    world.audits_clean().await;
}

/// What is recorded is there: a redemption that comes late finds what was earned, or activated, since its time.
async fn a_late_event_may_spend_what_came_since(world: World) {
    told(&world, days(bought("o1", "ann", &[60, 40]), "wait", 3)).await;
    assert_eq!(told(&world, on(spend("s1", "ann", 40), 1)).await, ["rejected 40 points, 0, missing 40"]);
    assert_eq!(world.settle_due("2026-11-04T12:00:00Z").await, ["activated 100 points, 100"]);
    assert_eq!(told(&world, on(spend("s2", "ann", 40), 1)).await, ["spent 40 points, 60"]);
    told(&world, on(bought("o2", "ann", &[50, 50]), 9)).await;
    assert_eq!(told(&world, on(spend("s3", "ann", 160), 2)).await, ["spent 160 points, 0"]);
    world.audits_clean().await;
}

async fn a_refused_event_posts_nothing_that_was_due(world: World) {
    told(&world, lasting("o1", &[60, 40], 0, 30)).await;
    assert_eq!(told(&world, on(bought("o1", "ann", &[1]), 40)).await, ["clash"]);
    let mut double = on(bought("o1", "ann", &[1]), 40);
    double.id = "another".to_owned().try_into().unwrap();
    assert_eq!(told(&world, double).await, ["refused DuplicateOrder"]);
    assert_eq!(world.available("ann", "points").await, "100");
    assert_eq!(world.settle_due("2027-01-01T00:00:00Z").await, ["expired 100 points, 0"]);
}

async fn a_refund_takes_the_pending_points_of_its_order_first(world: World) {
    told(&world, bought("o1", "ann", &[50, 50])).await;
    told(&world, days(bought("o2", "ann", &[40, 30, 30]), "wait", 14)).await;
    assert_eq!(told(&world, on(back("r1", "ann", "o2", &["1"]), 1)).await, ["clawed 40 points, waived 0, 100"]);
    // Less is due: back into the lot, where they wait on.
    assert_eq!(told(&world, on(back("r2", "ann", "o2", &["2"]), 2)).await, ["reinstated 20 points, unwaived 0, 100"]);
    assert_eq!(
        told(&world, on(adjust("a1", "ann", 1), 14)).await,
        ["activated 80 points, 180", "adjusted 1 points, 181"]
    );
    assert_eq!(told(&world, on(back("r3", "ann", "o2", &["3"]), 15)).await, ["clawed 80 points, waived 0, 101"]);
}

async fn points_of_an_order_that_have_expired_are_not_taken_from_others(world: World) {
    told(&world, lasting("o1", &[60, 40], 0, 30)).await;
    told(&world, on(spend("s1", "ann", 70), 1)).await;
    told(&world, on(bought("o2", "ann", &[500, 500]), 2)).await;
    // 70 were spent and are asked for; 30 ended, and the member does not lose them twice.
    assert_eq!(
        told(&world, on(back("r1", "ann", "o1", &[]), 31)).await,
        ["expired 30 points, 1000", "clawed 70 points, waived 0, expired 30, 930"]
    );
    assert_eq!(world.awards("o1").await, [("100".to_owned(), "0".to_owned())]);
}

async fn points_given_back_into_a_lot_are_what_the_lot_is_by_then(world: World) {
    told(&world, lasting("o1", &[40, 30, 30], 0, 30)).await;
    assert_eq!(told(&world, on(back("r1", "ann", "o1", &["1"]), 1)).await, ["clawed 40 points, waived 0, 60"]);
    // Under +50 for one line, 20 less are due; the lot has ended, and so have they.
    assert_eq!(
        told(&world, on(back("r2", "ann", "o1", &["2"]), 31)).await,
        ["expired 60 points, 0", "reinstated 0 points, unwaived 0, expired 20, 0"]
    );
    assert_eq!(
        told(&world, on(back("r3", "ann", "o1", &["3"]), 32)).await,
        ["clawed 0 points, waived 0, expired 80, 0"]
    );
    assert_eq!(world.awards("o1").await, [("100".to_owned(), "0".to_owned())]);
}

async fn points_that_end_before_their_wait_is_over_never_come(world: World) {
    told(&world, days(lasting("o1", &[60, 40], 0, 10), "wait", 20)).await;
    assert_eq!(
        told(&world, on(spend("s1", "ann", 1), 30)).await,
        ["expired 100 points, 0", "rejected 1 points, 0, missing 1"]
    );
}

async fn whatever_the_batches_what_was_due_is_the_same(world: World) {
    let history = |member: &str| {
        let own = |event: Event| Event { member: member.to_owned().try_into().unwrap(), ..event };
        let named = |event: Event| {
            let id = format!("{}-{member}", event.id).try_into().unwrap();
            own(Event { id, ..event })
        };
        [
            named(days(lasting("o1", &[60, 40], 0, 30), "wait", 2)),
            named(lasting("o2", &[9, 9], 1, 10)),
            named(on(spend("s1", "ann", 30), 3)),
            named(on(back("r1", "ann", "o1", &["1"]), 12)),
            named(on(spend("s2", "ann", 10), 31)),
        ]
    };
    let said: Vec<Vec<String>> = world.batch(&history("all")).await.iter().map(Said::told).collect();
    for (event, said) in history("each").into_iter().zip(said) {
        assert_eq!(world.one(event).await.told(), said);
    }
    assert_eq!(world.available("all", "points").await, world.available("each", "points").await);
    world.audits_clean().await;
}

async fn a_member_of_many_lots_is_asked_only_for_what_is_due(world: World) {
    let orders: Vec<Event> = (0..300).map(|n| lasting(&format!("o{n}"), &[1, 1], 0, 100 + n)).collect();
    world.batch(&orders).await;
    let at = |day: i64| on(adjust("a1", "ann", 1), day);
    let loaded = async |day: i64| {
        let (open, begun) = world.ledger.begin(&world.request(&[at(day)])).await.unwrap();
        drop(open);
        begun.members[&at(day).member].lots(&"points".to_owned().try_into().unwrap()).len()
    };
    assert_eq!([loaded(99).await, loaded(100).await, loaded(104).await], [0, 1, 5]);
}

async fn tables_with_rows_of_the_first_version_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        // Nobody else can reach it.
        return;
    }
    told(&world, bought("o1", "ann", &[60, 40])).await;
    let world = world.migrated_from(1).await;
    assert_eq!(told(&world, lasting("o2", &[6, 4], 0, 30)).await, ["earned 10 points, 110"]);
    assert_eq!(
        told(&world, on(spend("s1", "ann", 105), 30)).await,
        ["expired 10 points, 100", "rejected 105 points, 100, missing 5"]
    );
    assert_eq!(told(&world, on(spend("s2", "ann", 100), 30)).await, ["spent 100 points, 0"]);
}

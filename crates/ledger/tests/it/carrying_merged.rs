//! Entries of long ago of members who were merged: their sums stay theirs and stand with who they are by now, whichever came first.

use contract::program::TakeBack;
use jiff::{SignedDuration, Timestamp};
use ledger::report::{LiabilityAsk, Reckoning, StatementAsk, StatementMark};
use ledger::{CARRIED_KIND, CarryAsk, LedgerError};

use crate::carrying::{pieces, play};
use crate::holds::{capture, hold_of};
use crate::merging::merged;
use crate::payments::spend_for;
use crate::property::{Dice, books, history};
use crate::transfers::carry;
use crate::world::{World, back, bought, id, on_stores_that_last, spend};

on_stores_that_last! {
    a_merge_before_and_one_after_a_carrying_come_to_the_same
    what_is_carried_forward_stands_once_in_what_is_told_of_either
    a_chain_of_merges_is_carried_forward
    a_merge_that_came_long_ago_itself_is_carried_forward
}

/// What both did before they were found to be one; bob paid for an order, returned one in part, and so did ann.
async fn both(world: &World) {
    play(world).await;
    carry(world).await;
    world.one(bought("b1", "bob", &[60, 40])).await;
    world.one(back("br1", "bob", "b1", &["1"])).await;
    world.one(spend_for("bs1", "bob", "b2", 15)).await;
    world.one(hold_of("bh1", "bob", ("desk", 5))).await;
}

/// One who paid for an order and whose hold is open was merged.
pub(crate) async fn merged_history(world: &World) {
    both(world).await;
    world.one(merged("m1", "ann", "bob")).await;
}

/// What they do as one, with orders and holds of either.
async fn later(world: &World) -> Vec<String> {
    let mut told = Vec::new();
    for event in [
        bought("o3", "ann", &[50, 50]),
        back("r2", "bob", "o1", &[]),
        back("r3", "ann", "o3", &[]),
        bought("b2", "bob", &[10, 5]),
        back("r4", "ann", "b2", &[]),
        back("r5", "bob", "b1", &[]),
        capture("c1", "bob", ("till", Some(15)), false),
        capture("c2", "ann", ("desk", None), true),
        spend("s9", "bob", 10),
    ] {
        told.extend(world.one(event).await.told());
        world.audits_clean().await;
    }
    told
}

async fn years_are_carried(world: &World) {
    world.years_pass().await;
    assert!(world.carry_forward().await.entries > 0);
    world.audits_clean().await;
}

async fn merge(world: &World) -> Vec<String> {
    let told = world.one(merged("m1", "ann", "bob")).await.told();
    world.audits_clean().await;
    told
}

async fn a_merge_before_and_one_after_a_carrying_come_to_the_same(world: World) {
    let plain = World::sqlite_memory().await;
    let world = world.older().await;
    let (before, after) = (world.sister("before").await, world.sister("after").await);
    for world in [&before, &after, &plain] {
        both(world).await;
    }
    let said = merge(&plain).await;
    assert_eq!(merge(&before).await, said);
    // Both pipelines at once, as their entries stand in the same tables.
    world.years_pass().await;
    for (world, summed) in [(&before, 14), (&after, 12)] {
        assert_eq!(world.carry_forward().await.entries, summed);
        world.audits_clean().await;
    }
    assert_eq!(merge(&after).await, said);
    let said = later(&plain).await;
    assert_eq!(later(&before).await, said);
    assert_eq!(later(&after).await, said);
    // What came since joins the sums.
    world.years_pass().await;
    for world in [&before, &after] {
        assert!(world.carry_forward().await.entries > 0);
        world.audits_clean().await;
        assert_eq!(world.available("bob", "points").await, plain.available("bob", "points").await);
        assert_eq!(
            world.one(spend("s10", "ann", 1)).await.told(),
            ["spent 1 points, ".to_owned() + &world.available("bob", "points").await]
        );
    }
}

async fn what_is_carried_forward_stands_once_in_what_is_told_of_either(world: World) {
    let world = world.older().await;
    let (first, second) = (world.sister("first").await, world.sister("second").await);
    for world in [&first, &second] {
        both(world).await;
    }
    merge(&first).await;
    world.years_pass().await;
    for world in [&first, &second] {
        world.carry_forward().await;
    }
    merge(&second).await;
    for world in [&first, &second] {
        told_once(world).await;
    }
}

async fn told_once(world: &World) {
    let (pipeline, ledger) = (&world.pipeline, &world.ledger);
    let bobs = world.kinds("bob").await;
    assert_eq!(bobs.iter().filter(|kind| *kind == CARRIED_KIND).count(), 1, "{bobs:?}");
    let anns = world.kinds("ann").await;
    assert_eq!(anns.iter().filter(|kind| *kind == CARRIED_KIND).count(), 1, "{anns:?}");
    for (member, left) in [("ann", "0".to_owned()), ("bob", world.available("bob", "points").await)] {
        let (ask, mark) = (StatementAsk::default(), StatementMark::default());
        let page = ledger.statement(pipeline, &id(member), &ask, &mark).await.unwrap().unwrap();
        let states: Vec<_> = page.lines.iter().map(|line| (&line.kind, &line.state, &line.wallet)).collect();
        let mut once = states.clone();
        once.dedup();
        assert_eq!(states, once, "{member}");
        let last = page.lines.iter().rfind(|line| line.state == "available");
        assert_eq!(last.map_or("0".to_owned(), |last| last.balance.to_string()), left, "{member}");
        assert!(page.lines.iter().all(|line| line.kind != CARRIED_KIND || line.rules.is_empty()));
    }
    let holds =
        ledger.open_holds(pipeline, &id("bob"), None, &ledger::report::HoldMark::default()).await.unwrap().holds;
    assert_eq!(holds.iter().map(|hold| hold.held.to_string()).collect::<Vec<_>>(), ["20", "5"]);
    for event in ["o1", "s1", "b1"] {
        let explained = ledger.explain_event(pipeline, &id(event), None).await.unwrap().remove(0);
        assert!(explained.entry.is_none() && explained.carried_forward.is_some(), "{event}");
    }
    let names =
        |events: Vec<ledger::Identity>| events.into_iter().map(|event| event.id.to_string()).collect::<Vec<_>>();
    let events = names(ledger.events_of(pipeline, &id("bob")).await.unwrap());
    assert!(
        ["o1", "s1", "b1", "m1/in"].iter().all(|event| events.iter().filter(|is| is == event).count() == 1),
        "{events:?}"
    );
    let ask = |at| LiabilityAsk { at, by: Reckoning::Recorded, zone: jiff::tz::TimeZone::UTC };
    let now = ledger.liability(pipeline, &ask(None)).await.unwrap().remove(0);
    let soon = Some(Timestamp::now() + SignedDuration::from_secs(60));
    let then = ledger.liability(pipeline, &ask(soon)).await.unwrap().remove(0);
    let [is, was] = [&now, &then].map(|of| (of.outstanding, of.held, of.open_holds, of.earned, of.in_transit));
    assert_eq!(is, was);
    let total = then.expiring.iter().map(|of| of.points).sum::<rust_decimal::Decimal>();
    assert_eq!(total, then.outstanding + then.held + then.pending, "lots and accounts agree");
    let recent = ledger.audit_since(
        pipeline,
        Timestamp::now() - SignedDuration::from_hours(24),
        ledger::audit::Auditing::default(),
        &|_, _| (),
    );
    assert_eq!(recent.await.unwrap().findings.into_iter().filter(|finding| !finding.pending).collect::<Vec<_>>(), []);
}

async fn a_chain_of_merges_is_carried_forward(world: World) {
    let (world, plain) = (world.older().await, World::sqlite_memory().await);
    for world in [&world, &plain] {
        both(world).await;
        world.one(bought("c1", "cid", &[7, 8])).await;
        merge(world).await;
        world.one(spend_for("s5", "bob", "c9", 12)).await;
    }
    years_are_carried(&world).await;
    for world in [&world, &plain] {
        world.one(back("r6", "bob", "b1", &[])).await;
        world.one(merged("m2", "bob", "cid")).await;
    }
    world.audits_clean().await;
    years_are_carried(&world).await;
    assert_eq!(later(&world).await, later(&plain).await);
    years_are_carried(&world).await;
    for member in ["ann", "bob", "cid"] {
        assert_eq!(world.kinds(member).await, [CARRIED_KIND], "{member}");
    }
}

async fn a_merge_that_came_long_ago_itself_is_carried_forward(world: World) {
    let (world, plain) = (world.older().await, World::sqlite_memory().await);
    for world in [&world, &plain] {
        both(world).await;
        merge(world).await;
        world.one(back("r7", "bob", "o1", &["2"])).await;
    }
    years_are_carried(&world).await;
    for member in ["ann", "bob"] {
        assert_eq!(world.kinds(member).await, [CARRIED_KIND], "{member}");
    }
    assert_eq!(later(&world).await, later(&plain).await);
}

/// Histories with merges at any time, and years that pass and are carried forward at any other.
async fn agrees(seed: u64, (world, plain): (World, World)) {
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut events = history(&mut dice, 120);
    for n in 0..4 {
        let (from, into) = (dice.upto(4), dice.upto(4));
        if from != into {
            let at = usize::try_from(dice.upto(events.len() as u64)).unwrap();
            events.insert(at, merged(&format!("merge-{n}"), &format!("m{from}"), &format!("m{into}")));
        }
    }
    let mut cuts: Vec<usize> = (0..3).map(|_| usize::try_from(dice.upto(events.len() as u64)).unwrap()).collect();
    cuts.sort_unstable();
    let carried = pieces(&world, &events, (&cuts, true)).await;
    assert_eq!(carried, pieces(&plain, &events, (&cuts, false)).await, "seed {seed}");
    let again = pieces(&world, &events, (&[], false)).await;
    assert_eq!(again.1, carried.1, "seed {seed}, replayed");
    world.audits_clean().await;
}

async fn owing(world: World) -> World {
    world.policy(TakeBack::Unlimited).await
}

#[tokio::test]
async fn random_histories_with_merges_agree_with_those_that_are_not_carried_forward_in_sqlite() {
    for seed in 0..6 {
        agrees(seed, (World::sqlite_file().await, World::sqlite_memory().await)).await;
        agrees(100 + seed, (owing(World::sqlite_file().await).await, owing(World::sqlite_memory().await).await)).await;
    }
}

#[tokio::test]
async fn random_histories_with_merges_agree_with_those_that_are_not_carried_forward_in_postgres() {
    for seed in 200..203 {
        agrees(seed, (World::postgres().await.older().await, World::sqlite_memory().await)).await;
    }
    agrees(300, (owing(World::postgres().await.older().await).await, owing(World::sqlite_memory().await).await)).await;
}

/// Runs something when a step begins, before it does.
async fn carried_with(world: &World, mut at: impl FnMut(&'static str) + Send) -> Result<i64, LedgerError> {
    let at = std::sync::Mutex::new(&mut at);
    let worker = World::beside(world);
    let progress = |what: &'static str| {
        let mut at = at.lock().unwrap();
        tokio::task::block_in_place(|| at(what));
    };
    let ask: CarryAsk = worker.ask(false);
    worker.ledger.carry_forward(&ask, &progress).await.map(|report| report.entries)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_while_the_sums_are_made_begins_them_again() {
    for step in ["summing postings", "summing allocations", "comparing the sums", "taking their place"] {
        let world = World::postgres().await.older().await;
        let plain = World::sqlite_memory().await;
        for world in [&world, &plain] {
            both(world).await;
        }
        world.years_pass().await;
        let (mut begun, mut steps) = (0, 0);
        let merging = |what: &'static str| {
            begun += i32::from(what == "summing entries");
            if what == step {
                steps += 1;
                if steps == 1 {
                    tokio::runtime::Handle::current().block_on(merge(&world));
                }
            }
        };
        assert_eq!(carried_with(&world, merging).await.unwrap(), 12, "{step}");
        assert_eq!(begun, 2, "{step}");
        world.audits_clean().await;
        merge(&plain).await;
        assert_eq!(later(&world).await, later(&plain).await, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_merges_all_the_time_is_asked_to_pause_and_nothing_is_done() {
    let world = World::postgres().await.older().await;
    both(&world).await;
    for n in 0..6 {
        world.one(bought(&format!("p{n}"), &format!("p{n}"), &[3, 4])).await;
    }
    world.years_pass().await;
    let mut n = 0;
    let merging = |what: &'static str| {
        if what == "taking their place" {
            let event = merged(&format!("q{n}"), &format!("p{n}"), "bob");
            tokio::runtime::Handle::current().block_on(world.one(event));
            n += 1;
        }
    };
    let error = carried_with(&world, merging).await.unwrap_err();
    assert!(matches!(error, LedgerError::Merging { tries: 5, .. }), "{error}");
    assert!(error.to_string().contains("members were merged meanwhile, 5 times in a row; run it again"), "{error}");
    assert_eq!(world.ledger.carried_forward(&world.pipeline).await.unwrap(), None);
    assert_eq!(world.kinds("ann").await.len(), 7);
    world.audits_clean().await;
    let before = books(&world).await;
    assert_eq!(world.carry_forward().await.entries, 18);
    assert_eq!(books(&world).await, before);
    world.audits_clean().await;
}

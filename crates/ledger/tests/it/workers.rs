//! Several workers on one ledger: nothing doubled, nothing lost, no deadlock.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::event::Event;
use ledger::{Answer, BatchWrites, Committed, LedgerError};

use crate::erasing::erase;
use crate::property::{Dice, history};
use crate::transfers::{carry, send};
use crate::world::{Said, World, back, bought, decide, id, raw_postgres, spend};

const WORKERS: u64 = 4;

/// Of the crowd whose connections are killed.
const CROWD: u64 = 8;

/// A world of its own on the same tables: another worker.
fn beside(world: &World) -> World {
    World::beside(world)
}

fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for n in 0..120 {
        let member = format!("m{}", n % 17);
        events.push(bought(&format!("o{n}"), &member, &[10, 20, 30]));
        if n % 5 == 0 {
            events.push(back(&format!("r{n}"), &member, &format!("o{n}"), &["1"]));
        }
    }
    events
}

/// Every worker has every event, each in its own order and in its own batches.
async fn all_at_once(world: World) {
    let mut tasks = Vec::new();
    for worker in 0..WORKERS {
        let world = beside(&world);
        tasks.push(tokio::spawn(async move {
            let mut events = events();
            events.sort_by_key(|event| {
                let seed =
                    event.id.as_str().bytes().fold(worker, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
                seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
            });
            for batch in events.chunks(usize::try_from(7 + 5 * worker).unwrap()) {
                while let (_, Committed::Raced) = world.try_batch(batch).await {}
            }
        }));
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_mins(2), task).await.expect("workers block each other").unwrap();
    }
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    assert_eq!(totals.events.get("Applied"), Some(&144));
    // Each of the 24 refunds takes 10 of 60.
    assert_eq!(totals.wallets[0].available.to_string(), (120 * 60 - 24 * 10).to_string());
    world.audits_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_with_the_same_events_apply_each_once_in_postgres() {
    all_at_once(World::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_with_the_same_events_apply_each_once_in_sqlite() {
    all_at_once(World::sqlite_file().await).await;
}

/// Overdraft under concurrency: 100 points, twenty redemptions of 10 by four workers.
#[tokio::test(flavor = "multi_thread")]
async fn workers_cannot_overdraw_a_member() {
    let world = World::postgres().await;
    world.one(bought("o1", "ann", &[50, 50])).await;
    let mut tasks = Vec::new();
    for worker in 0..WORKERS {
        let world = beside(&world);
        tasks.push(tokio::spawn(async move {
            for n in 0..5 {
                world.one(spend(&format!("s{worker}-{n}"), "ann", 10)).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    assert_eq!(totals.events.get("Rejected"), Some(&10));
    assert_eq!(world.available("ann", "points").await, "0");
    world.audits_clean().await;
}

/// The same identity for two members shares no lock: the slower one must learn that it lost, and that it is a clash.
#[tokio::test]
async fn the_same_identity_of_two_members_is_raced_and_then_a_clash() {
    let world = World::postgres().await;
    let (ann, mut bob) = (bought("o1", "ann", &[100]), bought("o1", "bob", &[100]));
    bob.id = ann.id.clone();
    let slow = beside(&world);
    let (open, mut begun) = slow.ledger.begin(&slow.request(std::slice::from_ref(&bob))).await.unwrap();
    assert_eq!(begun.answers, [Answer::Fresh]);
    world.one(ann).await;
    let state = begun.members.get_mut(&bob.member).unwrap();
    let decision = decide(&bob, state).unwrap();
    let applied = state.post(slow.posting(&bob, &decision)).unwrap();
    let writes = BatchWrites { applied: vec![applied], ..BatchWrites::default() };
    assert_eq!(open.commit(writes).await.unwrap(), Committed::Raced);
    let (_, begun) = slow.ledger.begin(&slow.request(&[bob])).await.unwrap();
    assert_eq!(begun.answers, [Answer::Clash]);
    world.audits_clean().await;
}

/// The second worker waits for the member; when it is let in, it must see what the first one wrote.
#[tokio::test]
async fn a_worker_that_waited_for_a_member_sees_the_event_as_replayed() {
    let world = World::postgres().await;
    let order = bought("o1", "ann", &[100]);
    let (open, mut begun) = world.ledger.begin(&world.request(std::slice::from_ref(&order))).await.unwrap();
    let second = beside(&world);
    let request = second.request(std::slice::from_ref(&order));
    let waiting = tokio::spawn(async move { second.ledger.begin(&request).await.map(|(_, begun)| begun.answers) });
    let state = begun.members.get_mut(&order.member).unwrap();
    let decision = decide(&order, state).unwrap();
    let applied = state.post(world.posting(&order, &decision)).unwrap();
    let writes = BatchWrites { applied: vec![applied], ..BatchWrites::default() };
    assert!(!waiting.is_finished());
    assert!(matches!(open.commit(writes).await.unwrap(), Committed::Done(_)));
    let answers = waiting.await.unwrap().unwrap();
    assert!(matches!(answers.as_slice(), [Answer::Replayed { .. }]), "{answers:?}");
}

/// Eight workers on four members, each with three quarters of a history in an order of its own; what they deliver twice is applied once.
/// With `killed`, connections are ended in mid batch, and whoever lost one does its batch again.
async fn eight_at_once(killed: bool) {
    let world = World::postgres().await;
    let name = format!("crowd-{}-{killed}", std::process::id());
    let events = history(&mut Dice(8), 400);
    let mut tasks = Vec::new();
    for worker in 0..CROWD {
        let world = World::beside_as(&world, &name);
        let share: Vec<Event> =
            (0..).zip(&events).filter(|(n, _)| (n + worker) % 4 != 0).map(|(_, it)| it.clone()).collect();
        tasks.push(tokio::spawn(async move {
            let mut dice = Dice(worker);
            let (mut lost, mut refused) = (0, BTreeSet::new());
            let mut rest = share;
            while !rest.is_empty() {
                let len = usize::try_from(1 + dice.upto(9)).unwrap().min(rest.len());
                match world.attempt(&rest[..len]).await {
                    Ok((said, Committed::Done(_))) => {
                        let done = rest.drain(..len).zip(said);
                        refused.extend(
                            done.filter(|(_, said)| matches!(said, Said::Refused(_))).map(|(event, _)| event.id),
                        );
                    }
                    Ok((_, Committed::Raced)) => {}
                    Ok((_, other)) => panic!("{other:?}"),
                    Err(LedgerError::Away { .. }) => lost += 1,
                    Err(error) => panic!("{error:?}"),
                }
            }
            (lost, refused)
        }));
    }
    let url = crate::world::database_url();
    let killing = async move {
        let kill = format!(
            "select pg_terminate_backend(pid) from (
                 select pid from pg_stat_activity where application_name = '{name}' order by random() limit 1) as one"
        );
        loop {
            raw_postgres(&url, &kill).await;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let killing = killed.then(|| tokio::spawn(killing));
    let (mut lost, mut refused) = (0, BTreeSet::new());
    for task in tasks {
        let done = tokio::time::timeout(Duration::from_mins(3), task).await.expect("workers block each other").unwrap();
        lost += done.0;
        refused.extend(done.1);
    }
    killing.inspect(tokio::task::JoinHandle::abort);
    assert_eq!(lost > 0, killed, "{lost} batches were lost");
    crate::transfers::carry(&world).await;
    world.audits_clean().await;
    // Whatever was not refused is known: nothing was lost.
    let mut known = 0;
    for event in events {
        let id = event.id.clone();
        match world.one(event).await {
            Said::Fresh(..) => assert!(refused.contains(&id), "`{id}` was lost"),
            Said::Replayed(..) => known += 1,
            _ => {}
        }
    }
    assert!(known > 200, "{known}");
}

/// What a replica without the last commits looks like to a worker: it is connected anew, and rows are gone.
#[tokio::test]
async fn a_database_that_lacks_what_it_confirmed_is_told_once() {
    let world = World::postgres().await;
    let name = format!("forgets-{}", std::process::id());
    let worker = World::beside_as(&world, &name);
    let reconnected = async || {
        let kill = format!("select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{name}'");
        raw_postgres(&crate::world::database_url(), &kill).await;
        loop {
            match worker.attempt(&[bought("o9", "bob", &[1])]).await {
                Err(LedgerError::Away { .. }) => {}
                other => break other.map(|_| ()),
            }
        }
    };
    worker.one(bought("o1", "ann", &[100])).await;
    worker.one(bought("o2", "ann", &[100])).await;
    assert!(reconnected().await.is_ok(), "nothing is missing");
    worker.one(bought("o3", "ann", &[100])).await;
    world.tamper("delete from inbox where event_id = 'o3'").await;
    let told = reconnected().await.unwrap_err();
    assert!(told.is_away() && matches!(told, LedgerError::Forgot { .. }), "{told:?}");
    assert!(told.to_string().contains("has lost batch"), "{told}");
    assert!(reconnected().await.is_ok(), "it is said once");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_on_hot_members_block_nobody() {
    eight_at_once(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_whose_connections_are_killed_double_nothing() {
    eight_at_once(true).await;
}

/// Workers that all go on with everybody's events, while some members are erased: nobody comes back.
async fn erased_meanwhile(world: World) {
    let mut tasks = Vec::new();
    for worker in 0..WORKERS {
        let world = beside(&world);
        tasks.push(tokio::spawn(async move {
            let mut events = events();
            if worker % 2 == 1 {
                events.reverse();
            }
            let step = 7 + 5 * usize::try_from(worker).unwrap();
            for (n, batch) in events.chunks(step).enumerate() {
                let mut batch = batch.to_vec();
                batch.push(send(&format!("t{worker}-{n}"), "m16", (&format!("m{}", n % 6), 1)));
                while let (_, Committed::Raced) = world.try_batch(&batch).await {}
            }
        }));
    }
    let eraser = beside(&world);
    tasks.push(tokio::spawn(async move {
        for n in 0..6 {
            while let (_, Committed::Raced) = eraser.try_batch(&[erase(&format!("x{n}"), &format!("m{n}"))]).await {}
            let left = eraser.ledger.member(&eraser.pipeline, &id(&format!("m{n}"))).await.unwrap();
            assert_eq!(left, None, "right after");
        }
    }));
    for task in tasks {
        tokio::time::timeout(Duration::from_mins(2), task).await.expect("workers block each other").unwrap();
    }
    world.audits_clean().await;
    carry(&world).await;
    world.audits_clean().await;
    for n in 0..6 {
        let name = id(&format!("m{n}"));
        assert!(world.ledger.was_erased(&world.pipeline, &name).await.unwrap());
        assert_eq!(world.ledger.member(&world.pipeline, &name).await.unwrap(), None, "nobody comes back");
    }
    let totals = world.ledger.totals(&world.pipeline).await.unwrap().wallets.remove(0);
    let out = [totals.available, totals.expired, totals.clawed, totals.spent, totals.transit];
    assert_eq!(totals.earned, out.into_iter().sum(), "{totals:?}");
    assert_eq!(totals.transit, 0.into(), "nothing is stuck");
    assert!(!totals.expired.is_zero(), "somebody had something");
}

#[tokio::test]
async fn members_are_erased_while_workers_of_sqlite_go_on() {
    erased_meanwhile(World::sqlite_file().await).await;
}

#[tokio::test]
async fn members_are_erased_while_workers_of_postgres_go_on() {
    erased_meanwhile(World::postgres().await).await;
}

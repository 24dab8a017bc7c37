//! What was applied before is answered without a lock, and as `begin` would.

use std::time::Duration;

use contract::MemberId;
use contract::event::Event;
use ledger::{Answer, Takes};

use crate::erasing::erase;
use crate::merging::merged;
use crate::property::{Dice, history, run};
use crate::world::{World, back, bought, id, on_every_store, spend};

on_every_store! {
    what_is_recalled_is_what_begin_answers
    who_was_merged_or_erased_is_told_as_ever
}

/// Where it answers at all; `begin` is asked right after.
async fn recalled(world: &World, events: &[Event]) -> Option<Vec<Answer>> {
    let request = world.request(events);
    let recalled = world.ledger.recall(&request).await.unwrap();
    let (_open, begun) = world.ledger.begin(&request).await.unwrap();
    if let Some(recalled) = &recalled {
        assert_eq!(recalled, &begun.answers);
    }
    recalled
}

async fn what_is_recalled_is_what_begin_answers(world: World) {
    let events = history(&mut Dice(7), 200);
    let (first, second) = events.split_at(events.len() - 20);
    run(&world, first, 9).await;
    let mut whole = 0;
    for batch in events.chunks(3) {
        let answers = recalled(&world, batch).await;
        whole += usize::from(answers.is_some());
        let news = batch.iter().filter(|event| second.contains(event) && !first.contains(event)).count();
        assert!(answers.is_none() || news == 0, "{news} of them were never applied");
    }
    assert!(whole > 20, "{whole} batches were recalled");
    world.audits_clean().await;
}

async fn what_is_not_known_whole_is_not_recalled(world: World) {
    let (first, second) = (bought("o1", "ann", &[60]), bought("o2", "bob", &[40]));
    world.batch(&[first.clone(), second.clone()]).await;
    assert_eq!(recalled(&world, &[first.clone(), second.clone(), first.clone()]).await.unwrap().len(), 3);
    assert_eq!(recalled(&world, &[first.clone(), bought("o3", "ann", &[1])]).await, None, "one is new");
    assert_eq!(recalled(&world, &[bought("o1", "ann", &[61])]).await, None, "one is another by now");
    // Whoever gets a purchase again has to look at what waits for it.
    world.one(back("r1", "bob", "o9", &["1"])).await;
    assert!(recalled(&world, std::slice::from_ref(&second)).await.is_some(), "it waits for another order");
    let row = "insert into parked (pipeline, bucket, member, order_id, source, event_id, event, recorded_at)
        select pipeline, bucket, member, 'o2', source, 'r2', event, recorded_at from parked";
    world.tamper(row).await;
    assert_eq!(recalled(&world, &[second]).await, None);
    assert!(recalled(&world, &[first]).await.is_some(), "nothing waits for the other order");
}

#[tokio::test]
async fn what_is_not_known_whole_is_not_recalled_in_sqlite() {
    what_is_not_known_whole_is_not_recalled(World::sqlite_file().await).await;
}

#[tokio::test]
async fn what_is_not_known_whole_is_not_recalled_in_postgres() {
    what_is_not_known_whole_is_not_recalled(World::postgres().await).await;
}

async fn who_was_merged_or_erased_is_told_as_ever(world: World) {
    let events = [bought("o1", "ann", &[60]), bought("o2", "bob", &[40]), spend("s1", "cat", 5)];
    world.batch(&events).await;
    let merger = merged("x1", "ann", "bob");
    world.one(merger.clone()).await;
    assert_eq!(recalled(&world, &events).await, None, "what waits for an order of theirs waits with the other one");
    assert_eq!(recalled(&world, &events[1..]).await.unwrap().len(), 2);
    assert!(world.request(std::slice::from_ref(&merger)).wanted.iter().any(|want| want.takes == Takes::Merged));
    assert_eq!(recalled(&world, &[merger]).await, None, "a merge is looked at under the locks of both");
    world.one(erase("e1", "cat")).await;
    assert_eq!(recalled(&world, &events[2..]).await, None, "of who was erased no hash is kept");
}

/// Another worker has the member, for as long as it likes.
#[tokio::test]
async fn a_locked_member_keeps_nobody_from_recalling() {
    let world = World::postgres().await;
    let events = [bought("o1", "ann", &[60])];
    world.batch(&events).await;
    let other = World::beside(&world);
    let (open, _) = other.ledger.begin(&other.request(&events)).await.unwrap();
    let request = world.request(&events);
    let recalled = tokio::time::timeout(Duration::from_secs(20), world.ledger.recall(&request)).await;
    assert!(recalled.expect("it waits for a lock").unwrap().is_some());
    drop(open);
    assert!(world.ledger.member(&world.pipeline, &id::<MemberId>("ann")).await.unwrap().is_some());
}

/// There is one connection: what a batch has not committed is not to be told.
#[tokio::test]
async fn nothing_is_recalled_from_an_open_batch() {
    let world = World::sqlite_memory().await;
    let events = [bought("o1", "ann", &[60])];
    world.batch(&events).await;
    let request = world.request(&events);
    let (open, _) = world.ledger.begin(&request).await.unwrap();
    assert_eq!(world.ledger.recall(&request).await.unwrap(), None);
    drop(open);
    assert!(world.ledger.recall(&request).await.unwrap().is_some());
}

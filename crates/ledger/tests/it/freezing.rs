//! Members who are frozen, on every store: what is turned down, what goes on, and how it ends.

use contract::event::{Event, Kind, Word};
use ledger::book::Outcome;

use crate::holds::{capture, hold_of, release, until};
use crate::time::{days, on};
use crate::world::{Said, World, adjust, back, bought, event, id, on_every_store, spend};

on_every_store! {
    a_frozen_member_spends_and_reserves_nothing_until_set_free
    what_was_promised_is_captured_and_what_comes_in_goes_on
    points_of_a_frozen_member_wait_and_end_as_ever
    a_second_freeze_and_a_needless_unfreeze_are_turned_down
    a_redemption_of_before_the_freeze_that_comes_later_is_turned_down
    whatever_the_batches_a_freeze_comes_to_the_same
    who_is_frozen_is_told_with_since_when_why_and_by_whom
    every_event_of_a_member_is_known_in_its_order
    tables_with_rows_of_the_version_before_freezes_migrate
}

fn word() -> Word {
    Word { reason: "card stolen".to_owned(), author: "bea".to_owned() }
}

pub(crate) fn freeze(name: &str, member: &str) -> Event {
    event(name, member, Kind::Freeze(word()))
}

pub(crate) fn unfreeze(name: &str, member: &str) -> Event {
    event(name, member, Kind::Unfreeze(word()))
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

async fn a_frozen_member_spends_and_reserves_nothing_until_set_free(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    assert_eq!(told(&world, freeze("f1", "ann")).await, ["frozen by bea: card stolen"]);
    let said = world.one(spend("s1", "ann", 30)).await;
    assert!(matches!(said, Said::Fresh(Outcome::Rejected, _)), "{said:?}");
    assert_eq!(said.told(), ["rejected 30 points, 100: MemberFrozen"]);
    let held = told(&world, hold_of("h1", "ann", ("till", 30))).await;
    assert_eq!(held, ["not held 30 as till, 100: MemberFrozen"]);
    // Too few points are no news as long as none may leave.
    assert_eq!(told(&world, spend("s2", "ann", 3000)).await, ["rejected 3000 points, 100: MemberFrozen"]);
    let free = ["unfrozen by bea: card stolen (since 2026-11-01T12:00:00Z)"];
    assert_eq!(told(&world, unfreeze("u1", "ann")).await, free);
    assert_eq!(told(&world, spend("s3", "ann", 30)).await, ["spent 30 points, 70"]);
    assert_eq!(told(&world, spend("s1", "ann", 30)).await, ["rejected 30 points, 100: MemberFrozen"], "a replay");
    assert_eq!(told(&world, spend("s9", "bob", 1)).await, ["rejected 1 points, 0, missing 1"], "others are not frozen");
}

async fn what_was_promised_is_captured_and_what_comes_in_goes_on(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(hold_of("h1", "ann", ("till", 30))).await;
    world.one(hold_of("h2", "ann", ("web", 20))).await;
    world.one(freeze("f1", "ann")).await;
    assert_eq!(
        told(&world, capture("c1", "ann", ("till", Some(10)), false)).await,
        ["captured 10 of till, held 0, freed 20, 70"]
    );
    assert_eq!(told(&world, release("l1", "ann", "web")).await, ["released 20 of web, 90"]);
    assert_eq!(told(&world, bought("o2", "ann", &[5, 5])).await, ["earned 10 points, 100"]);
    assert_eq!(told(&world, back("r2", "ann", "o2", &[])).await, ["clawed 10 points, waived 0, 90"]);
    assert_eq!(told(&world, adjust("a1", "ann", -5)).await, ["adjusted -5 points, 85"]);
}

async fn points_of_a_frozen_member_wait_and_end_as_ever(world: World) {
    world.one(days(days(on(bought("o1", "ann", &[50, 50]), 0), "wait", 3), "last", 10)).await;
    world.one(on(freeze("f1", "ann"), 1)).await;
    assert_eq!(
        told(&world, on(bought("o2", "ann", &[1, 1]), 4)).await,
        ["activated 100 points, 100", "earned 2 points, 102"]
    );
    let held = on(hold_of("h1", "ann", ("till", 1)), 5);
    assert_eq!(told(&world, until(held, 1)).await, ["not held 1 as till, 102: MemberFrozen"]);
    let end = told(&world, on(unfreeze("u1", "ann"), 12)).await;
    assert_eq!(end[0], "expired 100 points, 2");
    assert!(end[1].starts_with("unfrozen by bea"), "{end:?}");
}

async fn a_second_freeze_and_a_needless_unfreeze_are_turned_down(world: World) {
    assert_eq!(told(&world, unfreeze("u1", "ann")).await, ["not unfrozen"]);
    world.one(freeze("f1", "ann")).await;
    let again = world.one(on(freeze("f2", "ann"), 9)).await;
    assert!(matches!(again, Said::Fresh(Outcome::Rejected, _)), "{again:?}");
    assert_eq!(again.told(), ["not frozen, is so since 2026-11-01T12:00:00Z"]);
    assert_eq!(told(&world, freeze("f1", "ann")).await, ["frozen by bea: card stolen"], "a replay");
    world.one(unfreeze("u2", "ann")).await;
    assert_eq!(told(&world, freeze("f1", "ann")).await, ["frozen by bea: card stolen"], "a replay freezes nobody");
    assert_eq!(told(&world, spend("s1", "ann", 1)).await, ["rejected 1 points, 0, missing 1"]);
}

async fn a_redemption_of_before_the_freeze_that_comes_later_is_turned_down(world: World) {
    world.one(on(bought("o1", "ann", &[50, 50]), 0)).await;
    world.one(on(freeze("f1", "ann"), 5)).await;
    assert_eq!(told(&world, on(spend("s1", "ann", 10), 3)).await, ["rejected 10 points, 100: MemberFrozen"]);
}

async fn whatever_the_batches_a_freeze_comes_to_the_same(world: World) {
    let events = [
        bought("o1", "ann", &[50, 50]),
        freeze("f1", "ann"),
        spend("s1", "ann", 10),
        unfreeze("u1", "ann"),
        spend("s2", "ann", 20),
        freeze("f2", "ann"),
    ];
    let said: Vec<_> = world.batch(&events).await.iter().flat_map(Said::told).collect();
    assert_eq!(said[2], "rejected 10 points, 100: MemberFrozen");
    assert_eq!(said[4], "spent 20 points, 80");
    world.audits_clean().await;
    // The batch leaves the member as its last word says.
    assert_eq!(told(&world, spend("s3", "ann", 20)).await, ["rejected 20 points, 80: MemberFrozen"]);
}

async fn who_is_frozen_is_told_with_since_when_why_and_by_whom(world: World) {
    let member = async |name: &str| world.ledger.member(&world.pipeline, &id(name)).await.unwrap();
    assert_eq!(member("ann").await, None);
    world.one(bought("o1", "ann", &[50, 50])).await;
    assert_eq!(member("ann").await.unwrap().frozen, None);
    world.one(freeze("f1", "ann")).await;
    let frozen = member("ann").await.unwrap().frozen.unwrap();
    assert_eq!(
        (frozen.since, frozen.reason, frozen.author),
        (freeze("f1", "ann").occurred_at, "card stolen".into(), "bea".into())
    );
    world.one(unfreeze("u1", "ann")).await;
    assert_eq!(member("ann").await.unwrap().frozen, None);
}

async fn every_event_of_a_member_is_known_in_its_order(world: World) {
    let events_of = async |name: &str| {
        let events = world.ledger.events_of(&world.pipeline, &id(name)).await.unwrap();
        events.iter().map(|event| event.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(events_of("ann").await, [""; 0]);
    world.batch(&[bought("z1", "ann", &[50, 50]), bought("b1", "bob", &[5]), freeze("f1", "ann")]).await;
    world.batch(&[spend("s1", "ann", 5), back("a1", "ann", "later", &[])]).await;
    assert_eq!(events_of("ann").await, ["z1", "f1", "s1", "a1"], "also what moved no points");
    assert_eq!(events_of("bob").await, ["b1"]);
}

async fn tables_with_rows_of_the_version_before_freezes_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann", &[50, 50])).await;
    let world = world.migrated_from(4).await;
    assert_eq!(told(&world, freeze("f1", "ann")).await, ["frozen by bea: card stolen"]);
    assert_eq!(told(&world, spend("s1", "ann", 30)).await, ["rejected 30 points, 100: MemberFrozen"]);
}

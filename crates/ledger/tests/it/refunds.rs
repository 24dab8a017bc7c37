//! Refunds on every store: what is taken, waived, given back, and what waits.

use std::time::Duration;

use contract::BuryReason;
use jiff::Timestamp;
use ledger::Identity;
use ledger::book::Outcome;

use crate::merging::merged;
use crate::world::{Said, World, back, bought, on_every_store, spend, with_stars};

on_every_store! {
    a_refund_takes_and_gives_back_as_less_is_due
    what_a_refund_cannot_take_is_waived_and_never_asked_for_again
    a_refund_takes_its_own_lots_first
    what_is_given_back_returns_to_the_lots_it_came_from
    how_a_refund_is_split_and_ordered_does_not_matter
    each_wallet_of_a_refund_goes_its_own_way
    a_refund_within_the_batch_of_its_purchase_is_the_same
    a_refund_before_its_purchase_waits_for_it
    a_parked_refund_and_its_purchase_may_come_in_one_batch
    a_parked_refund_that_does_not_fit_is_given_up
    a_refund_that_was_given_up_may_wait_again
    a_parked_refund_whose_purchase_never_comes_is_given_up
}

/// An order of 40 + 30 + 30 under +50 "if exactly one line": the second return leaves one line, and less is due.
async fn a_refund_takes_and_gives_back_as_less_is_due(world: World) {
    world.one(bought("o1", "ann", &[40, 30, 30])).await;
    let mut told = Vec::new();
    for (name, line) in [("r1", "1"), ("r2", "2"), ("r3", "3")] {
        told.extend(world.one(back(name, "ann", "o1", &[line])).await.told());
    }
    assert_eq!(
        told,
        ["clawed 40 points, waived 0, 60", "reinstated 20 points, unwaived 0, 80", "clawed 80 points, waived 0, 0"]
    );
    assert_eq!(world.awards("o1").await, [("100".to_owned(), "0".to_owned())]);
    world.audits_clean().await;
}

async fn what_a_refund_cannot_take_is_waived_and_never_asked_for_again(world: World) {
    world.one(bought("o1", "ann", &[40, 30, 30])).await;
    world.one(spend("s1", "ann", 70)).await;
    let mut told = world.one(back("r1", "ann", "o1", &["1"])).await.told();
    world.one(bought("o2", "ann", &[500, 500])).await;
    // Due falls from 40 to 20: what was waived shrinks first, then points are given back.
    told.extend(world.one(back("r2", "ann", "o1", &["2"])).await.told());
    told.extend(world.one(back("r3", "ann", "o1", &["3"])).await.told());
    assert_eq!(
        told,
        [
            "clawed 30 points, waived 10, 0",
            "reinstated 10 points, unwaived 10, 1010",
            "clawed 80 points, waived 0, 930"
        ]
    );
    assert_eq!(world.awards("o1").await, [("100".to_owned(), "0".to_owned())]);
    world.audits_clean().await;
}

async fn a_refund_takes_its_own_lots_first(world: World) {
    for order in ["o1", "o2", "o3"] {
        world.one(bought(order, "ann", &[50, 50])).await;
    }
    world.one(back("r2", "ann", "o2", &[])).await;
    assert_eq!(world.lots("ann").await, [(1, "100".to_owned()), (3, "100".to_owned())]);
    // Its own lot is spent: the others pay, oldest first.
    world.one(spend("s1", "ann", 130)).await;
    assert_eq!(world.lots("ann").await, [(3, "70".to_owned())]);
    world.one(bought("o4", "ann", &[5, 5])).await;
    let said = world.one(back("r1", "ann", "o1", &[])).await;
    assert_eq!(said.told(), ["clawed 80 points, waived 20, 0"]);
    world.audits_clean().await;
}

async fn what_is_given_back_returns_to_the_lots_it_came_from(world: World) {
    world.one(bought("o1", "ann", &[60, 20, 20])).await;
    world.one(spend("s1", "ann", 80)).await;
    world.one(bought("o2", "ann", &[15, 15])).await;
    world.one(bought("o3", "ann", &[100, 100])).await;
    // Its own 20, then 30 of the second lot, then 10 of the third.
    assert_eq!(world.one(back("r1", "ann", "o1", &["1"])).await.told(), ["clawed 60 points, waived 0, 190"]);
    assert_eq!(world.lots("ann").await, [(3, "190".to_owned())]);
    // Due falls to 30: the 10 go back into the third, 20 into the second.
    assert_eq!(world.one(back("r2", "ann", "o1", &["2"])).await.told(), ["reinstated 30 points, unwaived 0, 220"]);
    assert_eq!(world.lots("ann").await, [(2, "20".to_owned()), (3, "200".to_owned())]);
    world.audits_clean().await;
}

async fn how_a_refund_is_split_and_ordered_does_not_matter(world: World) {
    let ways: [&[&[&str]]; 4] = [&[&["1"], &["2"]], &[&["2"], &["1"]], &[&["1", "2"]], &[&["2", "1"]]];
    for (n, way) in ways.iter().enumerate() {
        let member = format!("member-{n}");
        let order = format!("o{n}");
        world.one(bought(&order, &member, &[40, 30, 30, 20])).await;
        for (m, lines) in way.iter().enumerate() {
            world.one(back(&format!("r{n}-{m}"), &member, &order, lines)).await;
        }
        assert_eq!(world.available(&member, "points").await, "50", "{way:?}");
    }
    world.audits_clean().await;
}

async fn each_wallet_of_a_refund_goes_its_own_way(world: World) {
    let said = world.one(with_stars(bought("o1", "ann", &[40, 30, 30]), 25)).await;
    assert_eq!(said.told(), ["earned 100 points, 100", "earned 2.5 stars, 2.5"]);
    let said = world.one(back("r1", "ann", "o1", &["1"])).await;
    assert_eq!(said.told(), ["clawed 40 points, waived 0, 60"]);
    let said = world.one(back("r2", "ann", "o1", &[])).await;
    assert_eq!(said.told(), ["clawed 60 points, waived 0, 0", "clawed 2.5 stars, waived 0.0, 0.0"]);
    world.audits_clean().await;
}

async fn a_refund_within_the_batch_of_its_purchase_is_the_same(world: World) {
    let events = [
        bought("o0", "ann", &[5, 5]),
        bought("o1", "ann", &[40, 30, 30]),
        spend("s1", "ann", 100),
        back("r1", "ann", "o1", &["1"]),
        back("r2", "ann", "o1", &["2"]),
        back("r3", "ann", "o1", &["3"]),
    ];
    let told: Vec<_> = world.batch(&events).await.iter().flat_map(Said::told).collect();
    assert_eq!(
        told[3..],
        ["clawed 10 points, waived 30, 0", "reinstated 0 points, unwaived 20, 0", "clawed 0 points, waived 80, 0"]
    );
    assert_eq!(world.awards("o1").await, [("10".to_owned(), "90".to_owned())]);
    world.audits_clean().await;
}

async fn a_refund_before_its_purchase_waits_for_it(world: World) {
    let early = back("r1", "ann", "o1", &["1"]);
    assert_eq!(world.one(early.clone()).await, Said::Fresh(Outcome::Parked, vec![]));
    assert_eq!(world.one(early.clone()).await, Said::Replayed(Outcome::Parked, vec![]));
    assert_eq!(world.one(bought("o1", "ann", &[40, 30, 30])).await.told(), ["earned 100 points, 100"]);
    assert_eq!(world.available("ann", "points").await, "60");
    // Once more: now it says what it did when it was let in.
    assert_eq!(world.one(early).await.told(), ["clawed 40 points, waived 0, 60"]);
    assert_eq!(world.available("ann", "points").await, "60");
    world.audits_clean().await;
}

async fn a_parked_refund_and_its_purchase_may_come_in_one_batch(world: World) {
    let early = back("r1", "ann", "o1", &["1"]);
    let said = world.batch(&[early.clone(), bought("o1", "ann", &[40, 30, 30]), spend("s1", "ann", 60)]).await;
    assert_eq!(said[2].told(), ["spent 60 points, 0"]);
    assert_eq!(world.one(early).await.told(), ["clawed 40 points, waived 0, 60"]);
    world.audits_clean().await;
}

async fn a_parked_refund_that_does_not_fit_is_given_up(world: World) {
    let early = back("r1", "ann", "o1", &["9"]);
    world.one(early.clone()).await;
    world.one(bought("o1", "ann", &[40, 30, 30])).await;
    // Whoever says it again is told again; nothing of it is kept.
    assert_eq!(world.one(early.clone()).await, Said::Refused(BuryReason::UnknownLine));
    assert_eq!(
        world.batch(&[early.clone(), early]).await,
        [Said::Refused(BuryReason::UnknownLine), Said::Refused(BuryReason::UnknownLine)]
    );
    world.audits_clean().await;
}

/// It may be parked once more, and let in by its purchase; its member may be another one by then.
async fn a_refund_that_was_given_up_may_wait_again(world: World) {
    let early = back("r1", "ann", "o1", &["1"]);
    for _ in 0..2 {
        assert_eq!(world.one(early.clone()).await, Said::Fresh(Outcome::Parked, vec![]));
        world.ledger.give_up_parked(&world.pipeline, &[Identity::of(&early)]).await.unwrap();
    }
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(merged("x", "ann", "bob")).await;
    let said = world.batch(&[early.clone(), bought("o1", "ann", &[40, 30, 30])]).await;
    assert_eq!(said[0], Said::Fresh(Outcome::Parked, vec![]));
    assert_eq!(world.one(early).await.told(), ["clawed 40 points, waived 0, 70"]);
    world.audits_clean().await;
}

async fn a_parked_refund_whose_purchase_never_comes_is_given_up(world: World) {
    let early = back("r1", "ann", "o1", &[]);
    world.one(early.clone()).await;
    let hour = Duration::from_hours(1);
    let (past, future) = (Timestamp::now() - hour, Timestamp::now() + hour);
    assert_eq!(world.ledger.parked_before(&world.pipeline, past, 10).await.unwrap(), []);
    assert_eq!(world.ledger.parked_before(&world.pipeline, future, 10).await.unwrap(), std::slice::from_ref(&early));
    let identities = [Identity::of(&early)];
    world.ledger.give_up_parked(&world.pipeline, &identities).await.unwrap();
    world.ledger.give_up_parked(&world.pipeline, &identities).await.unwrap();
    assert_eq!(world.ledger.parked_before(&world.pipeline, future, 10).await.unwrap(), []);
    world.one(bought("o1", "ann", &[100])).await;
    assert_eq!(world.available("ann", "points").await, "150");
    let mut other = early.clone();
    other.occurred_at += hour;
    assert_eq!(world.one(other).await, Said::Clash, "another content of its id");
    // Nor is it decided for somebody who says both.
    let mut both = [early.clone(), early.clone()];
    both[0].occurred_at += hour;
    assert_eq!(world.batch(&both).await, [Said::Clash, Said::Replayed(Outcome::GivenUp, vec![])]);
    // Said again, now that its purchase is there, it is decided; and once.
    assert_eq!(world.batch(&[early.clone(), early.clone()]).await[0].told(), ["clawed 150 points, waived 0, 0"]);
    assert_eq!(world.one(early).await.told(), ["clawed 150 points, waived 0, 0"]);
    assert_eq!(world.available("ann", "points").await, "0");
    world.audits_clean().await;
    // What is no longer parked is left as it is.
    world.ledger.give_up_parked(&world.pipeline, &[Identity::of(&bought("o1", "ann", &[100]))]).await.unwrap();
    assert_eq!(world.one(bought("o1", "ann", &[100])).await.told(), ["earned 150 points, 150"]);
    world.audits_clean().await;
}

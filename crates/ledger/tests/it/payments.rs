//! Points that paid for an order and come back with its return, on every store. The programme's grace is five days.

use contract::event::{Event, Kind};
use contract::program::TakeBack;

use crate::time::{days, on};
use crate::world::{Said, World, back, bought, id, on_every_store, spend, with_stars};

on_every_store! {
    points_that_paid_for_an_order_come_back_with_its_return
    what_burned_last_comes_back_first
    points_that_have_ended_come_back_for_the_time_of_the_grace
    what_comes_back_can_be_taken_before_anything_is_waived
    however_an_order_is_returned_what_paid_for_it_comes_back_in_whole_units
    an_order_that_cost_nothing_comes_back_by_its_lines
    two_redemptions_for_one_order_come_back_last_in_first_out
    a_redemption_after_the_return_comes_back_at_once
    in_whatever_order_they_come_the_same_comes_back
    what_comes_back_pays_off_what_is_owed
    a_rejected_redemption_pays_for_nothing
    a_redemption_without_an_order_does_not_come_back
}

/// A redemption that pays for an order.
pub(crate) fn spend_for(name: &str, member: &str, order: &str, points: i64) -> Event {
    let mut event = spend(name, member, points);
    if let Kind::Redeem(redeem) = &mut event.kind {
        redeem.order = Some(id(order));
    }
    event
}

async fn points_that_paid_for_an_order_come_back_with_its_return(world: World) {
    world.told(days(bought("o1", "ann", &[60, 40]), "last", 30)).await;
    world.told(bought("o2", "ann", &[30, 20])).await;
    assert_eq!(world.told(on(spend_for("s1", "ann", "o9", 120), 1)).await, ["spent 120 points, 30"]);
    world.told(on(bought("o9", "ann", &[100, 100]), 1)).await;
    assert_eq!(
        world.told(on(back("r1", "ann", "o9", &[]), 2)).await,
        ["returned 120 points, 350", "clawed 200 points, waived 0, 150"]
    );
    assert_eq!(world.lots("ann").await, [(1, "100".to_owned()), (2, "50".to_owned())]);
    // Once.
    assert_eq!(world.told(on(back("r2", "ann", "o9", &["1"]), 3)).await, [""; 0]);
}

async fn what_burned_last_comes_back_first(world: World) {
    world.told(days(bought("o1", "ann", &[60, 40]), "last", 30)).await;
    world.told(bought("o2", "ann", &[30, 20])).await;
    world.told(spend_for("s1", "ann", "o9", 120)).await;
    world.told(bought("o9", "ann", &[100, 60, 40])).await;
    // 140 of 200 were kept, so that 84 of 120 stay paid: 20 go to the lot that burned last, 16 to the one before.
    assert_eq!(
        world.told(back("r1", "ann", "o9", &["2"])).await,
        ["returned 36 points, 266", "clawed 60 points, waived 0, 206"]
    );
    assert_eq!(world.lots("ann").await, [(1, "16".to_owned()), (2, "50".to_owned()), (3, "140".to_owned())]);
}

async fn points_that_have_ended_come_back_for_the_time_of_the_grace(world: World) {
    // Their lot would end in three days, two days after it has ended, and at the very end of the grace.
    for (member, day, until) in [("ann", 27, "2026-12-03"), ("bob", 32, "2026-12-08"), ("cid", 25, "")] {
        let order = |n| format!("o{n}-{member}");
        world.told(days(bought(&order(1), member, &[60, 40]), "last", 30)).await;
        world.told(on(spend_for(&format!("s-{member}"), member, &order(9), 100), 1)).await;
        world.told(on(bought(&order(9), member, &[0, 0]), 1)).await;
        let said = world.told(on(back(&format!("r-{member}"), member, &order(9), &[]), day)).await;
        match until {
            "" => assert_eq!(said, ["returned 100 points, 100"]),
            until => assert_eq!(said, [format!("returned 100 points until {until}T12:00:00Z, 100")]),
        }
        let lot = if until.is_empty() { 1 } else { 2 };
        assert_eq!(world.lots(member).await, [(lot, "100".to_owned())]);
    }
    assert_eq!(world.settle_due("2027-01-01T00:00:00Z").await, ["expired 100 points, 0"; 3]);
    world.audits_clean().await;
}

async fn what_comes_back_can_be_taken_before_anything_is_waived(world: World) {
    world.told(bought("o1", "ann", &[60, 40])).await;
    world.told(spend_for("s1", "ann", "o9", 100)).await;
    world.told(bought("o9", "ann", &[50, 50])).await;
    world.told(spend("s2", "ann", 100)).await;
    assert_eq!(
        world.told(back("r1", "ann", "o9", &[])).await,
        ["returned 100 points, 100", "clawed 100 points, waived 0, 0"]
    );
}

async fn however_an_order_is_returned_what_paid_for_it_comes_back_in_whole_units(world: World) {
    let ways: [&[&[&str]]; 5] =
        [&[&["1"], &["2"], &["3"]], &[&["3"], &["1"], &["2"]], &[&["1", "2"], &["3"]], &[&["2"], &[]], &[&[]]];
    let shares: [&[i64]; 5] = [&[3, 3, 4], &[3, 3, 4], &[6, 4], &[3, 7], &[10]];
    for (n, (way, shares)) in ways.iter().zip(shares).enumerate() {
        let (member, order) = (format!("member-{n}"), format!("o{n}"));
        world.told(bought(&format!("w{n}"), &member, &[5, 5])).await;
        world.told(spend_for(&format!("s{n}"), &member, &order, 10)).await;
        world.told(bought(&order, &member, &[100, 100, 100])).await;
        for (m, (lines, share)) in way.iter().zip(shares).enumerate() {
            let said = world.told(back(&format!("r{n}-{m}"), &member, &order, lines)).await;
            assert!(said[0].starts_with(&format!("returned {share} points")), "{way:?}: {said:?}");
        }
        assert_eq!(world.available(&member, "points").await, "10", "{way:?}");
    }
}

async fn an_order_that_cost_nothing_comes_back_by_its_lines(world: World) {
    world.told(bought("o1", "ann", &[50, 50])).await;
    world.told(bought("o9", "ann", &[0, 0])).await;
    assert_eq!(world.told(spend_for("s1", "ann", "o9", 5)).await, ["spent 5 points, 95"]);
    assert_eq!(world.told(back("r1", "ann", "o9", &["1"])).await, ["returned 2 points, 97"]);
    assert_eq!(world.told(back("r2", "ann", "o9", &["2"])).await, ["returned 3 points, 100"]);
}

async fn two_redemptions_for_one_order_come_back_last_in_first_out(world: World) {
    world.told(bought("o1", "ann", &[30, 30])).await;
    world.told(bought("o2", "ann", &[30, 30])).await;
    world.told(with_stars(bought("o3", "ann", &[0, 0]), 40)).await;
    world.told(bought("o9", "ann", &[10, 10])).await;
    world.told(spend_for("s1", "ann", "o9", 60)).await;
    world.told(spend_for("s2", "ann", "o9", 40)).await;
    let mut stars = spend_for("s3", "ann", "o9", 30);
    if let Kind::Redeem(redeem) = &mut stars.kind {
        redeem.wallet = Some(id("stars"));
    }
    assert_eq!(world.told(stars).await, ["spent 3.0 stars, 1.0"]);
    assert_eq!(
        world.told(back("r1", "ann", "o9", &["1"])).await,
        // Of points and of stars, each in its wallet; the line that is left earns 10 + 50, so that nothing is due.
        ["returned 50 points, 90", "returned 1.5 stars, 2.5"]
    );
    assert_eq!(world.lots("ann").await, [(1, "10".to_owned()), (2, "60".to_owned()), (3, "20".to_owned())]);
}

async fn a_redemption_after_the_return_comes_back_at_once(world: World) {
    world.told(bought("o1", "ann", &[50, 50])).await;
    world.told(bought("o9", "ann", &[30, 10, 20])).await;
    world.told(back("r1", "ann", "o9", &["1"])).await;
    assert_eq!(world.told(spend_for("s1", "ann", "o9", 40)).await, ["spent 40 points, 90", "returned 20 points, 110"]);
    world.told(back("r2", "ann", "o9", &[])).await;
    assert_eq!(world.told(spend_for("s2", "ann", "o9", 40)).await, ["spent 40 points, 60", "returned 40 points, 100"]);
    let entry = world.ledger.explain_event(&world.pipeline, &id("s2"), None).await.unwrap().remove(0).entry.unwrap();
    let lines: Vec<_> = entry.postings.iter().map(|line| format!("{} {}", line.account, line.amount)).collect();
    assert_eq!(lines, ["available -40", "redeemed 40", "redeemed -40", "available 40"], "both ways can be seen");
}

/// What pays 120 points for an order, its purchase, and the return of a line: in every order, and in batches of each of these sizes. `pays` is asked
/// with a name, a member who has points, and the order: for what has to be there before, and for what pays.
pub(crate) async fn whatever_the_order(
    world: &World,
    batches: &[usize],
    pays: impl Fn(&str, &str, &str) -> (Option<Event>, Event),
) {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (n, turns) in orders.iter().enumerate() {
        for batch in batches {
            let name = format!("{n}-{batch}");
            let (member, order) = (format!("m{name}"), format!("o{name}"));
            world.told(bought(&format!("w{name}"), &member, &[250, 250])).await;
            let (before, paying) = pays(&name, &member, &order);
            if let Some(before) = before {
                world.told(before).await;
            }
            let events =
                [paying, bought(&order, &member, &[100, 60, 40]), back(&format!("r{name}"), &member, &order, &["2"])];
            let events: Vec<Event> = turns.iter().map(|turn| events[*turn].clone()).collect();
            for chunk in events.chunks(*batch) {
                world.batch(chunk).await;
            }
            world.audits_clean().await;
            assert_eq!(world.available(&member, "points").await, "556", "{turns:?} in batches of {batch}");
        }
    }
}

async fn in_whatever_order_they_come_the_same_comes_back(world: World) {
    let pays = |name: &str, member: &str, order: &str| (None, spend_for(&format!("s{name}"), member, order, 120));
    whatever_the_order(&world, &[1, 3], pays).await;
}

async fn what_comes_back_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o1", "ann", &[60, 40])).await;
    world.told(spend_for("s1", "ann", "o9", 60)).await;
    world.told(bought("o9", "ann", &[1, 1])).await;
    assert_eq!(world.told(back("r1", "ann", "o1", &[])).await, ["clawed 42 points, waived 0, owed 58, 0"]);
    assert_eq!(
        world.told(back("r2", "ann", "o9", &[])).await,
        ["returned 60 points, 2", "repaid 58 points, owed 0, 2", "clawed 2 points, waived 0, 0"]
    );
}

async fn a_rejected_redemption_pays_for_nothing(world: World) {
    world.told(bought("o9", "ann", &[50, 50])).await;
    let said = world.one(spend_for("s1", "ann", "o9", 101)).await;
    assert_eq!(said.told(), ["rejected 101 points, 100, missing 1"]);
    assert_eq!(world.told(back("r1", "ann", "o9", &[])).await, ["clawed 100 points, waived 0, 0"]);
}

async fn a_redemption_without_an_order_does_not_come_back(world: World) {
    world.told(bought("o1", "ann", &[50, 50])).await;
    world.told(bought("o9", "ann", &[50, 50])).await;
    let said: Vec<_> = world.batch(&[spend("s1", "ann", 60), back("r1", "ann", "o9", &[])]).await;
    assert_eq!(
        said.iter().flat_map(Said::told).collect::<Vec<_>>(),
        ["spent 60 points, 140", "clawed 100 points, waived 0, 40"]
    );
    world.audits_clean().await;
}

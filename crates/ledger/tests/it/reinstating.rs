//! Points that had ended and are given back by a person, on every store.

use contract::event::{Event, Kind, Reinstate};
use contract::program::TakeBack;
use contract::{MemberId, Quantity};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use ledger::book::Outcome;
use ledger::report::{LiabilityAsk, Reckoning, StatementAsk, StatementMark};

use crate::audit::each_break_is_found;
use crate::erasing::erase;
use crate::freezing::freeze;
use crate::holds::{hold_of, release};
use crate::merging::merged;
use crate::time::{days, on};
use crate::world::{Said, World, adjust, back, bought, id, on_every_store, spend, with_stars};

on_every_store! {
    points_that_ended_can_be_spent_again_and_count_as_expired_no_more
    no_more_comes_back_than_ended
    what_was_given_back_ends_again_and_may_come_back_again
    what_is_due_by_then_has_ended
    what_ended_last_comes_back_first
    a_refund_takes_what_was_given_back_where_it_is
    what_a_refund_claimed_has_not_ended
    what_outlived_its_end_in_a_hold_comes_back_too
    each_wallet_has_its_own
    what_is_given_back_pays_off_what_is_owed
    what_is_given_back_may_become_a_reward
    a_frozen_member_gets_points_back_and_an_erased_one_none
    what_ended_before_a_merge_comes_back_after_it
    whatever_the_batches_the_same_is_given_back
    what_was_given_back_is_told_in_statement_explanation_and_liability
}

/// So many points are given back, without an end.
pub(crate) fn reinstate(name: &str, member: &str, points: i64) -> Event {
    let reinstate = Reinstate {
        wallet: None,
        points: Quantity::parse(&points.to_string()).unwrap(),
        reason: "shop was closed".to_owned(),
        author: "bea".to_owned(),
        expires: None,
    };
    crate::world::event(name, member, Kind::Reinstate(reinstate))
}

/// They end again so many days after they were given back.
pub(crate) fn lasting(mut event: Event, days: i64) -> Event {
    let at = event.occurred_at + SignedDuration::from_hours(24 * days);
    let Kind::Reinstate(reinstate) = &mut event.kind else { panic!("{event:?}") };
    reinstate.expires = Some(at);
    event
}

async fn told(world: &World, event: Event) -> Vec<String> {
    world.told(event).await
}

async fn expired(world: &World) -> String {
    world.ledger.totals(&world.pipeline).await.unwrap().wallets[0].expired.to_string()
}

/// 100 points that have ended by the 31st day.
pub(crate) async fn ended(world: &World, order: &str, member: &str) {
    told(world, days(bought(order, member, &[60, 40]), "last", 30)).await;
    told(world, on(spend(&format!("s-{order}"), member, 1), 31)).await;
}

async fn points_that_ended_can_be_spent_again_and_count_as_expired_no_more(world: World) {
    ended(&world, "o1", "ann").await;
    assert_eq!(expired(&world).await, "100");
    assert_eq!(told(&world, on(reinstate("i1", "ann", 60), 32)).await, ["restored 60 points, 60"]);
    assert_eq!(expired(&world).await, "40");
    assert_eq!(world.lots("ann").await, [(2, "60".to_owned())]);
    assert_eq!(told(&world, on(spend("s1", "ann", 60), 400)).await, ["spent 60 points, 0"]);
    assert_eq!(told(&world, on(reinstate("i2", "ann", 40), 401)).await, ["restored 40 points, 40"]);
    assert_eq!(expired(&world).await, "0");
}

async fn no_more_comes_back_than_ended(world: World) {
    let nobody = told(&world, reinstate("i0", "eve", 1)).await;
    assert_eq!(nobody, ["not restored 1 points, expired 0, missing 1"]);
    ended(&world, "o1", "ann").await;
    ended(&world, "o2", "bob").await;
    told(&world, on(bought("o3", "ann", &[5, 5]), 32)).await;
    let said = world.one(on(reinstate("i1", "ann", 101), 33)).await;
    assert_eq!(said.told(), ["not restored 101 points, expired 100, missing 1"]);
    assert!(matches!(said, Said::Fresh(Outcome::Rejected, _)), "{said:?}");
    assert_eq!(told(&world, on(reinstate("i2", "ann", 99), 33)).await, ["restored 99 points, 109"]);
    assert_eq!(told(&world, on(reinstate("i3", "ann", 2), 33)).await, ["not restored 2 points, expired 1, missing 1"]);
    assert_eq!(told(&world, on(reinstate("i2", "ann", 99), 33)).await, ["restored 99 points, 109"], "a replay");
    assert_eq!(told(&world, on(reinstate("i1", "ann", 101), 33)).await, said.told(), "it stays so");
    assert_eq!((world.available("ann", "points").await, expired(&world).await), ("109".to_owned(), "101".to_owned()));
}

async fn what_was_given_back_ends_again_and_may_come_back_again(world: World) {
    ended(&world, "o1", "ann").await;
    assert_eq!(told(&world, lasting(on(reinstate("i1", "ann", 70), 40), 5)).await, ["restored 70 points, 70"]);
    assert_eq!(told(&world, on(spend("s1", "ann", 20), 44)).await, ["spent 20 points, 50"]);
    assert_eq!(
        told(&world, on(spend("s2", "ann", 1), 45)).await,
        ["expired 50 points, 0", "rejected 1 points, 0, missing 1"]
    );
    assert_eq!(expired(&world).await, "80");
    assert_eq!(
        told(&world, on(reinstate("i2", "ann", 81), 46)).await,
        ["not restored 81 points, expired 80, missing 1"]
    );
    assert_eq!(told(&world, on(reinstate("i3", "ann", 80), 46)).await, ["restored 80 points, 80"]);
    assert_eq!(expired(&world).await, "0");
}

async fn what_is_due_by_then_has_ended(world: World) {
    told(&world, days(bought("o1", "ann", &[60, 40]), "last", 30)).await;
    assert_eq!(
        told(&world, on(reinstate("i1", "ann", 10), 29)).await,
        ["not restored 10 points, expired 0, missing 10"]
    );
    assert_eq!(
        told(&world, on(reinstate("i2", "ann", 10), 30)).await,
        ["expired 100 points, 0", "restored 10 points, 10"]
    );
}

async fn what_ended_last_comes_back_first(world: World) {
    told(&world, days(bought("o1", "ann", &[30, 20]), "last", 20)).await;
    told(&world, days(bought("o2", "ann", &[30, 20]), "last", 10)).await;
    told(&world, on(reinstate("i1", "ann", 60), 30)).await;
    // 50 points of the first order came back, and 10 of the second one, of which 40 are still gone.
    assert_eq!(
        told(&world, on(back("r2", "ann", "o2", &[]), 31)).await,
        ["clawed 10 points, waived 0, expired 40, 50"]
    );
    assert_eq!(told(&world, on(back("r1", "ann", "o1", &[]), 31)).await, ["clawed 50 points, waived 0, 0"]);
    assert_eq!(expired(&world).await, "0");
}

async fn a_refund_takes_what_was_given_back_where_it_is(world: World) {
    ended(&world, "o1", "ann").await;
    told(&world, on(reinstate("i1", "ann", 100), 32)).await;
    told(&world, on(spend("s1", "ann", 70), 33)).await;
    assert_eq!(told(&world, on(back("r1", "ann", "o1", &[]), 34)).await, ["clawed 30 points, waived 70, 0"]);
    assert_eq!(expired(&world).await, "0");
    assert_eq!(told(&world, on(reinstate("i2", "ann", 1), 35)).await, ["not restored 1 points, expired 0, missing 1"]);
}

async fn what_a_refund_claimed_has_not_ended(world: World) {
    told(&world, days(bought("o1", "ann", &[60, 30, 10]), "last", 30)).await;
    assert_eq!(
        told(&world, on(back("r1", "ann", "o1", &["1"]), 31)).await,
        ["expired 100 points, 0", "clawed 0 points, waived 0, expired 60, 0"]
    );
    assert_eq!(
        told(&world, on(reinstate("i1", "ann", 41), 32)).await,
        ["not restored 41 points, expired 40, missing 1"]
    );
    // The last line earns 10 and 50 by itself, so that less is due, of which the points are as gone as they were before.
    assert_eq!(
        told(&world, on(back("r2", "ann", "o1", &["2"]), 33)).await,
        ["reinstated 0 points, unwaived 0, expired 20, 0"]
    );
    assert_eq!(told(&world, on(reinstate("i2", "ann", 60), 34)).await, ["restored 60 points, 60"]);
    assert_eq!(expired(&world).await, "0");
}

async fn what_outlived_its_end_in_a_hold_comes_back_too(world: World) {
    told(&world, days(bought("o1", "ann", &[60, 40]), "last", 10)).await;
    told(&world, on(hold_of("h1", "ann", ("till", 30)), 5)).await;
    told(&world, on(spend("s1", "ann", 1), 10)).await;
    assert_eq!(
        told(&world, on(reinstate("i1", "ann", 71), 11)).await,
        ["not restored 71 points, expired 70, missing 1"]
    );
    assert_eq!(told(&world, on(release("l1", "ann", "till"), 12)).await, ["released 0 of till, expired 30, 0"]);
    assert_eq!(told(&world, on(reinstate("i2", "ann", 100), 13)).await, ["restored 100 points, 100"]);
}

async fn each_wallet_has_its_own(world: World) {
    told(&world, with_stars(days(bought("o1", "ann", &[60, 40]), "last", 30), 25)).await;
    let mut stars = on(reinstate("i1", "ann", 1), 31);
    if let Kind::Reinstate(reinstate) = &mut stars.kind {
        reinstate.wallet = Some(id("stars"));
    }
    assert_eq!(
        told(&world, stars).await,
        ["expired 100 points, 0", "not restored 0.1 stars, expired 0.0, missing 0.1"]
    );
}

async fn what_is_given_back_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    ended(&world, "o1", "ann").await;
    told(&world, on(bought("o2", "ann", &[20, 30]), 32)).await;
    told(&world, on(spend("s2", "ann", 50), 32)).await;
    assert_eq!(told(&world, on(back("r2", "ann", "o2", &[]), 33)).await, ["clawed 0 points, waived 0, owed 50, 0"]);
    assert_eq!(
        told(&world, on(reinstate("i1", "ann", 40), 34)).await,
        ["restored 40 points, 0", "repaid 40 points, owed 10, 0"]
    );
    assert_eq!(
        told(&world, on(reinstate("i2", "ann", 60), 34)).await,
        ["restored 60 points, 50", "repaid 10 points, owed 0, 50"]
    );
}

async fn what_is_given_back_may_become_a_reward(world: World) {
    let world = world.rewarding(60, 1).await;
    told(&world, days(bought("o1", "ann", &[30, 20]), "last", 10)).await;
    told(&world, on(bought("o2", "ann", &[10, 10]), 11)).await;
    assert_eq!(
        told(&world, on(reinstate("i1", "ann", 45), 12)).await,
        ["restored 45 points, 65", "reward coffee for 60, 5"]
    );
}

async fn a_frozen_member_gets_points_back_and_an_erased_one_none(world: World) {
    ended(&world, "o1", "ann").await;
    told(&world, on(freeze("f1", "ann"), 32)).await;
    assert_eq!(told(&world, on(reinstate("i1", "ann", 40), 33)).await, ["restored 40 points, 40"]);
    told(&world, on(erase("x1", "ann"), 34)).await;
    assert_eq!(told(&world, on(reinstate("i2", "ann", 1), 35)).await, ["no reinstate: MemberErased"]);
}

async fn what_ended_before_a_merge_comes_back_after_it(world: World) {
    ended(&world, "o1", "ann").await;
    told(&world, days(bought("o2", "bob", &[10, 10]), "last", 40)).await;
    told(&world, on(reinstate("i1", "ann", 30), 32)).await;
    told(&world, on(merged("m1", "ann", "bob"), 33)).await;
    told(&world, on(spend("s1", "bob", 1), 41)).await;
    assert_eq!(
        told(&world, on(reinstate("i2", "bob", 91), 42)).await,
        ["not restored 91 points, expired 90, missing 1"]
    );
    assert_eq!(told(&world, on(reinstate("i3", "ann", 50), 42)).await, ["restored 50 points, 79"]);
    assert_eq!(told(&world, on(reinstate("i4", "bob", 40), 42)).await, ["restored 40 points, 119"]);
    assert_eq!(expired(&world).await, "0");
    // Of the points of either order the refund finds those that are there again.
    assert_eq!(told(&world, on(back("r1", "bob", "o1", &[]), 43)).await, ["clawed 100 points, waived 0, 19"]);
}

async fn whatever_the_batches_the_same_is_given_back(world: World) {
    let events = |member: &str| {
        let name = |name: &str| format!("{name}-{member}");
        [
            days(bought(&name("o1"), member, &[30, 40, 30]), "last", 10),
            days(bought(&name("o2"), member, &[30, 20]), "last", 12),
            on(reinstate(&name("i1"), member, 101), 11),
            on(back(&name("r1"), member, &name("o1"), &["1"]), 13),
            on(reinstate(&name("i2"), member, 60), 14),
            on(back(&name("r2"), member, &name("o2"), &[]), 15),
            on(reinstate(&name("i3"), member, 70), 16),
            on(spend(&name("s1"), member, 30), 17),
            on(reinstate(&name("i4"), member, 60), 18),
        ]
    };
    let mut all = Vec::new();
    for batch in [1, 2, 4, 9] {
        let member = format!("m{batch}");
        let mut told = Vec::new();
        for chunk in events(&member).chunks(batch) {
            told.extend(world.batch(chunk).await.iter().flat_map(Said::told));
        }
        world.audits_clean().await;
        all.push((told, world.lots(&member).await));
    }
    assert!(all[0].0.iter().any(|said| said.starts_with("restored 60")), "{all:?}");
    assert!(all.iter().all(|one| *one == all[0]), "{all:#?}");
}

async fn what_was_given_back_is_told_in_statement_explanation_and_liability(world: World) {
    ended(&world, "o1", "ann").await;
    told(&world, on(adjust("a1", "ann", 5), 32)).await;
    told(&world, lasting(on(reinstate("i1", "ann", 70), 33), 10)).await;
    let (ask, mark) = (StatementAsk::default(), StatementMark::default());
    let page = world.ledger.statement(&world.pipeline, &id::<MemberId>("ann"), &ask, &mark).await.unwrap().unwrap();
    let line = page.lines.last().unwrap();
    let said =
        format!("{} {} {} {} {}", line.kind, line.state, line.amount, line.balance, line.reason.clone().unwrap());
    assert_eq!(said, "Reinstate available 70 75 shop was closed");
    let entry = world.ledger.explain_event(&world.pipeline, &id("i1"), None).await.unwrap().remove(0).entry.unwrap();
    let lines: Vec<_> = entry.postings.iter().map(|line| format!("{} {}", line.account, line.amount)).collect();
    assert_eq!(lines, ["expired -70", "available 70"]);
    assert_eq!(entry.lots[0].expires.unwrap().to_string(), "2026-12-14T12:00:00Z");
    let ask = LiabilityAsk { at: None, by: Reckoning::Happened, zone: TimeZone::UTC };
    let owed = world.ledger.liability(&world.pipeline, &ask).await.unwrap().remove(0);
    let sums = [owed.earned, owed.adjusted, owed.outstanding, owed.expired].map(|sum| sum.to_string());
    assert_eq!(sums, ["100", "5", "75", "30"]);
}

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update lot set expired = expired + 1 where sequence = 1", &[3]),
    ("update entry set kind = 'Adjust' where event_id = 'i1'", &[3]),
    ("delete from allocation where amount < 0", &[3]),
    ("update allocation set amount = amount - 1 where amount < 0", &[3]),
    ("delete from allocation where entry = (select id from entry where event_id = 'i1')", &[3]),
    ("update posting set amount = amount - 1 where account = 'expired' and amount < 0", &[1, 9]),
];

async fn history(world: &World) {
    world.one(days(bought("o1", "ann", &[60, 40]), "last", 30)).await;
    world.one(on(reinstate("i1", "ann", 70), 31)).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_what_was_given_back() {
    each_break_is_found(BREAKS, history, World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_what_was_given_back() {
    each_break_is_found(BREAKS, history, World::postgres).await;
}

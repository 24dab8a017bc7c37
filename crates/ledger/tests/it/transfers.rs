//! Points from one member to another, on every store: sent, under way, arrived or back, whoever dies in between.

use std::collections::HashMap;
use std::time::Duration;

use contract::Quantity;
use contract::event::{Event, Kind, Transfer};
use contract::program::TakeBack;
use ledger::audit::Auditing;
use ledger::book::{Carrying, Outcome};
use ledger::report::{LiabilityAsk, Reckoning};
use ledger::{Answer, BatchRequest, BatchWrites, Committed, Identity, Transit, UnderWay};

use crate::freezing::{freeze, unfreeze};
use crate::merging::said_of;
use crate::privacy::tables_with;
use crate::time::{days, on};
use crate::told::tell;
use crate::world::{Said, World, adjust, back, bought, event, id, on_every_store, spend};

on_every_store! {
    what_is_sent_is_in_transit_until_it_arrives
    a_transfer_that_cannot_be_says_what_is_missing
    points_end_at_the_receivers_when_they_would_have_ended_at_the_senders
    points_that_idle_go_on_idling_at_the_receivers
    what_the_sender_does_later_does_not_touch_what_was_sent
    what_would_be_too_much_comes_back
    what_cannot_arrive_comes_back_into_its_lots
    what_comes_back_after_its_end_ends
    what_arrives_pays_off_what_is_owed
    what_was_sent_is_gone_for_a_refund
    a_transfer_is_replayed_like_any_other_event
    what_a_worker_left_in_transit_is_found_by_another
    two_workers_that_carry_one_transfer_let_it_arrive_once
    a_batch_that_sends_both_ways_and_makes_both_members
    no_table_but_one_names_sender_or_receiver
    a_transfer_is_told_in_totals_and_liability
    an_audit_finds_a_transfer_that_vanished
    an_audit_since_then_finds_what_arrived_of_another_size
}

/// So many points for another member.
pub(crate) fn send(name: &str, member: &str, (to, points): (&str, i64)) -> Event {
    let points = Quantity::parse(&points.to_string()).unwrap();
    event(name, member, Kind::Transfer(Transfer { to: id(to), wallet: None, points }))
}

/// Carries everything that is under way, as workers would; answers what was told.
pub(crate) async fn carry(world: &World) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let transits = under_way(world).await;
        if transits.is_empty() {
            return told;
        }
        for transit in transits {
            told.extend(step(world, &transit).await.unwrap_or_default());
        }
    }
}

async fn under_way(world: &World) -> Vec<Transit> {
    world.ledger.under_way(&world.pipeline, UnderWay::For(Duration::ZERO), 100).await.unwrap()
}

/// One step of one transfer; `None` when another one was faster.
async fn step(world: &World, transit: &Transit) -> Option<Vec<String>> {
    let event = transit.event().unwrap();
    loop {
        let request = BatchRequest {
            pipeline: world.pipeline.clone(),
            wanted: vec![transit.wanted(&event)],
            rewards: Vec::new(),
            budgets: Vec::new(),
            tiers: None,
        };
        let (open, mut begun) = world.ledger.begin(&request).await.unwrap();
        if let [Answer::Replayed { .. }] = begun.answers.as_slice() {
            return None;
        }
        assert_eq!(begun.answers, [Answer::Fresh]);
        let event = said_of(&event, &begun.followed);
        let state = begun.members.get_mut(&event.member).unwrap();
        let mut applied = world.settle(state, (&event.member, &Identity::of(&event)), transit.at);
        let (pipeline, ruleset_hash, ruleset) = (&world.pipeline, &world.hash, &world.ruleset);
        applied.push(state.carry(Carrying { pipeline, transit, event: &event, ruleset_hash, ruleset }).unwrap());
        let told = applied.iter().flat_map(|applied| applied.results.iter().map(tell)).collect();
        match open.commit(BatchWrites { applied, ..BatchWrites::default() }).await.unwrap() {
            Committed::Done(_) => return Some(told),
            Committed::Raced => {}
            Committed::Refused { detail } => panic!("{detail}"),
        }
    }
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

async fn carried(world: &World) -> Vec<String> {
    let told = carry(world).await;
    world.audits_clean().await;
    told
}

async fn transit(world: &World) -> String {
    world.ledger.totals(&world.pipeline).await.unwrap().wallets[0].transit.to_string()
}

async fn what_is_sent_is_in_transit_until_it_arrives(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    assert_eq!(told(&world, send("t1", "ann", ("bob", 30))).await, ["sent 30 points, 70"]);
    assert_eq!((transit(&world).await, world.available("bob", "points").await), ("30".into(), "0".into()));
    let under_way = under_way(&world).await;
    let event = under_way[0].event().unwrap();
    assert_eq!((event.source.as_str(), event.id.as_str()), ("loyalty.transfer/shop", "t1/in"));
    assert_eq!((under_way[0].from.as_str(), event.member.as_str(), under_way[0].parts.len()), ("ann", "bob", 1));
    assert_eq!(carried(&world).await, ["received 30 points, 30"]);
    assert_eq!((transit(&world).await, world.available("bob", "points").await), ("0".into(), "30".into()));
    assert_eq!(told(&world, spend("s1", "bob", 30)).await, ["spent 30 points, 0"]);
}

async fn a_transfer_that_cannot_be_says_what_is_missing(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    let said = world.one(send("t1", "ann", ("bob", 130))).await;
    assert!(matches!(said, Said::Fresh(Outcome::Rejected, _)), "{said:?}");
    assert_eq!(said.told(), ["not sent 130 points, 100, missing 30: InsufficientBalance"]);
    world.one(freeze("f1", "ann")).await;
    assert_eq!(told(&world, send("t2", "ann", ("bob", 1))).await, ["not sent 1 points, 100: MemberFrozen"]);
    assert_eq!(carried(&world).await, [""; 0]);
}

async fn points_end_at_the_receivers_when_they_would_have_ended_at_the_senders(world: World) {
    for (order, last) in [("o1", 20), ("o2", 10), ("o3", 20)] {
        world.one(days(bought(order, "ann", &[5, 5]), "last", last)).await;
    }
    world.one(bought("o4", "ann", &[5, 5])).await;
    world.one(send("t1", "ann", ("bob", 34))).await;
    assert_eq!(carried(&world).await, ["received 34 points, 34"]);
    let lots = world.ledger.balance(&world.pipeline, &id("bob")).await.unwrap().unwrap().remove(0).lots;
    let end = |last| on(freeze("x", "x"), last).occurred_at;
    let have: Vec<_> = lots.iter().map(|lot| (lot.available.to_string(), lot.activates, lot.expires)).collect();
    let want = [("10".to_owned(), None, Some(end(10))), ("20".into(), None, Some(end(20))), ("4".into(), None, None)];
    assert_eq!(have, want, "one lot for each end");
    assert_eq!(told(&world, on(spend("s1", "bob", 24), 15)).await, ["expired 10 points, 24", "spent 24 points, 0"]);
}

async fn points_that_idle_go_on_idling_at_the_receivers(world: World) {
    world.one(days(bought("o1", "ann", &[30, 30]), "idle", 30)).await;
    world.one(on(send("t1", "ann", ("bob", 20)), 1)).await;
    assert_eq!(carried(&world).await, ["received 20 points, 20"]);
    // Bob is active on the tenth day; Ann is not.
    let active = days(days(on(bought("o2", "bob", &[5, 5]), 10), "idle", 30), "active", 30);
    assert_eq!(told(&world, active).await, ["earned 10 points, 30"]);
    assert_eq!(world.settle_due("2026-12-06T12:00:00Z").await, ["expired 40 points, 0"]);
    assert_eq!(world.settle_due("2026-12-20T12:00:00Z").await, ["expired 30 points, 0"]);
    world.audits_clean().await;
}

async fn what_the_sender_does_later_does_not_touch_what_was_sent(world: World) {
    world.one(days(bought("o1", "ann", &[30, 30]), "idle", 30)).await;
    world.one(on(send("t1", "ann", ("bob", 20)), 1)).await;
    // Both are active before the points arrive; what Ann had left has ended by then.
    let active = |order, member, day| days(days(on(bought(order, member, &[5, 5]), day), "idle", 30), "active", 30);
    world.one(active("o2", "bob", 10)).await;
    assert_eq!(told(&world, active("o3", "ann", 35)).await, ["expired 40 points, 0", "earned 10 points, 10"]);
    assert_eq!(carried(&world).await, ["received 20 points, 30"]);
    assert_eq!(world.settle_due("2026-12-10T12:00:00Z").await, [""; 0]);
    assert_eq!(world.settle_due("2026-12-11T12:00:00Z").await, ["expired 30 points, 0"]);
    world.audits_clean().await;
}

async fn what_would_be_too_much_comes_back(world: World) {
    world.one(bought("o1", "ann", &[30, 30])).await;
    world.one(adjust("a1", "bob", i64::MAX - 10)).await;
    world.one(send("t1", "ann", ("bob", 20))).await;
    // Without an audit: the sums over all members are beyond what SQLite adds up.
    assert_eq!(carry(&world).await, ["refused 20 points: WalletFull", "came back 20 points, 60"]);
}

async fn what_cannot_arrive_comes_back_into_its_lots(world: World) {
    world.one(days(bought("o1", "ann", &[30, 30]), "last", 30)).await;
    world.one(bought("o2", "ann", &[20, 20])).await;
    world.one(freeze("f1", "bob")).await;
    assert_eq!(told(&world, send("t1", "ann", ("bob", 70))).await, ["sent 70 points, 30"]);
    // Of two members who send each other points, neither waits for the other.
    world.one(freeze("f2", "ann")).await;
    assert_eq!(carried(&world).await, ["refused 70 points: MemberFrozen", "came back 70 points, 100"]);
    assert_eq!(world.lots("ann").await, [(1, "60".to_owned()), (2, "40".to_owned())]);
    assert_eq!(transit(&world).await, "0");
    world.one(unfreeze("u1", "bob")).await;
    world.one(unfreeze("u2", "ann")).await;
    assert_eq!(told(&world, send("t1", "ann", ("bob", 70))).await, ["sent 70 points, 30"], "a replay sends nothing");
    assert_eq!(carried(&world).await, [""; 0]);
    assert_eq!(told(&world, spend("s1", "ann", 100)).await, ["spent 100 points, 0"]);
}

async fn what_comes_back_after_its_end_ends(world: World) {
    world.one(days(bought("o1", "ann", &[30, 30]), "last", 5)).await;
    world.one(freeze("f1", "bob")).await;
    world.one(on(send("t1", "ann", ("bob", 20)), 1)).await;
    assert_eq!(
        told(&world, on(spend("s1", "ann", 1), 9)).await,
        ["expired 40 points, 0", "rejected 1 points, 0, missing 1"]
    );
    assert_eq!(carried(&world).await, ["refused 20 points: MemberFrozen", "came back 20 points, 20"]);
    assert_eq!(world.settle_due("2026-12-01T00:00:00Z").await, ["expired 20 points, 0"]);
    world.audits_clean().await;
}

async fn what_arrives_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.one(bought("o1", "bob", &[50, 50])).await;
    world.one(spend("s1", "bob", 100)).await;
    world.one(back("r1", "bob", "o1", &[])).await;
    world.one(bought("o2", "ann", &[50, 50])).await;
    world.one(send("t1", "ann", ("bob", 70))).await;
    assert_eq!(carried(&world).await, ["received 70 points, 0", "repaid 70 points, owed 30, 0"]);
    // And what comes back, what its sender owes by then.
    world.one(freeze("f1", "bob")).await;
    world.one(send("t2", "ann", ("bob", 30))).await;
    world.one(back("r2", "ann", "o2", &[])).await;
    assert_eq!(
        carried(&world).await,
        ["refused 30 points: MemberFrozen", "came back 30 points, 0", "repaid 30 points, owed 70, 0"]
    );
}

async fn what_was_sent_is_gone_for_a_refund(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(send("t1", "ann", ("bob", 70))).await;
    assert_eq!(told(&world, back("r1", "ann", "o1", &[])).await, ["clawed 30 points, waived 70, 0"]);
    assert_eq!(carried(&world).await, ["received 70 points, 70"]);
}

async fn a_transfer_is_replayed_like_any_other_event(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    let sent = send("t1", "ann", ("bob", 30));
    let said = world.batch(&[sent.clone(), sent.clone()]).await;
    assert_eq!(said[1].told(), ["sent 30 points, 70"]);
    assert!(matches!(said[1], Said::Replayed(Outcome::Applied, _)), "{said:?}");
    carried(&world).await;
    assert_eq!(told(&world, sent).await, ["sent 30 points, 70"]);
    assert_eq!(told(&world, send("t1", "ann", ("bob", 31))).await, ["clash"]);
    assert_eq!(told(&world, send("t1", "ann", ("cid", 30))).await, ["clash"]);
    assert_eq!(carried(&world).await, [""; 0]);
    assert_eq!(world.available("bob", "points").await, "30");
}

async fn what_a_worker_left_in_transit_is_found_by_another(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(freeze("f1", "cid")).await;
    world.batch(&[send("t1", "ann", ("bob", 30)), send("t2", "ann", ("cid", 20))]).await;
    // A step that was dropped before its commit leaves the transfer as it was.
    let left = under_way(&world).await;
    let event = left[0].event().unwrap();
    let (pipeline, wanted) = (world.pipeline.clone(), vec![left[0].wanted(&event)]);
    let request = BatchRequest { pipeline, wanted, rewards: Vec::new(), budgets: Vec::new(), tiers: None };
    drop(world.ledger.begin(&request).await.unwrap());
    // One that was refused, and whose worker died then, is still under way.
    assert_eq!(step(&world, &left[1]).await.unwrap(), ["refused 20 points: MemberFrozen"]);
    world.audits_clean().await;
    assert_eq!(under_way(&world).await.iter().map(|left| left.is_refused).collect::<Vec<_>>(), [false, true]);
    let old = UnderWay::For(Duration::from_hours(1));
    assert_eq!(world.ledger.under_way(&world.pipeline, old, 10).await.unwrap(), [], "its own worker may be at it");
    if world.url != "sqlite::memory:" {
        let other = World::beside(&world);
        assert_eq!(carried(&other).await, ["received 30 points, 30", "came back 20 points, 70"]);
    }
}

async fn two_workers_that_carry_one_transfer_let_it_arrive_once(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
    let seen_by_both = under_way(&world).await;
    assert_eq!(step(&world, &seen_by_both[0]).await.unwrap(), ["received 30 points, 30"]);
    assert_eq!(step(&world, &seen_by_both[0]).await, None);
    world.audits_clean().await;
    assert_eq!(world.available("bob", "points").await, "30");
}

async fn a_batch_that_sends_both_ways_and_makes_both_members(world: World) {
    let events = [
        bought("o1", "ann", &[50, 50]),
        send("t1", "ann", ("bob", 30)),
        send("t2", "bob", ("ann", 5)),
        send("t3", "ann", ("zoe", 10)),
    ];
    let said: Vec<_> = world.batch(&events).await.iter().flat_map(Said::told).collect();
    assert_eq!(
        said[1..],
        ["sent 30 points, 70", "not sent 5 points, 0, missing 5: InsufficientBalance", "sent 10 points, 60"]
    );
    assert_eq!(carried(&world).await, ["received 30 points, 30", "received 10 points, 10"]);
    assert_eq!(world.available("zoe", "points").await, "10");
}

async fn no_table_but_one_names_sender_or_receiver(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    let (ann, bob) = ("+49-170-1111111", "+49-170-2222222");
    world.one(bought("o1", ann, &[50, 50])).await;
    world.one(send("t1", ann, (bob, 30))).await;
    carry(&world).await;
    assert_eq!(
        (tables_with(&world, ann).await, tables_with(&world, bob).await),
        (vec!["member".into()], vec!["member".into()])
    );
}

async fn a_transfer_is_told_in_totals_and_liability(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
    let ask = LiabilityAsk { at: None, by: Reckoning::Happened, zone: jiff::tz::TimeZone::UTC };
    let of_points = async || world.ledger.liability(&world.pipeline, &ask).await.unwrap().remove(0);
    let before = of_points().await;
    assert_eq!((before.in_transit.to_string(), before.outstanding.to_string()), ("30".into(), "70".into()));
    carry(&world).await;
    let after = of_points().await;
    assert_eq!((after.in_transit.to_string(), after.outstanding.to_string()), ("0".into(), "100".into()));
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    assert_eq!(totals.events.get("Applied"), Some(&2), "an arrival is no event that anybody sent");
}

async fn an_audit_finds_a_transfer_that_vanished(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
    world.tamper("update transfer set points = 31").await;
    let found = world.differences().await;
    assert_eq!(found.iter().map(|finding| finding.invariant).collect::<Vec<_>>(), [11]);
    assert!(found[0].detail.contains("of 31 of wallet points left 30 and ended 0"), "{}", found[0].detail);
    world.tamper("update transfer set points = 30").await;
    carried(&world).await;
    world.tamper("update transfer set stage = 'InTransit', ended = null").await;
    let found = world.differences().await;
    assert!(
        found.iter().any(|finding| finding.invariant == 11 && finding.detail.contains("into transit")),
        "{found:?}"
    );
    world.tamper("delete from transfer").await;
    assert_eq!(world.differences().await.len(), 2, "both lines in transit");
}

/// Eight writers, each with transfers both ways between the same members, and each carries what it finds.
#[tokio::test(flavor = "multi_thread")]
async fn writers_that_send_both_ways_at_once_do_not_wait_for_each_other_for_ever() {
    let world = World::postgres().await;
    let members = ["ann", "bob", "cid"];
    for member in members {
        world.one(bought(&format!("o-{member}"), member, &[500, 500])).await;
    }
    let mut tasks = Vec::new();
    for writer in 0..8_usize {
        let world = World::beside(&world);
        tasks.push(tokio::spawn(async move {
            for n in 0..12 {
                let (from, to) = (members[(writer + n) % 3], members[(writer + 2 * n + 1) % 3]);
                let new = format!("new-{writer}-{n}");
                let mut events = vec![send(&format!("n{writer}-{n}"), to, (&new, 1))];
                if from != to {
                    events.push(send(&format!("a{writer}-{n}"), from, (to, 3)));
                    events.push(send(&format!("b{writer}-{n}"), to, (from, 2)));
                }
                while let (_, Committed::Raced) = world.try_batch(&events).await {}
                carry(&world).await;
            }
        }));
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_mins(2), task).await.expect("writers block each other").unwrap();
    }
    carry(&world).await;
    world.audits_clean().await;
    let sums = world.ledger.totals(&world.pipeline).await.unwrap().wallets.remove(0);
    assert_eq!((sums.available.to_string(), sums.transit.to_string()), ("3000".into(), "0".into()));
    let mut of_members: HashMap<&str, i64> = HashMap::new();
    for member in members {
        of_members.insert(member, world.available(member, "points").await.parse().unwrap());
    }
    assert_eq!(of_members.values().sum::<i64>(), 3000 - 96, "each writer gave 12 away: {of_members:?}");
}

async fn an_audit_since_then_finds_what_arrived_of_another_size(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(bought("o1", "ann", &[30, 30])).await;
    world.one(send("t1", "ann", ("bob", 20))).await;
    // Ann, whose transfer it is, is not touched any more.
    let since = jiff::Timestamp::now();
    assert_eq!(carried(&world).await, ["received 20 points, 20"]);
    world
        .tamper("update posting set amount = amount - 1 where account = 'transit' and amount < 0; update posting set amount = amount + 1 where account = 'available' and amount = 20")
        .await;
    let report = world.ledger.audit_since(&world.pipeline, since, Auditing::Idle, &|_, _| ()).await.unwrap();
    assert!(report.findings.iter().any(|finding| finding.invariant == 11), "{:?}", report.findings);
}

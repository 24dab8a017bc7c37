//! What every store must do, each as one history.

use std::time::Duration;

use contract::BuryReason::{DuplicateOrder, Overflow};
use contract::event::Event;
use contract::ruleset::TimelineLine;
use contract::{MemberId, Points};
use jiff::Timestamp;
use ledger::audit::Auditing;
use ledger::book::Outcome;
use ledger::{Answer, Appended, BatchWrites, Committed, LedgerError, Since};

use crate::world::{Said, World, adjust, back, bought, done, event, id, on_every_store, ruleset, spend, with_stars};

on_every_store! {
    a_replayed_event_pays_what_it_paid_the_first_time
    what_was_decided_before_loads_nothing_of_its_member
    the_same_identity_with_other_content_is_a_clash
    an_event_twice_in_one_batch_is_applied_once
    a_refused_twin_leaves_its_identity_to_the_next_one
    a_third_twin_of_a_refused_one_is_left_to_the_halves
    more_than_a_batch_can_number_is_left_to_the_halves
    a_purchase_that_earns_nothing_is_remembered_and_says_nothing
    spending_burns_the_oldest_lot_first
    spending_more_than_is_there_is_rejected_for_good
    a_spend_in_the_batch_of_its_earning_sees_it
    adjustments_go_both_ways_and_never_below_nought
    an_order_is_paid_for_once
    a_member_with_many_lots_spends_across_pages
    points_beyond_an_i64_are_refused_and_change_nothing
    the_timeline_keeps_every_turn
    a_rule_set_may_not_change_what_points_mean
    attempts_are_counted_until_they_are_cleared
    the_lease_has_one_holder_until_it_ends
    a_batch_is_unpublished_until_it_is_marked
    a_batch_without_results_is_born_published
    a_dropped_batch_leaves_nothing
    a_cancelled_begin_leaves_nothing
    a_stale_worker_learns_that_the_timeline_went_on
    migrating_twice_changes_nothing
    an_event_can_be_explained
    totals_and_best_members_say_what_happened
}

async fn a_replayed_event_pays_what_it_paid_the_first_time(world: World) {
    let order = bought("o1", "ann", &[100]);
    let first = world.one(order.clone()).await;
    assert_eq!(first.told(), ["earned 150 points, 150"]);
    let Said::Fresh(outcome, results) = first else { panic!("{first:?}") };
    world.one(spend("s1", "ann", 20)).await;
    assert_eq!(world.one(order).await, Said::Replayed(outcome, results));
    assert_eq!(world.available("ann", "points").await, "130");
    world.audits_clean().await;
}

async fn what_was_decided_before_loads_nothing_of_its_member(world: World) {
    let (order, spent) = (bought("o1", "ann", &[100]), spend("s1", "ann", 20));
    world.batch(&[order.clone(), spent.clone(), bought("o2", "bob", &[100])]).await;
    let (ann, bob): (MemberId, MemberId) = (order.member.clone(), id("bob"));
    let loaded = async |events: &[Event]| {
        let (open, begun) = world.ledger.begin(&world.request(events)).await.unwrap();
        drop(open);
        begun.members
    };
    assert_eq!(loaded(&[order.clone(), spent.clone()]).await[&ann].balances(&id("points")).available, Points(0));
    // With one that is new everything of its member is there, and nothing of others.
    let mixed = loaded(&[order, spent, spend("s2", "ann", 30), bought("o2", "bob", &[100])]).await;
    assert_eq!(mixed[&ann].balances(&id("points")).available, Points(130));
    assert_eq!(mixed[&bob].balances(&id("points")).available, Points(0));
}

async fn the_same_identity_with_other_content_is_a_clash(world: World) {
    world.one(bought("o1", "ann", &[100])).await;
    assert_eq!(world.one(bought("o1", "ann", &[101])).await, Said::Clash);
    assert_eq!(world.one(bought("o1", "bob", &[100])).await, Said::Clash);
    assert_eq!(world.available("ann", "points").await, "150");
    assert_eq!(world.available("bob", "points").await, "0");
    world.audits_clean().await;
}

async fn an_event_twice_in_one_batch_is_applied_once(world: World) {
    let order = bought("o1", "ann", &[100]);
    let said = world.batch(&[order.clone(), order, bought("o1", "ann", &[7])]).await;
    let Said::Fresh(outcome, results) = &said[0] else { panic!("{said:?}") };
    assert_eq!(said[1], Said::Replayed(*outcome, results.clone()));
    assert_eq!(said[2], Said::Clash);
    assert_eq!(world.available("ann", "points").await, "150");
    world.audits_clean().await;
}

async fn a_refused_twin_leaves_its_identity_to_the_next_one(world: World) {
    world.one(bought("o1", "ann", &[100])).await;
    let mut wrong = bought("o1", "ann", &[100]);
    wrong.id = id("e2");
    let mut right = bought("o2", "ann", &[10]);
    right.id = id("e2");
    let said = world.batch(&[wrong, right]).await;
    assert_eq!(said[0], Said::Refused(DuplicateOrder));
    assert_eq!(said[1].told(), ["earned 60 points, 210"]);
    world.audits_clean().await;
}

async fn more_than_a_batch_can_number_is_left_to_the_halves(world: World) {
    let committed = world.commits_so_often(65_537, &bought("o1", "ann", &[100])).await;
    let Committed::Refused { detail } = committed else { panic!("{committed:?}") };
    assert_eq!(detail, "more is due than one batch can hold");
    assert_eq!(world.one(bought("o1", "ann", &[100])).await.told(), ["earned 150 points, 150"]);
}

async fn a_third_twin_of_a_refused_one_is_left_to_the_halves(world: World) {
    world.one(bought("o1", "ann", &[100])).await;
    let events = [("o1", "ann"), ("o2", "ann"), ("o3", "bob")].map(|(order, member)| {
        let mut event = bought(order, member, &[100]);
        event.id = id("e2");
        event
    });
    let (_, committed) = world.try_batch(&events).await;
    assert!(matches!(committed, Committed::Refused { .. }), "{committed:?}");
    let said = world.batch(&events[..2]).await;
    assert_eq!(said[0], Said::Refused(DuplicateOrder));
    assert_eq!(said[1].told(), ["earned 150 points, 300"]);
    assert_eq!(world.one(events[2].clone()).await, Said::Clash);
    world.audits_clean().await;
}

async fn a_purchase_that_earns_nothing_is_remembered_and_says_nothing(world: World) {
    let said = world.one(bought("o1", "ann", &[0, 0])).await;
    assert_eq!(said, Said::Fresh(Outcome::Applied, vec![]));
    assert_eq!(world.one(back("r1", "ann", "o1", &[])).await, Said::Fresh(Outcome::Applied, vec![]));
    world.audits_clean().await;
}

async fn spending_burns_the_oldest_lot_first(world: World) {
    for order in ["o1", "o2", "o3"] {
        world.one(bought(order, "ann", &[50, 50])).await;
    }
    assert_eq!(world.one(spend("s1", "ann", 150)).await.told(), ["spent 150 points, 150"]);
    assert_eq!(world.lots("ann").await, [(2, "50".to_owned()), (3, "100".to_owned())]);
    world.audits_clean().await;
}

async fn spending_more_than_is_there_is_rejected_for_good(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    let said = world.one(spend("s1", "ann", 101)).await;
    assert_eq!(said.told(), ["rejected 101 points, 100, missing 1"]);
    assert!(matches!(said, Said::Fresh(Outcome::Rejected, _)));
    world.one(bought("o2", "ann", &[50, 50])).await;
    let again = world.one(spend("s1", "ann", 101)).await;
    assert_eq!(again.told(), ["rejected 101 points, 100, missing 1"]);
    assert_eq!(world.one(spend("s2", "nobody", 1)).await.told(), ["rejected 1 points, 0, missing 1"]);
    assert_eq!(world.available("ann", "points").await, "200");
    world.audits_clean().await;
}

async fn a_spend_in_the_batch_of_its_earning_sees_it(world: World) {
    let events = [
        spend("s0", "ann", 1),
        bought("o1", "ann", &[50, 50]),
        spend("s1", "ann", 60),
        spend("s2", "ann", 41),
        adjust("a1", "ann", 5),
        spend("s3", "ann", 45),
    ];
    let said: Vec<_> = world.batch(&events).await.iter().flat_map(Said::told).collect();
    assert_eq!(
        said,
        [
            "rejected 1 points, 0, missing 1",
            "earned 100 points, 100",
            "spent 60 points, 40",
            "rejected 41 points, 40, missing 1",
            "adjusted 5 points, 45",
            "spent 45 points, 0",
        ]
    );
    world.audits_clean().await;
}

async fn adjustments_go_both_ways_and_never_below_nought(world: World) {
    let said = [adjust("a1", "ann", 10), adjust("a2", "ann", -11), adjust("a3", "ann", -10)];
    let mut told = Vec::new();
    for event in said {
        told.extend(world.one(event).await.told());
    }
    assert_eq!(told, ["adjusted 10 points, 10", "not adjusted -11 points, 10, missing 1", "adjusted -10 points, 0"]);
    world.audits_clean().await;
}

async fn an_order_is_paid_for_once(world: World) {
    world.one(bought("o1", "ann", &[100])).await;
    let mut again = bought("o1", "ann", &[100]);
    again.id = id("another-event");
    assert_eq!(world.one(again.clone()).await, Said::Refused(DuplicateOrder));
    // Orders are a member's own.
    again.member = id("bob");
    assert_eq!(world.one(again).await.told(), ["earned 150 points, 150"]);
    world.audits_clean().await;
}

async fn a_member_with_many_lots_spends_across_pages(world: World) {
    let earned: Vec<_> = (0..300).map(|n| adjust(&format!("a{n}"), "ann", 1)).collect();
    world.batch(&earned).await;
    let sequences: Vec<_> = world.lots("ann").await.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, (1..=300).collect::<Vec<_>>());
    let small = spend("s1", "ann", 31);
    let (open, begun) = world.ledger.begin(&world.request(std::slice::from_ref(&small))).await.unwrap();
    let loaded = begun.members[&small.member].lots(&id("points")).len();
    assert!(loaded < 60, "a small redemption loads {loaded} of 300 lots");
    drop(open);
    let (open, begun) = world.ledger.begin(&world.request(&[bought("o1", "ann", &[1])])).await.unwrap();
    assert_eq!(begun.members[&small.member].lots(&id("points")), [], "an accrual loads no lots");
    drop(open);
    assert_eq!(world.one(small).await.told(), ["spent 31 points, 269"]);
    assert_eq!(world.one(spend("s2", "ann", 200)).await.told(), ["spent 200 points, 69"]);
    let said = world.batch(&[spend("s3", "ann", 40), adjust("a", "ann", 1), spend("s4", "ann", 30)]).await;
    assert_eq!(said[2].told(), ["spent 30 points, 0"]);
    world.audits_clean().await;
}

async fn points_beyond_an_i64_are_refused_and_change_nothing(world: World) {
    let most = i64::MAX - 100;
    assert_eq!(world.one(bought("o1", "ann", &[most, 50])).await.told().len(), 1);
    let said = world.batch(&[bought("o2", "ann", &[50, 1]), bought("o3", "ann", &[25, 25])]).await;
    assert_eq!(said[0], Said::Refused(Overflow));
    assert_eq!(said[1].told(), [format!("earned 50 points, {}", i64::MAX)]);
    world.one(adjust("a1", "ann", -most)).await;
    assert_eq!(world.available("ann", "points").await, "100");
    world.audits_clean().await;
}

async fn the_timeline_keeps_every_turn(world: World) {
    let (a, b) = (world.ruleset.clone(), ruleset(&[("points", 0), ("stars", 1), ("more", 0)]));
    let mut c = b.clone();
    c.program.wallets.reverse();
    let ledger = &world.ledger;
    let at: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    let since = |valid_from| Since { valid_from, author: "ann".to_owned() };
    let append =
        async |ruleset, valid_from| ledger.append_timeline(&world.pipeline, ruleset, &since(valid_from)).await.unwrap();
    assert!(matches!(append(&a, None).await, Appended::Unchanged(TimelineLine { seq: 1, valid_from: None, .. })));
    assert!(matches!(append(&a, Some(at)).await, Appended::Unchanged(_)), "the first line holds from the beginning");
    let before = Timestamp::now() - Duration::from_mins(1);
    let Appended::Added(second) = append(&b, None).await else { panic!() };
    assert!(second.valid_from.unwrap() > before, "{second:?}");
    let Appended::Added(third) = append(&c, Some(at)).await else { panic!() };
    assert_eq!((third.seq, third.valid_from), (3, Some(at)));
    assert!(matches!(append(&c, Some(at)).await, Appended::Unchanged(_)));
    let finer = at + Duration::from_nanos(1);
    assert!(matches!(append(&c, Some(finer)).await, Appended::Unchanged(_)), "stores keep microseconds");
    assert!(matches!(append(&c, None).await, Appended::Unchanged(_)));
    let Appended::Added(fourth) = append(&b, None).await else { panic!() };
    let lines = ledger.timeline(&world.pipeline).await.unwrap();
    let hashes: Vec<_> = lines.iter().map(|line| line.hash.clone()).collect();
    assert_eq!(hashes, [a.hash(), b.hash(), c.hash(), b.hash()]);
    assert_eq!(lines[1..], [second, third, fourth]);
    assert_eq!(ledger.ruleset(&b.hash()).await.unwrap(), Some(b.clone()));
    assert_eq!(ledger.ruleset(&contract::ruleset::RulesetHash("none".to_owned())).await.unwrap(), None);
    assert_eq!(ledger.timeline(&id("another")).await.unwrap(), []);
    for _ in 0..4 {
        append(&c, None).await;
        append(&b, None).await;
    }
    let sequences: Vec<_> = ledger.timeline(&world.pipeline).await.unwrap().iter().map(|line| line.seq).collect();
    assert_eq!(sequences, (1..=12).collect::<Vec<_>>());
}

async fn a_rule_set_may_not_change_what_points_mean(world: World) {
    let mut euro = world.ruleset.clone();
    euro.program.currency = contract::Currency::parse("EUR").unwrap();
    let refused = [
        (ruleset(&[("points", 2), ("stars", 1)]), "`points` has `scale: 2`"),
        (ruleset(&[("points", 0)]), "`stars`"),
        (euro, "`program.currency`"),
    ];
    for (ruleset, names) in refused {
        let error = world.ledger.append_timeline(&world.pipeline, &ruleset, &Since::default()).await.unwrap_err();
        assert!(matches!(error, LedgerError::Incompatible { .. }), "{error}");
        assert!(error.to_string().contains(names), "{error}");
    }
    assert_eq!(world.ledger.timeline(&world.pipeline).await.unwrap().len(), 1);
}

async fn attempts_are_counted_until_they_are_cleared(world: World) {
    let ledger = &world.ledger;
    let (a, b) = ([1; 32], [2; 32]);
    assert_eq!(ledger.note_redelivered(&[a, b]).await.unwrap(), [1, 1]);
    assert_eq!(ledger.note_redelivered(&[b, a, b]).await.unwrap(), [3, 2, 3]);
    assert_eq!(ledger.note_redelivered(&[]).await.unwrap(), [0_u32; 0]);
    assert_eq!(ledger.note_attempt(a).await.unwrap(), 1);
    assert_eq!(ledger.note_attempt(a).await.unwrap(), 2);
    assert_eq!(ledger.note_redelivered(&[a]).await.unwrap(), [3]);
    ledger.clear_attempts(&[a]).await.unwrap();
    assert_eq!(ledger.note_attempt(a).await.unwrap(), 1);
    let (open, _) = ledger.begin(&world.request(&[])).await.unwrap();
    open.commit(BatchWrites { cleared_attempts: vec![b], ..BatchWrites::default() }).await.unwrap();
    assert_eq!(ledger.note_redelivered(&[b]).await.unwrap(), [1]);
    let many: Vec<_> = (0..2_000_u32)
        .map(|n| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&n.to_be_bytes());
            key
        })
        .collect();
    assert_eq!(ledger.note_redelivered(&many).await.unwrap().len(), 2_000);
    ledger.clear_attempts(&many).await.unwrap();
}

async fn the_lease_has_one_holder_until_it_ends(world: World) {
    let (ledger, pipeline) = (&world.ledger, &world.pipeline);
    let long = Duration::from_mins(10);
    assert!(ledger.acquire_lease(pipeline, "a", long).await.unwrap());
    assert!(!ledger.acquire_lease(pipeline, "b", long).await.unwrap());
    assert!(ledger.acquire_lease(pipeline, "a", Duration::ZERO).await.unwrap());
    let deadline = Timestamp::now() + Duration::from_secs(20);
    while !ledger.acquire_lease(pipeline, "b", long).await.unwrap() {
        assert!(Timestamp::now() < deadline);
    }
    assert!(!ledger.acquire_lease(pipeline, "a", long).await.unwrap());
    assert!(ledger.acquire_lease(&id("another"), "a", long).await.unwrap());
}

async fn a_batch_is_unpublished_until_it_is_marked(world: World) {
    let (ledger, pipeline) = (&world.ledger, &world.pipeline);
    let (said, committed) =
        world.try_batch(&[bought("o2", "zoe", &[10]), bought("o1", "ann", &[10]), spend("s1", "ann", 900)]).await;
    let batch = done(&committed);
    let results: Vec<_> = said
        .into_iter()
        .flat_map(|said| match said {
            Said::Fresh(_, results) => results,
            other => panic!("{other:?}"),
        })
        .collect();
    let found = ledger.unpublished(pipeline, Duration::ZERO, 10).await.unwrap();
    assert_eq!(found.iter().map(|found| (found.batch, found.results.clone())).collect::<Vec<_>>(), [(batch, results)]);
    assert_eq!(ledger.unpublished(pipeline, Duration::from_hours(1), 10).await.unwrap(), []);
    let audit = ledger.audit(pipeline, Auditing::Running, &|_, _| ()).await.unwrap();
    assert_eq!(audit.iter().map(|finding| (finding.invariant, finding.pending)).collect::<Vec<_>>(), [(12, true)]);
    let audit = ledger.audit(pipeline, Auditing::Idle, &|_, _| ()).await.unwrap();
    assert_eq!(audit.iter().map(|finding| (finding.invariant, finding.pending)).collect::<Vec<_>>(), [(12, false)]);
    assert_eq!(ledger.totals(pipeline).await.unwrap().unpublished_batches, 1);
    ledger.mark_published(&[batch, batch]).await.unwrap();
    ledger.mark_published(&[]).await.unwrap();
    assert_eq!(ledger.unpublished(pipeline, Duration::ZERO, 10).await.unwrap(), []);
    assert_eq!(ledger.audit(pipeline, Auditing::Idle, &|_, _| ()).await.unwrap(), []);
}

async fn a_batch_without_results_is_born_published(world: World) {
    world.one(bought("o1", "ann", &[0, 0])).await;
    world.one(bought("o1", "ann", &[0, 0])).await;
    assert_eq!(world.ledger.unpublished(&world.pipeline, Duration::ZERO, 10).await.unwrap(), []);
}

async fn a_dropped_batch_leaves_nothing(world: World) {
    let order = bought("o1", "ann", &[100]);
    for _ in 0..3 {
        let (open, begun) = world.ledger.begin(&world.request(std::slice::from_ref(&order))).await.unwrap();
        assert_eq!(begun.answers, [Answer::Fresh]);
        drop(open);
    }
    assert_eq!(world.ledger.totals(&world.pipeline).await.unwrap().members, 0);
    assert_eq!(world.one(order).await.told(), ["earned 150 points, 150"]);
    world.audits_clean().await;
}

async fn a_cancelled_begin_leaves_nothing(world: World) {
    let order = bought("o1", "ann", &[100]);
    let request = world.request(std::slice::from_ref(&order));
    for polls in 0..12 {
        let begin = world.ledger.begin(&request);
        tokio::pin!(begin);
        // Cancelled after so many turns, wherever it stands by then.
        for _ in 0..polls {
            if tokio::time::timeout(Duration::from_micros(300), &mut begin).await.is_ok() {
                break;
            }
        }
    }
    assert_eq!(world.one(order).await.told(), ["earned 150 points, 150"]);
    world.audits_clean().await;
}

async fn a_stale_worker_learns_that_the_timeline_went_on(world: World) {
    let (open, begun) = world.ledger.begin(&world.request(&[])).await.unwrap();
    assert_eq!(begun.timeline_seq, 1);
    drop(open);
    let next = ruleset(&[("points", 0), ("stars", 1), ("more", 0)]);
    world.ledger.append_timeline(&world.pipeline, &next, &Since::default()).await.unwrap();
    let (open, begun) = world.ledger.begin(&world.request(&[bought("o1", "ann", &[1])])).await.unwrap();
    assert_eq!(begun.timeline_seq, 2);
    // Reading is allowed while the batch is open.
    assert_eq!(world.ledger.timeline(&world.pipeline).await.unwrap().len(), 2);
    assert!(world.ledger.ruleset(&next.hash()).await.unwrap().is_some());
    drop(open);
}

async fn migrating_twice_changes_nothing(world: World) {
    world.one(bought("o1", "ann", &[100])).await;
    let (one, two) = tokio::join!(world.ledger.migrate(), world.ledger.migrate());
    one.unwrap();
    two.unwrap();
    world.ledger.check_version().await.unwrap();
    assert_eq!(world.available("ann", "points").await, "150");
}

async fn an_event_can_be_explained(world: World) {
    let order = with_stars(bought("o1", "ann", &[40, 30, 30]), 25);
    world.one(order.clone()).await;
    world.one(back("r1", "ann", "o1", &["1"])).await;
    let reports = world.ledger.explain_event(&world.pipeline, &id("o1"), None).await.unwrap();
    let [report] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((report.outcome, report.event.as_ref()), (Outcome::Applied, Some(&order)));
    assert_eq!((report.member.as_str(), report.occurred_at, &report.ruleset), ("ann", order.occurred_at, &world.hash));
    let entry = report.entry.as_ref().unwrap();
    let postings: Vec<_> =
        entry.postings.iter().map(|line| format!("{} {} {}", line.account, line.wallet, line.amount)).collect();
    assert_eq!(postings, ["issued points -100", "available points 100", "issued stars -2.5", "available stars 2.5"]);
    let awards: Vec<_> =
        entry.awards.iter().map(|award| format!("{} {} {}", award.rule, award.awarded, award.taken)).collect();
    assert_eq!(awards, ["base 100 40", "stars 2.5 0.0"]);
    assert_eq!(entry.lots.len(), 2);
    assert_eq!(report.refunds.len(), 1);
    assert_eq!((report.refunds[0].kind.as_str(), report.refunds[0].event.as_str()), ("Clawback", "r1"));
    assert_eq!(report.refunds[0].allocations[0].amount.to_string(), "40");
    let entries = world.ledger.explain_member(&world.pipeline, &id("ann"), 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.event.as_str()).collect::<Vec<_>>(), ["r1", "o1"]);
    assert_eq!(world.ledger.explain_member(&world.pipeline, &id("ann"), 1).await.unwrap().len(), 1);
    assert_eq!(world.ledger.explain_event(&world.pipeline, &id("no"), None).await.unwrap(), []);
    assert_eq!(world.ledger.explain_event(&world.pipeline, &id("o1"), Some(&id("web"))).await.unwrap(), []);
    assert_eq!(world.ledger.explain_event(&world.pipeline, &id("o1"), Some(&id("shop"))).await.unwrap().len(), 1);
}

async fn totals_and_best_members_say_what_happened(world: World) {
    let mut signup = with_stars(event("e1", "cid", contract::event::Kind::Signup), 3);
    signup.occurred_at = "2026-11-02T00:00:00Z".parse().unwrap();
    world
        .batch(&[
            bought("o1", "ann", &[40, 30, 30]),
            bought("o2", "bob", &[500, 500]),
            spend("s1", "bob", 300),
            spend("s2", "bob", 3000),
            back("r1", "ann", "o1", &["1"]),
            adjust("a1", "ann", 7),
            back("r9", "ann", "o9", &[]),
            signup,
        ])
        .await;
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    assert_eq!(totals.members, 3);
    let events: Vec<_> = totals.events.iter().map(|(outcome, n)| format!("{outcome} {n}")).collect();
    assert_eq!(events, ["Applied 6", "Parked 1", "Rejected 1"]);
    let points = &totals.wallets[0];
    let all = [points.earned, points.spent, points.clawed, points.adjusted, points.pending, points.available];
    assert_eq!(all.map(|n| n.to_string()), ["1100", "300", "40", "7", "0", "767"]);
    assert_eq!(totals.wallets[1].available.to_string(), "0.3");
    let best = world.ledger.best_members(&world.pipeline, &id("points"), 5).await.unwrap();
    let best: Vec<_> = best.iter().map(|best| format!("{} {}", best.member, best.available)).collect();
    assert_eq!(best, ["bob 700", "ann 67"]);
    assert_eq!(world.ledger.balance(&world.pipeline, &id("nobody")).await.unwrap(), None);
    assert!(matches!(world.try_batch(&[]).await.1, Committed::Done(_)));
}

/// Two processes that start at the same time.
async fn two_migrate(url: &str) {
    let (one, two) = (ledger::open(url).unwrap(), ledger::open(url).unwrap());
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    first.unwrap();
    second.unwrap();
    one.check_version().await.unwrap();
}

#[tokio::test]
async fn two_may_migrate_postgres_at_once() {
    two_migrate(&crate::world::postgres_url().await).await;
}

#[tokio::test]
async fn two_may_migrate_sqlite_at_once() {
    let folder = tempfile::tempdir().unwrap();
    two_migrate(&format!("sqlite:{}", folder.path().join("ledger.db").display())).await;
}

#[tokio::test]
async fn the_null_ledger_finds_everything_fresh_and_keeps_nothing() {
    let mut world = World::sqlite_memory().await;
    world.ledger = ledger::open("null:").unwrap();
    for _ in 0..2 {
        assert_eq!(world.one(bought("o1", "ann", &[100])).await.told(), ["earned 150 points, 150"]);
    }
    assert_eq!(world.one(spend("s1", "ann", 1)).await.told(), ["rejected 1 points, 0, missing 1"]);
    assert_eq!(world.ledger.balance(&world.pipeline, &id("ann")).await.unwrap(), None);
    let since = Since::default();
    assert!(matches!(
        world.ledger.append_timeline(&world.pipeline, &world.ruleset, &since).await.unwrap(),
        Appended::Added(TimelineLine { seq: 1, valid_from: None, .. })
    ));
    assert_eq!(world.ledger.ruleset(&world.hash).await.unwrap(), Some(world.ruleset.clone()));
}

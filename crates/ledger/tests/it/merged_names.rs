//! Two names of one member, on every store: what is said of one meets what the other has, and what others do at the same time.

use std::time::{Duration, Instant};

use contract::event::Event;
use ledger::Identity;
use ledger::audit::Auditing;
use ledger::book::Outcome;

use crate::merging::merged;
use crate::payments::spend_for;
use crate::transfers::{carry, send};
use crate::world::{Said, World, back, bought, on_every_store, spend};

on_every_store! {
    what_one_name_sends_to_the_other_stays
    refunds_that_wait_at_both_wait_on_together
    a_refund_that_waits_for_an_order_of_the_other_keeps_them_apart
    an_audit_finds_a_refund_that_was_left_behind
    an_audit_since_then_counts_each_entry_once
    what_was_told_is_told_again_in_the_names_of_then
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

/// Waits until a worker of this name waits for somebody's row.
async fn waits(world: &World, name: &str) {
    let (client, connection) = tokio_postgres::connect(&world.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let deadline = Instant::now() + Duration::from_secs(30);
    let asked = "select count(*) from pg_stat_activity where application_name = $1 and wait_event_type = 'Lock'";
    while client.query_one(asked, &[&name]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(Instant::now() < deadline, "nobody waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Keeps a member's row until it is told to let go.
async fn keep(world: &World, member: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&world.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let lock = format!("begin; select 1 from member where external_id = '{member}' for update");
    client.batch_execute(&lock).await.unwrap();
    client
}

/// In `SQLite` one writes after the other.
#[tokio::test]
async fn a_merge_into_a_new_member_is_not_missed_by_who_waited_meanwhile() {
    let world = World::postgres().await;
    world.one(bought("first", "aaa", &[1, 1])).await;
    let batches = [
        (
            vec![bought("x1", "aaa", &[1, 1]), bought("x2", "ann-1", &[5, 5])],
            vec!["earned 2 points, 4", "earned 10 points, 112"],
        ),
        (vec![merged("x3", "ann-2", "aaa")], vec!["not merged: MemberMerged"]),
    ];
    for (n, (batch, want)) in (1..).zip(batches) {
        let (ann, bob) = (format!("ann-{n}"), format!("bob-{n}"));
        world.one(bought(&format!("a-{n}"), &ann, &[50, 50])).await;
        let holder = keep(&world, "aaa").await;
        let name = format!("who-waits-{n}-{}", std::process::id());
        let worker = World::beside_as(&world, &name);
        let waiting = tokio::spawn(async move { worker.batch(&batch).await });
        waits(&world, &name).await;
        world.one(bought(&format!("b-{n}"), &bob, &[1, 1])).await;
        world.one(merged(&format!("m-{n}"), &ann, &bob)).await;
        holder.batch_execute("commit").await.unwrap();
        let said: Vec<_> = waiting.await.unwrap().iter().flat_map(Said::told).collect();
        assert_eq!(said, want);
        world.audits_clean().await;
    }
}

async fn what_one_name_sends_to_the_other_stays(world: World) {
    world.one(bought("o1", "ann", &[50, 50])).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(bought("o3", "cas", &[5, 5])).await;
    world.one(merged("m1", "ann", "bob")).await;
    world.one(merged("m2", "dan", "ann")).await;
    for (name, from, to) in [("t1", "ann", "bob"), ("t2", "bob", "ann"), ("t3", "dan", "ann"), ("t4", "ann", "dan")] {
        for _ in 0..2 {
            assert_eq!(
                told(&world, send(name, from, (to, 30))).await,
                ["not sent 30 points, 110: SameMember"],
                "{name}"
            );
        }
    }
    let said = world
        .batch(&[send("t5", "cas", ("ann", 3)), send("t6", "bob", ("ann", 5)), send("t7", "ann", ("cas", 1))])
        .await;
    let said: Vec<_> = said.iter().flat_map(Said::told).collect();
    assert_eq!(said, ["sent 3 points, 7", "not sent 5 points, 110: SameMember", "sent 1 points, 109"]);
    assert_eq!(carry(&world).await, ["received 3 points, 112", "received 1 points, 8"]);
    world.audits_clean().await;
}

async fn refunds_that_wait_at_both_wait_on_together(world: World) {
    world.one(bought("o1", "bob", &[9, 9])).await;
    world.one(spend_for("s1", "bob", "o2", 10)).await;
    world.one(back("r1", "ann", "o2", &["1"])).await;
    world.one(back("r2", "bob", "o2", &["2"])).await;
    world.one(back("r3", "ann", "o2", &["3"])).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, ["merged into bob by bea: one person"]);
    for name in ["r1", "r2", "r3"] {
        let said = world.one(back(name, if name == "r2" { "bob" } else { "ann" }, "o2", &[&name[1..]])).await;
        assert_eq!(said, Said::Replayed(Outcome::Parked, Vec::new()), "{name}");
    }
    assert_eq!(told(&world, bought("o2", "ann", &[5, 5, 5, 5, 5])).await, ["earned 25 points, 33"]);
    // Three of five lines went back: what they had earned, and what had paid for them.
    assert_eq!(world.available("bob", "points").await, (33 - 15 + 6).to_string());
}

async fn a_refund_that_waits_for_an_order_of_the_other_keeps_them_apart(world: World) {
    for (member, order) in [("bob", "o1"), ("ann", "o2")] {
        world.one(bought(order, member, &[5, 5])).await;
    }
    world.one(back("r1", "ann", "o1", &[])).await;
    world.one(back("r2", "ann", "o1", &["1"])).await;
    assert_eq!(told(&world, merged("m1", "ann", "bob")).await, ["not merged: RefundWaits o1"]);
    world.one(back("r3", "bob", "o2", &[])).await;
    assert_eq!(told(&world, merged("m2", "ann", "bob")).await, ["not merged: RefundWaits o1, o2"]);
    // They have waited long enough.
    let given_up: Vec<_> = ["r1", "r2"].map(|name| Identity::of(&back(name, "ann", "o1", &[]))).into();
    world.ledger.give_up_parked(&world.pipeline, &given_up).await.unwrap();
    assert_eq!(told(&world, merged("m3", "ann", "bob")).await, ["not merged: RefundWaits o2"]);
    let given_up = [Identity::of(&back("r3", "bob", "o2", &[]))];
    world.ledger.give_up_parked(&world.pipeline, &given_up).await.unwrap();
    assert_eq!(told(&world, merged("m4", "ann", "bob")).await[1..], ["joined 10 points, 20"]);
    assert_eq!(told(&world, back("r4", "ann", "o1", &[])).await, ["clawed 10 points, waived 0, 10"]);
}

async fn an_audit_finds_a_refund_that_was_left_behind(world: World) {
    if world.url == "sqlite::memory:" {
        return;
    }
    world.one(back("r1", "ann", "o1", &[])).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(merged("m1", "ann", "bob")).await;
    world.audits_clean().await;
    let key = |name| {
        format!(
            "bucket = (select bucket from member where external_id = '{name}'), member = (select number from member where external_id = '{name}')"
        )
    };
    world.tamper(&format!("update parked set {}", key("ann"))).await;
    let found: Vec<_> = world.differences().await.into_iter().map(|finding| finding.detail).collect();
    assert!(found.contains(&"who was merged still has refunds that wait".to_owned()), "{found:?}");
    world.tamper(&format!("update parked set {}", key("bob"))).await;
    world.audits_clean().await;
}

async fn an_audit_since_then_counts_each_entry_once(world: World) {
    world.one(bought("o1", "ann", &[5, 5])).await;
    world.one(spend("s1", "ann", 1)).await;
    world.one(bought("o2", "bob", &[5, 5])).await;
    world.one(merged("m1", "ann", "bob")).await;
    let since = jiff::Timestamp::UNIX_EPOCH;
    let report = world.ledger.audit_since(&world.pipeline, since, Auditing::Running, &|_, _| ()).await.unwrap();
    assert_eq!((report.entries, report.members, report.other_members), (5, 2, 0));
}

async fn what_was_told_is_told_again_in_the_names_of_then(world: World) {
    for (member, order) in [("ann", "o1"), ("bob", "o2"), ("cas", "o3")] {
        world.one(bought(order, member, &[5, 5])).await;
    }
    world.one(back("r9", "ann", "o9", &[])).await;
    let events =
        [merged("m1", "ann", "bob"), bought("o4", "ann", &[1, 1]), spend("s1", "bob", 2), bought("o9", "ann", &[5])];
    let mut first = Vec::new();
    for event in &events {
        let Said::Fresh(_, results) = world.one(event.clone()).await else { panic!("{event:?}") };
        first.push(results);
    }
    world.one(merged("m2", "bob", "cas")).await;
    world.audits_clean().await;
    // What arrived by the merge is an event of its own, and so is what comes of it.
    first[0].truncate(1);
    let merge = first[0][0].clone();
    for (event, results) in events.iter().zip(first) {
        let Said::Replayed(_, again) = world.one(event.clone()).await else { panic!("{event:?}") };
        assert_eq!(again, results, "{}", event.id);
    }
    let Said::Replayed(_, refund) = world.one(back("r9", "ann", "o9", &[])).await else { panic!("it was let in") };
    assert_eq!(refund[0].member.as_str(), "bob");
    let left = world.ledger.unpublished(&world.pipeline, Duration::ZERO, 99).await.unwrap();
    assert!(left.iter().any(|batch| batch.results.contains(&merge)), "{left:?}");
}

#[tokio::test]
async fn a_refund_is_given_up_under_the_lock_of_who_has_it_by_now() {
    let world = World::postgres().await;
    let refunds = [back("r1", "aaa", "o1", &[]), back("r2", "ann", "o2", &[])];
    world.batch(&refunds).await;
    world.one(bought("o3", "bob", &[1, 1])).await;
    let first = keep(&world, "aaa").await;
    let name = format!("who-gives-up-{}", std::process::id());
    let worker = World::beside_as(&world, &name);
    let given_up = refunds.each_ref().map(Identity::of);
    let mut giving =
        tokio::spawn(async move { worker.ledger.give_up_parked(&worker.pipeline, &given_up).await.unwrap() });
    waits(&world, &name).await;
    world.one(merged("m1", "ann", "bob")).await;
    let second = keep(&world, "bob").await;
    first.batch_execute("commit").await.unwrap();
    let soon = tokio::time::timeout(Duration::from_millis(500), &mut giving).await;
    assert!(soon.is_err(), "bob's refund was given up while somebody else had bob");
    second.batch_execute("commit").await.unwrap();
    giving.await.unwrap();
    for refund in refunds {
        let report = world.ledger.explain_event(&world.pipeline, &refund.id, None).await.unwrap().remove(0);
        assert_eq!(report.outcome, Outcome::GivenUp);
    }
    world.audits_clean().await;
}

//! How far a clawback may go, on every store: only what waits; and what a change of the policy means. Debts have a file of their own.

use contract::program::TakeBack;
use ledger::Since;
use ledger::book::Outcome;

use crate::time::{days, on};
use crate::world::{Said, World, adjust, back, bought, on_every_store, spend};

on_every_store! {
    only_what_waits_of_the_order_is_taken_and_the_rest_is_waived
    what_waits_of_other_orders_is_not_taken
    what_has_expired_is_not_waived
    what_is_owed_outlives_its_policy
    an_exchange_is_a_return_and_a_purchase
    a_refund_that_waited_is_decided_at_its_own_time
    a_refund_that_waited_finds_what_ended_by_its_own_time
    what_else_is_due_by_the_time_of_a_refund_that_waited_is_posted_before_it
    refunds_that_waited_are_decided_in_the_order_of_their_times_whatever_the_batches
}

impl World {
    /// From now on refunds take so much.
    pub(crate) async fn policy(mut self, take_back: TakeBack) -> Self {
        self.ruleset.program.refunds.take_back = take_back;
        self.hash = self.ruleset.hash();
        let since = Since { valid_from: None, author: "test".to_owned() };
        self.ledger.append_timeline(&self.pipeline, &self.ruleset, &since).await.unwrap();
        self
    }

    /// What was told of an event, and the audit finds nothing.
    pub(crate) async fn told(&self, event: contract::event::Event) -> Vec<String> {
        let told = self.one(event).await.told();
        self.audits_clean().await;
        told
    }
}

async fn only_what_waits_of_the_order_is_taken_and_the_rest_is_waived(world: World) {
    let world = world.policy(TakeBack::OnlyPending).await;
    world.told(bought("o2", "ann", &[500, 500])).await;
    world.told(days(bought("o1", "ann", &[40, 30, 30]), "wait", 14)).await;
    assert_eq!(world.told(on(back("r1", "ann", "o1", &["1"]), 1)).await, ["clawed 40 points, waived 0, 1000"]);
    // Less is due, and by then they need not wait any more.
    assert_eq!(
        world.told(on(back("r2", "ann", "o1", &["2"]), 15)).await,
        ["activated 60 points, 1060", "reinstated 20 points, unwaived 0, 1080"]
    );
    assert_eq!(world.told(on(back("r3", "ann", "o1", &["3"]), 16)).await, ["clawed 0 points, waived 80, 1080"]);
    // Never demanded again, whatever comes.
    world.told(days(on(bought("o3", "ann", &[5, 5]), 16), "wait", 14)).await;
    assert_eq!(world.told(on(back("r4", "ann", "o1", &[]), 17)).await, [""; 0]);
    assert_eq!(world.awards("o1").await, [("20".to_owned(), "80".to_owned())]);
}

async fn what_waits_of_other_orders_is_not_taken(world: World) {
    let world = world.policy(TakeBack::OnlyPending).await;
    world.told(days(bought("o1", "ann", &[50, 50]), "wait", 14)).await;
    world.told(bought("o2", "ann", &[30, 30])).await;
    assert_eq!(world.told(back("r2", "ann", "o2", &[])).await, ["clawed 0 points, waived 60, 60"]);
    assert_eq!(world.told(back("r1", "ann", "o1", &[])).await, ["clawed 100 points, waived 0, 60"]);
}

async fn what_has_expired_is_not_waived(world: World) {
    let world = world.policy(TakeBack::OnlyPending).await;
    world.told(days(bought("o1", "ann", &[60, 40]), "last", 30)).await;
    world.told(on(spend("s1", "ann", 70), 1)).await;
    assert_eq!(
        world.told(on(back("r1", "ann", "o1", &[]), 31)).await,
        ["expired 30 points, 0", "clawed 0 points, waived 70, expired 30, 0"]
    );
}

async fn what_is_owed_outlives_its_policy(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o1", "ann", &[60, 40])).await;
    world.told(spend("s1", "ann", 100)).await;
    assert_eq!(world.told(back("r1", "ann", "o1", &[])).await, ["clawed 0 points, waived 0, owed 100, 0"]);
    let world = world.policy(TakeBack::WithinBalance).await;
    assert_eq!(
        world.told(bought("o2", "ann", &[30, 30])).await,
        ["earned 60 points, 0", "repaid 60 points, owed 40, 0"]
    );
    // Under today's rules nothing more is owed; what was, is paid off all the same.
    assert_eq!(world.told(back("r2", "ann", "o2", &[])).await, ["clawed 0 points, waived 60, 0"]);
    assert_eq!(world.told(adjust("a1", "ann", 50)).await, ["adjusted 50 points, 10", "repaid 40 points, owed 0, 10"]);
}

async fn an_exchange_is_a_return_and_a_purchase(world: World) {
    world.told(bought("o1", "ann", &[40, 30, 30])).await;
    let both = [back("r1", "ann", "o1", &["1"]), bought("o2", "ann", &[20, 25])];
    let told: Vec<_> = world.batch(&both).await.iter().flat_map(Said::told).collect();
    assert_eq!(told, ["clawed 40 points, waived 0, 60", "earned 45 points, 105"]);
    // What came in exchange is an order of its own.
    assert_eq!(world.told(back("r2", "ann", "o2", &[])).await, ["clawed 45 points, waived 0, 60"]);
    assert_eq!(world.told(back("r3", "ann", "o1", &[])).await, ["clawed 60 points, waived 0, 0"]);
}

async fn a_refund_that_waited_is_decided_at_its_own_time(world: World) {
    let world = world.policy(TakeBack::OnlyPending).await;
    for (member, day, took) in
        [("ann", 13, "clawed 100 points, waived 0, 0"), ("bob", 14, "clawed 0 points, waived 100, 100")]
    {
        let (order, refund) = (format!("o-{member}"), format!("r-{member}"));
        let early = on(back(&refund, member, &order, &[]), day);
        assert_eq!(world.one(early.clone()).await, Said::Fresh(Outcome::Parked, vec![]));
        let order = days(bought(&order, member, &[60, 40]), "wait", 14);
        assert_eq!(world.told(order).await, ["earned 100 points, 0"]);
        assert_eq!(world.told(early).await, [took]);
    }
    assert_eq!(world.settle_due("2030-01-01T00:00:00Z").await, [""; 0]);
}

async fn a_refund_that_waited_finds_what_ended_by_its_own_time(world: World) {
    let early = on(back("r1", "ann", "o1", &["1"]), 20);
    world.told(early.clone()).await;
    world.told(days(bought("o1", "ann", &[40, 30, 30]), "last", 10)).await;
    assert_eq!(world.told(early).await, ["clawed 0 points, waived 0, expired 40, 0"]);
    assert_eq!(world.told(on(adjust("a1", "ann", 1), 21)).await, ["adjusted 1 points, 1"]);
}

async fn what_else_is_due_by_the_time_of_a_refund_that_waited_is_posted_before_it(world: World) {
    // When it was parked there was nothing; then forty lots come late, more than a page, and nobody looks at them.
    world.told(on(back("r1", "ann", "o1", &[]), 20)).await;
    let orders: Vec<_> = (0..40).map(|n| days(bought(&format!("w{n}"), "ann", &[1, 1]), "wait", 5)).collect();
    world.batch(&orders).await;
    world.told(on(bought("o1", "ann", &[10, 10]), 1)).await;
    assert_eq!(world.available("ann", "points").await, "80");
    assert_eq!(world.settle_due("2030-01-01T00:00:00Z").await, [""; 0]);
}

async fn refunds_that_waited_are_decided_in_the_order_of_their_times_whatever_the_batches(world: World) {
    for (member, batch) in [("ann", 1), ("bob", 4)] {
        // 40 of 100 are due after the first one, 20 after both; in between there is nothing to take.
        let (order, name) = (format!("o-{member}"), |n: u8| format!("r{n}-{member}"));
        let events = [
            on(back(&name(2), member, &order, &["2"]), 5),
            on(back(&name(1), member, &order, &["1"]), 4),
            days(bought(&order, member, &[40, 30, 30]), "last", 3),
            on(adjust(&format!("a-{member}"), member, 1), 6),
        ];
        for chunk in events.chunks(batch) {
            world.batch(chunk).await;
        }
        world.audits_clean().await;
        assert_eq!(world.told(events[1].clone()).await, ["clawed 0 points, waived 0, expired 40, 0"], "{batch}");
        assert_eq!(world.told(events[0].clone()).await, ["reinstated 0 points, unwaived 0, expired 20, 0"], "{batch}");
    }
}

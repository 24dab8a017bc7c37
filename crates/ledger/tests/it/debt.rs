//! What is owed after refunds that take without limit, and how it is paid off, on every store.

use contract::event::Event;
use contract::program::TakeBack;
use contract::{BuryReason, MemberId};
use jiff::tz::TimeZone;
use ledger::report::{LiabilityAsk, Reckoning, StatementAsk, StatementMark};

use crate::holds::{capture, hold_of, release, until};
use crate::time::{days, on};
use crate::world::{Said, World, adjust, back, bought, id, on_every_store, spend};

on_every_store! {
    what_a_refund_cannot_take_is_owed_and_paid_off_by_what_comes_in
    points_that_waited_pay_off_what_is_owed_when_they_can_be_spent
    a_release_pays_off_what_is_owed
    what_the_last_capture_sets_free_pays_off_what_is_owed
    a_hold_that_times_out_pays_off_what_is_owed
    less_due_is_first_no_longer_owed
    what_is_given_back_goes_to_the_lots_that_paid_it_off
    what_is_given_back_pays_off_what_other_orders_left
    what_is_owed_longest_is_paid_off_first
    an_order_that_owes_again_keeps_its_place
    what_is_owed_stands_in_every_account
    whatever_the_batches_what_is_owed_is_the_same
    debts_beyond_an_i64_are_refused_and_change_nothing
}

impl World {
    async fn debt(&self, member: &str) -> String {
        let balances = self.ledger.balance(&self.pipeline, &id(member)).await.unwrap().unwrap_or_default();
        balances.iter().find(|balance| balance.wallet.as_str() == "points").unwrap().debt.to_string()
    }
}

/// An order whose points are gone.
async fn spent(world: &World, order: &str, member: &str, lines: &[i64]) {
    world.told(bought(order, member, lines)).await;
    world.told(spend(&format!("s-{order}"), member, lines.iter().sum())).await;
}

async fn what_a_refund_cannot_take_is_owed_and_paid_off_by_what_comes_in(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o1", "ann", &[60, 40])).await;
    world.told(spend("s1", "ann", 70)).await;
    assert_eq!(world.told(back("r1", "ann", "o1", &[])).await, ["clawed 30 points, waived 0, owed 70, 0"]);
    assert_eq!((world.debt("ann").await, world.available("ann", "points").await), ("70".to_owned(), "0".to_owned()));
    // So many have to come in before it can be.
    assert_eq!(world.told(spend("s2", "ann", 10)).await, ["rejected 10 points, 0, missing 80"]);
    assert_eq!(world.told(adjust("a1", "ann", -5)).await, ["not adjusted -5 points, 0, missing 75"]);
    assert_eq!(
        world.told(bought("o2", "ann", &[30, 10])).await,
        ["earned 40 points, 0", "repaid 40 points, owed 30, 0"]
    );
    assert_eq!(world.told(adjust("a2", "ann", 50)).await, ["adjusted 50 points, 20", "repaid 30 points, owed 0, 20"]);
    assert_eq!(world.awards("o1").await, [("100".to_owned(), "0".to_owned())]);
    assert_eq!(world.lots("ann").await, [(3, "20".to_owned())]);
    assert_eq!(world.told(spend("s3", "ann", 20)).await, ["spent 20 points, 0"]);
}

async fn points_that_waited_pay_off_what_is_owed_when_they_can_be_spent(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    for member in ["ann", "bob"] {
        let order = |n| format!("o{n}-{member}");
        spent(&world, &order(1), member, &[60, 40]).await;
        let refund = back(&format!("r-{member}"), member, &order(1), &[]);
        assert_eq!(world.told(refund).await, ["clawed 0 points, waived 0, owed 100, 0"]);
        let waiting = days(bought(&order(2), member, &[80, 40]), "wait", 14);
        assert_eq!(world.told(waiting).await, ["earned 120 points, 0"]);
    }
    let due = ["activated 120 points, 20", "repaid 100 points, owed 0, 20"];
    // The one has an event, the other a timer.
    assert_eq!(world.told(on(spend("s2", "ann", 20), 14)).await, [due[0], due[1], "spent 20 points, 0"]);
    assert_eq!(world.settle_due("2026-11-15T12:00:00Z").await, due);
    world.audits_clean().await;
    assert_eq!(world.lots("bob").await, [(2, "20".to_owned())]);
}

async fn a_release_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o1", "ann", &[60, 40])).await;
    assert_eq!(world.told(hold_of("h1", "ann", ("till", 70))).await, ["held 70 as till, 30"]);
    // The till has been promised what is held.
    assert_eq!(world.told(back("r1", "ann", "o1", &[])).await, ["clawed 30 points, waived 0, owed 70, 0"]);
    assert_eq!(
        world.told(hold_of("h2", "ann", ("web", 5))).await,
        ["not held 5 as web, 0, missing 75: InsufficientBalance"]
    );
    assert_eq!(world.told(capture("c1", "ann", ("till", Some(20)), true)).await, ["captured 20 of till, held 50, 0"]);
    assert_eq!(
        world.told(release("l1", "ann", "till")).await,
        ["released 50 of till, 0", "repaid 50 points, owed 20, 0"]
    );
    assert_eq!((world.debt("ann").await, world.available("ann", "points").await), ("20".to_owned(), "0".to_owned()));
    assert_eq!(world.awards("o1").await, [("100".to_owned(), "0".to_owned())]);
    let entry = world.ledger.explain_event(&world.pipeline, &id("l1"), None).await.unwrap().remove(0).entry.unwrap();
    let mut postings =
        entry.postings.iter().map(|line| format!("{} {}", line.account, line.amount)).collect::<Vec<_>>();
    postings.sort();
    assert_eq!(postings, ["debt 50", "held -50"]);
}

async fn what_the_last_capture_sets_free_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o1", "ann", &[40, 30, 30])).await;
    world.told(hold_of("h1", "ann", ("till", 70))).await;
    assert_eq!(world.told(back("r1", "ann", "o1", &["1"])).await, ["clawed 30 points, waived 0, owed 10, 0"]);
    assert_eq!(
        world.told(capture("c1", "ann", ("till", Some(40)), false)).await,
        ["captured 40 of till, held 0, freed 30, 20", "repaid 10 points, owed 0, 20"]
    );
    // The order knows what was paid off for it.
    assert_eq!(world.told(back("r2", "ann", "o1", &["2"])).await, ["reinstated 20 points, unwaived 0, 40"]);
    assert_eq!(world.lots("ann").await, [(1, "40".to_owned())]);
}

async fn a_hold_that_times_out_pays_off_what_is_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    for member in ["ann", "bob"] {
        let order = format!("o-{member}");
        world.told(bought(&order, member, &[40, 30, 30])).await;
        world.told(until(hold_of(&format!("h-{member}"), member, ("till", 70)), 14)).await;
        let refund = back(&format!("r-{member}"), member, &order, &["1"]);
        assert_eq!(world.told(refund).await, ["clawed 30 points, waived 0, owed 10, 0"]);
    }
    let due = ["timed out 70 of till, 60", "repaid 10 points, owed 0, 60"];
    // The one has an event, which gives back at once what was paid off; the other a timer.
    assert_eq!(
        world.told(on(back("r2", "ann", "o-ann", &["2"]), 14)).await,
        [due[0], due[1], "reinstated 20 points, unwaived 0, 80"]
    );
    assert_eq!(world.settle_due("2026-11-15T12:00:00Z").await, due);
    world.audits_clean().await;
    assert_eq!((world.lots("bob").await, world.debt("bob").await), (vec![(1, "60".to_owned())], "0".to_owned()));
}

async fn less_due_is_first_no_longer_owed(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    spent(&world, "o1", "ann", &[40, 30, 30]).await;
    assert_eq!(world.told(back("r1", "ann", "o1", &["1"])).await, ["clawed 0 points, waived 0, owed 40, 0"]);
    assert_eq!(
        world.told(back("r2", "ann", "o1", &["2"])).await,
        ["reinstated 0 points, unwaived 0, no longer owed 20, 0"]
    );
    assert_eq!(world.told(back("r3", "ann", "o1", &["3"])).await, ["clawed 0 points, waived 0, owed 80, 0"]);
    assert_eq!(world.debt("ann").await, "100");
}

async fn what_is_given_back_goes_to_the_lots_that_paid_it_off(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    spent(&world, "o1", "ann", &[40, 30, 30]).await;
    world.told(back("r1", "ann", "o1", &["1"])).await;
    assert_eq!(world.told(adjust("a1", "ann", 10)).await, ["adjusted 10 points, 0", "repaid 10 points, owed 30, 0"]);
    assert_eq!(world.told(adjust("a2", "ann", 90)).await, ["adjusted 90 points, 60", "repaid 30 points, owed 0, 60"]);
    assert_eq!(world.told(back("r2", "ann", "o1", &["2"])).await, ["reinstated 20 points, unwaived 0, 80"]);
    assert_eq!(world.lots("ann").await, [(3, "80".to_owned())]);
    assert_eq!(world.told(back("r3", "ann", "o1", &["3"])).await, ["clawed 80 points, waived 0, 0"]);
}

async fn what_is_given_back_pays_off_what_other_orders_left(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o2", "ann", &[40, 30, 30])).await;
    assert_eq!(world.told(back("r1", "ann", "o2", &["1"])).await, ["clawed 40 points, waived 0, 60"]);
    world.told(spend("s1", "ann", 60)).await;
    spent(&world, "o1", "ann", &[10, 10, 10]).await;
    assert_eq!(world.told(back("r2", "ann", "o1", &[])).await, ["clawed 0 points, waived 0, owed 30, 0"]);
    assert_eq!(
        world.told(back("r3", "ann", "o2", &["2"])).await,
        ["reinstated 20 points, unwaived 0, 0", "repaid 20 points, owed 10, 0"]
    );
    assert_eq!(world.told(back("r4", "ann", "o2", &["3"])).await, ["clawed 0 points, waived 0, owed 80, 0"]);
    assert_eq!(world.debt("ann").await, "90");
}

async fn what_is_owed_longest_is_paid_off_first(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    spent(&world, "o2", "ann", &[40, 30, 30]).await;
    spent(&world, "o1", "ann", &[10, 10, 10]).await;
    // The names of the orders say nothing.
    world.told(back("r2", "ann", "o2", &["1"])).await;
    world.told(back("r1", "ann", "o1", &[])).await;
    assert_eq!(world.told(adjust("a1", "ann", 50)).await, ["adjusted 50 points, 0", "repaid 50 points, owed 20, 0"]);
    // All 40 of the first one are paid off, and 10 of the other: less due of the first gives points back, for the other.
    assert_eq!(
        world.told(back("r3", "ann", "o2", &["2"])).await,
        ["reinstated 20 points, unwaived 0, 0", "repaid 20 points, owed 0, 0"]
    );
    assert_eq!(world.debt("ann").await, "0");
}

async fn an_order_that_owes_again_keeps_its_place(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    spent(&world, "o1", "ann", &[40, 30, 30]).await;
    spent(&world, "o2", "ann", &[10, 10, 10]).await;
    world.told(back("r1", "ann", "o1", &["1"])).await;
    assert_eq!(world.told(back("r2", "ann", "o2", &["1"])).await, ["clawed 0 points, waived 0, owed 10, 0"]);
    assert_eq!(world.told(back("r3", "ann", "o1", &[])).await, ["clawed 0 points, waived 0, owed 60, 0"]);
    assert_eq!(world.told(adjust("a1", "ann", 100)).await, ["adjusted 100 points, 0", "repaid 100 points, owed 10, 0"]);
    // Nothing is left of the first one's; the other one's was still owed in full.
    assert_eq!(
        world.told(back("r5", "ann", "o2", &["2"])).await,
        ["reinstated 0 points, unwaived 0, no longer owed 10, 0"]
    );
    assert_eq!(world.told(adjust("a2", "ann", 1)).await, ["adjusted 1 points, 1"]);
    // Once all is paid off it may begin again.
    spent(&world, "o3", "ann", &[5, 4]).await;
    assert_eq!(world.told(back("r4", "ann", "o3", &[])).await, ["clawed 1 points, waived 0, owed 8, 0"]);
}

async fn what_is_owed_stands_in_every_account(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    world.told(bought("o1", "ann", &[60, 40])).await;
    world.told(spend("s1", "ann", 70)).await;
    world.told(back("r1", "ann", "o1", &[])).await;
    world.told(bought("o2", "ann", &[30, 10])).await;
    let (ask, mark) = (StatementAsk::default(), StatementMark::default());
    let page = world.ledger.statement(&world.pipeline, &id::<MemberId>("ann"), &ask, &mark).await.unwrap().unwrap();
    let lines = page.lines.iter().map(|line| format!("{} {} {} {}", line.event, line.state, line.amount, line.balance));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        ["o1 available 100 100", "s1 available -70 30", "r1 available -30 0", "r1 debt -70 -70", "o2 debt 40 -30"]
    );
    let ask = LiabilityAsk { at: None, by: Reckoning::Happened, zone: TimeZone::UTC };
    let report = world.ledger.liability(&world.pipeline, &ask).await.unwrap().remove(0);
    let sums = [report.outstanding, report.debt, report.earned, report.redeemed, report.taken_back];
    assert_eq!(sums.map(|sum| sum.to_string()), ["0", "30", "140", "70", "100"]);
    let totals = world.ledger.totals(&world.pipeline).await.unwrap().wallets.remove(0);
    assert_eq!([totals.available, totals.debt, totals.clawed].map(|sum| sum.to_string()), ["0", "30", "100"]);
    let entry = world.ledger.explain_event(&world.pipeline, &id("o2"), None).await.unwrap().remove(0).entry.unwrap();
    let postings = entry.postings.iter().map(|line| format!("{} {}", line.account, line.amount)).collect::<Vec<_>>();
    assert_eq!(postings, ["issued -40", "debt 40"]);
    // The lot of the purchase says where they went.
    assert_eq!(
        entry.allocations.iter().map(|of| (of.lot, of.amount.to_string())).collect::<Vec<_>>(),
        [(2, "40".to_owned())]
    );
}

fn of(member: &str, events: &[Event]) -> Vec<Event> {
    let own = |event: &Event| Event { id: id(&format!("{}-{member}", event.id)), member: id(member), ..event.clone() };
    events.iter().map(own).collect()
}

async fn whatever_the_batches_what_is_owed_is_the_same(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    let events = [
        bought("o1", "-", &[40, 30, 30]),
        days(bought("o2", "-", &[20, 20]), "wait", 3),
        on(spend("s1", "-", 90), 1),
        on(back("r1", "-", "o1", &["1"]), 1),
        on(adjust("a1", "-", 5), 2),
        on(back("r2", "-", "o1", &["2"]), 2),
        on(back("r3", "-", "o1", &["3"]), 3),
        on(adjust("a2", "-", 30), 4),
        on(bought("o3", "-", &[7, 9]), 5),
        on(back("r4", "-", "o3", &["2"]), 5),
        on(bought("o4", "-", &[40, 40]), 6),
        on(spend("s2", "-", 3), 7),
    ];
    let at_once: Vec<Vec<String>> = world.batch(&of("all", &events)).await.iter().map(Said::told).collect();
    for (event, said) in of("each", &events).into_iter().zip(&at_once) {
        assert_eq!(world.told(event).await, *said);
    }
    for (chunk, said) in of("some", &events).chunks(5).zip(at_once.chunks(5)) {
        let told: Vec<_> = world.batch(chunk).await.iter().map(Said::told).collect();
        assert_eq!(told, said);
    }
    world.audits_clean().await;
    assert!(at_once.concat().iter().any(|told| told.starts_with("repaid")), "{at_once:?}");
    assert_eq!(world.lots("all").await, world.lots("each").await);
    assert_eq!(world.lots("all").await, world.lots("some").await);
}

async fn debts_beyond_an_i64_are_refused_and_change_nothing(world: World) {
    let world = world.policy(TakeBack::Unlimited).await;
    let much = i64::MAX - 10;
    for order in ["o1", "o2"] {
        world.one(bought(order, "ann", &[much - 1, 1])).await;
        world.one(adjust(&format!("a-{order}"), "ann", -much)).await;
    }
    assert_eq!(
        world.one(back("r1", "ann", "o1", &[])).await.told(),
        [format!("clawed 0 points, waived 0, owed {much}, 0")]
    );
    assert_eq!(world.one(back("r2", "ann", "o2", &[])).await, Said::Refused(BuryReason::Overflow));
    assert_eq!(world.debt("ann").await, much.to_string());
    assert_eq!(
        world.one(adjust("a3", "ann", -much)).await.told(),
        [format!("not adjusted -{much} points, 0, missing {}", i64::MAX)],
        "as many as can be told"
    );
}

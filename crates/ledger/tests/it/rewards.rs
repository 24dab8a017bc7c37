//! Rewards that points are turned into by themselves, on every store.

use contract::event::Event;
use contract::program::{AutoReward, TakeBack};

use crate::audit::each_break_is_found;
use crate::freezing::{freeze, unfreeze};
use crate::holds::{hold_of, release, until};
use crate::time::{days, on};
use crate::transfers::send;
use crate::world::{Said, World, adjust, back, bought, id, on_every_store, spend};

on_every_store! {
    points_become_a_reward_as_soon_as_there_are_enough
    no_more_a_day_than_the_rules_allow_and_the_rest_on_the_next
    a_night_activates_then_rewards_then_ends
    what_a_hold_sets_free_counts
    a_refund_after_a_reward_acts_as_after_any_spend
    a_frozen_member_gets_none_until_they_are_free
    an_event_of_a_day_before_finds_the_last_day_that_had_any
    after_a_week_each_day_has_its_own
    whatever_the_batches_the_rewards_are_the_same
    a_reward_is_told_again_and_never_given_twice
    a_member_of_many_lots_pays_with_what_ends_first
    tables_of_the_version_before_migrate
}

impl World {
    /// So many points become a reward, so many times a day.
    pub(crate) async fn rewarding(mut self, points: i64, per_day: u32) -> Self {
        let wallet = &mut self.ruleset.program.wallets[0];
        let points = contract::Quantity::parse(&points.to_string()).unwrap();
        wallet.auto_reward = Some(AutoReward { reward: id("coffee"), points, per_day });
        let take_back = self.ruleset.program.refunds.take_back;
        self.policy(take_back).await
    }
}

async fn told(world: &World, event: Event) -> Vec<String> {
    let told = world.one(event).await.told();
    world.audits_clean().await;
    told
}

fn midnight(day: i64) -> String {
    let noon = on(spend("x", "ann", 1), day).occurred_at;
    noon.checked_sub(jiff::SignedDuration::from_hours(12)).unwrap().to_string()
}

async fn settled(world: &World, by: &str) -> Vec<String> {
    let told = world.settle_due(by).await;
    world.audits_clean().await;
    told
}

async fn next_due(world: &World) -> Option<String> {
    world.ledger.next_due(&world.pipeline).await.unwrap().map(|at| at.to_string())
}

async fn points_become_a_reward_as_soon_as_there_are_enough(world: World) {
    let world = world.rewarding(100, 5).await;
    assert_eq!(told(&world, bought("o1", "ann", &[60, 30])).await, ["earned 90 points, 90"]);
    assert_eq!(told(&world, bought("o2", "ann", &[5, 5])).await, ["earned 10 points, 100", "reward coffee for 100, 0"]);
    assert_eq!(
        told(&world, bought("o3", "ann", &[200, 50])).await,
        ["earned 250 points, 250", "reward coffee for 100, 150", "reward coffee for 100, 50"]
    );
    assert_eq!(told(&world, adjust("a1", "ann", 50)).await, ["adjusted 50 points, 100", "reward coffee for 100, 0"]);
    assert_eq!(next_due(&world).await, None);
    let totals = world.ledger.totals(&world.pipeline).await.unwrap().wallets.remove(0);
    assert_eq!((totals.spent.to_string(), totals.available.to_string()), ("400".to_owned(), "0".to_owned()));
}

async fn no_more_a_day_than_the_rules_allow_and_the_rest_on_the_next(world: World) {
    let world = world.rewarding(100, 2).await;
    assert_eq!(
        told(&world, bought("o1", "ann", &[400, 150])).await,
        ["earned 550 points, 550", "reward coffee for 100, 450", "reward coffee for 100, 350"]
    );
    assert_eq!(next_due(&world).await, Some(midnight(1)));
    // The same day has no more, and a redemption may take what was left for the next one.
    assert_eq!(told(&world, spend("s1", "ann", 40)).await, ["spent 40 points, 310"]);
    assert_eq!(settled(&world, &midnight(1)).await, ["reward coffee for 100, 210", "reward coffee for 100, 110"]);
    assert_eq!(told(&world, on(spend("s2", "ann", 50), 1)).await, ["spent 50 points, 60"]);
    assert_eq!(next_due(&world).await, None, "there is not enough left");
    assert_eq!(
        told(&world, on(bought("o2", "ann", &[50, 40]), 1)).await,
        ["earned 90 points, 150"],
        "of this day there were two"
    );
    assert_eq!(next_due(&world).await, Some(midnight(2)));
    // The member's next event brings it up as a timer would.
    assert_eq!(told(&world, on(spend("s3", "ann", 1), 2)).await, ["reward coffee for 100, 50", "spent 1 points, 49"]);
}

async fn a_night_activates_then_rewards_then_ends(world: World) {
    let world = world.rewarding(100, 2).await;
    let ending = days(bought("o1", "ann", &[60, 20]), "last", 3);
    told(&world, ending).await;
    told(&world, days(bought("o2", "ann", &[20, 20]), "wait", 3)).await;
    // At one moment 40 come, 100 become a reward, those that end first among them, and nothing is left to end.
    let noon = on(spend("x", "ann", 1), 3).occurred_at.to_string();
    assert_eq!(settled(&world, &noon).await, ["activated 40 points, 120", "reward coffee for 100, 20"]);
    assert_eq!(world.lots("ann").await, [(2, "20".to_owned())]);
}

async fn what_a_hold_sets_free_counts(world: World) {
    let world = world.rewarding(100, 2).await;
    told(&world, bought("o1", "ann", &[60, 30])).await;
    told(&world, until(hold_of("e1", "ann", ("h1", 50)), 4)).await;
    told(&world, hold_of("e2", "ann", ("h2", 20))).await;
    told(&world, on(adjust("a1", "ann", 40), 1)).await;
    assert_eq!(told(&world, on(release("e3", "ann", "h2"), 2)).await, ["released 20 of h2, 80"]);
    let end = on(spend("x", "ann", 1), 4).occurred_at.to_string();
    assert_eq!(settled(&world, &end).await, ["timed out 50 of h1, 130", "reward coffee for 100, 30"]);
}

async fn a_refund_after_a_reward_acts_as_after_any_spend(world: World) {
    let world = world.rewarding(100, 5).await;
    told(&world, bought("o1", "ann", &[60, 50])).await;
    assert_eq!(told(&world, back("r1", "ann", "o1", &[])).await, ["clawed 10 points, waived 100, 0"]);
    let world = world.policy(TakeBack::Unlimited).await;
    told(&world, bought("o2", "ann", &[60, 50])).await;
    assert_eq!(told(&world, back("r2", "ann", "o2", &[])).await, ["clawed 10 points, waived 0, owed 100, 0"]);
    // What is owed is paid off before anything becomes a reward.
    assert_eq!(
        told(&world, bought("o3", "ann", &[120, 85])).await,
        ["earned 205 points, 105", "repaid 100 points, owed 0, 105", "reward coffee for 100, 5"]
    );
}

async fn a_frozen_member_gets_none_until_they_are_free(world: World) {
    let world = world.rewarding(100, 1).await;
    told(&world, bought("o1", "ann", &[150, 150])).await;
    told(&world, freeze("f1", "ann")).await;
    assert_eq!(next_due(&world).await, None);
    assert_eq!(told(&world, on(bought("o2", "ann", &[50, 50]), 1)).await, ["earned 100 points, 300"]);
    assert_eq!(settled(&world, &midnight(3)).await, [""; 0]);
    let free = told(&world, on(unfreeze("f2", "ann"), 3)).await;
    assert_eq!(free[1..], ["reward coffee for 100, 200"]);
    assert_eq!(next_due(&world).await, Some(midnight(4)));
}

async fn an_event_of_a_day_before_finds_the_last_day_that_had_any(world: World) {
    let world = world.rewarding(100, 1).await;
    told(&world, on(bought("o1", "ann", &[50, 50]), 5)).await;
    assert_eq!(told(&world, on(bought("late", "ann", &[100, 50]), 2)).await, ["earned 150 points, 150"]);
    assert_eq!(next_due(&world).await, Some(midnight(6)));
    assert_eq!(settled(&world, &midnight(6)).await, ["reward coffee for 100, 50"]);
}

async fn after_a_week_each_day_has_its_own(world: World) {
    let world = world.rewarding(100, 2).await;
    told(&world, bought("o1", "ann", &[500, 250])).await;
    let told = settled(&world, &midnight(7)).await;
    assert_eq!(told.len(), 5, "{told:?}");
    let batches = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 10).await.unwrap();
    let results = batches.iter().flat_map(|batch| &batch.results);
    let times: Vec<String> =
        results.filter(|of| of.body.type_name() == "reward.granted").map(|of| of.time.to_string()).collect();
    let noon = "2026-11-01T12:00:00Z".to_owned();
    assert_eq!(times, [noon.clone(), noon, midnight(1), midnight(1), midnight(2), midnight(2), midnight(3)]);
}

async fn whatever_the_batches_the_rewards_are_the_same(world: World) {
    let world = world.rewarding(100, 2).await;
    let history = |member: &str| {
        let named = |mut event: Event| {
            (event.id, event.member) = (id(&format!("{}-{member}", event.id)), id(member));
            event
        };
        [
            days(bought("o1", "ann", &[300, 140]), "last", 10),
            days(bought("o2", "ann", &[30, 40]), "wait", 1),
            on(spend("s1", "ann", 5), 1),
            on(hold_of("e1", "ann", ("h1", 30)), 1),
            on(bought("o3", "ann", &[60, 40]), 1),
            on(release("e2", "ann", "h1"), 3),
            on(back("r2", "ann", "o1", &["1"]), 4),
            on(bought("o4", "ann", &[200, 210]), 5),
            on(adjust("a1", "ann", 70), 2),
            on(spend("s3", "ann", 4), 40),
        ]
        .map(named)
    };
    let said: Vec<Vec<String>> = world.batch(&history("all")).await.iter().map(Said::told).collect();
    for (event, said) in history("each").into_iter().zip(said) {
        assert_eq!(told(&world, event).await, said);
    }
}

async fn a_reward_is_told_again_and_never_given_twice(world: World) {
    let world = world.rewarding(100, 1).await;
    let order = bought("o1", "ann", &[200, 50]);
    // A worker dies before its commit.
    let (open, _) = world.ledger.begin(&world.request(std::slice::from_ref(&order))).await.unwrap();
    drop(open);
    let Said::Fresh(_, first) = world.one(order.clone()).await else { panic!() };
    let ids: Vec<String> = first.iter().map(|result| result.id.clone()).collect();
    let stored = async || {
        let batches = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 10).await.unwrap();
        batches.iter().flat_map(|batch| &batch.results).map(|result| result.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(stored().await, ids);
    world.one(order).await;
    assert_eq!(stored().await, ids);
    assert_eq!(settled(&world, &midnight(1)).await, ["reward coffee for 100, 50"]);
    assert_eq!(settled(&world, &midnight(1)).await, [""; 0]);
    assert_eq!(stored().await.len(), 3);
}

async fn a_member_of_many_lots_pays_with_what_ends_first(world: World) {
    let orders: Vec<Event> = (0..60).map(|n| days(bought(&format!("o{n}"), "ann", &[1, 1]), "last", 90 - n)).collect();
    world.batch(&orders).await;
    let world = world.rewarding(100, 1).await;
    assert_eq!(told(&world, adjust("a1", "ann", 1)).await, ["adjusted 1 points, 121", "reward coffee for 100, 21"]);
    let lots: Vec<i64> = world.lots("ann").await.iter().map(|(lot, _)| *lot).collect();
    assert_eq!(lots, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 61]);
    assert_eq!(told(&world, send("t1", "ann", ("bob", 21))).await, ["sent 21 points, 0"]);
}

async fn tables_of_the_version_before_migrate(world: World) {
    if world.url == "sqlite::memory:" {
        // Nobody else can reach it.
        return;
    }
    told(&world, bought("o1", "ann", &[60, 40])).await;
    let world = world.migrated_from(8).await.rewarding(100, 1).await;
    assert_eq!(told(&world, adjust("a1", "ann", 1)).await, ["adjusted 1 points, 101", "reward coffee for 100, 1"]);
}

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    ("update counter set used = used + 5", &[7]),
    ("update counter set most = 0", &[7]),
    ("delete from counter", &[7]),
    ("delete from reward where n = 0", &[7]),
    ("update reward set points = 99", &[7]),
    ("update balance set reward_at = null", &[3]),
];

async fn history(world: &World) {
    world.one(bought("o1", "ann", &[400, 150])).await;
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break_of_a_reward() {
    each_break_is_found(BREAKS, history, async || World::sqlite_file().await.rewarding(100, 2).await).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break_of_a_reward() {
    each_break_is_found(BREAKS, history, async || World::postgres().await.rewarding(100, 2).await).await;
}

//! Random histories of one member against the model: late events, doubles, refunds before their purchase, orders paid for with points,
//! holds, points that end with a time without activity or are given back after their end, jumps of time, workers that die before their
//! commit, under each policy of refunds; the same to the last point.
//!
//! `SEED` runs one history again; `LOYALTY_TEST_SHARE=histories` runs a hundred thousand, on all cores. A history that differs is cut down before it is shown.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::EventId;

use contract::event::{Event, Kind};
use contract::program::TakeBack;
use contract::result::{ResultBody, ResultEvent};

use jiff::Timestamp;
use ledger::book::Outcome;

use crate::erasing::erase;
use crate::freezing::{freeze, unfreeze};
use crate::holds::{capture, hold_of, paying, release, until};
use crate::model::{Model, Place};
use crate::payments::spend_for;
use crate::property::Dice;
use crate::reinstating::{lasting, reinstate};
use crate::time::{days, on};
use crate::transfers::send;
use crate::waits::{of_order, waiting};
use crate::world::{Said, World, adjust, back, bought, spend, tell};

const LEN: usize = 80;

/// So many points, so many times a day.
type Rewards = Option<(i64, u32)>;

fn history(seed: u64) -> Vec<Event> {
    let mut dice = Dice(seed);
    let mut today = 0;
    let mut events: Vec<Event> = Vec::new();
    for n in 0..LEN {
        today += dice.points(4);
        // A third of the events come late, some of them by months.
        let day = if dice.upto(3) == 0 { (today - dice.points(40)).max(0) } else { today };
        let (name, order) = (format!("e{n}"), format!("o{}", dice.upto(12)));
        let line = ["1", "2", "3"][usize::try_from(dice.upto(3)).unwrap()];
        let hold = format!("h{}", dice.upto(8));
        let event = match dice.upto(20) {
            0..=3 => {
                let lines: Vec<i64> = (0..=dice.upto(3)).map(|_| dice.points(9)).collect();
                let mut event = bought(&order, "ann", &lines);
                event.id = name.try_into().unwrap();
                let event = if dice.upto(2) == 0 { days(event, "wait", 1 + dice.points(20)) } else { event };
                let event = if dice.upto(3) == 0 { waiting(event) } else { event };
                match dice.upto(4) {
                    0 => event,
                    1 => days(event, "idle", 1 + dice.points(30)),
                    _ => days(event, "last", 1 + dice.points(30)),
                }
            }
            4 | 5 => back(&name, "ann", &order, &[line]),
            6 => back(&name, "ann", &order, &[]),
            7 => match dice.upto(2) {
                0 => spend(&name, "ann", 1 + dice.points(60)),
                _ => spend_for(&name, "ann", &order, 1 + dice.points(40)),
            },
            8 => adjust(&name, "ann", [-9, -1, 2, 7][usize::try_from(dice.upto(4)).unwrap()]),
            9 | 10 => {
                let event = on(hold_of(&name, "ann", (&hold, 1 + dice.points(40))), day);
                events.push(if dice.upto(3) > 0 { until(event, 1 + dice.points(20)) } else { event });
                continue;
            }
            11 | 12 => {
                let points = (dice.upto(2) == 0).then(|| 1 + dice.points(15));
                let event = capture(&name, "ann", (&hold, points), dice.upto(2) == 0);
                if dice.upto(2) == 0 { paying(event, &order) } else { event }
            }
            13 => release(&name, "ann", &hold),
            14 => {
                if dice.upto(3) == 0 {
                    freeze(&name, "ann")
                } else {
                    unfreeze(&name, "ann")
                }
            }
            15 => of_order(&name, "ann", (["delivered", "packed"][usize::from(dice.upto(4) == 0)], &order)),
            16 => send(&name, "ann", ("bob", 1 + dice.points(30))),
            17 | 18 => {
                let event = on(reinstate(&name, "ann", 1 + dice.points(25)), day);
                events.push(if dice.upto(2) == 0 { lasting(event, 1 + dice.points(20)) } else { event });
                continue;
            }
            _ => match events.get(usize::try_from(dice.upto(n as u64 + 1)).unwrap()) {
                Some(earlier) => {
                    events.push(earlier.clone());
                    continue;
                }
                None => adjust(&name, "ann", 3),
            },
        };
        events.push(on(event, day));
    }
    // Most of what a member does keeps points alive that idle; what is turned down does not.
    let does = |event: &&mut Event| {
        !matches!(event.kind, Kind::Refund(_) | Kind::Release(_) | Kind::Freeze(_) | Kind::Unfreeze(_))
    };
    for event in events.iter_mut().filter(does) {
        // By the name, so that an event that is there twice is the same.
        let n: i64 = event.id.as_str().trim_start_matches('e').parse().unwrap();
        if (n * 7 + i64::try_from(seed % 11).unwrap()) % 3 > 0 {
            *event = days(event.clone(), "active", 1 + n * 13 % 25);
        }
    }
    // Half of the ends that it sets are warned of, some of them at once.
    for event in &mut events {
        let n: i64 = event.id.as_str().trim_start_matches('e').parse().unwrap();
        if (n * 5 + i64::try_from(seed % 7).unwrap()) % 2 == 0 {
            *event = days(event.clone(), "warn", 1 + n * 11 % 17);
        }
    }
    events
}

/// Whether a worker dies while it decides these events, and another one gets them: one batch in five, by its first event.
fn dies(chunk: &[Event]) -> bool {
    number_of(&chunk[0]) % 5 == 2
}

/// Whether the timers run after these events, before later ones come late: after one batch in four.
fn strikes(chunk: &[Event]) -> bool {
    number_of(&chunk[0]) % 4 == 1
}

fn number_of(event: &Event) -> u64 {
    event.id.as_str().trim_start_matches(char::is_alphabetic).parse().unwrap_or(0)
}

/// What differs after the history and the timers of its nights, if anything.
async fn difference(world: &World, events: &[Event], (batch, rewards): (usize, Rewards)) -> Option<String> {
    let mut model = Model::new(world.ruleset.program.refunds.take_back);
    if let Some((points, per_day)) = rewards {
        model = model.rewarding(points, per_day);
    }
    let (mut known, mut today) = (std::collections::BTreeSet::new(), Timestamp::MIN);
    for chunk in events.chunks(batch) {
        if chunk.iter().any(|event| matches!(event.kind, Kind::Erase(_))) {
            // What was said in earlier batches is forgotten with the member.
            model.unsay();
        }
        for event in chunk.iter().filter(|event| known.insert(event.id.clone())) {
            model.apply(event);
        }
        let dead = if dies(chunk) { Some(world.dies_before_the_commit_of(chunk).await) } else { None };
        let said = world.batch(chunk).await;
        if let Some(dead) = dead.filter(|dead| *dead != said) {
            return Some(format!("the same events on the same state, decided twice: {dead:?}, then {said:?}"));
        }
        if let Some(difference) = compare(world, &model).await {
            return Some(format!("after `{}`: {difference}", chunk[chunk.len() - 1].id));
        }
        today = chunk.iter().map(|event| event.occurred_at).max().unwrap_or_default().max(today);
        if strikes(chunk) {
            model.night(today);
            world.settle_due_by(today).await;
            if let Some(difference) = compare(world, &model).await {
                return Some(format!("after the timers of {today}: {difference}"));
            }
        }
    }
    let night = "2027-02-01T12:00:00Z";
    model.night(night.parse().unwrap());
    world.settle_due(night).await;
    let after = compare(world, &model).await.map(|difference| format!("after the last night: {difference}"));
    let orders = compare_orders(world, &model, events).await;
    let audit = world.differences().await.first().map(|finding| format!("{finding:?}"));
    after.or(orders).or(audit).or(compare_warnings(world, &model).await)
}

/// What is to be published of ends that come, with its time, once each.
async fn compare_warnings(world: &World, model: &Model) -> Option<String> {
    let batches = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 2 * LEN).await.unwrap();
    let results: Vec<ResultEvent> = batches.into_iter().flat_map(|batch| batch.results).collect();
    let ids: std::collections::BTreeSet<_> = results.iter().map(|result| &result.id).collect();
    if ids.len() < results.len() {
        return Some("a result is there twice".to_owned());
    }
    let warnings = results.iter().filter(|result| matches!(result.body, ResultBody::Expiring { .. }));
    let warned: Vec<String> = warnings.map(|result| format!("{} {}", result.time, tell(result))).collect();
    let want = model.warned();
    let same = want.iter().zip(&warned).take_while(|(want, have)| want == have).count();
    (want != warned)
        .then(|| format!("warnings, {same} alike: the model {:?}, the ledger {:?}", want.get(same), warned.get(same)))
}

/// taken + waived of each order.
async fn compare_orders(world: &World, model: &Model, events: &[Event]) -> Option<String> {
    for (order, want) in model.taken() {
        let is_it =
            |event: &&Event| event.type_name() == "purchase" && event.order().is_some_and(|of| of.as_str() == order);
        let purchase = events.iter().find(is_it)?;
        let awards = world.awards(purchase.id.as_str()).await;
        let sum = |points: &dyn Fn(&(String, String)) -> String| {
            awards.iter().map(|award| points(award).parse::<i64>().unwrap()).sum::<i64>()
        };
        let have = (usize::try_from(sum(&|award| award.0.clone())).unwrap(), sum(&|award| award.1.clone()));
        if have != want {
            return Some(format!("taken and waived of `{order}`: the model {want:?}, the ledger {have:?}"));
        }
    }
    None
}

async fn compare(world: &World, model: &Model) -> Option<String> {
    let member = "ann".to_owned().try_into().unwrap();
    let balances = world.ledger.balance(&world.pipeline, &member).await.unwrap().unwrap_or_default();
    let mut lots = std::collections::BTreeMap::new();
    for lot in balances.iter().flat_map(|balance| &balance.lots) {
        let parts = [lot.pending, lot.available, lot.held].map(|points| usize::try_from(points).unwrap());
        lots.insert(lot.sequence, parts);
    }
    let totals = world.ledger.totals(&world.pipeline).await.unwrap().wallets;
    let sums = totals.first().map_or([rust_decimal::Decimal::ZERO; 8], |sums| {
        // What is owed was taken by a refund, but from nowhere yet.
        [
            sums.pending,
            sums.available,
            sums.held,
            sums.spent,
            sums.clawed - sums.debt,
            sums.expired,
            sums.transit,
            sums.debt,
        ]
    });
    let places =
        [Place::Pending, Place::Available, Place::Held, Place::Spent, Place::Clawed, Place::Expired, Place::Sent];
    let want: Vec<usize> = places.iter().map(|place| model.count(*place)).chain([model.debt()]).collect();
    let have = sums.map(|sum| usize::try_from(sum).unwrap());
    let same = want == have && model.lots() == lots;
    (!same).then(|| {
        format!("{places:?}, owed: the model {want:?}, the ledger {have:?}; lots: {:?}, {lots:?}", model.lots())
    })
}

/// Leaves out events as long as the rest still differs.
async fn shrunk((mut events, how): (Vec<Event>, (usize, Rewards)), fresh: &impl AsyncFn() -> World) -> Vec<Event> {
    let mut at = 0;
    while at < events.len() {
        let mut fewer = events.clone();
        fewer.remove(at);
        if difference(&fresh().await, &fewer, how).await.is_some() {
            events = fewer;
        } else {
            at += 1;
        }
    }
    events
}

async fn check(seed: u64, fresh: &impl AsyncFn() -> World) {
    println!("SEED={seed}");
    agrees((seed, history(seed)), fresh).await;
}

/// In the second half of the history, and at any time of it, late or not.
async fn check_erased(seed: u64, fresh: &impl AsyncFn() -> World) {
    println!("SEED={seed}");
    let (mut dice, mut events) = (Dice(seed), history(seed));
    let at = events.len() / 2 + usize::try_from(dice.upto(events.len() as u64 / 2)).unwrap();
    events.insert(at, on(erase("x", "ann"), dice.points(120)));
    agrees((seed, events), fresh).await;
}

async fn agrees((seed, events): (u64, Vec<Event>), fresh: &impl AsyncFn() -> World) {
    let batch = usize::try_from(1 + seed % 9).unwrap();
    let policy =
        [TakeBack::OnlyPending, TakeBack::WithinBalance, TakeBack::Unlimited][usize::try_from(seed % 3).unwrap()];
    // A half of them turn points into rewards by themselves.
    let rewards =
        (seed % 4 < 2).then(|| (10 + i64::try_from(seed % 23).unwrap(), 1 + u32::try_from(seed % 3).unwrap()));
    let fresh = async || {
        let world = fresh().await.policy(policy).await;
        match rewards {
            Some((points, per_day)) => world.rewarding(points, per_day).await,
            None => world,
        }
    };
    if let Some(difference) = difference(&fresh().await, &events, (batch, rewards)).await {
        let fewest = shrunk((events, (batch, rewards)), &fresh).await;
        let told: Vec<String> = fewest
            .iter()
            .map(|event| format!("{} {} {:?} {:?}", event.id, event.occurred_at, event.kind, event.data))
            .collect();
        panic!(
            "SEED={seed}, {policy:?}, rewards {rewards:?}, batches of {batch}: {difference}\nshrunk:\n{}",
            told.join("\n")
        );
    }
}

/// All that is ever told of a history, by its id: of the first time in batches of this size, and of the second in others. What is told again is what
/// was told.
async fn results(world: &World, events: &[Event], batch: usize) -> BTreeMap<String, ResultEvent> {
    let mut first: BTreeMap<EventId, Vec<ResultEvent>> = BTreeMap::new();
    for chunk in events.chunks(batch) {
        for (event, said) in chunk.iter().zip(world.batch(chunk).await) {
            // What waited tells later what came of it.
            if let Said::Fresh(Outcome::Applied | Outcome::Rejected, mut results) = said {
                // What was due is told with its batch, and not as the event's own.
                results.retain(|result| result.cause.id == event.id);
                first.insert(event.id.clone(), results);
            }
        }
    }
    world.settle_due("2027-02-01T12:00:00Z").await;
    for chunk in events.chunks(batch + 3) {
        for (event, said) in chunk.iter().zip(world.batch(chunk).await) {
            if let (Said::Replayed(_, again), Some(first)) = (&said, first.get(&event.id)) {
                assert_eq!(again, first, "`{}` again", event.id);
            }
        }
    }
    world.audits_clean().await;
    let batches = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 4 * LEN).await.unwrap();
    batches.into_iter().flat_map(|batch| batch.results).map(|result| (result.id.clone(), result)).collect()
}

async fn tells_the_same(seeds: std::ops::Range<u64>, fresh: impl AsyncFn() -> World) {
    for seed in seeds {
        println!("SEED={seed}");
        let events = history(seed);
        let one_by_one = results(&fresh().await, &events, 1).await;
        assert!(one_by_one.len() > LEN / 4, "{} results", one_by_one.len());
        for batch in [2, 7, LEN] {
            assert_eq!(results(&fresh().await, &events, batch).await, one_by_one, "SEED={seed}, batches of {batch}");
        }
    }
}

/// The same events on the same state, and so the same results to the last letter: id, time, cause, points and what is left.
#[tokio::test]
async fn whatever_the_batches_the_same_results_are_told_under_the_same_ids() {
    tells_the_same(seeds(12, 2_000), World::sqlite_memory).await;
    tells_the_same(seeds(2, 40), World::postgres).await;
}

fn seeds(few: u64, many: u64) -> std::ops::Range<u64> {
    if let Some(seed) = std::env::var("SEED").ok().and_then(|text| text.parse().ok()) {
        return seed..seed + 1;
    }
    let all = std::env::var("LOYALTY_TEST_SHARE").is_ok_and(|share| share == "histories");
    1..1 + if all { many } else { few }
}

/// A history belongs to nobody else: each core takes the next one, and all stop at the first that differs.
fn on_each_core<F: Future<Output = ()>>(seeds: std::ops::Range<u64>, check: impl Fn(u64) -> F + Sync) {
    let next = AtomicU64::new(seeds.start);
    let take = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(check(seed))));
            if let Err(panic) = checked {
                next.store(seeds.end, Ordering::Relaxed);
                std::panic::resume_unwind(panic);
            }
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            threads.spawn(take);
        }
    });
}

#[test]
fn the_model_and_sqlite_agree_to_the_last_point() {
    on_each_core(seeds(150, 100_000), |seed| check(seed, &World::sqlite_memory));
}

#[test]
fn the_model_and_sqlite_agree_on_a_member_who_is_erased() {
    on_each_core(seeds(100, 20_000), |seed| check_erased(seed, &World::sqlite_memory));
}

#[test]
fn the_model_and_postgres_agree_on_a_member_who_is_erased() {
    on_each_core(seeds(6, 200), |seed| check_erased(seed, &World::postgres));
}

#[test]
fn the_model_and_postgres_agree_to_the_last_point() {
    on_each_core(seeds(6, 200), |seed| check(seed, &World::postgres));
}

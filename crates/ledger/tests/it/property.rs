//! Random histories: whatever comes in whatever batches, the books are the same and the audit is silent.

use contract::event::Event;
use contract::program::TakeBack;
use ledger::report::Balance;

use crate::freezing::{freeze, unfreeze};
use crate::holds::{capture, hold_of, paying, release};
use crate::payments::spend_for;
use crate::time::days;
use crate::transfers::{carry, send};
use crate::world::{Said, World, adjust, back, bought, spend, with_stars};

/// A small generator (Knuth's MMIX constants): the seed is all that a failure must tell.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn upto(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    pub(crate) fn points(&mut self, n: u64) -> i64 {
        i64::try_from(self.upto(n)).unwrap()
    }
}

pub(crate) const MEMBERS: u64 = 4;

pub(crate) fn history(dice: &mut Dice, len: usize) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    for n in 0..len {
        let owner = dice.upto(MEMBERS);
        let member = format!("m{owner}");
        let order = format!("o{owner}-{}", dice.upto(len as u64 / 8 + 1));
        let name = format!("e{n}");
        let hold = format!("h{owner}-{}", dice.upto(len as u64 / 16 + 1));
        let mut event = match dice.upto(18) {
            0..=3 => {
                let lines: Vec<i64> = (0..=dice.upto(3)).map(|_| dice.points(90)).collect();
                let event = with_stars(bought(&order, &member, &lines), dice.points(30));
                let term = ["none", "last", "idle"][usize::try_from(dice.upto(3)).unwrap()];
                days(event, term, 1 + dice.points(60))
            }
            4..=6 => a_line_back(dice, &name, &events).unwrap_or_else(|| back(&name, &member, &order, &["1"])),
            7 => back(&name, &member, &order, &[]),
            8 => spend(&name, &member, 1 + dice.points(200)),
            9 => spend_for(&name, &member, &order, 1 + dice.points(200)),
            10 => adjust(&name, &member, dice.points(80) - 40),
            11 | 12 => hold_of(&name, &member, (&hold, 1 + dice.points(120))),
            13 => {
                let points = (dice.upto(2) == 0).then(|| 1 + dice.points(60));
                let event = capture(&name, &member, (&hold, points), dice.upto(2) == 0);
                if dice.upto(2) == 0 { paying(event, &order) } else { event }
            }
            14 => release(&name, &member, &hold),
            15 => {
                if dice.upto(3) == 0 {
                    freeze(&name, &member)
                } else {
                    unfreeze(&name, &member)
                }
            }
            16 => {
                let to = format!("m{}", (owner + 1 + dice.upto(MEMBERS - 1)) % MEMBERS);
                send(&name, &member, (&to, 1 + dice.points(90)))
            }
            _ => match events.get(usize::try_from(dice.upto(n as u64 + 1)).unwrap()) {
                Some(earlier) => earlier.clone(),
                None => adjust(&name, &member, 3),
            },
        };
        if event.id.as_str().starts_with('o') {
            event.id = name.try_into().unwrap();
        }
        if event.type_name() != "refund" && !event.data.contains_key("active") && dice.upto(3) == 0 {
            event = days(event, "active", 1 + dice.points(90));
        }
        // All happens at one moment: an end that is nearer than its warning is warned of by the next event.
        if !event.data.contains_key("warn") && dice.upto(3) == 0 {
            event = days(event, "warn", 1 + dice.points(90));
        }
        events.push(event);
    }
    events.retain(|event| !matches!(&event.kind, contract::event::Kind::Adjust(adjust) if adjust.points.is_zero()));
    events
}

/// Mostly of the last few purchases, so that orders come back line by line.
fn a_line_back(dice: &mut Dice, name: &str, events: &[Event]) -> Option<Event> {
    let mut purchases = events.iter().rev().filter(|event| event.type_name() == "purchase");
    let bought = purchases.nth(usize::try_from(dice.upto(3)).unwrap())?;
    let line = ["1", "2", "3"][usize::try_from(dice.upto(3)).unwrap()];
    Some(back(name, bought.member.as_str(), bought.order()?.as_str(), &[line]))
}

/// Runs a history in batches of 1 to `most`; answers what was said for the first time, and the books at the end.
pub(crate) async fn run(world: &World, events: &[Event], most: u64) -> (Vec<Vec<String>>, Vec<Vec<Balance>>) {
    let mut dice = Dice(most);
    let mut told = Vec::new();
    let mut rest = events;
    while !rest.is_empty() {
        let size = usize::try_from(1 + dice.upto(most)).unwrap().min(rest.len());
        let (batch, others) = rest.split_at(size);
        for said in world.batch(batch).await {
            if let Said::Fresh(..) | Said::Refused(_) = said {
                told.push(said.told());
            }
        }
        rest = others;
    }
    // Whoever is left in transit arrives at the end, whatever the batches.
    for said in carry(world).await {
        told.push(vec![said]);
    }
    (told, books(world).await)
}

pub(crate) async fn books(world: &World) -> Vec<Vec<Balance>> {
    let mut books = Vec::new();
    for n in 0..MEMBERS {
        let member = format!("m{n}").try_into().unwrap();
        let mut balances = world.ledger.balance(&world.pipeline, &member).await.unwrap().unwrap_or_default();
        for lot in balances.iter_mut().flat_map(|balance| &mut balance.lots) {
            // Entry numbers say in which batch; that may differ.
            lot.entry = 0;
        }
        books.push(balances);
    }
    books
}

async fn check(seed: u64, len: usize, fresh: impl AsyncFn() -> World) {
    println!("seed {seed}");
    let events = history(&mut Dice(seed), len);
    let (first, second, third) = (fresh().await, fresh().await, fresh().await);
    let one_by_one = run(&first, &events, 1).await;
    first.audits_clean().await;
    assert_eq!(run(&second, &events, 7).await, one_by_one, "seed {seed}, batches of up to 7");
    second.audits_clean().await;
    assert_eq!(run(&third, &events, 200).await, one_by_one, "seed {seed}, batches of up to 200");
    third.audits_clean().await;
    // The whole input once more: refused events apart, everything is known.
    let (_, again) = run(&third, &events, 50).await;
    assert_eq!(again, one_by_one.1, "seed {seed}, replayed");
    third.audits_clean().await;
}

#[tokio::test]
async fn random_histories_leave_the_same_books_whatever_the_batches() {
    for seed in 0..30 {
        check(seed, 160, World::sqlite_memory).await;
    }
}

#[tokio::test]
async fn random_histories_leave_the_same_books_in_postgres() {
    for seed in 100..103 {
        check(seed, 160, World::postgres).await;
    }
}

#[tokio::test]
async fn random_histories_of_debtors_leave_the_same_books_whatever_the_batches() {
    for seed in 200..215 {
        check(seed, 160, async || World::sqlite_memory().await.policy(TakeBack::Unlimited).await).await;
    }
    for seed in 300..302 {
        check(seed, 160, async || World::postgres().await.policy(TakeBack::Unlimited).await).await;
    }
}

/// Purchases, corrections that add, and returns of lines, where nothing waits or ends and nobody spends: rules that look at nothing but the event
/// itself do not care who comes first.
fn free_of_order(seed: u64) -> Vec<Event> {
    let stays = |event: &Event| match &event.kind {
        contract::event::Kind::Adjust(adjust) => !adjust.points.is_sign_negative(),
        kind => matches!(kind, contract::event::Kind::Purchase(_) | contract::event::Kind::Refund(_)),
    };
    let mut events: Vec<Event> = history(&mut Dice(seed), 160).into_iter().filter(stays).collect();
    let mut orders = std::collections::BTreeSet::new();
    // Of two purchases of one order the first one counts, whichever that is.
    events.retain(|event| event.type_name() != "purchase" || orders.insert(event.order().cloned()));
    for event in &mut events {
        event.data.retain(|name, _| name == "stars");
    }
    events
}

#[tokio::test]
async fn where_the_order_of_events_does_not_matter_the_balances_are_the_same() {
    for seed in 400..420 {
        println!("seed {seed}");
        let (mut dice, mut events) = (Dice(seed), free_of_order(seed));
        assert!(events.iter().any(|event| event.type_name() == "refund") && events.len() > 20, "{}", events.len());
        let fresh = async || if seed < 418 { World::sqlite_memory().await } else { World::postgres().await };
        let sums = async |events: &[Event]| {
            let world = fresh().await;
            let books = run(&world, events, 5).await.1;
            world.audits_clean().await;
            let sum = |balance: &Balance| (balance.wallet.clone(), balance.available, balance.debt);
            books.iter().map(|wallets| wallets.iter().map(sum).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let straight = sums(&events).await;
        for _ in 0..3 {
            for at in (1..events.len()).rev() {
                events.swap(at, usize::try_from(dice.upto(at as u64 + 1)).unwrap());
            }
            assert_eq!(sums(&events).await, straight, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn both_stores_keep_the_same_books() {
    let events = history(&mut Dice(4711), 300);
    let (sqlite, postgres) = (World::sqlite_file().await, World::postgres().await);
    assert_eq!(run(&sqlite, &events, 20).await, run(&postgres, &events, 33).await);
}

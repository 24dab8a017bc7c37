//! What is owed: the same sums as balances, totals and audit have, now and at any time of a random history.

use std::collections::{BTreeMap, BTreeSet};

use contract::event::Event;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use ledger::report::{Expiring, LiabilityAsk, MONTHS_AHEAD, Reckoning, Until, WalletLiability, WalletTotals};
use rust_decimal::Decimal;

use crate::property::{Dice, MEMBERS, history};
use crate::world::{World, adjust, bought, id, spend};

fn ask(at: Option<Timestamp>, by: Reckoning) -> LiabilityAsk {
    LiabilityAsk { at, by, zone: TimeZone::UTC }
}

async fn liability(world: &World, ask: &LiabilityAsk) -> Vec<WalletLiability> {
    world.ledger.liability(&world.pipeline, ask).await.unwrap()
}

async fn now(world: &World) -> Vec<WalletLiability> {
    liability(world, &ask(None, Reckoning::Happened)).await
}

/// The sums of a report against each other, against the totals, and against every member's balance.
async fn agrees(world: &World, report: &[WalletLiability]) {
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    assert_eq!(report.len(), totals.wallets.len());
    for (wallet, totals) in report.iter().zip(&totals.wallets) {
        let WalletLiability {
            outstanding,
            pending,
            held,
            debt,
            in_transit,
            earned,
            adjusted,
            taken_back,
            redeemed,
            expired,
            ..
        } = wallet;
        assert_eq!(wallet.wallet, totals.wallet);
        let said = [*outstanding, *pending, *earned, *adjusted, *taken_back, *redeemed, *expired];
        let WalletTotals { available, pending: waiting, earned: given, adjusted: by_hand, clawed, spent, .. } = totals;
        assert_eq!(said, [*available, *waiting, *given, *by_hand, *clawed, *spent, totals.expired]);
        assert_eq!(
            earned + adjusted,
            outstanding + pending + held - debt + in_transit + redeemed + expired + taken_back
        );
        let expiring: Decimal = wallet.expiring.iter().map(|expiring| expiring.points).sum();
        assert_eq!(expiring, outstanding + pending + held, "lots hold what balances say");
        let mut available = Decimal::ZERO;
        for n in 0..MEMBERS {
            let balances = world.ledger.balance(&world.pipeline, &id(&format!("m{n}"))).await.unwrap();
            let own = balances.unwrap_or_default().into_iter().filter(|balance| balance.wallet == wallet.wallet);
            available += own.map(|balance| balance.available).sum::<Decimal>();
        }
        assert_eq!(available, *outstanding);
    }
    world.audits_clean().await;
}

/// Whether a refund may come before its purchase: it counts from when it happened, but is only known later.
#[derive(Clone, Copy, PartialEq)]
enum Early {
    Allowed,
    LeftOut,
}

fn events(seed: u64, early: Early) -> Vec<Event> {
    let mut bought = BTreeSet::new();
    let mut events = history(&mut Dice(seed), 60);
    events.retain(|event| {
        let order = event.order().map(|order| (event.member.clone(), order.clone()));
        if event.type_name() == "purchase" {
            bought.extend(order);
            return true;
        }
        early == Early::Allowed || order.is_none_or(|order| bought.contains(&order))
    });
    events
}

/// A random history, one event a batch and a minute apart; what was owed after each.
async fn remembered(world: &World, events: Vec<Event>) -> Vec<(Timestamp, Timestamp, Vec<WalletLiability>)> {
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    let mut after = Vec::new();
    for (n, event) in (0_i64..).zip(events) {
        let happened = start + n.minutes();
        let event = Event { occurred_at: happened, ..event };
        world.batch(&[event]).await;
        after.push((happened, Timestamp::now(), now(world).await));
    }
    after
}

async fn at_any_time(world: World, seed: u64, early: Early) {
    println!("seed {seed}");
    let after = remembered(&world, events(seed, early)).await;
    assert!(after.len() > 20, "{}", after.len());
    agrees(&world, &now(&world).await).await;
    let slots = |report: &[WalletLiability]| -> Vec<WalletLiability> {
        // Which months there are depends on the time of the question; what has none does not, nor does the sum.
        let sum = |of: &WalletLiability| of.expiring.iter().map(|expiring| expiring.points).sum();
        let whole = |of: &WalletLiability| Expiring { until: Until::Later, points: sum(of) };
        let never = |of: &WalletLiability| of.expiring.iter().find(|of| of.until == Until::Never).unwrap().clone();
        report.iter().map(|of| WalletLiability { expiring: vec![never(of), whole(of)], ..of.clone() }).collect()
    };
    for (happened, recorded, report) in &after {
        if early == Early::LeftOut {
            let by_event = liability(&world, &ask(Some(*happened), Reckoning::Happened)).await;
            assert_eq!(slots(&by_event), slots(report), "seed {seed}, happened until {happened}");
        }
        let by_record = liability(&world, &ask(Some(*recorded), Reckoning::Recorded)).await;
        assert_eq!(slots(&by_record), slots(report), "seed {seed}, recorded until {recorded}");
    }
    let before = liability(&world, &ask(Some("2026-10-31T00:00:00Z".parse().unwrap()), Reckoning::Happened)).await;
    assert_eq!(before, []);
}

#[tokio::test]
async fn what_was_owed_after_each_event_of_a_random_history_is_told_later_too_in_sqlite() {
    for seed in 0..4 {
        at_any_time(World::sqlite_memory().await, seed, Early::LeftOut).await;
        at_any_time(World::sqlite_memory().await, seed, Early::Allowed).await;
    }
}

#[tokio::test]
async fn what_was_owed_after_each_event_of_a_random_history_is_told_later_too_in_postgres() {
    at_any_time(World::postgres().await, 17, Early::LeftOut).await;
    at_any_time(World::postgres().await, 18, Early::Allowed).await;
}

/// Lots that expire, a hold and an expiry, as rows.
async fn by_hand(world: World) {
    world.one(bought("o1", "m0", &[100, 20])).await;
    world.one(bought("o2", "m0", &[1000, 1])).await;
    world.one(bought("o3", "m1", &[10, 3])).await;
    world.one(adjust("a1", "m1", 7)).await;
    world.one(spend("s1", "m1", 4)).await;
    let stored = |at: &str| {
        let micros = at.parse::<Timestamp>().unwrap().as_microsecond();
        if world.is_postgres() { format!("at_micros({micros})") } else { micros.to_string() }
    };
    let lot = |initial: i64, at: &str| {
        format!("update lot set expires_at = {} where initial = {initial} and wallet = 'points';", stored(at))
    };
    let sql = [
        lot(120, "2027-02-01T00:00:00Z"),
        lot(1001, "2028-12-31T00:00:00Z"),
        lot(7, "2026-11-05T00:00:00Z"),
        // Of the lot of 120, 30 are held, 50 wait, and 9 have expired.
        "update lot set held = 30, pending = 50, available = 31 where initial = 120;
         update balance set held = 30, pending = 50, available = available - 89 where available = 1121;
         insert into allocation (pipeline, bucket, member, entry, n, wallet, lot, amount, order_id, hold_id) select pipeline, bucket, member, entry, 99, wallet, sequence, 9, null, null from lot where initial = 120;
         insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount) select pipeline, bucket, member, entry, 91, 'available', wallet, -89 from lot where initial = 120;
         insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount) select pipeline, bucket, member, entry, 92, 'held', wallet, 30 from lot where initial = 120;
         insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount) select pipeline, bucket, member, entry, 93, 'pending', wallet, 50 from lot where initial = 120;
         insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount) select pipeline, bucket, member, entry, 94, 'expired', wallet, 9 from lot where initial = 120;"
            .to_owned(),
    ];
    world.tamper(&sql.concat()).await;
    let at = Some("2026-11-20T12:00:00Z".parse().unwrap());
    let report = liability(&world, &ask(at, Reckoning::Happened)).await.remove(0);
    let WalletLiability { outstanding, pending, held, debt, earned, redeemed, expired, breakage_share, .. } = &report;
    let sums = [outstanding, pending, held, debt, earned, redeemed, expired].map(ToString::to_string);
    assert_eq!(sums, ["1048", "50", "30", "0", "1134", "4", "9"]);
    assert_eq!(breakage_share.unwrap().to_string(), "0.6923", "9 of 13");
    let told: BTreeMap<String, String> = report
        .expiring
        .iter()
        .filter(|expiring| !expiring.points.is_zero())
        .map(|expiring| (expiring.until.to_string(), expiring.points.to_string()))
        .collect();
    // The redemption took 4 of the 13 before there was anything that expires.
    let want = [("2027-01", "111"), ("later", "1001"), ("never", "9"), ("passed", "7")];
    assert_eq!(told, want.map(|(until, points)| (until.to_owned(), points.to_owned())).into());
    assert_eq!(report.expiring.len(), MONTHS_AHEAD + 3);
    // At the time of the question the lot of 7 was still good.
    let at = Some("2026-11-03T00:00:00Z".parse().unwrap());
    let report = liability(&world, &ask(at, Reckoning::Happened)).await.remove(0);
    let month = report.expiring.iter().find(|of| of.until == Until::Month("2026-11".to_owned())).unwrap();
    assert_eq!(month.points.to_string(), "7");
    // In Moscow 2027-02-01T00:00Z is in the morning of the first of February.
    let moscow = LiabilityAsk { at, by: Reckoning::Happened, zone: TimeZone::get("Europe/Moscow").unwrap() };
    let report = liability(&world, &moscow).await.remove(0);
    let month = report.expiring.iter().find(|of| of.until == Until::Month("2027-02".to_owned())).unwrap();
    assert_eq!(month.points.to_string(), "111");
}

#[tokio::test]
async fn points_that_wait_are_held_or_expire_are_told_by_state_and_month_in_sqlite() {
    by_hand(World::sqlite_file().await).await;
}

#[tokio::test]
async fn points_that_wait_are_held_or_expire_are_told_by_state_and_month_in_postgres() {
    by_hand(World::postgres().await).await;
}

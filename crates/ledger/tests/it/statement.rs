//! A member's account, line by line: whatever is left out, the balance beside a line is the one after it.

use std::fmt::Write as _;

use contract::MemberId;
use jiff::{Timestamp, ToSpan};
use ledger::report::{LotMark, LotReport, Reckoning, StatementAsk, StatementLine, StatementMark};

use crate::world::{World, adjust, back, bought, id, on_every_store, spend, with_stars};

on_every_store! {
    every_posting_of_a_member_stands_with_the_balance_after_it
    a_statement_that_is_narrowed_keeps_its_balances
    a_long_statement_comes_in_pages_that_join_without_a_seam
    an_unknown_member_has_no_statement
}

/// All lines, page by page.
async fn lines(world: &World, member: &str, ask: &StatementAsk) -> (Vec<StatementLine>, usize) {
    let (mut lines, mut pages, mut mark) = (Vec::new(), 0, StatementMark::default());
    loop {
        let page = world.ledger.statement(&world.pipeline, &id::<MemberId>(member), ask, &mark).await.unwrap().unwrap();
        lines.extend(page.lines);
        pages += 1;
        match page.next {
            Some(next) => mark = next,
            None => return (lines, pages),
        }
    }
}

fn told(line: &StatementLine) -> String {
    let rules: Vec<String> = line.rules.iter().map(|share| format!("{} {}", share.rule, share.awarded)).collect();
    let (order, reason) =
        (line.order.as_ref().map_or("", |order| order.as_str()), line.reason.as_deref().unwrap_or(""));
    let StatementLine { event, kind, wallet, state, amount, balance, .. } = line;
    let text = format!("{event} {kind} {wallet} {state} {amount} {balance} {order} {} {reason}", rules.join(","));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hour(hour: i64) -> Timestamp {
    "2026-11-01T00:00:00Z".parse::<Timestamp>().unwrap() + hour.hours()
}

/// Purchase, redemption, refund of a line, a correction; an hour between two of them, the redemption being told late.
async fn history(world: &World) {
    let events = [
        (1, with_stars(bought("o1", "ann", &[40, 30]), 25)),
        (3, bought("o2", "ann", &[100])),
        (2, spend("s1", "ann", 60)),
        (4, back("r1", "ann", "o1", &["1"])),
        (5, adjust("a1", "ann", 7)),
        (5, bought("o9", "bob", &[1])),
    ];
    for (at, mut event) in events {
        event.occurred_at = hour(at);
        world.one(event).await;
    }
}

async fn every_posting_of_a_member_stands_with_the_balance_after_it(world: World) {
    history(&world).await;
    let (lines, pages) = lines(&world, "ann", &StatementAsk::default()).await;
    assert_eq!(pages, 1);
    let want = [
        "o1 Earn points available 70 70 o1 base 70",
        "o1 Earn stars available 2.5 2.5 o1 stars 2.5",
        "o2 Earn points available 150 220 o2 base 100,single 50",
        "s1 Spend points available -60 160",
        // The line that is kept now earns the 50 of an order with one line: 70 - (30 + 50) is no debt.
        "a1 Adjust points available 7 167 goodwill",
    ];
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), want);
    assert_eq!(lines[3].at, hour(2));
    assert_eq!(lines[4].author.as_deref(), Some("ann"));
    assert_eq!(world.available("ann", "points").await, "167");
}

async fn a_statement_that_is_narrowed_keeps_its_balances(world: World) {
    history(&world).await;
    let narrowed = async |ask: StatementAsk| lines(&world, "ann", &ask).await.0.iter().map(told).collect::<Vec<_>>();
    let ask = StatementAsk { wallet: Some(id("stars")), ..StatementAsk::default() };
    assert_eq!(narrowed(ask).await, ["o1 Earn stars available 2.5 2.5 o1 stars 2.5"]);
    let between = StatementAsk { from: Some(hour(2)), to: Some(hour(3)), ..StatementAsk::default() };
    let want = ["o2 Earn points available 150 220 o2 base 100,single 50", "s1 Spend points available -60 160"];
    assert_eq!(narrowed(between.clone()).await, want);
    // All of it was recorded just now.
    let recorded = StatementAsk { by: Reckoning::Recorded, ..between };
    assert_eq!(narrowed(recorded).await, Vec::<String>::new());
    let today = Timestamp::now() - 24.hours();
    let recorded = StatementAsk { by: Reckoning::Recorded, from: Some(today), ..StatementAsk::default() };
    assert_eq!(narrowed(recorded).await.len(), 5);
}

async fn a_long_statement_comes_in_pages_that_join_without_a_seam(world: World) {
    const ENTRIES: i64 = 1203;
    let events: Vec<_> = (1..=ENTRIES).map(|n| adjust(&format!("a{n}"), "ann", n)).collect();
    for batch in events.chunks(100) {
        world.batch(batch).await;
    }
    let (lines, pages) = lines(&world, "ann", &StatementAsk::default()).await;
    assert!(pages >= 3, "{pages} pages");
    let mut sum = 0;
    let want: Vec<String> = (1..=ENTRIES)
        .map(|n| {
            sum += n;
            format!("a{n} Adjust points available {n} {sum} goodwill")
        })
        .collect();
    assert_eq!(lines.iter().map(told).collect::<Vec<_>>(), want);
}

async fn an_unknown_member_has_no_statement(world: World) {
    history(&world).await;
    let (ask, mark) = (StatementAsk::default(), StatementMark::default());
    let page = world.ledger.statement(&world.pipeline, &id::<MemberId>("zoe"), &ask, &mark).await.unwrap();
    assert!(page.is_none());
    let lots = world.ledger.open_lots(&world.pipeline, &id::<MemberId>("zoe"), None, &LotMark::default()).await;
    assert!(lots.unwrap().lots.is_empty());
}

/// A time as a column holds it.
fn stored(world: &World, at: Timestamp) -> String {
    let micros = at.as_microsecond();
    if world.is_postgres() { format!("at_micros({micros})") } else { micros.to_string() }
}

/// Lots and an activation that are made by hand.
async fn lots_by_hand(world: World) {
    history(&world).await;
    let of_ann = "(select min(member) from lot where wallet = 'points')";
    let (a, e) = (stored(&world, hour(30)), stored(&world, hour(60)));
    let mut sql = String::new();
    for n in 0..2500 {
        let expires = match n % 4 {
            0 => "null".to_owned(),
            of => stored(&world, hour(100 + of * 7)),
        };
        write!(
            sql,
            "insert into lot (pipeline, bucket, member, wallet, sequence, entry, initial, pending, available, held, activates_at,
                 expires_at, expired)
             select pipeline, bucket, member, 'points', 1000 + {n}, entry, 5, 0, 5, 0, null, {expires}, 0
             from lot where wallet = 'points' and sequence = 1 and member = {of_ann};\n"
        )
        .unwrap();
    }
    write!(sql, "update lot set activates_at = {a}, expires_at = {e} where wallet = 'points' and sequence = 1;")
        .unwrap();
    sql.push_str(
        "insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount) select pipeline, bucket, member, entry, n + 10, 'pending', wallet, 4 from posting where wallet = 'stars' and account = 'available';
         insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount) select pipeline, bucket, member, entry, n + 20, 'held', wallet, -3 from posting where wallet = 'stars' and account = 'available';",
    );
    world.tamper(&sql).await;
    let stars = StatementAsk { wallet: Some(id("stars")), ..StatementAsk::default() };
    let told: Vec<_> = lines(&world, "ann", &stars).await.0.iter().map(told).collect();
    let want = ["available 2.5 2.5", "pending 0.4 0.4", "held -0.3 -0.3"];
    assert_eq!(told, want.map(|line| format!("o1 Earn stars {line} o1 stars 2.5")));
    let all = every_lot(&world, None).await;
    let order = |lot: &LotReport| (lot.wallet.to_string(), lot.expires.is_none(), lot.expires, lot.sequence);
    assert!(all.is_sorted_by_key(order), "burn order");
    let whole = world.ledger.balance(&world.pipeline, &id("ann")).await.unwrap().unwrap();
    assert_eq!(all, whole.into_iter().flat_map(|balance| balance.lots).collect::<Vec<_>>());
    let first = all.iter().find(|lot| lot.sequence == 1).unwrap();
    assert_eq!((first.activates, first.expires), (Some(hour(30)), Some(hour(60))));
    assert_eq!(every_lot(&world, Some("stars")).await.len(), 1);
}

async fn every_lot(world: &World, wallet: Option<&str>) -> Vec<LotReport> {
    let (mut lots, mut pages, mut mark) = (Vec::new(), 0, LotMark::default());
    let wallet = wallet.map(id);
    loop {
        let page = world.ledger.open_lots(&world.pipeline, &id("ann"), wallet.as_ref(), &mark).await.unwrap();
        lots.extend(page.lots);
        pages += 1;
        match page.next {
            Some(next) => mark = next,
            None => break,
        }
    }
    assert!(wallet.is_some() || pages >= 3, "{pages} pages");
    lots
}

#[tokio::test]
async fn lots_come_in_burn_order_in_pages_and_every_state_has_a_balance_in_sqlite() {
    lots_by_hand(World::sqlite_file().await).await;
}

#[tokio::test]
async fn lots_come_in_burn_order_in_pages_and_every_state_has_a_balance_in_postgres() {
    lots_by_hand(World::postgres().await).await;
}

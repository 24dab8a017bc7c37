//! Entries of long ago become sums: whatever comes later goes on as if they were still there, to the last point.

use std::time::Duration;

use contract::MemberId;
use contract::event::Event;
use contract::program::TakeBack;
use jiff::{SignedDuration, Timestamp};
use ledger::report::{LiabilityAsk, Reckoning, StatementAsk, StatementMark};
use ledger::{CARRIED_KIND, CarryAsk, CarryReport, Committed, LedgerError, Since};

use crate::erasing::erase;
use crate::holds::{capture, hold_of, paying, release};
use crate::payments::spend_for;
use crate::property::{Dice, books, history, run};
use crate::reinstating::{ended, reinstate};
use crate::time::{days, on};
use crate::transfers::{carry, send};
use crate::world::{World, back, bought, id, on_stores_that_last, raw_postgres, spend};

on_stores_that_last! {
    one_entry_is_left_of_a_member_and_what_follows_is_the_same
    what_refers_to_an_entry_that_is_gone_says_so
    what_is_recent_stays_and_nothing_is_done_twice
    a_carrying_that_is_broken_off_goes_on
    another_pipelines_entries_stay_as_they_are
    points_that_had_ended_and_came_back_are_summed
}

/// In `PostgreSQL`: the first partition ended a year ago and the next goes on from there, as in a ledger that is older than that.
const OLDER: &str = "do $$ declare t text; ends timestamptz; begin
    foreach t in array array['entry', 'posting', 'allocation'] loop
        select substring(pg_get_expr(relpartbound, oid) from 'TO \\(''([^'']+)''\\)')::timestamptz into ends
            from pg_class where oid = (t || '_first')::regclass;
        execute format('alter table %I detach partition %I', t, t || '_first');
        execute format('alter table %I rename to %I', t || '_first', t || '_since');
        execute format('create table %I (like %I including all)', t || '_first', t || '_since');
        execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', t, t || '_first', year());
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', t, t || '_since', year(), ends);
    end loop; end $$";

const YEAR_AGO: &str = "create function year() returns timestamptz language sql as
    $$select date_trunc('month', now() at time zone 'utc' - interval '1 year') at time zone 'utc'$$";

impl World {
    /// The same ledger, as old as its partitions can be.
    pub(crate) async fn older(self) -> Self {
        if self.is_postgres() {
            self.tamper(YEAR_AGO).await;
            self.tamper(OLDER).await;
        }
        self
    }

    /// Everything was recorded three years earlier.
    pub(crate) async fn years_pass(&self) {
        if self.is_postgres() {
            for table in ["entry", "posting", "allocation"] {
                self.tamper(&format!("update {table} set recorded_at = recorded_at - interval '1096 days'")).await;
            }
        } else {
            self.tamper("update entry set recorded_at = recorded_at - 1096 * 86400000000").await;
        }
    }

    pub(crate) fn ask(&self, dry_run: bool) -> CarryAsk {
        let before = Timestamp::now() - SignedDuration::from_hours(24 * 330);
        CarryAsk { pipeline: self.pipeline.clone(), before, dry_run }
    }

    pub(crate) async fn carry_forward(&self) -> CarryReport {
        self.ledger.carry_forward(&self.ask(false), &|_| ()).await.unwrap()
    }

    pub(crate) async fn kinds(&self, member: &str) -> Vec<String> {
        let entries = self.ledger.explain_member(&self.pipeline, &id::<MemberId>(member), 1000).await.unwrap();
        entries.into_iter().map(|entry| entry.kind).collect()
    }
}

pub(crate) async fn play(world: &World) {
    world.one(bought("o1", "ann", &[60, 40])).await;
    world.one(spend("s1", "ann", 70)).await;
    world.one(back("r1", "ann", "o1", &["1"])).await;
    world.one(bought("o2", "ann", &[500, 500])).await;
    world.one(spend_for("s3", "ann", "o3", 50)).await;
    world.one(hold_of("h1", "ann", ("till", 20))).await;
    world.one(send("t1", "ann", ("bob", 30))).await;
}

async fn one_entry_is_left_of_a_member_and_what_follows_is_the_same(world: World) {
    let (world, plain) = (world.older().await, World::sqlite_memory().await);
    for world in [&world, &plain] {
        play(world).await;
    }
    world.years_pass().await;
    let dry = world.ledger.carry_forward(&world.ask(true), &|_| ()).await.unwrap();
    assert_eq!((dry.entries, dry.members, dry.bytes_after), (7, 1, None));
    assert_eq!(world.kinds("ann").await.len(), 7, "a dry run does nothing");
    let report = world.carry_forward().await;
    assert_eq!((report.entries, report.members, report.before), (7, 1, dry.before));
    assert!(report.bytes > 0 && report.bytes_after.unwrap() > 0, "{report:?}");
    assert_eq!(world.kinds("ann").await, [CARRIED_KIND]);
    world.audits_clean().await;
    let later = async |world: &World| {
        let mut told = Vec::new();
        // What is in transit, the order that was returned in part, the one that was paid with points, and the hold.
        told.extend(carry(world).await);
        for event in [
            bought("o3", "ann", &[50, 50]),
            back("r2", "ann", "o1", &[]),
            back("r3", "ann", "o3", &[]),
            capture("c1", "ann", ("till", Some(15)), false),
            release("l1", "ann", "till"),
            spend("s9", "ann", 10),
        ] {
            told.extend(world.one(event).await.told());
            world.audits_clean().await;
        }
        told.extend(world.one(bought("o1", "ann", &[60, 40])).await.told());
        told.extend(world.one(erase("x1", "ann")).await.told());
        world.audits_clean().await;
        told
    };
    assert_eq!(later(&world).await, later(&plain).await);
}

async fn what_refers_to_an_entry_that_is_gone_says_so(world: World) {
    let world = world.older().await;
    play(&world).await;
    carry(&world).await;
    world.years_pass().await;
    let before = world.carry_forward().await.before.unwrap();
    let spent = world.one(spend("s2", "ann", 5)).await;
    let carried = world.ledger.carried_forward(&world.pipeline).await.unwrap().unwrap();
    assert_eq!(carried.recorded_before, before);
    let of = async |event: &str| world.ledger.explain_event(&world.pipeline, &id(event), None).await.unwrap().remove(0);
    let old = of("s1").await;
    assert_eq!((old.entry, old.carried_forward), (None, Some(before)));
    assert_eq!(old.results.len(), 1, "what was published of it is known");
    let new = of("s2").await;
    assert!(new.entry.is_some() && new.carried_forward.is_none(), "{spent:?}");
    let nothing = of("h1").await;
    assert_eq!((nothing.carried_forward, nothing.hold), (Some(before), None));
    // The hold is told, with a time by which it had begun.
    let holds = world
        .ledger
        .open_holds(&world.pipeline, &id("ann"), None, &ledger::report::HoldMark::default())
        .await
        .unwrap()
        .holds;
    assert_eq!((holds.len(), holds[0].held.to_string()), (1, "20".to_owned()));
    assert_eq!(holds[0].since, carried.happened_until);
    // The statement begins with the sums, and its last line is the balance.
    let (ask, mark) = (StatementAsk::default(), StatementMark::default());
    let page = world.ledger.statement(&world.pipeline, &id("ann"), &ask, &mark).await.unwrap().unwrap();
    let first: Vec<_> = page.lines.iter().take_while(|line| line.kind == CARRIED_KIND).collect();
    assert_eq!(first.len(), 2, "available and held: {:?}", page.lines);
    assert!(first.iter().all(|line| line.amount == line.balance), "{first:?}");
    let last = page.lines.iter().rfind(|line| line.state == "available").unwrap();
    assert_eq!(last.balance.to_string(), world.available("ann", "points").await);
    // What was owed is told from then on, by both times.
    let sums = async |at, by| {
        let ask = LiabilityAsk { at, by, zone: jiff::tz::TimeZone::UTC };
        world.ledger.liability(&world.pipeline, &ask).await
    };
    let now = sums(None, Reckoning::Happened).await.unwrap();
    for (by, from) in [(Reckoning::Recorded, carried.recorded_before), (Reckoning::Happened, carried.happened_until)] {
        let early = sums(Some(from - SignedDuration::from_secs(1)), by).await.unwrap_err();
        assert!(matches!(early, LedgerError::CarriedForward { from: told, .. } if told == from), "{early}");
        assert!(early.to_string().contains(&from.to_string()), "{early}");
        let then = sums(Some(from), by).await.unwrap().remove(0);
        let [was, is] = [&then, &now[0]].map(|of| (of.earned, of.open_holds, of.in_transit));
        assert_eq!(was, is);
        let total = then.expiring.iter().map(|of| of.points).sum::<rust_decimal::Decimal>();
        assert_eq!(total, then.outstanding + then.held + then.pending, "lots and accounts agree");
    }
    let all = world
        .ledger
        .audit_since(&world.pipeline, before, ledger::audit::Auditing::default(), &|_, _| ())
        .await
        .unwrap();
    assert_eq!((all.entries, all.findings.iter().filter(|finding| !finding.pending).count()), (1, 0));
}

async fn what_is_recent_stays_and_nothing_is_done_twice(world: World) {
    let world = world.older().await;
    play(&world).await;
    assert_eq!(world.carry_forward().await, CarryReport::default(), "all is recent");
    assert_eq!(world.ledger.carried_forward(&world.pipeline).await.unwrap(), None);
    world.years_pass().await;
    world.one(bought("o9", "ann", &[5, 5])).await;
    world.one(bought("o8", "cid", &[5, 5])).await;
    assert_eq!(world.carry_forward().await.entries, 7);
    assert_eq!(
        (world.kinds("ann").await, world.kinds("cid").await),
        (vec!["Earn".into(), CARRIED_KIND.into()], vec!["Earn".into()])
    );
    assert_eq!(world.carry_forward().await, CarryReport::default(), "it is done");
    let other = CarryAsk { pipeline: id("another"), ..world.ask(false) };
    assert_eq!(world.ledger.carry_forward(&other, &|_| ()).await.unwrap(), CarryReport::default());
    world.audits_clean().await;
    // Years later the sums are summed with what came since.
    world.years_pass().await;
    assert_eq!(world.carry_forward().await.members, 2);
    assert_eq!(
        (world.kinds("ann").await, world.kinds("cid").await),
        (vec![CARRIED_KIND.to_owned()], vec![CARRIED_KIND.to_owned()])
    );
    world.audits_clean().await;
}

async fn another_pipelines_entries_stay_as_they_are(world: World) {
    let world = world.older().await;
    let mut other = World::beside(&world);
    other.pipeline = id("another");
    let since = Since { valid_from: None, author: "test".to_owned() };
    other.ledger.append_timeline(&other.pipeline, &other.ruleset, &since).await.unwrap();
    for world in [&world, &other] {
        play(world).await;
    }
    world.years_pass().await;
    let before = other.kinds("ann").await;
    assert_eq!(world.carry_forward().await.entries, 7);
    assert_eq!((world.kinds("ann").await.len(), other.kinds("ann").await), (1, before));
    for world in [&world, &other] {
        world.audits_clean().await;
    }
    // Its own turn, over the same months.
    assert_eq!(other.carry_forward().await.entries, 7);
    assert_eq!(
        (world.kinds("ann").await, other.kinds("ann").await),
        (vec![CARRIED_KIND.to_owned()], vec![CARRIED_KIND.to_owned()])
    );
    for world in [&world, &other] {
        world.audits_clean().await;
        assert_eq!(world.one(spend("s8", "ann", 1)).await.told().len(), 1);
    }
}

/// A person gave some back, and what a hold had when its lots ended paid for an order that had been returned before.
async fn points_that_had_ended_and_came_back_are_summed(world: World) {
    let (world, plain) = (world.older().await, World::sqlite_memory().await);
    for world in [&world, &plain] {
        ended(world, "b1", "bob").await;
        world.one(on(reinstate("i1", "bob", 60), 32)).await;
        world.one(days(bought("o1", "ann", &[60, 40]), "last", 10)).await;
        world.one(hold_of("h1", "ann", ("till", 80))).await;
        world.one(on(bought("o9", "ann", &[0, 0]), 1)).await;
        world.one(on(back("r1", "ann", "o9", &[]), 2)).await;
        world.one(on(paying(capture("c1", "ann", ("till", Some(50)), true), "o9"), 20)).await;
    }
    world.years_pass().await;
    world.carry_forward().await;
    let mut told = Vec::new();
    for world in [&world, &plain] {
        world.audits_clean().await;
        let mut said = Vec::new();
        for event in [
            on(reinstate("i2", "bob", 41), 401),
            on(reinstate("i3", "bob", 40), 401),
            on(paying(capture("c2", "ann", ("till", Some(30)), false), "o9"), 21),
            on(back("r2", "ann", "o1", &[]), 22),
        ] {
            said.extend(world.one(event).await.told());
            world.audits_clean().await;
        }
        told.push(said);
    }
    assert_eq!(told[0], told[1]);
}

async fn a_carrying_that_is_broken_off_goes_on(world: World) {
    let world = world.older().await;
    let (events, mut dice) = (history(&mut Dice(77), 120), Dice(5));
    run(&world, &events, 20).await;
    let (before, totals) = (books(&world).await, world.ledger.totals(&world.pipeline).await.unwrap());
    world.years_pass().await;
    for millis in (0..).step_by(15) {
        let worker = World::beside(&world);
        let patience = Duration::from_millis(millis + dice.upto(15));
        if let Ok(done) = tokio::time::timeout(patience, worker.ledger.carry_forward(&worker.ask(false), &|_| ())).await
        {
            done.unwrap();
            break;
        }
        world.audits_clean().await;
    }
    world.audits_clean().await;
    assert_eq!((books(&world).await, world.ledger.totals(&world.pipeline).await.unwrap()), (before, totals));
    assert!(world.kinds("m0").await.iter().all(|kind| kind == CARRIED_KIND));
}

/// The history in pieces, with or without years that pass and are carried forward between them.
pub(crate) async fn pieces(
    world: &World,
    events: &[Event],
    (cuts, carries): (&[usize], bool),
) -> (Vec<Vec<String>>, String) {
    let (mut told, mut from) = (Vec::new(), 0);
    for cut in cuts.iter().copied().chain([events.len()]) {
        let (said, _) = run(world, &events[from..cut], 5).await;
        told.extend(said);
        from = cut;
        if carries {
            world.years_pass().await;
            world.carry_forward().await;
            world.audits_clean().await;
        }
    }
    let totals = world.ledger.totals(&world.pipeline).await.unwrap();
    (told, format!("{:?} {:?}", books(world).await, totals.wallets))
}

async fn agrees(seed: u64, (world, plain): (World, World)) {
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut events = history(&mut dice, 160);
    events.insert(120, erase("x1", "m1"));
    let mut cuts: Vec<usize> = (0..3).map(|_| usize::try_from(dice.upto(161)).unwrap()).collect();
    cuts.sort_unstable();
    let carried = pieces(&world, &events, (&cuts, true)).await;
    assert_eq!(carried, pieces(&plain, &events, (&cuts, false)).await, "seed {seed}");
    // The whole input once more: everything is known.
    let again = pieces(&world, &events, (&[], false)).await;
    assert_eq!(again.1, carried.1, "seed {seed}, replayed");
    world.audits_clean().await;
}

#[tokio::test]
async fn random_histories_that_are_carried_forward_agree_with_those_that_are_not_in_sqlite() {
    for seed in 0..4 {
        agrees(seed, (World::sqlite_file().await, World::sqlite_memory().await)).await;
    }
    for seed in 100..103 {
        let owing = async |world: World| world.policy(TakeBack::Unlimited).await;
        agrees(seed, (owing(World::sqlite_file().await).await, owing(World::sqlite_memory().await).await)).await;
    }
}

#[tokio::test]
async fn random_histories_that_are_carried_forward_agree_with_those_that_are_not_in_postgres() {
    agrees(200, (World::postgres().await.older().await, World::sqlite_memory().await)).await;
    let owing = async |world: World| world.policy(TakeBack::Unlimited).await;
    agrees(300, (owing(World::postgres().await.older().await).await, owing(World::sqlite_memory().await).await)).await;
}

/// Eight writers go on, refunds of what is carried forward among it, while it is.
#[tokio::test(flavor = "multi_thread")]
async fn writers_beside_a_carrying_lose_nothing_and_do_not_wait_for_ever() {
    let world = World::postgres().await.older().await;
    for n in 0..40 {
        world.one(bought(&format!("old{n}"), &format!("m{}", n % 8), &[60, 40])).await;
    }
    world.years_pass().await;
    let mut tasks = Vec::new();
    for writer in 0..8 {
        let world = World::beside(&world);
        tasks.push(tokio::spawn(async move {
            for n in 0..15 {
                let member = format!("m{}", (writer + n) % 8);
                let old = format!("old{}", (writer * 5 + n) % 40);
                let owner = format!("m{}", (writer * 5 + n) % 8);
                let name = format!("{writer}-{n}");
                let events = [
                    bought(&format!("o{name}"), &member, &[10, 20]),
                    spend(&format!("s{name}"), &member, 5),
                    back(&format!("r{name}"), &owner, &old, &["1"]),
                ];
                while let (_, Committed::Raced) = world.try_batch(&events).await {}
            }
        }));
    }
    let report = World::beside(&world).carry_forward().await;
    assert_eq!((report.entries, report.members), (40, 8));
    for task in tasks {
        tokio::time::timeout(Duration::from_mins(2), task).await.expect("writers wait for ever").unwrap();
    }
    world.audits_clean().await;
    let sums = world.ledger.totals(&world.pipeline).await.unwrap().wallets.remove(0);
    // Of each old order 60 of 100 came back; for what is left there is the bonus of a single line.
    let sum = 40 * (40 + 50) + 8 * 15 * (30 - 5);
    assert_eq!(sums.available.to_string(), sum.to_string());
}

/// The database ends whatever connection is there, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_carrying_whose_connections_are_killed_leaves_a_ledger_that_is_whole() {
    let world = World::postgres().await.older().await;
    run(&world, &history(&mut Dice(78), 120), 20).await;
    let before = books(&world).await;
    world.years_pass().await;
    for n in 0_u64.. {
        let worker = World::beside_as(&world, "carrying");
        let kill = async {
            tokio::time::sleep(Duration::from_millis(10 + 20 * n)).await;
            let sql = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'carrying'";
            raw_postgres(&world.url, sql).await;
        };
        let ask = worker.ask(false);
        let (done, ()) = tokio::join!(worker.ledger.carry_forward(&ask, &|_| ()), kill);
        world.audits_clean().await;
        assert_eq!(books(&world).await, before);
        if done.is_ok() {
            break;
        }
        assert!(n < 200, "{done:?}");
    }
    assert!(world.kinds("m0").await.iter().all(|kind| kind == CARRIED_KIND));
}

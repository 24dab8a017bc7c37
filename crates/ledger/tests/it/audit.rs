//! Each invariant is broken on purpose, with raw SQL, and the audit must find exactly that. An audit that cannot fail proves nothing.

use std::sync::Mutex;

use ledger::audit::{Auditing, Finding};

use crate::time::{days, on};
use crate::world::{World, back, bought, spend};

/// What is done behind the ledger's back, and the invariants that it breaks.
const BREAKS: &[(&str, &[u8])] = &[
    (
        "update posting set amount = amount + 1 where account = 'issued' and entry = (select min(entry) from posting)",
        &[1, 9, 11],
    ),
    ("update posting set amount = amount - 1 where account = 'redeemed'", &[1, 9]),
    ("update balance set available = available + 1", &[2, 9]),
    ("update balance set pending = pending + 1", &[2, 9]),
    ("update lot set available = available - 1 where available > 0", &[2, 3]),
    ("update lot set initial = initial + 1", &[3]),
    ("delete from allocation where order_id is null", &[3]),
    ("update allocation set amount = amount - 1 where order_id is null", &[3]),
    ("update allocation set amount = amount - 1 where order_id is not null", &[3, 5]),
    ("delete from inbox where event_id = 's1'", &[4]),
    ("update inbox set entry = entry + 1 where event_id = 's1'", &[4]),
    ("update inbox set entry = 1 where event_id = 'r9'", &[4]),
    ("delete from entry where event_id = 's1'", &[4]),
    ("update entry set event_id = 'o1' where event_id = 'o2'", &[4]),
    ("delete from parked", &[4]),
    ("update inbox set outcome = 'Applied' where outcome = 'Parked'", &[4]),
    ("update award set waived = waived + 1 where taken > 0", &[5]),
    ("update award set due = awarded + 1, waived = awarded + 1 - taken where taken > 0", &[5]),
    ("update award set due = due - 1, taken = taken - 1 where taken > 0", &[5]),
    ("update purchase set returned = '{\"whole\":true}' where order_id = 'o1'", &[5]),
    ("update balance set available = -1, debt = debt - 1 - available", &[2, 6]),
    ("update balance set debt = 5, available = available + 5", &[2, 6]),
    ("update award set awarded = awarded + 1", &[11]),
    // Points that wait, points that ended, and what says when.
    ("update balance set pending = pending - 1 where pending > 0", &[2, 9]),
    ("update lot set pending = pending - 1 where pending > 0", &[2, 3]),
    ("update posting set amount = amount + 1 where account = 'pending' and amount > 0", &[1, 2]),
    ("update posting set amount = amount + 1 where account = 'expired' and amount > 0", &[1, 9]),
    ("update balance set pending = -1, available = available + pending + 1 where pending > 0", &[2, 6]),
    ("update lot set expired = expired - 1 where expired > 0", &[3]),
    ("update entry set kind = 'Spend' where kind = 'Expire'", &[3]),
    ("update due set at = null where at is not null", &[3]),
    ("delete from due", &[3]),
    ("update lot set activates_at = null where pending > 0", &[3]),
    ("delete from inbox where source = 'loyalty.due'", &[4]),
    ("delete from award where taken = 0", &[11]),
    ("update batch set published_at = null where id = (select min(id) from batch)", &[12]),
];

pub(crate) async fn history(world: &World) {
    world.one(bought("o1", "ann", &[40, 30, 30])).await;
    world.one(bought("o2", "ann", &[500, 500])).await;
    world.one(back("r1", "ann", "o1", &["1"])).await;
    world.one(spend("s1", "ann", 300)).await;
    world.one(back("r9", "ann", "o9", &[])).await;
    // Of bob's points some wait, and some have ended; of those a refund claimed a part.
    world.one(days(bought("o3", "bob", &[7, 8]), "wait", 40)).await;
    world.one(days(bought("o4", "bob", &[40, 30, 30]), "last", 10)).await;
    world.one(on(back("r4", "bob", "o4", &["1"]), 20)).await;
}

pub(crate) async fn publish(world: &World) {
    let unpublished = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 100).await.unwrap();
    let batches: Vec<_> = unpublished.iter().map(|batch| batch.batch).collect();
    world.ledger.mark_published(&batches).await.unwrap();
}

pub(crate) async fn found(world: &World) -> Vec<u8> {
    numbers(&world.ledger.audit(&world.pipeline, Auditing::Idle, &|_, _| ()).await.unwrap())
}

pub(crate) fn numbers(findings: &[Finding]) -> Vec<u8> {
    let mut numbers: Vec<u8> = findings.iter().map(|finding| finding.invariant).collect();
    numbers.dedup();
    numbers
}

/// Checks of the database itself that stand in the way of the tampering.
pub(crate) const UNCHECK: &str = "do $$ declare c record; begin
    for c in select conrelid::regclass as t, conname from pg_constraint
             where contype = 'c' and coninhcount = 0 and connamespace = current_schema()::regnamespace
    loop execute format('alter table %s drop constraint %I', c.t, c.conname); end loop; end $$";

/// Keeps a copy of each table beside it.
const KEEP: &str = "do $$ declare t text; begin
    for t in select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
    loop execute format('create table %I as table %I', 'kept_' || t, t); end loop; end $$";

/// Puts back what was kept, whatever refers to it meanwhile.
const PUT_BACK: &str = r"set session_replication_role = replica; do $$ declare t text; begin
    for t in select substr(relname, 6) from pg_class where relnamespace = current_schema()::regnamespace and relname like 'kept\_%'
    loop
        execute format('delete from %I', t);
        execute format('insert into %I overriding system value table %I', t, 'kept_' || t);
    end loop; end $$";

async fn keep(world: &World) {
    if world.is_postgres() {
        return world.tamper(KEEP).await;
    }
    let tables = world.tables();
    let copies = tables.iter().map(|table| format!("create table kept_{table} as select * from {table};"));
    world.tamper(&copies.collect::<String>()).await;
}

async fn put_back(world: &World) {
    if world.is_postgres() {
        return world.tamper(PUT_BACK).await;
    }
    let tables = world.tables();
    let copies = tables.iter().filter_map(|kept| kept.strip_prefix("kept_"));
    let copies = copies.map(|table| format!("delete from {table}; insert into {table} select * from kept_{table};"));
    let copies: String = copies.collect();
    world.tamper(&format!("pragma foreign_keys = off; begin; {copies} commit")).await;
}

/// Plays a history; then breaks it in each way, has that found, and mends it.
pub(crate) async fn each_break_is_found(
    breaks: &[(&str, &[u8])],
    history: impl AsyncFn(&World),
    fresh: impl AsyncFn() -> World,
) {
    let world = fresh().await;
    history(&world).await;
    publish(&world).await;
    if world.is_postgres() {
        world.tamper(UNCHECK).await;
    }
    keep(&world).await;
    for (sql, invariants) in breaks {
        assert_eq!(found(&world).await, [0_u8; 0], "before `{sql}`");
        world.tamper(sql).await;
        assert_eq!(found(&world).await, *invariants, "after `{sql}`");
        let since = jiff::Timestamp::UNIX_EPOCH;
        let report = world.ledger.audit_since(&world.pipeline, since, Auditing::Idle, &|_, _| ()).await.unwrap();
        assert_eq!(numbers(&report.findings), *invariants, "since the beginning, after `{sql}`");
        put_back(&world).await;
    }
}

#[tokio::test]
async fn the_audit_of_sqlite_finds_each_break() {
    each_break_is_found(BREAKS, history, World::sqlite_file).await;
}

#[tokio::test]
async fn the_audit_of_postgres_finds_each_break() {
    each_break_is_found(BREAKS, history, World::postgres).await;
}

/// Breaks in what `ann` has, who has an entry since, and in what only `bob` has, who has none.
async fn since(world: World) {
    world.one(bought("o1", "bob", &[40, 30])).await;
    world.one(bought("o2", "ann", &[500, 500])).await;
    let unpublished = world.ledger.unpublished(&world.pipeline, std::time::Duration::ZERO, 100).await.unwrap();
    world.ledger.mark_published(&unpublished.iter().map(|batch| batch.batch).collect::<Vec<_>>()).await.unwrap();
    let yesterday = jiff::Timestamp::now();
    world.one(spend("s1", "ann", 300)).await;
    let audit = async |since: jiff::Timestamp, auditing| {
        world.ledger.audit_since(&world.pipeline, since, auditing, &|_, _| ()).await.unwrap()
    };
    let clean = audit(yesterday, Auditing::Running).await;
    assert_eq!((clean.entries, clean.members, clean.other_members), (1, 1, 1));
    assert!(clean.findings.iter().all(|finding| finding.pending), "{:?}", clean.findings);
    assert_eq!(numbers(&audit(yesterday, Auditing::Idle).await.findings), [12]);
    if world.is_postgres() {
        world.tamper(UNCHECK).await;
    }
    // What bob has is not looked at; what ann has is, also where it is older than the entry.
    world.tamper("update balance set available = available + 1 where available < 100").await;
    world.tamper("update lot set available = available + 5 where initial = 70").await;
    assert_eq!(numbers(&audit(yesterday, Auditing::Running).await.findings), [12]);
    world.tamper("update award set awarded = awarded + 1 where awarded = 1000").await;
    world.tamper("update lot set initial = initial + 1 where initial = 1000").await;
    world.tamper("update inbox set entry = entry + 1 where event_id = 's1'").await;
    assert_eq!(numbers(&audit(yesterday, Auditing::Running).await.findings), [3, 4, 11, 12]);
    // From the beginning on it looks at everybody.
    let whole = audit(jiff::Timestamp::UNIX_EPOCH, Auditing::Running).await;
    assert_eq!(numbers(&whole.findings), [2, 3, 4, 9, 11, 12]);
    assert_eq!((whole.entries, whole.members, whole.other_members), (3, 2, 0));
    let later = audit(jiff::Timestamp::now(), Auditing::Running).await;
    assert_eq!((later.entries, later.members, later.findings), (0, 0, vec![]));
}

#[tokio::test]
async fn an_audit_of_what_is_recent_looks_at_the_members_of_recent_entries_in_sqlite() {
    since(World::sqlite_file().await).await;
}

#[tokio::test]
async fn an_audit_of_what_is_recent_looks_at_the_members_of_recent_entries_in_postgres() {
    since(World::postgres().await).await;
}

#[tokio::test]
async fn the_audit_tells_each_invariant_before_it_looks() {
    let world = World::sqlite_memory().await;
    let told = Mutex::new(Vec::new());
    let progress = |number: u8, name: &'static str| told.lock().unwrap().push((number, name));
    world.ledger.audit(&world.pipeline, Auditing::Running, &progress).await.unwrap();
    let mut numbers: Vec<_> = told.lock().unwrap().iter().map(|(number, _)| *number).collect();
    numbers.dedup();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
}

#[tokio::test]
async fn another_pipelines_rows_are_not_its_business() {
    let world = World::sqlite_file().await;
    history(&world).await;
    world.tamper("update balance set available = available + 1").await;
    let other = "another".to_owned().try_into().unwrap();
    assert_eq!(world.ledger.audit(&other, Auditing::Idle, &|_, _| ()).await.unwrap(), []);
    assert!(!world.differences().await.is_empty());
}

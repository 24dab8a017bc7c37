//! By hand on `SQLite`: one connection, prepared statements, one row a time.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::rows::{Batch, Member};
use crate::{Clock, Failure};

const PIPELINE: &str = "bench";

/// The ledger's own.
const PRAGMAS: &str = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;
    pragma wal_autocheckpoint = 10000; pragma cache_size = -65536;";

/// Writes all batches; answers how many events the inbox then has.
pub(crate) fn replay(path: &str, batches: &[Batch]) -> Result<usize, Failure> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(PRAGMAS)?;
    let mut clock = Clock::of(batches.len());
    let mut desk = Desk { connection: &connection, numbers: HashMap::new() };
    for (n, batch) in batches.iter().enumerate() {
        clock.before(n);
        desk.apply(batch)?;
        clock.after(n, batch.events.len());
    }
    let counted: i64 = connection.query_row("select count(*) from inbox", [], |row| row.get(0))?;
    Ok(usize::try_from(counted)?)
}

/// Members that never did anything, in the order of their keys.
pub(crate) fn crowd(path: &str, count: i64) -> Result<(), Failure> {
    let connection = Connection::open(path)?;
    connection.execute_batch(PRAGMAS)?;
    let mut members: Vec<(u16, i64)> = (0..count).map(|n| (bucket(&format!("m-{n}")), n)).collect();
    members.sort_unstable();
    connection.execute_batch("begin")?;
    {
        let mut member = connection
            .prepare("insert into member (pipeline, bucket, external_id, joined_at) values (?1, ?2, ?3, ?4)")?;
        let mut balance = connection.prepare(
            "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot)
             values (?1, ?2, ?3, 'points', 0, 0, 0, 0, 0)",
        )?;
        let now = now();
        for (bucket, n) in members {
            member.execute(params![PIPELINE, bucket, format!("m-{n}"), now])?;
            balance.execute(params![PIPELINE, bucket, connection.last_insert_rowid()])?;
        }
    }
    Ok(connection.execute_batch("commit; pragma wal_checkpoint(truncate)")?)
}

/// The ledger's: the first two bytes of SHA-256(pipeline, 0, member), modulo 1024.
fn bucket(member: &str) -> u16 {
    let digest = Sha256::digest([PIPELINE.as_bytes(), &[0], member.as_bytes()].concat());
    u16::from_be_bytes([digest[0], digest[1]]) % 1024
}

/// Bytes of the pages that are in use.
pub(crate) fn size(path: &str) -> Result<i64, Failure> {
    let connection = Connection::open(path)?;
    let pragma = |name: &str| connection.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0));
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

struct Desk<'a> {
    connection: &'a Connection,
    /// From a member's number in the rows to the one in this ledger.
    numbers: HashMap<i64, i64>,
}

impl Desk<'_> {
    fn sql(&self, text: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.connection.prepare_cached(text)
    }

    fn apply(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        self.connection.execute_batch("begin immediate")?;
        for member in &batch.members {
            let number = self.member(member)?;
            self.numbers.insert(member.number, number);
        }
        self.look(batch)?;
        let balances = self.balances(batch)?;
        let now = now();
        self.events(batch, now)?;
        self.entries(batch, now)?;
        self.write_balances(batch, &balances)?;
        self.lots(batch)?;
        self.purchases(batch)?;
        self.connection.execute_batch("commit")
    }

    fn member(&self, member: &Member) -> rusqlite::Result<i64> {
        let key = params![PIPELINE, member.bucket, member.external_id];
        let known = self
            .sql("select number from member where pipeline = ?1 and bucket = ?2 and external_id = ?3")?
            .query_row(key, |row| row.get(0))
            .optional()?;
        match known {
            Some(number) => Ok(number),
            None => self
                .sql("insert into member (pipeline, bucket, external_id, joined_at) values (?1, ?2, ?3, ?4) returning number")?
                .query_row(params![PIPELINE, member.bucket, member.external_id, now()], |row| row.get(0)),
        }
    }

    /// What must not be there yet: the events, their orders, and refunds that wait for these.
    fn look(&self, batch: &Batch) -> rusqlite::Result<()> {
        let mut inbox = self.sql(
            "select hash, outcome, results, batch from inbox where pipeline = ?1 and source = ?2 and event_id = ?3",
        )?;
        for event in &batch.events {
            inbox.exists(params![PIPELINE, event.source, event.id])?;
        }
        let mut purchase = self.sql(
            "select event, ruleset, returned, entry from purchase
             where pipeline = ?1 and bucket = ?2 and member = ?3 and order_id = ?4",
        )?;
        let mut parked =
            self.sql("select event from parked where pipeline = ?1 and bucket = ?2 and member = ?3 and order_id = ?4")?;
        for row in &batch.purchases {
            let key = params![PIPELINE, row.bucket, self.numbers[&row.member], row.order];
            purchase.exists(key)?;
            parked.exists(key)?;
        }
        self.sql("select coalesce(max(seq), 0) from timeline where pipeline = ?1")?.exists([PIPELINE])?;
        Ok(())
    }

    /// Pending, available, held, debt of each member; noughts for a new one.
    fn balances(&self, batch: &Batch) -> rusqlite::Result<HashMap<i64, [i64; 4]>> {
        let mut find = self.sql(
            "select wallet, pending, available, held, debt, last_lot from balance
             where pipeline = ?1 and bucket = ?2 and member = ?3",
        )?;
        let mut balances = HashMap::with_capacity(batch.members.len());
        for member in &batch.members {
            let key = params![PIPELINE, member.bucket, self.numbers[&member.number]];
            let found =
                find.query_row(key, |row| Ok([row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])).optional()?;
            balances.insert(member.number, found.unwrap_or_default());
        }
        Ok(balances)
    }

    fn events(&self, batch: &Batch, now: i64) -> rusqlite::Result<()> {
        let id: i64 = self
            .sql("insert into batch (pipeline, recorded_at) values (?1, ?2) returning id")?
            .query_row(params![PIPELINE, now], |row| row.get(0))?;
        let mut insert = self.sql(
            "insert into inbox (pipeline, source, event_id, hash, bucket, member, occurred_at, recorded_at, ruleset,
             outcome, results, batch, position, entry)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        for row in &batch.events {
            insert.execute(params![
                PIPELINE,
                row.source,
                row.id,
                row.hash,
                row.bucket,
                self.numbers[&row.member],
                row.occurred_at,
                now,
                row.ruleset,
                row.outcome,
                row.results,
                id,
                row.position,
                row.entry,
            ])?;
        }
        Ok(())
    }

    fn entries(&self, batch: &Batch, now: i64) -> rusqlite::Result<()> {
        let mut entry = self.sql(
            "insert into entry (pipeline, bucket, member, id, kind, source, event_id, order_id, effective_at, recorded_at,
             ruleset) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?;
        for row in &batch.entries {
            entry.execute(params![
                PIPELINE,
                row.bucket,
                self.numbers[&row.member],
                row.id,
                row.kind,
                row.source,
                row.event,
                row.order,
                row.effective_at,
                now,
                row.ruleset,
            ])?;
        }
        let mut posting = self.sql(
            "insert into posting (pipeline, bucket, member, entry, n, account, wallet, amount)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for row in &batch.postings {
            let member = self.numbers[&row.member];
            posting.execute(params![
                PIPELINE,
                row.bucket,
                member,
                row.entry,
                row.n,
                row.account,
                row.wallet,
                row.amount
            ])?;
        }
        Ok(())
    }

    fn write_balances(&self, batch: &Batch, balances: &HashMap<i64, [i64; 4]>) -> rusqlite::Result<()> {
        let mut upsert = self.sql(
            "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             on conflict (pipeline, bucket, member, wallet) do update set pending = excluded.pending,
             available = excluded.available, held = excluded.held, debt = excluded.debt, last_lot = excluded.last_lot",
        )?;
        let mut written = None;
        for lot in batch.lots.iter().filter(|lot| written.replace(lot.member) != Some(lot.member)) {
            let [pending, available, held, debt] = balances[&lot.member];
            let (gained, last_lot) = batch.gains[&lot.member];
            let (member, available) = (self.numbers[&lot.member], available + gained);
            upsert
                .execute(params![PIPELINE, lot.bucket, member, lot.wallet, pending, available, held, debt, last_lot])?;
        }
        Ok(())
    }

    fn lots(&self, batch: &Batch) -> rusqlite::Result<()> {
        let mut insert = self.sql(
            "insert into lot (pipeline, bucket, member, wallet, sequence, entry, initial, pending, available, held,
             activates_at, expires_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?7, 0, null, null)",
        )?;
        for row in &batch.lots {
            let member = self.numbers[&row.member];
            insert.execute(params![PIPELINE, row.bucket, member, row.wallet, row.sequence, row.entry, row.initial])?;
        }
        let mut insert = self.sql(
            "insert into award (pipeline, bucket, member, entry, n, order_id, rule, ruleset, wallet, lot, inputs,
             awarded, due, taken, waived) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0, 0, 0)",
        )?;
        for row in &batch.awards {
            insert.execute(params![
                PIPELINE,
                row.bucket,
                self.numbers[&row.member],
                row.entry,
                row.n,
                row.order,
                row.rule,
                row.ruleset,
                row.wallet,
                row.lot,
                row.inputs,
                row.awarded,
            ])?;
        }
        Ok(())
    }

    fn purchases(&self, batch: &Batch) -> rusqlite::Result<()> {
        let mut insert = self.sql(
            "insert into purchase (pipeline, bucket, member, order_id, event, ruleset, returned, entry)
             values (?1, ?2, ?3, ?4, ?5, ?6, null, ?7)",
        )?;
        for row in &batch.purchases {
            let member = self.numbers[&row.member];
            insert.execute(params![PIPELINE, row.bucket, member, row.order, row.event, row.ruleset, row.entry])?;
        }
        Ok(())
    }
}

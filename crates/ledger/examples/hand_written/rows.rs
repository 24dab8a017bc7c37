//! The rows of a ledger that the engine filled, batch by batch, in the order of their keys.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row};

use crate::Failure;

/// Entries of a batch are numbered within these bits; the batch is above them.
const ENTRY_BITS: i64 = 16;

/// Everything that one batch writes. Members are meant by their number in the ledger that was read.
#[derive(Default)]
pub(crate) struct Batch {
    /// By external id, as they are locked.
    pub(crate) members: Vec<Member>,
    /// By source and id.
    pub(crate) events: Vec<Event>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) postings: Vec<Posting>,
    pub(crate) lots: Vec<Lot>,
    pub(crate) awards: Vec<Award>,
    pub(crate) purchases: Vec<Purchase>,
    /// Points and the last lot that this batch brings to a member.
    pub(crate) gains: BTreeMap<i64, (i64, i64)>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) external_id: String,
    pub(crate) bucket: i16,
    pub(crate) number: i64,
}

pub(crate) struct Event {
    pub(crate) source: String,
    pub(crate) id: String,
    pub(crate) hash: Vec<u8>,
    pub(crate) bucket: i16,
    pub(crate) member: i64,
    pub(crate) occurred_at: i64,
    pub(crate) ruleset: String,
    pub(crate) outcome: String,
    pub(crate) results: Option<String>,
    pub(crate) position: i32,
    pub(crate) entry: Option<i64>,
}

pub(crate) struct Entry {
    pub(crate) bucket: i16,
    pub(crate) member: i64,
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) event: String,
    pub(crate) order: Option<String>,
    pub(crate) effective_at: i64,
    pub(crate) ruleset: String,
}

pub(crate) struct Posting {
    pub(crate) bucket: i16,
    pub(crate) member: i64,
    pub(crate) entry: i64,
    pub(crate) n: i16,
    pub(crate) account: String,
    pub(crate) wallet: String,
    pub(crate) amount: i64,
}

pub(crate) struct Lot {
    pub(crate) bucket: i16,
    pub(crate) member: i64,
    pub(crate) wallet: String,
    pub(crate) sequence: i64,
    pub(crate) entry: i64,
    pub(crate) initial: i64,
}

pub(crate) struct Award {
    pub(crate) bucket: i16,
    pub(crate) member: i64,
    pub(crate) entry: i64,
    pub(crate) n: i16,
    pub(crate) order: Option<String>,
    pub(crate) rule: String,
    pub(crate) ruleset: String,
    pub(crate) wallet: String,
    pub(crate) lot: i64,
    pub(crate) inputs: String,
    pub(crate) awarded: i64,
}

pub(crate) struct Purchase {
    pub(crate) bucket: i16,
    pub(crate) member: i64,
    pub(crate) order: String,
    pub(crate) event: String,
    pub(crate) ruleset: String,
    pub(crate) entry: Option<i64>,
}

/// Only purchases, none of them refunded: anything else is not measured here.
pub(crate) fn read(path: &str) -> Result<Vec<Batch>, Failure> {
    let connection = Connection::open(path)?;
    let mut batches: BTreeMap<i64, Batch> = BTreeMap::new();
    let members: BTreeMap<i64, Member> = all(&connection, "select number, external_id, bucket from member", |row| {
        let number = row.get(0)?;
        Ok((number, Member { external_id: row.get(1)?, bucket: row.get(2)?, number }))
    })?
    .into_iter()
    .collect();
    let mut present: BTreeMap<i64, BTreeSet<Member>> = BTreeMap::new();
    for (batch, event) in all(&connection, EVENTS, event)? {
        present.entry(batch).or_default().insert(members[&event.member].clone());
        batches.entry(batch).or_default().events.push(event);
    }
    for (batch, members) in present {
        batches.entry(batch).or_default().members = members.into_iter().collect();
    }
    for (batch, purchase) in all(&connection, PURCHASES, purchase)? {
        batches.entry(batch).or_default().purchases.push(purchase);
    }
    entries(&connection, &mut batches)?;
    Ok(batches.into_values().collect())
}

fn entries(connection: &Connection, batches: &mut BTreeMap<i64, Batch>) -> Result<(), Failure> {
    let batch = |entry: i64| entry >> ENTRY_BITS;
    for row in all(connection, ENTRIES, entry)? {
        batches.entry(batch(row.id)).or_default().entries.push(row);
    }
    for row in all(connection, POSTINGS, posting)? {
        batches.entry(batch(row.entry)).or_default().postings.push(row);
    }
    for row in all(connection, LOTS, lot)? {
        let batch = batches.entry(batch(row.entry)).or_default();
        let gain = batch.gains.entry(row.member).or_default();
        *gain = (gain.0 + row.initial, row.sequence);
        batch.lots.push(row);
    }
    for row in all(connection, AWARDS, award)? {
        batches.entry(batch(row.entry)).or_default().awards.push(row);
    }
    Ok(())
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Failure> {
    Ok(connection.prepare(sql)?.query_map([], read)?.collect::<Result<_, _>>()?)
}

const EVENTS: &str =
    "select batch, source, event_id, hash, bucket, member, occurred_at, ruleset, outcome, results, position,
    entry from inbox order by batch, source, event_id";

fn event(row: &Row<'_>) -> rusqlite::Result<(i64, Event)> {
    let event = Event {
        source: row.get(1)?,
        id: row.get(2)?,
        hash: row.get(3)?,
        bucket: row.get(4)?,
        member: row.get(5)?,
        occurred_at: row.get(6)?,
        ruleset: row.get(7)?,
        outcome: row.get(8)?,
        results: row.get(9)?,
        position: row.get(10)?,
        entry: row.get(11)?,
    };
    Ok((row.get(0)?, event))
}

const ENTRIES: &str = "select bucket, member, id, kind, source, event_id, order_id, effective_at, ruleset from entry
    order by bucket, member, id";

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        bucket: row.get(0)?,
        member: row.get(1)?,
        id: row.get(2)?,
        kind: row.get(3)?,
        source: row.get(4)?,
        event: row.get(5)?,
        order: row.get(6)?,
        effective_at: row.get(7)?,
        ruleset: row.get(8)?,
    })
}

const POSTINGS: &str = "select bucket, member, entry, n, account, wallet, amount from posting
    order by bucket, member, entry, n";

fn posting(row: &Row<'_>) -> rusqlite::Result<Posting> {
    Ok(Posting {
        bucket: row.get(0)?,
        member: row.get(1)?,
        entry: row.get(2)?,
        n: row.get(3)?,
        account: row.get(4)?,
        wallet: row.get(5)?,
        amount: row.get(6)?,
    })
}

const LOTS: &str = "select bucket, member, wallet, sequence, entry, initial from lot
    order by bucket, member, wallet, sequence";

fn lot(row: &Row<'_>) -> rusqlite::Result<Lot> {
    Ok(Lot {
        bucket: row.get(0)?,
        member: row.get(1)?,
        wallet: row.get(2)?,
        sequence: row.get(3)?,
        entry: row.get(4)?,
        initial: row.get(5)?,
    })
}

const AWARDS: &str = "select bucket, member, entry, n, order_id, rule, ruleset, wallet, lot, inputs, awarded from award
    order by bucket, member, entry, n";

fn award(row: &Row<'_>) -> rusqlite::Result<Award> {
    Ok(Award {
        bucket: row.get(0)?,
        member: row.get(1)?,
        entry: row.get(2)?,
        n: row.get(3)?,
        order: row.get(4)?,
        rule: row.get(5)?,
        ruleset: row.get(6)?,
        wallet: row.get(7)?,
        lot: row.get(8)?,
        inputs: row.get(9)?,
        awarded: row.get(10)?,
    })
}

/// In these events an order has the id of its purchase.
const PURCHASES: &str = "select i.batch, p.bucket, p.member, p.order_id, p.event, p.ruleset, p.entry
    from inbox i join purchase p on p.pipeline = i.pipeline and p.bucket = i.bucket and p.member = i.member
        and p.order_id = i.event_id
    order by i.batch, p.bucket, p.member, p.order_id";

fn purchase(row: &Row<'_>) -> rusqlite::Result<(i64, Purchase)> {
    let purchase = Purchase {
        bucket: row.get(1)?,
        member: row.get(2)?,
        order: row.get(3)?,
        event: row.get(4)?,
        ruleset: row.get(5)?,
        entry: row.get(6)?,
    };
    Ok((row.get(0)?, purchase))
}

//! Holds in `SQLite`: which are loaded, and how they are written.

use std::collections::BTreeMap;

use contract::PipelineName;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::begin::Begin;
use crate::load::{self, Books, StoredHold};
use crate::rows::{Loaded, MemberKey, Rows};
use crate::store::BatchRequest;

/// What [`stored`] reads, of a hold `h` and its part `p` of a lot.
const COLUMNS: &str =
    "h.hold_id, h.wallet, h.points, h.held, h.captured, h.released, h.stage, h.expires_at, p.lot, p.amount, p.held
     from hold h cross join hold_lot p
     where h.pipeline = ?1 and h.bucket = ?2 and h.member = ?3
         and p.pipeline = ?1 and p.bucket = ?2 and p.member = ?3 and p.hold_id = h.hold_id";

/// Holds that events name, and those whose time has come.
pub(super) fn load(
    begin: &Begin<'_>,
    request: &BatchRequest,
    (loaded, books): (&Loaded, &Books),
    until: BTreeMap<MemberKey, Timestamp>,
) -> rusqlite::Result<Vec<StoredHold>> {
    let mut holds = Vec::new();
    for (member, hold) in load::holds(request, &loaded.members) {
        let mut find = begin.connection.prepare_cached(&format!("select {COLUMNS} and h.hold_id = ?4"))?;
        let key = params![begin.pipeline, member.bucket, member.number, hold.as_str()];
        for row in find.query_map(key, |row| stored(member, row))? {
            holds.push(row?);
        }
    }
    if !load::may_hold(books) {
        return Ok(holds);
    }
    for (member, by) in until {
        let sql = format!("select {COLUMNS} and h.held > 0 and h.expires_at is not null and h.expires_at <= ?4");
        let mut find = begin.connection.prepare_cached(&sql)?;
        let key = params![begin.pipeline, member.bucket, member.number, by.as_microsecond()];
        for row in find.query_map(key, |row| stored(member, row))? {
            holds.push(row?);
        }
    }
    Ok(holds)
}

/// Those that are open, whenever they end.
pub(super) fn open_of(begin: &Begin<'_>, member: MemberKey) -> rusqlite::Result<Vec<StoredHold>> {
    let mut find = begin.connection.prepare_cached(&format!("select {COLUMNS} and h.held > 0"))?;
    let key = params![begin.pipeline, member.bucket, member.number];
    find.query_map(key, |row| stored(member, row))?.collect()
}

fn stored(member: MemberKey, row: &Row<'_>) -> rusqlite::Result<StoredHold> {
    let expires: Option<i64> = row.get(7)?;
    Ok(StoredHold {
        member,
        hold: row.get(0)?,
        wallet: row.get(1)?,
        points: [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
        stage: row.get(6)?,
        expires: expires.and_then(|at| Timestamp::from_microsecond(at).ok()),
        lot: row.get(8)?,
        lot_amount: row.get(9)?,
        lot_held: row.get(10)?,
    })
}

/// Writes the holds of a batch; one that is there keeps the entry that made it.
pub(super) fn write(connection: &Connection, pipeline: &PipelineName, rows: &Rows) -> rusqlite::Result<()> {
    if rows.holds.is_empty() {
        return Ok(());
    }
    let mut upsert = connection.prepare_cached(
        "insert into hold (pipeline, bucket, member, hold_id, wallet, points, held, captured, released, stage, expires_at,
         entry, ended) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         on conflict (pipeline, bucket, member, hold_id) do update set held = excluded.held,
         captured = excluded.captured, released = excluded.released, stage = excluded.stage, ended = excluded.ended",
    )?;
    let mut upsert_lot = connection.prepare_cached(
        "insert into hold_lot (pipeline, bucket, member, hold_id, lot, amount, held) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         on conflict (pipeline, bucket, member, hold_id, lot) do update set held = excluded.held",
    )?;
    for ((member, hold), held) in &rows.holds {
        let (pipeline, hold, state) = (pipeline.as_str(), hold.as_str(), &held.row.state);
        upsert.execute(params![
            pipeline,
            member.bucket,
            member.number,
            hold,
            state.wallet.as_str(),
            state.points.0,
            state.held.0,
            state.captured.0,
            state.released.0,
            state.stage.as_str(),
            state.expires.map(Timestamp::as_microsecond),
            held.entry,
            held.ended,
        ])?;
        for part in &held.row.lots {
            let (bucket, number) = (member.bucket, member.number);
            upsert_lot.execute(params![pipeline, bucket, number, hold, part.lot, part.amount.0, part.held.0])?;
        }
    }
    Ok(())
}

//! Holds: those that events name, and those whose time has come. A batch that knows of none asks nothing.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::{Keys, Open, key, prepare};
use crate::error::LedgerError;
use crate::load::{self, Books, StoredHold};
use crate::store::BatchRequest;

const NAMED: &str = "select w.bucket, w.member, h.hold_id, h.wallet, h.points, h.held, h.captured, h.released, h.stage,
    h.expires_at, p.lot, p.amount, p.held
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
    cross join lateral (
        select * from hold where pipeline = $1 and bucket = w.bucket and member = w.member and hold_id = w.id offset 0
    ) h
    cross join lateral (
        select * from hold_lot where pipeline = $1 and bucket = w.bucket and member = w.member and hold_id = h.hold_id offset 0
    ) p";

const DUE: &str = "select w.bucket, w.member, h.hold_id, h.wallet, h.points, h.held, h.captured, h.released, h.stage,
    h.expires_at, p.lot, p.amount, p.held
    from unnest($2::smallint[], $3::bigint[], $4::timestamptz[]) as w(bucket, member, by)
    cross join lateral (
        select * from hold where pipeline = $1 and bucket = w.bucket and member = w.member
            and held > 0 and expires_at <= w.by offset 0
    ) h
    cross join lateral (
        select * from hold_lot where pipeline = $1 and bucket = w.bucket and member = w.member and hold_id = h.hold_id offset 0
    ) p";

/// Those that are open, whenever they end.
pub(super) const OPEN: &str = "select w.bucket, w.member, h.hold_id, h.wallet, h.points, h.held, h.captured, h.released, h.stage,
    h.expires_at, p.lot, p.amount, p.held
    from unnest($2::smallint[], $3::bigint[]) as w(bucket, member)
    cross join lateral (
        select * from hold where pipeline = $1 and bucket = w.bucket and member = w.member and held > 0 offset 0
    ) h
    cross join lateral (
        select * from hold_lot where pipeline = $1 and bucket = w.bucket and member = w.member and hold_id = h.hold_id offset 0
    ) p";

/// At most one round trip.
pub(super) async fn load(open: &Open, request: &BatchRequest, books: &Books) -> Result<Vec<StoredHold>, LedgerError> {
    let named = load::holds(request, &open.loaded.members);
    let mut due = load::due_until(request, &open.loaded, &books.parked)?;
    if !load::may_hold(books) {
        due.clear();
    }
    if named.is_empty() && due.is_empty() {
        return Ok(Vec::new());
    }
    let keys = Keys::of(named.iter().map(|(member, _)| *member));
    let ids: Vec<&str> = named.iter().map(|(_, hold)| hold.as_str()).collect();
    let due_keys = Keys::of(due.keys().copied());
    let by: Vec<Timestamp> = due.into_values().collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let of_named: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &ids];
    let of_due: [&(dyn ToSql + Sync); 4] = [&pipeline, &due_keys.buckets, &due_keys.numbers, &by];
    let loaded = async {
        let [named, due] = prepare(client, [NAMED, DUE]).await?;
        let (named, due) = tokio::try_join!(biased; client.query(&named, &of_named), client.query(&due, &of_due))?;
        named.iter().chain(&due).map(read).collect::<Result<Vec<_>, Error>>()
    };
    loaded.await.map_err(|e| open.fail(e))
}

pub(super) fn read(row: &Row) -> Result<StoredHold, Error> {
    Ok(StoredHold {
        member: key(row)?,
        hold: row.try_get(2)?,
        wallet: row.try_get(3)?,
        points: [row.try_get(4)?, row.try_get(5)?, row.try_get(6)?, row.try_get(7)?],
        stage: row.try_get(8)?,
        expires: row.try_get(9)?,
        lot: row.try_get(10)?,
        lot_amount: row.try_get(11)?,
        lot_held: row.try_get(12)?,
    })
}

//! Tiers of members, and what counts for them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::{Keys, Open, key, prepare};
use crate::error::LedgerError;
use crate::load::{self, Books, StoredCounted, StoredTier};
use crate::rows::MemberKey;
use crate::store::BatchRequest;

/// The line that held at a time, and all after it, in recorded order: the primary key's.
const HISTORY: &str = "select w.bucket, w.member, h.level, h.since, h.until, h.reason
    from unnest($2::smallint[], $3::bigint[], $4::timestamptz[]) as w(bucket, member, at)
    cross join lateral (
        select * from tier_history where pipeline = $1 and bucket = w.bucket and member = w.member and from_member is null
            and since >= coalesce((select max(since) from tier_history where pipeline = $1 and bucket = w.bucket
                and member = w.member and from_member is null and since <= w.at), w.at)
        order by id, n offset 0
    ) h";

const COUNTED: &str = "select w.bucket, w.member, q.measure, q.day, q.amount
    from unnest($2::smallint[], $3::bigint[], $4::integer[]) as w(bucket, member, day)
    cross join lateral (
        select * from qualifying where pipeline = $1 and bucket = w.bucket and member = w.member and day >= w.day offset 0
    ) q";

/// Two round trips, where the programme has tiers: how far back what counts matters depends on what is due.
pub(super) async fn load(
    open: &Open,
    request: &BatchRequest,
    books: &Books,
) -> Result<(Vec<StoredTier>, Vec<StoredCounted>), LedgerError> {
    let from = load::tiers_from(request, &open.loaded, (books, &books.parked))?;
    if from.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let history = history(open, request, &from).await?;
    let days = load::first_days(request, &open.loaded, (from, &history));
    let counted = counted(open, request, &days).await?;
    Ok((history, counted))
}

async fn history(
    open: &Open,
    request: &BatchRequest,
    from: &BTreeMap<MemberKey, Timestamp>,
) -> Result<Vec<StoredTier>, LedgerError> {
    let keys = Keys::of(from.keys().copied());
    let at: Vec<Timestamp> = from.values().copied().collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let loaded = async {
        let [statement] = prepare(client, [HISTORY]).await?;
        let args: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &at];
        client.query(&statement, &args).await?.iter().map(read_tier).collect::<Result<Vec<_>, Error>>()
    };
    loaded.await.map_err(|e| open.fail(e))
}

async fn counted(
    open: &Open,
    request: &BatchRequest,
    days: &[(MemberKey, i32)],
) -> Result<Vec<StoredCounted>, LedgerError> {
    let keys = Keys::of(days.iter().map(|(member, _)| *member));
    let days: Vec<i32> = days.iter().map(|(_, day)| *day).collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let loaded = async {
        let [statement] = prepare(client, [COUNTED]).await?;
        let args: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &days];
        client.query(&statement, &args).await?.iter().map(read_counted).collect::<Result<Vec<_>, Error>>()
    };
    loaded.await.map_err(|e| open.fail(e))
}

fn read_tier(row: &Row) -> Result<StoredTier, Error> {
    let (level, since, until) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(StoredTier { member: key(row)?, level, since, until, reason: row.try_get(5)? })
}

fn read_counted(row: &Row) -> Result<StoredCounted, Error> {
    let (measure, day, amount) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(StoredCounted { member: key(row)?, measure, day, amount })
}

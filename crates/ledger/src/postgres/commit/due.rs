//! The one row of a member that says when something is due.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

/// When the next thing is due for a member, from the lots, holds and ends by inactivity as they stand by then: looks into indexes.
pub(super) fn due(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.due;
    Write {
        sql: "insert into due (pipeline, bucket, member, at, version)
              select $1, w.bucket, w.member, least(
                  (select activates_at from lot where pipeline = $1 and bucket = w.bucket and member = w.member
                      and pending > 0 and activates_at is not null order by activates_at limit 1),
                  (select expires_at from lot where pipeline = $1 and bucket = w.bucket and member = w.member
                      and pending + available > 0 and expires_at is not null order by expires_at limit 1),
                  (select warns_at from lot where pipeline = $1 and bucket = w.bucket and member = w.member
                      and pending + available > 0 and not warned and warns_at is not null order by warns_at limit 1),
                  (select expires_at from hold where pipeline = $1 and bucket = w.bucket and member = w.member
                      and held > 0 and expires_at is not null order by expires_at limit 1),
                  (select tier_until from member where pipeline = $1 and bucket = w.bucket and number = w.member),
                  (select min(reward_at) from balance where pipeline = $1 and bucket = w.bucket and member = w.member),
                  (select min(least(b.idle_at, case when b.idle_warned then null else b.idle_warns_at end)) from balance b
                      where b.pipeline = $1 and b.bucket = w.bucket and b.member = w.member
                      and b.idle_at is not null and exists (select 1 from lot where pipeline = $1 and bucket = w.bucket
                          and member = w.member and wallet = b.wallet and idles and pending + available > 0))
              ), 1 from unnest($2::smallint[], $3::bigint[]) as w(bucket, member)
              on conflict (pipeline, bucket, member) do update set at = excluded.at, version = due.version + 1
              where due.at is distinct from excluded.at",
        columns: vec![column!(rows, member => member.bucket), column!(rows, member => member.number)],
    }
}

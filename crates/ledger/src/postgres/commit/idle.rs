//! The end of points by inactivity.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

/// Lots that have ended keep their time from now on.
pub(super) fn ended(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.ended;
    Write {
        sql: "insert into lot (pipeline, bucket, member, wallet, sequence, entry, initial, pending, available, held,
                  activates_at, expires_at, expired, idles)
              select $1, w.bucket, w.member, w.wallet, l.sequence, l.entry, l.initial, l.pending, l.available, l.held,
                  l.activates_at, w.at, l.expired, false
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[])
                  as w(bucket, member, wallet, later, upto, at)
              cross join lateral (
                  select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member
                      and wallet = w.wallet and sequence > w.later and sequence <= w.upto and idles offset 0
              ) l
              on conflict (pipeline, bucket, member, wallet, sequence) do update set idles = excluded.idles,
                  expires_at = excluded.expires_at",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.wallet.as_str().to_owned()),
            column!(rows, row => row.after),
            column!(rows, row => row.upto),
            column!(rows, row => row.at),
        ],
    }
}

/// A wallet may have its first activity before its first points.
pub(super) fn ends(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.idles;
    Write {
        sql: "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot, idle_at,
                  idle_warns_at, idle_warned)
              select $1, w.bucket, w.member, w.wallet, 0, 0, 0, 0, 0, w.at, w.warns, w.warned
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::boolean[])
                  as w(bucket, member, wallet, at, warns, warned)
              on conflict (pipeline, bucket, member, wallet) do update set idle_at = excluded.idle_at,
                  idle_warns_at = excluded.idle_warns_at, idle_warned = excluded.idle_warned",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, wallet), _) => wallet.as_str().to_owned()),
            column!(rows, (_, idling) => idling.ends),
            column!(rows, (_, idling) => idling.warns),
            column!(rows, (_, idling) => idling.warned),
        ],
    }
}

//! The end of points by inactivity.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

/// Lots that have ended keep their time from now on.
pub(super) fn ended(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.ended;
    Write {
        sql: "update lot set idles = false, expires_at = w.at
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[])
                  as w(bucket, member, wallet, later, upto, at)
              where lot.pipeline = $1 and lot.bucket = w.bucket and lot.member = w.member and lot.wallet = w.wallet
                  and lot.sequence > w.later and lot.sequence <= w.upto and lot.idles",
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
        sql: "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot, idle_at)
              select $1, w.bucket, w.member, w.wallet, 0, 0, 0, 0, 0, w.at
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::timestamptz[]) as w(bucket, member, wallet, at)
              on conflict (pipeline, bucket, member, wallet) do update set idle_at = excluded.idle_at",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, wallet), _) => wallet.as_str().to_owned()),
            column!(rows, (_, at) => *at),
        ],
    }
}

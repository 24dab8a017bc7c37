//! Automatic rewards.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

pub(super) fn granted(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.rewards.granted;
    Write {
        sql: "insert into reward (pipeline, bucket, member, entry, n, wallet, reward, points, window_start)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::text[],
                  $8::bigint[], $9::timestamptz[])",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.entry),
            column!(rows, row => row.n),
            column!(rows, row => row.granted.wallet.as_str().to_owned()),
            column!(rows, row => row.granted.reward.as_str().to_owned()),
            column!(rows, row => row.granted.points.0),
            column!(rows, row => row.granted.window),
        ],
    }
}

pub(super) fn counters(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.rewards.counters;
    Write {
        sql: "insert into counter (pipeline, bucket, member, scope, key, window_start, used, most)
              select $1, w.bucket, w.member, 'reward', w.wallet, w.window_start, w.used, w.most
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[])
                  as w(bucket, member, wallet, window_start, used, most)
              on conflict (pipeline, bucket, member, scope, key, window_start) do update set used = excluded.used,
                  most = excluded.most",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, wallet, _), _) => wallet.as_str().to_owned()),
            column!(rows, ((_, _, window), _) => *window),
            column!(rows, (_, (used, _)) => *used),
            column!(rows, (_, (_, most)) => *most),
        ],
    }
}

/// The wallet's row is there: what it had was turned into rewards.
pub(super) fn next(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.rewards.next;
    Write {
        sql:
            "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot, reward_at)
              select $1, w.bucket, w.member, w.wallet, 0, 0, 0, 0, 0, w.at
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::timestamptz[]) as w(bucket, member, wallet, at)
              on conflict (pipeline, bucket, member, wallet) do update set reward_at = excluded.reward_at",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, wallet), _) => wallet.as_str().to_owned()),
            column!(rows, (_, at) => *at),
        ],
    }
}

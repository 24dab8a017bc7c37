//! Rows of what is owed after refunds, and of what paid for orders.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

pub(super) fn owed(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.owed;
    Write {
        sql: "insert into owed (pipeline, bucket, member, wallet, order_id, sequence, points)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
              on conflict (pipeline, bucket, member, wallet, order_id) do update set sequence = excluded.sequence,
                  points = excluded.points",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, wallet, _), _) => wallet.as_str().to_owned()),
            column!(rows, ((_, _, order), _) => order.as_str().to_owned()),
            column!(rows, (_, owed) => owed.sequence),
            column!(rows, (_, owed) => owed.points.0),
        ],
    }
}

pub(super) fn payments(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.payments;
    Write {
        sql: "insert into payment (pipeline, bucket, member, order_id, entry, n, wallet, lot, points, into_lot)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::integer[], $7::text[],
                  $8::bigint[], $9::bigint[], $10::bigint[])",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.payment.order.as_str().to_owned()),
            column!(rows, row => row.entry),
            column!(rows, row => row.n),
            column!(rows, row => row.payment.wallet.as_str().to_owned()),
            column!(rows, row => row.payment.lot),
            column!(rows, row => row.payment.points.0),
            column!(rows, row => row.payment.into),
        ],
    }
}

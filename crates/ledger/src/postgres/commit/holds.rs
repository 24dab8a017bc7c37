//! Holds, and what they have of each lot. One that is there keeps the entry that made it.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

pub(super) fn holds(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.holds;
    Write {
        sql: "insert into hold (pipeline, bucket, member, hold_id, wallet, points, held, captured, released, stage,
                  expires_at, entry, ended)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                  $8::bigint[], $9::bigint[], $10::text[], $11::timestamptz[], $12::bigint[], $13::bigint[])
              on conflict (pipeline, bucket, member, hold_id) do update set held = excluded.held,
                  captured = excluded.captured, released = excluded.released, stage = excluded.stage,
                  ended = excluded.ended",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, hold), _) => hold.as_str().to_owned()),
            column!(rows, (_, held) => held.row.state.wallet.as_str().to_owned()),
            column!(rows, (_, held) => held.row.state.points.0),
            column!(rows, (_, held) => held.row.state.held.0),
            column!(rows, (_, held) => held.row.state.captured.0),
            column!(rows, (_, held) => held.row.state.released.0),
            column!(rows, (_, held) => held.row.state.stage.as_str()),
            column!(rows, (_, held) => held.row.state.expires),
            column!(rows, (_, held) => held.entry),
            column!(rows, (_, held) => held.ended),
        ],
    }
}

pub(super) fn parts(batch: &Batch<'_>) -> Write {
    let holds = batch.rows.holds.iter();
    let rows: Vec<_> =
        holds.flat_map(|((member, hold), held)| held.row.lots.iter().map(move |part| (member, hold, part))).collect();
    Write {
        sql: "insert into hold_lot (pipeline, bucket, member, hold_id, lot, amount, held)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[])
              on conflict (pipeline, bucket, member, hold_id, lot) do update set held = excluded.held",
        columns: vec![
            column!(rows, (member, _, _) => member.bucket),
            column!(rows, (member, _, _) => member.number),
            column!(rows, (_, hold, _) => hold.as_str().to_owned()),
            column!(rows, (_, _, part) => part.lot),
            column!(rows, (_, _, part) => part.amount.0),
            column!(rows, (_, _, part) => part.held.0),
        ],
    }
}

//! Transfers that are sent, and how others went on: each of these a statement of its own, so that its row is found by its key.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

pub(super) fn sent(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.transfers.sent;
    Write {
        sql: "insert into transfer (pipeline, bucket, member, entry, source, event_id, wallet, points, parts, to_bucket,
                  to_member, at, stage)
              select $1, w.*, 'InTransit' from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
                  $7::text[], $8::bigint[], $9::text[], $10::smallint[], $11::bigint[], $12::timestamptz[]) as w",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.entry),
            column!(rows, row => row.identity.source.as_str().to_owned()),
            column!(rows, row => row.identity.id.as_str().to_owned()),
            column!(rows, row => row.wallet.as_str().to_owned()),
            column!(rows, row => row.points.0),
            column!(rows, row => row.parts.clone()),
            column!(rows, row => row.to.bucket),
            column!(rows, row => row.to.number),
            column!(rows, row => row.at),
        ],
    }
}

pub(super) fn carried<'a>(batch: &'a Batch<'_>) -> impl Iterator<Item = Write> + use<'a> {
    batch.rows.transfers.carried.iter().map(|row| Write {
        sql: "update transfer set stage = $5, ended = $6, to_bucket = coalesce($7, to_bucket),
                  to_member = coalesce($8, to_member)
              where pipeline = $1 and bucket = $2 and member = $3 and entry = $4",
        columns: vec![
            Box::new(row.key.sender.bucket),
            Box::new(row.key.sender.number),
            Box::new(row.key.entry),
            Box::new(row.stage.as_str()),
            Box::new(row.ended),
            Box::new(row.to.map(|to| to.bucket)),
            Box::new(row.to.map(|to| to.number)),
        ],
    })
}

//! Tiers, and what counts for them.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

pub(super) fn counted(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.tiers.counted;
    Write {
        sql: "insert into qualifying (pipeline, bucket, member, day, measure, amount)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::integer[], $5::text[], $6::bigint[])
              on conflict (pipeline, bucket, member, day, measure) do update set amount = qualifying.amount + excluded.amount",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, day, _), _) => *day),
            column!(rows, ((_, _, measure), _) => measure.as_str()),
            column!(rows, (_, amount) => *amount),
        ],
    }
}

pub(super) fn lines(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.tiers.lines;
    Write {
        sql: "insert into tier_history (pipeline, bucket, member, id, n, level, since, until, reason, source, event_id)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[],
                  $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::text[])",
        columns: vec![
            column!(rows, row => row.member.bucket),
            column!(rows, row => row.member.number),
            column!(rows, row => row.id),
            column!(rows, row => row.n),
            column!(rows, row => row.line.level.as_str().to_owned()),
            column!(rows, row => row.line.since),
            column!(rows, row => row.line.until),
            column!(rows, row => row.line.reason.as_str()),
            column!(rows, row => row.identity.source.as_str().to_owned()),
            column!(rows, row => row.identity.id.as_str().to_owned()),
        ],
    }
}

/// Each member's row is locked by the batch.
pub(super) fn last(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.tiers.last;
    Write {
        sql: "insert into member (pipeline, bucket, external_id, number, tier, tier_since, tier_until)
              select $1, w.bucket, m.external_id, w.member, w.tier, w.since, w.until
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[])
                  as w(bucket, member, tier, since, until)
              cross join lateral (
                  select external_id from member where pipeline = $1 and bucket = w.bucket and number = w.member offset 0
              ) m
              on conflict (pipeline, bucket, external_id) do update set tier = excluded.tier,
                  tier_since = excluded.tier_since, tier_until = excluded.tier_until",
        columns: vec![
            column!(rows, (member, _) => member.bucket),
            column!(rows, (member, _) => member.number),
            column!(rows, (_, line) => line.as_ref().map(|line| line.level.as_str().to_owned())),
            column!(rows, (_, line) => line.as_ref().map(|line| line.since)),
            column!(rows, (_, line) => line.as_ref().and_then(|line| line.until)),
        ],
    }
}

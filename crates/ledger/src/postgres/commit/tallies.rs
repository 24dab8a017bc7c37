//! Sums over several events, and what refunds took of the awards for them.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};

pub(super) fn sums(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.tallies.sums;
    Write {
        sql: "insert into tally (pipeline, bucket, member, rule, wallet, counted, sum, awarded, due, taken, waived)
              select $1, * from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
              on conflict (pipeline, bucket, member, rule, wallet, counted) do update set sum = excluded.sum,
                  awarded = excluded.awarded, due = excluded.due, taken = excluded.taken, waived = excluded.waived",
        columns: vec![
            column!(rows, ((member, _), _) => member.bucket),
            column!(rows, ((member, _), _) => member.number),
            column!(rows, ((_, key), _) => key.rule.as_str().to_owned()),
            column!(rows, ((_, key), _) => key.wallet.as_str().to_owned()),
            column!(rows, ((_, key), _) => key.counted()),
            column!(rows, (_, tally) => tally.sum),
            column!(rows, (_, tally) => tally.awarded.0),
            column!(rows, (_, tally) => tally.due.0),
            column!(rows, (_, tally) => tally.taken.0),
            column!(rows, (_, tally) => tally.waived.0),
        ],
    }
}

/// An order has one award of a rule's sum at most.
pub(super) fn awards(batch: &Batch<'_>) -> Write {
    let rows = &batch.rows.tallies.awards;
    Write {
        sql: "update award a set due = w.due, taken = w.taken, waived = w.waived
              from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
                  as w(bucket, member, id, rule, due, taken, waived)
              where a.pipeline = $1 and a.bucket = w.bucket and a.member = w.member and a.order_id = w.id
                  and a.rule = w.rule and a.counted is not null",
        columns: vec![
            column!(rows, ((member, _, _), _) => member.bucket),
            column!(rows, ((member, _, _), _) => member.number),
            column!(rows, ((_, order, _), _) => order.as_str().to_owned()),
            column!(rows, ((_, _, rule), _) => rule.as_str().to_owned()),
            column!(rows, (_, award) => award.due.0),
            column!(rows, (_, award) => award.taken.0),
            column!(rows, (_, award) => award.waived.0),
        ],
    }
}

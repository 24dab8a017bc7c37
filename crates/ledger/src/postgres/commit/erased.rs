//! Members who are forgotten, after all else of the batch is written.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};
use crate::book::Erased;
use crate::erasure;
use crate::postgres::graves::Forgetting;
use crate::rows::MemberKey;

/// The events of a member are found by a look at all of the pipeline's: elsewhere in a batch nothing is worth that.
const LOOK_AT_ALL: &str = "select set_config('enable_seqscan', 'on', true) where $1::text is not null";

/// It is there already for whoever came back by a worker of an earlier version.
const TOMBSTONE: &str = "insert into tombstone (pipeline, hash) values ($1, $2) on conflict do nothing";

const NAMELESS: &str = "update member set external_id = $8, frozen_at = null, frozen_reason = null,
    frozen_by = null, merged_reason = null, merged_by = null, erased_at = $4, erased_reason = $5, erased_by = $6, erased_in = $7
    where pipeline = $1 and bucket = $2 and number = $3";

pub(super) fn erased(batch: &Batch<'_>) -> Vec<Write> {
    let Some(Forgetting { erasure, names }) = &batch.forgetting else { return Vec::new() };
    let mut writes = vec![Write { sql: LOOK_AT_ALL, columns: Vec::new() }];
    let inputs = erasure::no_inputs().unwrap_or_default();
    for (member, (name, erased)) in &batch.rows.erased {
        let mut add = |sql, more| writes.push(of(*member, sql, more));
        for sql in erasure::FORGET {
            add(sql, Vec::new());
        }
        add(erasure::FORGET_INPUTS, vec![Box::new(inputs.clone())]);
        add(erasure::FORGET_EVENTS, vec![Box::new(batch.id.0), Box::new(Vec::<u8>::new())]);
        let Erased { at, reason, author } = erased.clone();
        let pseudonym = names.get(member).cloned();
        add(
            NAMELESS,
            vec![Box::new(at), Box::new(reason), Box::new(author), Box::new(batch.id.0), Box::new(pseudonym)],
        );
        writes.push(Write { sql: TOMBSTONE, columns: vec![Box::new(erasure.tombstone(name))] });
    }
    writes
}

fn of(member: MemberKey, sql: &'static str, more: Vec<Box<dyn ToSql + Sync + Send>>) -> Write {
    let mut columns: Vec<Box<dyn ToSql + Sync + Send>> = vec![Box::new(member.bucket), Box::new(member.number)];
    columns.extend(more);
    Write { sql, columns }
}

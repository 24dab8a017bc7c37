//! Members who become another one, before all else of the batch is written.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};
use crate::merge::{self, MOVES, MergeRow, SAID};

/// What waits is to find its purchase at the other member, and its rows in the inbox with it: by their place, so that no plan walks the
/// whole of it.
const WAITING: &str = "update inbox set bucket = $4, member = $5 where ctid = any(array(select i.at from (
        select source, event_id from parked where pipeline = $1 and bucket = $2 and member = $3 offset 0
    ) w cross join lateral (
        select ctid as at from inbox where pipeline = $1 and source = w.source and event_id = w.event_id offset 0
    ) i))";

pub(super) fn merges<'a>(batch: &'a Batch<'_>) -> impl Iterator<Item = Write> + use<'a> {
    batch.rows.merges.iter().flat_map(|row| {
        let MergeRow { from, into, at, reason, author } = row;
        let moves = [WAITING].into_iter().chain(MOVES).map(|sql| {
            let mut columns: Vec<Box<dyn ToSql + Sync + Send>> = vec![Box::new(from.bucket), Box::new(from.number)];
            if merge::args_of(sql) > 3 {
                columns.extend([Box::new(into.bucket) as Box<dyn ToSql + Sync + Send>, Box::new(into.number)]);
            }
            Write { sql, columns }
        });
        let said = Write {
            sql: SAID,
            columns: vec![
                Box::new(from.bucket),
                Box::new(from.number),
                Box::new(*at),
                Box::new(reason.clone()),
                Box::new(author.clone()),
            ],
        };
        moves.chain([said]).collect::<Vec<_>>()
    })
}

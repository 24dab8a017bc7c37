//! Members who become another one, before all else of the batch is written.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};
use crate::merge::{self, MOVES, MergeRow, SAID, WAITING};

pub(super) fn merges<'a>(batch: &'a Batch<'_>) -> impl Iterator<Item = Write> + use<'a> {
    let [_, waiting] = WAITING;
    batch.rows.merges.iter().flat_map(move |row| {
        let MergeRow { from, into, at, reason, author } = row;
        let moves = [waiting].into_iter().chain(MOVES).map(|sql| {
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

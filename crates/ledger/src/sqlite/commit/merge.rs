//! Members who become another one, before all else of the batch is written.

use rusqlite::ToSql;

use super::Commit;
use crate::merge::{self, MOVES, MergeRow, SAID, WAITING};
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn merges(&self, rows: &Rows) -> rusqlite::Result<()> {
        let [waiting, _] = WAITING;
        for MergeRow { from, into, at, reason, author } in &rows.merges {
            for sql in [waiting].into_iter().chain(MOVES) {
                let more: [&dyn ToSql; 2] = [&into.bucket, &into.number];
                self.of(*from, sql, &more[..merge::args_of(sql) - 3])?;
            }
            self.of(*from, SAID, &[&at.as_microsecond(), reason, author])?;
        }
        Ok(())
    }
}

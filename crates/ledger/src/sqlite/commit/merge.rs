//! Members who become another one, before all else of the batch is written.

use rusqlite::ToSql;

use super::Commit;
use crate::merge::{self, MOVES, MergeRow, SAID};
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn merges(&self, rows: &Rows) -> rusqlite::Result<()> {
        for MergeRow { from, into, at, reason, author } in &rows.merges {
            for sql in MOVES {
                let more: [&dyn ToSql; 2] = [&into.bucket, &into.number];
                self.of(*from, sql, &more[..merge::args_of(sql) - 3])?;
            }
            self.of(*from, SAID, &[&at.as_microsecond(), reason, author])?;
        }
        Ok(())
    }
}

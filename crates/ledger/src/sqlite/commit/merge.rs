//! Members who become another one, before all else of the batch is written.

use rusqlite::ToSql;

use super::Commit;
use crate::merge::{self, MOVES, MergeRow, SAID};
use crate::rows::Rows;

/// What waits is to find its purchase at the other member, and its rows in the inbox with it.
const WAITING: &str = "update inbox set bucket = $4, member = $5 where pipeline = $1 and (source, event_id) in (
        select source, event_id from parked where pipeline = $1 and bucket = $2 and member = $3)";

impl Commit<'_> {
    pub(super) fn merges(&self, rows: &Rows) -> rusqlite::Result<()> {
        for MergeRow { from, into, at, reason, author } in &rows.merges {
            for sql in [WAITING].into_iter().chain(MOVES) {
                let more: [&dyn ToSql; 2] = [&into.bucket, &into.number];
                self.of(*from, sql, &more[..merge::args_of(sql) - 3])?;
            }
            self.of(*from, SAID, &[&at.as_microsecond(), reason, author])?;
        }
        Ok(())
    }
}

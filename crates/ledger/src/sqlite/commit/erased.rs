//! Members who are forgotten, after all else of the batch is written.

use rusqlite::{ToSql, params};

use super::Commit;
use crate::book::Erased;
use crate::erasure::{self, Erasure, NAMELESS};
use crate::rows::{MemberKey, Rows};
use crate::sqlite::begin::members::{BUCKET, erasure};
use crate::store::BatchId;

impl Commit<'_> {
    pub(super) fn erased(&self, batch: BatchId, rows: &Rows) -> rusqlite::Result<()> {
        if rows.erased.is_empty() {
            return Ok(());
        }
        let erasure = self.erasure()?;
        let inputs = erasure::no_inputs().unwrap_or_default();
        for (member, (name, erased)) in &rows.erased {
            for sql in erasure::FORGET {
                self.of(*member, sql, &[])?;
            }
            self.of(*member, erasure::FORGET_INPUTS, &[&inputs])?;
            self.of(*member, erasure::FORGET_EVENTS, &[&batch.0, &Vec::<u8>::new()])?;
            self.prepare("insert into tombstone (pipeline, hash) values (?1, ?2) on conflict do nothing")?
                .execute(params![self.pipeline.as_str(), erasure.tombstone(name)])?;
            let Erased { at, reason, author } = erased;
            let named = format!(
                "update member set external_id = '{NAMELESS}' || lower(hex(randomblob(16))), frozen_at = null, frozen_reason = null,
                 frozen_by = null, merged_reason = null, merged_by = null, erased_at = ?4, erased_reason = ?5, erased_by = ?6,
                 erased_in = ?7
                 where pipeline = ?1 and bucket = ?2 and number = ?3"
            );
            self.of(*member, &named, &[&at.as_microsecond(), reason, author, &batch.0])?;
        }
        Ok(())
    }

    /// The pipeline's; the first member who is erased makes it.
    fn erasure(&self) -> rusqlite::Result<Erasure> {
        if let Some(erasure) = erasure(self.connection, self.pipeline.as_str())? {
            return Ok(erasure);
        }
        let pipeline = self.pipeline.as_str();
        let nobody: String = self
            .prepare(&format!(
                "insert into erasure (pipeline, key, bucket, nobody) values (?1, lower(hex(randomblob(32))), ?2,
                 '{NAMELESS}' || lower(hex(randomblob(16)))) returning nobody"
            ))?
            .query_row(params![pipeline, BUCKET], |row| row.get(0))?;
        self.prepare(
            "insert into member (pipeline, bucket, external_id, joined_at, erased_at) values (?1, ?2, ?3, 0, 0)",
        )?
        .execute(params![pipeline, BUCKET, nobody])?;
        erasure(self.connection, pipeline)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    pub(super) fn of(&self, member: MemberKey, sql: &str, more: &[&dyn ToSql]) -> rusqlite::Result<usize> {
        let pipeline = self.pipeline.as_str();
        let mut args: Vec<&dyn ToSql> = vec![&pipeline, &member.bucket, &member.number];
        args.extend(more);
        self.prepare(&sql.replace('$', "?"))?.execute(args.as_slice())
    }
}

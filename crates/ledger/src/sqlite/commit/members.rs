//! What is said of members.

use jiff::Timestamp;
use rusqlite::params;

use super::Commit;
use crate::book::{Frozen, Standing};
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn standing(&self, rows: &Rows) -> rusqlite::Result<()> {
        if rows.standing.is_empty() {
            return Ok(());
        }
        let mut update = self.prepare(
            "update member set frozen_at = ?4, frozen_reason = ?5, frozen_by = ?6
             where pipeline = ?1 and bucket = ?2 and number = ?3",
        )?;
        for (member, standing) in &rows.standing {
            let frozen = match standing {
                Standing::Frozen(frozen) => Some(frozen),
                Standing::Free | Standing::Erased(_) | Standing::Merged(_) => None,
            };
            let at = |frozen: &Frozen| Timestamp::as_microsecond(frozen.since);
            update.execute(params![
                self.pipeline.as_str(),
                member.bucket,
                member.number,
                frozen.map(at),
                frozen.map(|frozen| &frozen.reason),
                frozen.map(|frozen| &frozen.author),
            ])?;
        }
        Ok(())
    }
}

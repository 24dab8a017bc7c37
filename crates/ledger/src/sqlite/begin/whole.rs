//! All that a member has: every lot that is not used up, and every hold that is open.

use rusqlite::params;

use super::{Begin, LOT_COLUMNS, stored_lot};
use crate::load::{StoredHold, StoredLot};
use crate::rows::MemberKey;
use crate::sqlite::holds;

impl Begin<'_> {
    pub(super) fn all_of(
        &self,
        member: MemberKey,
        (lots, holds): (&mut Vec<StoredLot>, &mut Vec<StoredHold>),
    ) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(concat!(
            "select ",
            lot!(),
            ", wallet from lot l
             where pipeline = ?1 and bucket = ?2 and member = ?3 and (pending > 0 or available > 0 or held > 0)",
        ))?;
        let key = params![self.pipeline, member.bucket, member.number];
        for row in find.query_map(key, |row| stored_lot(member, &row.get::<_, String>(LOT_COLUMNS)?, row))? {
            lots.push(row?);
        }
        holds.extend(holds::open_of(self, member)?);
        Ok(())
    }
}

//! All lots of a member that idle.

use rusqlite::params;

use super::{Begin, LOT_COLUMNS, stored_lot};
use crate::load::StoredLot;
use crate::rows::MemberKey;

impl Begin<'_> {
    pub(super) fn idle_lots(&self, member: MemberKey, into: &mut Vec<StoredLot>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(concat!(
            "select ",
            lot!(),
            ", l.wallet from balance b cross join lot l
             where b.pipeline = ?1 and b.bucket = ?2 and b.member = ?3 and b.idle_at is not null
                 and l.pipeline = ?1 and l.bucket = ?2 and l.member = ?3 and l.wallet = b.wallet
                 and l.idles = 1 and l.pending + l.available > 0",
        ))?;
        let key = params![self.pipeline, member.bucket, member.number];
        for row in find.query_map(key, |row| stored_lot(member, &row.get::<_, String>(LOT_COLUMNS)?, row))? {
            into.push(row?);
        }
        Ok(())
    }
}

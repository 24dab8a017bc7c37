//! Lots of which something has ended that may be given back.

use rusqlite::params;

use super::{Begin, stored_lot};
use crate::load::StoredLot;
use crate::rows::MemberKey;

impl Begin<'_> {
    pub(super) fn ended(&self, member: MemberKey, wallet: &str, into: &mut Vec<StoredLot>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(concat!(
            "select ",
            lot!(),
            " from lot l where pipeline = ?1 and bucket = ?2 and member = ?3 and wallet = ?4 and expired > 0"
        ))?;
        let key = params![self.pipeline, member.bucket, member.number, wallet];
        for row in find.query_map(key, |row| stored_lot(member, wallet, row))? {
            into.push(row?);
        }
        Ok(())
    }
}

//! Tiers of members, and what counts for them.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{Begin, time};
use crate::load::{StoredCounted, StoredTier};
use crate::rows::MemberKey;

impl Begin<'_> {
    /// The line that held at a time, and all after it.
    pub(super) fn tiers(&self, member: MemberKey, from: Timestamp, into: &mut Vec<StoredTier>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select level, since, until, reason from tier_history
             where pipeline = ?1 and bucket = ?2 and member = ?3 and from_member is null
                 and since >= coalesce((select max(since) from tier_history where pipeline = ?1 and bucket = ?2
                     and member = ?3 and from_member is null and since <= ?4), ?4) order by id, n",
        )?;
        let read = |row: &Row<'_>| {
            let (level, reason) = (row.get(0)?, row.get(3)?);
            let since = time(row, 1)?.unwrap_or_default();
            Ok(StoredTier { member, level, since, until: time(row, 2)?, reason })
        };
        for row in find.query_map(params![self.pipeline, member.bucket, member.number, from.as_microsecond()], read)? {
            into.push(row?);
        }
        Ok(())
    }

    pub(super) fn counted(&self, member: MemberKey, day: i32, into: &mut Vec<StoredCounted>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select measure, day, amount from qualifying
             where pipeline = ?1 and bucket = ?2 and member = ?3 and day >= ?4",
        )?;
        let read =
            |row: &Row<'_>| Ok(StoredCounted { member, measure: row.get(0)?, day: row.get(1)?, amount: row.get(2)? });
        for row in find.query_map(params![self.pipeline, member.bucket, member.number, day], read)? {
            into.push(row?);
        }
        Ok(())
    }
}

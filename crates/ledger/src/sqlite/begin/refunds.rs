//! What is owed after refunds, and what paid for orders.

use rusqlite::{Row, params};

use super::Begin;
use crate::load::{StoredAllocation, StoredOwed};
use crate::rows::MemberKey;

impl Begin<'_> {
    pub(super) fn owed(&self, member: MemberKey, into: &mut Vec<StoredOwed>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select wallet, order_id, sequence, points from owed
             where pipeline = ?1 and bucket = ?2 and member = ?3 and points > 0",
        )?;
        let read = |row: &Row<'_>| {
            let (wallet, order) = (row.get(0)?, row.get(1)?);
            Ok(StoredOwed { member, wallet, order, sequence: row.get(2)?, points: row.get(3)? })
        };
        for row in find.query_map(params![self.pipeline, member.bucket, member.number], read)? {
            into.push(row?);
        }
        Ok(())
    }

    pub(super) fn payments(
        &self,
        member: MemberKey,
        order: &str,
        into: &mut Vec<StoredAllocation>,
    ) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select wallet, lot, points from payment
             where pipeline = ?1 and bucket = ?2 and member = ?3 and order_id = ?4 order by entry, n",
        )?;
        let read = |row: &Row<'_>| {
            let order = order.to_owned();
            Ok(StoredAllocation { member, order, wallet: row.get(0)?, lot: row.get(1)?, amount: row.get(2)? })
        };
        for row in find.query_map(params![self.pipeline, member.bucket, member.number, order], read)? {
            into.push(row?);
        }
        Ok(())
    }
}

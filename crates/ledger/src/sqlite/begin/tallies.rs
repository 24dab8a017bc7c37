//! Sums over several events, and the awards for them of which refunds may take.

use contract::tally::TallyKey;
use rusqlite::{Row, params};

use super::Begin;
use crate::load::{Books, StoredTalliedAward, StoredTally};
use crate::rows::MemberKey;

impl Begin<'_> {
    pub(super) fn tallies(&self, books: &mut Books) -> rusqlite::Result<()> {
        for ((member, key), has_awards) in &books.tally_keys {
            books.tallies.extend(self.sum(*member, key)?);
            if *has_awards {
                self.tallied(*member, key, &mut books.tally_awards)?;
            }
        }
        Ok(())
    }

    fn sum(&self, member: MemberKey, key: &TallyKey) -> rusqlite::Result<Vec<StoredTally>> {
        let mut find = self.connection.prepare_cached(
            "select rule, wallet, counted, sum, awarded, due, taken, waived from tally
             where pipeline = ?1 and bucket = ?2 and member = ?3 and rule = ?4 and wallet = ?5 and counted = ?6",
        )?;
        let read = |row: &Row<'_>| {
            let (rule, wallet, counted) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let numbers = [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?];
            Ok(StoredTally { member, rule, wallet, counted, numbers })
        };
        let key = (key.rule.as_str(), key.wallet.as_str(), key.counted());
        find.query_map(params![self.pipeline, member.bucket, member.number, key.0, key.1, key.2], read)?.collect()
    }

    /// An activity's awards are never taken back: it has no order. Of those that were taken whole nothing is due any more.
    fn tallied(&self, member: MemberKey, key: &TallyKey, into: &mut Vec<StoredTalliedAward>) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(
            "select rule, wallet, counted, order_id, lot, awarded, due, taken, waived from award
             where pipeline = ?1 and bucket = ?2 and member = ?3 and rule = ?4 and wallet = ?5 and counted = ?6
                 and order_id is not null and (due < awarded or waived > 0)
             order by entry, n",
        )?;
        let read = |row: &Row<'_>| {
            let (rule, wallet, counted) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let points = [row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?];
            Ok(StoredTalliedAward { member, rule, wallet, counted, order: row.get(3)?, lot: row.get(4)?, points })
        };
        let key = (key.rule.as_str(), key.wallet.as_str(), key.counted());
        let rows = find.query_map(params![self.pipeline, member.bucket, member.number, key.0, key.1, key.2], read)?;
        for row in rows {
            into.push(row?);
        }
        Ok(())
    }
}

//! Sums over several events, and what refunds took of the awards for them.

use rusqlite::params;

use super::Commit;
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn tallies(&self, rows: &Rows) -> rusqlite::Result<()> {
        let pipeline = self.pipeline.as_str();
        for ((member, key), tally) in &rows.tallies.sums {
            self.prepare(
                "insert into tally (pipeline, bucket, member, rule, wallet, counted, sum, awarded, due, taken, waived)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 on conflict (pipeline, bucket, member, rule, wallet, counted) do update set sum = excluded.sum,
                     awarded = excluded.awarded, due = excluded.due, taken = excluded.taken, waived = excluded.waived",
            )?
            .execute(params![
                pipeline,
                member.bucket,
                member.number,
                key.rule.as_str(),
                key.wallet.as_str(),
                key.counted(),
                tally.sum,
                tally.awarded.0,
                tally.due.0,
                tally.taken.0,
                tally.waived.0,
            ])?;
        }
        // An order has one award of a rule's sum at most.
        for ((member, order, rule), award) in &rows.tallies.awards {
            self.prepare(
                "update award set due = ?6, taken = ?7, waived = ?8 where pipeline = ?1 and bucket = ?2 and member = ?3
                 and order_id = ?4 and rule = ?5 and counted is not null",
            )?
            .execute(params![
                pipeline,
                member.bucket,
                member.number,
                order.as_str(),
                rule.as_str(),
                award.due.0,
                award.taken.0,
                award.waived.0,
            ])?;
        }
        Ok(())
    }
}

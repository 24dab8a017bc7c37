//! Rows of what is owed after refunds, and of what paid for orders.

use rusqlite::params;

use super::Commit;
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn owed(&self, rows: &Rows) -> rusqlite::Result<()> {
        let mut upsert = self.prepare(
            "insert into owed (pipeline, bucket, member, wallet, order_id, sequence, points)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             on conflict (pipeline, bucket, member, wallet, order_id) do update set sequence = excluded.sequence,
             points = excluded.points",
        )?;
        for ((member, wallet, order), owed) in &rows.owed {
            upsert.execute(params![
                self.pipeline.as_str(),
                member.bucket,
                member.number,
                wallet.as_str(),
                order.as_str(),
                owed.sequence,
                owed.points.0,
            ])?;
        }
        Ok(())
    }

    pub(super) fn payments(&self, rows: &Rows) -> rusqlite::Result<()> {
        let mut insert = self.prepare(
            "insert into payment (pipeline, bucket, member, order_id, entry, n, wallet, lot, points, into_lot)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?;
        for row in &rows.payments {
            let payment = &row.payment;
            insert.execute(params![
                self.pipeline.as_str(),
                row.member.bucket,
                row.member.number,
                payment.order.as_str(),
                row.entry,
                row.n,
                payment.wallet.as_str(),
                payment.lot,
                payment.points.0,
                payment.into,
            ])?;
        }
        Ok(())
    }
}

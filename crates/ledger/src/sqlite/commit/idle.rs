//! The end of points by inactivity.

use rusqlite::params;

use super::Commit;
use crate::rows::Rows;

impl Commit<'_> {
    /// Lots that have ended keep their time from now on.
    pub(super) fn ended(&self, rows: &Rows) -> rusqlite::Result<()> {
        for row in &rows.ended {
            let (wallet, at) = (row.wallet.as_str(), row.at.as_microsecond());
            let key =
                params![self.pipeline.as_str(), row.member.bucket, row.member.number, wallet, row.after, row.upto, at];
            self.prepare(
                "update lot set idles = 0, expires_at = ?7 where pipeline = ?1 and bucket = ?2 and member = ?3
                     and wallet = ?4 and sequence > ?5 and sequence <= ?6 and idles = 1",
            )?
            .execute(key)?;
        }
        Ok(())
    }

    /// A wallet may have its first activity before its first points.
    pub(super) fn idles(&self, rows: &Rows) -> rusqlite::Result<()> {
        for ((member, wallet), at) in &rows.idles {
            let (wallet, at) = (wallet.as_str(), at.as_microsecond());
            self.prepare(
                "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot, idle_at)
                 values (?1, ?2, ?3, ?4, 0, 0, 0, 0, 0, ?5)
                 on conflict (pipeline, bucket, member, wallet) do update set idle_at = excluded.idle_at",
            )?
            .execute(params![self.pipeline.as_str(), member.bucket, member.number, wallet, at])?;
        }
        Ok(())
    }
}

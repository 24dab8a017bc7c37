//! The end of points by inactivity.

use jiff::Timestamp;
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
        for ((member, wallet), idling) in &rows.idles {
            let (wallet, at) = (wallet.as_str(), idling.ends.as_microsecond());
            let (warns, warned) = (idling.warns.map(Timestamp::as_microsecond), idling.warned);
            self.prepare(
                "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot, idle_at,
                 idle_warns_at, idle_warned) values (?1, ?2, ?3, ?4, 0, 0, 0, 0, 0, ?5, ?6, ?7)
                 on conflict (pipeline, bucket, member, wallet) do update set idle_at = excluded.idle_at,
                     idle_warns_at = excluded.idle_warns_at, idle_warned = excluded.idle_warned",
            )?
            .execute(params![self.pipeline.as_str(), member.bucket, member.number, wallet, at, warns, warned])?;
        }
        Ok(())
    }
}

//! Automatic rewards.

use jiff::Timestamp;
use rusqlite::params;

use super::Commit;
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn rewards(&self, rows: &Rows) -> rusqlite::Result<()> {
        let pipeline = self.pipeline.as_str();
        for row in &rows.rewards.granted {
            let granted = &row.granted;
            self.prepare(
                "insert into reward (pipeline, bucket, member, entry, n, wallet, reward, points, window_start)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                pipeline,
                row.member.bucket,
                row.member.number,
                row.entry,
                row.n,
                granted.wallet.as_str(),
                granted.reward.as_str(),
                granted.points.0,
                granted.window.as_microsecond(),
            ])?;
        }
        for ((member, wallet, window), (used, most)) in &rows.rewards.counters {
            let (wallet, window) = (wallet.as_str(), window.as_microsecond());
            self.prepare(
                "insert into counter (pipeline, bucket, member, scope, key, window_start, used, most)
                 values (?1, ?2, ?3, 'reward', ?4, ?5, ?6, ?7)
                 on conflict (pipeline, bucket, member, scope, key, window_start) do update set used = excluded.used,
                     most = excluded.most",
            )?
            .execute(params![pipeline, member.bucket, member.number, wallet, window, used, most])?;
        }
        for ((member, wallet), next) in &rows.rewards.next {
            let at = next.map(Timestamp::as_microsecond);
            self.prepare(
                "update balance set reward_at = ?5 where pipeline = ?1 and bucket = ?2 and member = ?3 and wallet = ?4",
            )?
            .execute(params![pipeline, member.bucket, member.number, wallet.as_str(), at])?;
        }
        Ok(())
    }
}

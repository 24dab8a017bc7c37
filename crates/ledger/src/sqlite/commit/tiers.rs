//! Tiers, and what counts for them.

use jiff::Timestamp;
use rusqlite::params;

use super::Commit;
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn tiers(&self, rows: &Rows, now: i64) -> rusqlite::Result<()> {
        let pipeline = self.pipeline.as_str();
        for ((member, day, measure), amount) in &rows.tiers.counted {
            self.prepare(
                "insert into qualifying (pipeline, bucket, member, measure, day, amount) values (?1, ?2, ?3, ?4, ?5, ?6)
                 on conflict (pipeline, bucket, member, day, measure) do update set amount = amount + excluded.amount",
            )?
            .execute(params![pipeline, member.bucket, member.number, measure.as_str(), day, amount])?;
        }
        for row in &rows.tiers.lines {
            let line = &row.line;
            self.prepare(
                "insert into tier_history (pipeline, bucket, member, id, n, level, since, until, reason, source, event_id,
                 recorded_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                pipeline,
                row.member.bucket,
                row.member.number,
                row.id,
                row.n,
                line.level.as_str(),
                line.since.as_microsecond(),
                line.until.map(Timestamp::as_microsecond),
                line.reason.as_str(),
                row.identity.source.as_str(),
                row.identity.id.as_str(),
                now,
            ])?;
        }
        for (member, line) in &rows.tiers.last {
            let since = line.as_ref().map(|line| line.since.as_microsecond());
            let until = line.as_ref().and_then(|line| line.until).map(Timestamp::as_microsecond);
            self.prepare(
                "update member set tier = ?4, tier_since = ?5, tier_until = ?6
                 where pipeline = ?1 and bucket = ?2 and number = ?3",
            )?
            .execute(params![
                pipeline,
                member.bucket,
                member.number,
                line.as_ref().map(|line| line.level.as_str()),
                since,
                until
            ])?;
        }
        Ok(())
    }
}

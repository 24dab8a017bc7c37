//! Transfers that are sent, and how others went on.

use rusqlite::params;

use super::Commit;
use crate::rows::Rows;

impl Commit<'_> {
    pub(super) fn transfers(&self, rows: &Rows, now: i64) -> rusqlite::Result<()> {
        let transfers = &rows.transfers;
        if transfers.sent.is_empty() && transfers.carried.is_empty() {
            return Ok(());
        }
        let pipeline = self.pipeline.as_str();
        let mut insert = self.prepare(
            "insert into transfer (pipeline, bucket, member, entry, source, event_id, wallet, points, parts, to_bucket,
             to_member, at, stage, recorded_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 'InTransit', ?13)",
        )?;
        for row in &transfers.sent {
            insert.execute(params![
                pipeline,
                row.member.bucket,
                row.member.number,
                row.entry,
                row.identity.source.as_str(),
                row.identity.id.as_str(),
                row.wallet.as_str(),
                row.points.0,
                row.parts,
                row.to.bucket,
                row.to.number,
                row.at.as_microsecond(),
                now,
            ])?;
        }
        let mut update = self.prepare(
            "update transfer set stage = ?5, ended = ?6, to_bucket = coalesce(?7, to_bucket), to_member = coalesce(?8, to_member)
             where pipeline = ?1 and bucket = ?2 and member = ?3 and entry = ?4",
        )?;
        for row in &transfers.carried {
            let sender = row.key.sender;
            let stage = row.stage.as_str();
            let (bucket, number) = (row.to.map(|to| to.bucket), row.to.map(|to| to.number));
            let key = params![pipeline, sender.bucket, sender.number, row.key.entry, stage, row.ended, bucket, number];
            update.execute(key)?;
        }
        Ok(())
    }
}

//! How many automatic rewards there were on the last day that had any.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::Begin;
use crate::load::StoredCounter;
use crate::rows::MemberKey;

impl Begin<'_> {
    pub(super) fn counter(&self, member: MemberKey, wallet: &str) -> rusqlite::Result<Option<StoredCounter>> {
        let mut find = self.connection.prepare_cached(
            "select window_start, used from counter
             where pipeline = ?1 and bucket = ?2 and member = ?3 and scope = 'reward' and key = ?4
             order by window_start desc limit 1",
        )?;
        let key = params![self.pipeline, member.bucket, member.number, wallet];
        let found: Option<(i64, i64)> = find.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let counter = |(window, used)| {
            let window = Timestamp::from_microsecond(window).ok()?;
            Some(StoredCounter { member, wallet: wallet.to_owned(), window, used })
        };
        Ok(found.and_then(counter))
    }
}

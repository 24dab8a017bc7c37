//! Members who are merged: who they are by now, who was merged into whom, and what keeps two apart.

use contract::MemberId;
use rusqlite::{Row, params};

use super::Begin;
use crate::merge::{NAMES_MAX, SHARED};
use crate::rows::MemberKey;
use crate::sqlite::begin::members::id;

impl Begin<'_> {
    /// What of the one stands at the other as well, or is on its way.
    pub(super) fn shared(
        &self,
        [from, into]: [MemberKey; 2],
        found: &mut Vec<(MemberKey, String, String)>,
    ) -> rusqlite::Result<()> {
        let mut find = self.connection.prepare_cached(&SHARED.replace('$', "?"))?;
        let key = params![self.pipeline, from.bucket, from.number, into.bucket, into.number, NAMES_MAX];
        for row in find.query_map(key, |row| Ok((from, row.get(0)?, row.get(1)?)))? {
            found.push(row?);
        }
        Ok(())
    }

    /// Who was merged into a member.
    pub(super) fn absorbed(&self, member: MemberKey) -> rusqlite::Result<Vec<(MemberId, MemberKey)>> {
        let mut find = self.connection.prepare_cached(
            "select external_id, bucket, number from member
             where pipeline = ?1 and merged_bucket = ?2 and merged_number = ?3 order by number",
        )?;
        let read = |row: &Row<'_>| Ok((id(row, 0)?, MemberKey { bucket: row.get(1)?, number: row.get(2)? }));
        find.query_map(params![self.pipeline, member.bucket, member.number], read)?.collect()
    }
}

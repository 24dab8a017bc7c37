//! Who is who: numbers of the members of a batch, and of those to whom it may send points.

use contract::MemberId;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::Begin;
use crate::book::Frozen;
use crate::erasure::{self, Erasure};
use crate::load;
use crate::rows::{Loaded, MemberKey};
use crate::store::BatchRequest;

/// One bucket: an embedded file is never spread over machines, and members scattered over a thousand places in every table
/// would more than double what a batch writes.
pub(in crate::sqlite) const BUCKET: i16 = 0;

/// Whom a name stands for.
struct Who {
    number: i64,
    frozen: Option<Frozen>,
    erased: bool,
}

impl Begin<'_> {
    /// Numbers of the members; new ones are inserted, in the order of their ids.
    pub(super) fn members(&self, request: &BatchRequest, loaded: &mut Loaded) -> rusqlite::Result<()> {
        let ids: std::collections::BTreeSet<_> = request.wanted.iter().map(|want| &want.member).collect();
        let recipients = load::recipients(request);
        let erasure = erasure(self.connection, self.pipeline)?;
        for id in ids.union(&recipients).copied() {
            let Who { number, frozen, erased } = self.who(id, erasure.as_ref())?;
            let key = MemberKey { bucket: BUCKET, number };
            if recipients.contains(id) {
                loaded.recipients.insert(id.clone(), key);
                if !ids.contains(id) {
                    continue;
                }
            }
            loaded.members.insert(id.clone(), key);
            loaded.frozen.extend(frozen.map(|frozen| (key, frozen)));
            if erased {
                loaded.erased.insert(id.clone());
            }
        }
        Ok(())
    }

    fn who(&self, id: &MemberId, erasure: Option<&Erasure>) -> rusqlite::Result<Who> {
        let mut find = self.connection.prepare_cached(
            "select number, frozen_at, frozen_reason, frozen_by, erased_at is not null from member
             where pipeline = ?1 and bucket = ?2 and external_id = ?3",
        )?;
        let read = |row: &Row<'_>| Ok(Who { number: row.get(0)?, frozen: frozen(row)?, erased: row.get(4)? });
        if let Some(known) = find.query_row(params![self.pipeline, BUCKET, id.as_str()], read).optional()? {
            return Ok(known);
        }
        if let Some(erasure) = erasure {
            let mut look =
                self.connection.prepare_cached("select 1 from tombstone where pipeline = ?1 and hash = ?2")?;
            if look.exists(params![self.pipeline, erasure.tombstone(id)])? {
                return Ok(Who { number: erasure.nobody.number, frozen: None, erased: true });
            }
        }
        let mut insert = self.connection.prepare_cached(
            "insert into member (pipeline, bucket, external_id, joined_at) values (?1, ?2, ?3, ?4) returning number",
        )?;
        let now = Timestamp::now().as_microsecond();
        let number = insert.query_row(params![self.pipeline, BUCKET, id.as_str(), now], |row| row.get(0))?;
        Ok(Who { number, frozen: None, erased: false })
    }
}

/// How the pipeline knows whom it has erased, if it has erased anybody.
pub(in crate::sqlite) fn erasure(
    connection: &rusqlite::Connection,
    pipeline: &str,
) -> rusqlite::Result<Option<Erasure>> {
    let mut find = connection.prepare_cached(&erasure::FIND.replace('$', "?"))?;
    let read = |row: &Row<'_>| {
        Ok(Erasure { key: row.get(0)?, nobody: MemberKey { bucket: row.get(1)?, number: row.get(2)? } })
    };
    find.query_row(params![pipeline], read).optional()
}

fn frozen(row: &Row<'_>) -> rusqlite::Result<Option<Frozen>> {
    let since = row.get::<_, Option<i64>>(1)?.and_then(|at| Timestamp::from_microsecond(at).ok());
    let Some(since) = since else { return Ok(None) };
    Ok(Some(Frozen { since, reason: row.get(2)?, author: row.get(3)? }))
}

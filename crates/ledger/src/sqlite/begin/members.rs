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
    /// Who they are by now.
    merged: Option<MemberId>,
}

impl Begin<'_> {
    /// Numbers of the members; new ones are inserted, in the order of their ids. Who was merged stands for the one that they are by now.
    pub(super) fn members(&self, request: &BatchRequest, loaded: &mut Loaded) -> rusqlite::Result<()> {
        let ids: std::collections::BTreeSet<_> = request.wanted.iter().map(|want| &want.member).collect();
        let recipients = load::recipients(request);
        let strangers = load::strangers(request);
        let erasure = erasure(self.connection, self.pipeline)?;
        for id in ids.union(&recipients).copied() {
            let makes = !strangers.contains(id) || recipients.contains(id);
            let Some(who) = self.who(id, erasure.as_ref(), makes)? else { continue };
            let key = MemberKey { bucket: BUCKET, number: who.number };
            if recipients.contains(id) {
                loaded.recipients.insert(id.clone(), key);
                let merged = who.merged.as_ref().map(|into| self.who(into, erasure.as_ref(), false)).transpose()?;
                let merged = merged.flatten().map(|who| MemberKey { bucket: BUCKET, number: who.number });
                loaded.aliases.extend(merged.map(|member| (id.clone(), member)));
                if !ids.contains(id) {
                    continue;
                }
            }
            let Some(into) = who.merged.clone() else {
                put(id, key, who, loaded);
                continue;
            };
            // It was never merged in turn: whoever is, takes those along who were merged into them.
            if let Some(other) = self.who(&into, erasure.as_ref(), false)? {
                let other_key = MemberKey { bucket: BUCKET, number: other.number };
                loaded.followed.insert(id.clone(), into.clone());
                loaded.members.insert(id.clone(), other_key);
                put(&into, other_key, other, loaded);
            }
        }
        for member in load::wholly(request, &loaded.members) {
            loaded.absorbed.insert(member, self.absorbed(member)?);
        }
        Ok(())
    }

    /// `None`: nobody has heard of them, and nobody is to be made.
    fn who(&self, id: &MemberId, erasure: Option<&Erasure>, makes: bool) -> rusqlite::Result<Option<Who>> {
        let mut find = self.connection.prepare_cached(
            "select m.number, m.frozen_at, m.frozen_reason, m.frozen_by, m.erased_at is not null, (
                 select t.external_id from member t
                 where t.pipeline = m.pipeline and t.bucket = m.merged_bucket and t.number = m.merged_number
             ) from member m where m.pipeline = ?1 and m.bucket = ?2 and m.external_id = ?3",
        )?;
        let read = |row: &Row<'_>| {
            let merged = if row.get::<_, Option<String>>(5)?.is_some() { Some(self::id(row, 5)?) } else { None };
            Ok(Who { number: row.get(0)?, frozen: frozen(row)?, erased: row.get(4)?, merged })
        };
        if let Some(known) = find.query_row(params![self.pipeline, BUCKET, id.as_str()], read).optional()? {
            return Ok(Some(known));
        }
        if let Some(erasure) = erasure {
            let mut look =
                self.connection.prepare_cached("select 1 from tombstone where pipeline = ?1 and hash = ?2")?;
            if look.exists(params![self.pipeline, erasure.tombstone(id)])? {
                let number = erasure.nobody.number;
                return Ok(Some(Who { number, frozen: None, erased: true, merged: None }));
            }
        }
        if !makes {
            return Ok(None);
        }
        let mut insert = self.connection.prepare_cached(
            "insert into member (pipeline, bucket, external_id, joined_at) values (?1, ?2, ?3, ?4) returning number",
        )?;
        let now = Timestamp::now().as_microsecond();
        let number = insert.query_row(params![self.pipeline, BUCKET, id.as_str(), now], |row| row.get(0))?;
        Ok(Some(Who { number, frozen: None, erased: false, merged: None }))
    }
}

fn put(id: &MemberId, key: MemberKey, who: Who, loaded: &mut Loaded) {
    loaded.members.insert(id.clone(), key);
    loaded.frozen.extend(who.frozen.map(|frozen| (key, frozen)));
    if who.erased {
        loaded.erased.insert(id.clone());
    }
}

/// A name that was checked before it was stored.
pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<MemberId> {
    let text: String = row.get(column)?;
    MemberId::parse(&text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e)))
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

//! What the inbox answers to events that are all there already.

use contract::OrderId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::LedgerError;
use crate::load::{self, Known};
use crate::sqlite::thread;
use crate::store::{Answer, BatchRequest, Identity, Wanted};

const RECALL: &str = "select i.hash, i.outcome, i.results, i.batch, m.external_id,
        exists (select 1 from parked p
            where p.pipeline = i.pipeline and p.bucket = i.bucket and p.member = i.member and p.order_id = ?4)
        or m.merged_number is not null
    from inbox i
    join member m on m.pipeline = i.pipeline and m.bucket = i.bucket and m.number = i.member
    where i.pipeline = ?1 and i.source = ?2 and i.event_id = ?3";

/// Nothing while a batch is open on the one connection: what it has not committed is not to be told.
pub(in crate::sqlite) fn recall(
    connection: &mut Connection,
    object: &str,
    request: &BatchRequest,
) -> Result<Option<Vec<Answer>>, LedgerError> {
    if !connection.is_autocommit() {
        return Ok(None);
    }
    match rows(connection, request).map_err(|e| thread::error(object, e))? {
        Some(rows) => load::recalled(request, rows),
        None => Ok(None),
    }
}

/// One transaction, so that the file's lock is taken once; `None` at the first that is not there.
fn rows(connection: &mut Connection, request: &BatchRequest) -> rusqlite::Result<Option<Vec<(Identity, Known, bool)>>> {
    let transaction = connection.transaction()?;
    let mut find = transaction.prepare_cached(RECALL)?;
    let mut rows = Vec::with_capacity(request.wanted.len());
    for Wanted { identity, reads, .. } in &request.wanted {
        let order = reads.order.as_ref().map(OrderId::as_str);
        let key = params![request.pipeline.as_str(), identity.source.as_str(), identity.id.as_str(), order];
        let Some((known, waits)) = find.query_row(key, read).optional()? else { return Ok(None) };
        rows.push((identity.clone(), known, waits));
    }
    Ok(Some(rows))
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Known, bool)> {
    let (hash, outcome) = (row.get(0)?, row.get(1)?);
    let known = Known { hash, outcome, results: row.get(2)?, batch: row.get(3)?, name: row.get(4)? };
    Ok((known, row.get(5)?))
}

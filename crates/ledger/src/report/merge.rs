//! Members who were merged: which two an event made one, and with whom their rows stand by now.

use contract::event::{ARRIVES, MERGE_SOURCE};
use contract::{EventId, PipelineName, Source};

use super::MergeReport;
use crate::error::LedgerError;
use crate::sql::{Arg, Sql};

/// Of the event that said it, or of what arrived by it; `None` for any other.
pub(super) async fn merge(
    store: &dyn Sql,
    pipeline: &PipelineName,
    (source, id): (&Source, &EventId),
) -> Result<Option<MergeReport>, LedgerError> {
    let (source, id) = match source.as_str().strip_prefix(MERGE_SOURCE) {
        Some(source) => (source, id.as_str().strip_suffix(ARRIVES).unwrap_or(id.as_str())),
        None => (source.as_str(), id.as_str()),
    };
    let (arrival_source, arrival) = (format!("{MERGE_SOURCE}{source}"), format!("{id}{ARRIVES}"));
    let rows = store
        .ask(
            "select f.external_id, t.external_id from inbox i
             join inbox a on a.pipeline = i.pipeline and a.source = $4 and a.event_id = $5
             join member f on f.pipeline = i.pipeline and f.bucket = i.bucket and f.number = i.member
             join member t on t.pipeline = a.pipeline and t.bucket = a.bucket and t.number = a.member
             where i.pipeline = $1 and i.source = $2 and i.event_id = $3",
            &[
                pipeline.as_str().into(),
                source.into(),
                id.into(),
                arrival_source.as_str().into(),
                arrival.as_str().into(),
            ],
        )
        .await?;
    rows.first().map(|row| Ok(MergeReport { from: row.id(0)?, into: row.id(1)? })).transpose()
}

/// The key under which rows of a member stand that go along with a merge: their own, or that of who they are by now.
pub(super) async fn along(store: &dyn Sql, key: &[Arg]) -> Result<Vec<Arg>, LedgerError> {
    let sql = "select cast(merged_bucket as text), cast(merged_number as text) from member
        where pipeline = $1 and bucket = $2 and number = $3 and merged_number is not null";
    match store.ask(sql, key).await?.first() {
        Some(row) => Ok(vec![key[0].clone(), row.int(0)?.into(), row.int(1)?.into()]),
        None => Ok(key.to_vec()),
    }
}

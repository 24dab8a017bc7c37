//! A transfer as one of its events tells it: from whom, to whom, and how far it is.

use contract::event::{ARRIVES, COMES_BACK, TRANSFER_SOURCE};
use contract::{EventId, PipelineName, Source, WalletName};

use super::TransferReport;
use super::sums::Scales;
use crate::error::LedgerError;
use crate::sql::Sql;

/// The transfer that an event sent, or whose arrival or way back it is; `None`: it moved nothing of any.
pub(super) async fn transfer(
    store: &dyn Sql,
    scales: &Scales,
    pipeline: &PipelineName,
    (source, id): (&Source, &EventId),
) -> Result<Option<TransferReport>, LedgerError> {
    let (source, id) = sender(source.as_str(), id.as_str());
    let rows = store
        .ask(
            "select s.external_id, r.external_id, t.wallet, cast(t.points as text), t.stage, t.source, t.event_id from inbox i
             join transfer t on t.pipeline = i.pipeline and t.bucket = i.bucket and t.member = i.member and t.entry = i.entry
             join member s on s.pipeline = t.pipeline and s.bucket = t.bucket and s.number = t.member
             join member r on r.pipeline = t.pipeline and r.bucket = t.to_bucket and r.number = t.to_member
             where i.pipeline = $1 and i.source = $2 and i.event_id = $3",
            &[pipeline.as_str().into(), source.into(), id.into()],
        )
        .await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let wallet: WalletName = row.id(2)?;
    let (points, stage) = (scales.points(&wallet, row, 3)?, row.text(4)?.to_owned());
    let (from, to, source, event) = (row.id(0)?, row.id(1)?, row.id(5)?, row.id(6)?);
    Ok(Some(TransferReport { source, event, from, to, wallet, points, stage }))
}

/// An arrival is named after the event that sent it.
fn sender<'a>(source: &'a str, id: &'a str) -> (&'a str, &'a str) {
    let Some(source) = source.strip_prefix(TRANSFER_SOURCE) else { return (source, id) };
    (source, id.strip_suffix(ARRIVES).or_else(|| id.strip_suffix(COMES_BACK)).unwrap_or(id))
}

//! What the inbox answers to events that are all there already, without a lock.

use std::collections::BTreeMap;

use contract::OrderId;
use deadpool_postgres::Object;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::lock::BEGIN;
use super::{identity, prepare, read_known};
use crate::error::LedgerError;
use crate::load::{self, Known};
use crate::postgres::fault;
use crate::store::{Answer, BatchRequest, Identity, Wanted};

/// The last column: whether somebody has to look under the locks. Where commits wait for a standby, what can be seen may not be there yet, and a
/// transaction that only reads would not wait for it.
const RECALL: &str = "select w.source, w.id, i.hash, i.outcome, i.results, i.batch, (
        select external_id from member where number = i.member and bucket = i.bucket and pipeline = $1
    ), exists (
        select 1 from parked where pipeline = $1 and bucket = i.bucket and member = i.member and order_id = w.of_order
    ) or exists (
        select 1 from member where pipeline = $1 and bucket = i.bucket and number = i.member and merged_number is not null
    ) or current_setting('synchronous_standby_names') <> ''
    from unnest($2::text[], $3::text[], $4::text[]) as w(source, id, of_order)
    cross join lateral (
        select * from inbox where pipeline = $1 and source = w.source and event_id = w.id offset 0
    ) i";

/// One round trip.
pub(in crate::postgres) async fn recall(
    client: &Object,
    object: &str,
    request: &BatchRequest,
) -> Result<Option<Vec<Answer>>, LedgerError> {
    let rows = rows(client, request).await.map_err(|e| fault::statement(object, e))?;
    let rows = rows.into_iter().map(|(source, id, known, waits)| Ok((identity(&source, &id)?, known, waits)));
    load::recalled(request, rows.collect::<Result<_, LedgerError>>()?)
}

/// In a transaction for its settings alone. All of it is sent before anything is waited for, so that a cancelled call leaves none open.
async fn rows(client: &Object, request: &BatchRequest) -> Result<Vec<(String, String, Known, bool)>, Error> {
    let wanted: BTreeMap<&Identity, &Wanted> = request.wanted.iter().map(|want| (&want.identity, want)).collect();
    let sources: Vec<&str> = wanted.keys().map(|identity| identity.source.as_str()).collect();
    let ids: Vec<&str> = wanted.keys().map(|identity| identity.id.as_str()).collect();
    let orders: Vec<Option<&str>> =
        wanted.values().map(|want| want.reads.order.as_ref().map(OrderId::as_str)).collect();
    let pipeline = request.pipeline.as_str();
    let [statement] = prepare(client, [RECALL]).await?;
    let args: [&(dyn ToSql + Sync); 4] = [&pipeline, &sources, &ids, &orders];
    let (begun, rows, ended) = tokio::join!(
        biased;
        client.batch_execute(BEGIN),
        client.query(&statement, &args),
        client.batch_execute("commit")
    );
    begun?;
    let rows = rows?;
    ended?;
    let read = |row: &Row| {
        let (source, id, known) = read_known(row)?;
        Ok((source, id, known, row.try_get(7)?))
    };
    rows.iter().map(read).collect()
}

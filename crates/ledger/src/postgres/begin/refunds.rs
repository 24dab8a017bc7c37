//! What is owed after refunds, what paid for orders, and what is due by the time of a refund that waits.

use std::collections::BTreeSet;

use contract::OrderId;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::super::Open;
use super::due::DUE_LOTS;
use super::{Keys, key, prepare, read_allocation, read_lot};
use crate::error::LedgerError;
use crate::load::{self, Books, StoredAllocation, StoredLot, StoredOwed};
use crate::rows::MemberKey;
use crate::store::BatchRequest;

const OWED: &str = "select w.bucket, w.member, o.wallet, o.order_id, o.sequence, o.points
    from unnest($2::smallint[], $3::bigint[]) as w(bucket, member)
    cross join lateral (
        select * from owed where pipeline = $1 and bucket = w.bucket and member = w.member and points > 0 offset 0
    ) o";

const PAYMENTS: &str = "select w.bucket, w.member, w.id, p.wallet, p.lot, p.points
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, id)
    cross join lateral (
        select * from payment
        where pipeline = $1 and bucket = w.bucket and member = w.member and order_id = w.id offset 0
    ) p
    order by p.entry, p.n";

#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) owed: Vec<StoredOwed>,
    pub(super) payments: Vec<StoredAllocation>,
    pub(super) due: Vec<StoredLot>,
}

/// One round trip, if somebody owes, an order is returned or paid for with points, or a refund waited: few batches have any.
pub(super) async fn load(
    open: &Open,
    request: &BatchRequest,
    (books, paid): (&Books, &BTreeSet<(MemberKey, OrderId)>),
) -> Result<Loaded, LedgerError> {
    let debtors = Keys::of(load::debtors(&books.balances).into_iter());
    let orders = Keys::of(paid.iter().map(|(member, _)| *member));
    let ids: Vec<&str> = paid.iter().map(|(_, order)| order.as_str()).collect();
    // What is due by the events of the batch is loaded already.
    let known = load::due_by(request, &open.loaded.members);
    let mut until = load::due_until(request, &open.loaded, &books.parked)?;
    until.retain(|member, by| known.get(member) != Some(by));
    let waiting = Keys::of(until.keys().copied());
    let by: Vec<Timestamp> = until.into_values().collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let of_debtors: [&(dyn ToSql + Sync); 3] = [&pipeline, &debtors.buckets, &debtors.numbers];
    let of_orders: [&(dyn ToSql + Sync); 4] = [&pipeline, &orders.buckets, &orders.numbers, &ids];
    let of_waiting: [&(dyn ToSql + Sync); 4] = [&pipeline, &waiting.buckets, &waiting.numbers, &by];
    let ask = async |sql: &'static str, args: &[&(dyn ToSql + Sync)], is_needed: bool| {
        if !is_needed {
            return Ok(Vec::new());
        }
        let [statement] = prepare(client, [sql]).await?;
        client.query(&statement, args).await
    };
    let loaded = async {
        let (owed, payments, due) = tokio::try_join!(
            biased;
            ask(OWED, &of_debtors, !debtors.numbers.is_empty()),
            ask(PAYMENTS, &of_orders, !ids.is_empty()),
            ask(DUE_LOTS, &of_waiting, !by.is_empty())
        )?;
        Ok::<_, Error>(Loaded {
            owed: owed.iter().map(read_owed).collect::<Result<_, _>>()?,
            payments: payments.iter().map(read_allocation).collect::<Result<_, _>>()?,
            due: due.iter().map(read_lot).collect::<Result<_, _>>()?,
        })
    };
    loaded.await.map_err(|e| open.fail(e))
}

fn read_owed(row: &Row) -> Result<StoredOwed, Error> {
    Ok(StoredOwed {
        member: key(row)?,
        wallet: row.try_get(2)?,
        order: row.try_get(3)?,
        sequence: row.try_get(4)?,
        points: row.try_get(5)?,
    })
}

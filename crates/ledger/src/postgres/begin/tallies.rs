//! Sums over several events, and the awards for them of which refunds may take.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::{Keys, Open, key, prepare};
use crate::error::LedgerError;
use crate::load::{Books, StoredTalliedAward, StoredTally};
use crate::store::BatchRequest;

const SUMS: &str = "select w.bucket, w.member, w.rule, w.wallet, w.counted, t.sum, t.awarded, t.due, t.taken, t.waived
    from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::text[]) as w(bucket, member, rule, wallet, counted)
    cross join lateral (
        select * from tally where pipeline = $1 and bucket = w.bucket and member = w.member and rule = w.rule
            and wallet = w.wallet and counted = w.counted offset 0
    ) t";

/// An activity's awards are never taken back: it has no order. Of those that were taken whole nothing is due any more.
const AWARDS: &str =
    "select w.bucket, w.member, w.rule, w.wallet, w.counted, a.order_id, a.lot, a.awarded, a.due, a.taken, a.waived
    from unnest($2::smallint[], $3::bigint[], $4::text[], $5::text[], $6::text[]) as w(bucket, member, rule, wallet, counted)
    cross join lateral (
        select * from award where pipeline = $1 and bucket = w.bucket and member = w.member and rule = w.rule
            and wallet = w.wallet and counted = w.counted and order_id is not null and (due < awarded or waived > 0) offset 0
    ) a
    order by a.entry, a.n";

/// A round trip, where rules count over several events.
pub(super) async fn load(
    open: &Open,
    request: &BatchRequest,
    books: &Books,
) -> Result<(Vec<StoredTally>, Vec<StoredTalliedAward>), LedgerError> {
    if books.tally_keys.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let columns = |with_awards: bool| {
        let wanted = || books.tally_keys.iter().filter(move |(_, has_awards)| **has_awards || !with_awards);
        let keys = Keys::of(wanted().map(|((member, _), _)| *member));
        let rules: Vec<&str> = wanted().map(|((_, key), _)| key.rule.as_str()).collect();
        let wallets: Vec<&str> = wanted().map(|((_, key), _)| key.wallet.as_str()).collect();
        let counted: Vec<String> = wanted().map(|((_, key), _)| key.counted()).collect();
        (keys, rules, wallets, counted)
    };
    let (all, taken_of) = (columns(false), columns(true));
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let of_sums: [&(dyn ToSql + Sync); 6] = [&pipeline, &all.0.buckets, &all.0.numbers, &all.1, &all.2, &all.3];
    let of_awards: [&(dyn ToSql + Sync); 6] =
        [&pipeline, &taken_of.0.buckets, &taken_of.0.numbers, &taken_of.1, &taken_of.2, &taken_of.3];
    let loaded = async {
        let [sums, awards] = prepare(client, [SUMS, AWARDS]).await?;
        let (sums, awards) =
            tokio::try_join!(biased; client.query(&sums, &of_sums), client.query(&awards, &of_awards))?;
        let awards = awards.iter().map(read_award).collect::<Result<_, _>>()?;
        Ok::<_, Error>((sums.iter().map(read_sum).collect::<Result<_, _>>()?, awards))
    };
    loaded.await.map_err(|e| open.fail(e))
}

fn read_sum(row: &Row) -> Result<StoredTally, Error> {
    let (rule, wallet, counted) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    let numbers = [row.try_get(5)?, row.try_get(6)?, row.try_get(7)?, row.try_get(8)?, row.try_get(9)?];
    Ok(StoredTally { member: key(row)?, rule, wallet, counted, numbers })
}

fn read_award(row: &Row) -> Result<StoredTalliedAward, Error> {
    let (rule, wallet, counted) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    let (order, lot) = (row.try_get(5)?, row.try_get(6)?);
    let points = [row.try_get(7)?, row.try_get(8)?, row.try_get(9)?, row.try_get(10)?];
    Ok(StoredTalliedAward { member: key(row)?, rule, wallet, counted, order, lot, points })
}

//! How many automatic rewards there were on the last day that had any.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::{Keys, Open, key, prepare};
use crate::error::LedgerError;
use crate::load::{self, StoredCounter};
use crate::store::BatchRequest;

const COUNTERS: &str = "select w.bucket, w.member, w.wallet, c.window_start, c.used
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, wallet)
    cross join lateral (
        select window_start, used from counter where pipeline = $1 and bucket = w.bucket and member = w.member
            and scope = 'reward' and key = w.wallet order by window_start desc limit 1
    ) c";

/// One round trip, where the programme has automatic rewards.
pub(super) async fn counters(open: &Open, request: &BatchRequest) -> Result<Vec<StoredCounter>, LedgerError> {
    let rewarded = load::rewarded(request, &open.loaded);
    if rewarded.is_empty() {
        return Ok(Vec::new());
    }
    let keys = Keys::of(rewarded.iter().map(|(member, _)| *member));
    let wallets: Vec<&str> = rewarded.iter().map(|(_, wallet)| wallet.as_str()).collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let loaded = async {
        let [statement] = prepare(client, [COUNTERS]).await?;
        let args: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &wallets];
        client.query(&statement, &args).await?.iter().map(read).collect::<Result<Vec<_>, Error>>()
    };
    loaded.await.map_err(|e| open.fail(e))
}

fn read(row: &Row) -> Result<StoredCounter, Error> {
    let (wallet, window, used) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    Ok(StoredCounter { member: key(row)?, wallet, window, used })
}

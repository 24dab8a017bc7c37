//! Lots of which something has ended that may be given back.

use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use super::{Keys, Open, prepare, read_lot};
use crate::error::LedgerError;
use crate::load::{self, StoredLot};
use crate::store::BatchRequest;

const ENDED: &str = "select w.bucket, w.member, w.wallet, l.sequence, l.initial, l.pending, l.available, l.held,
    l.activates_at, l.expires_at, l.expired, l.idles, l.warns_at, l.warned, l.waits_for
    from unnest($2::smallint[], $3::bigint[], $4::text[]) as w(bucket, member, wallet)
    cross join lateral (
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member and wallet = w.wallet
            and expired > 0 offset 0
    ) l";

/// One round trip, if the batch is to give any back.
pub(super) async fn lots(open: &Open, request: &BatchRequest) -> Result<Vec<StoredLot>, LedgerError> {
    let ended = load::ended(request, &open.loaded.members);
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let keys = Keys::of(ended.iter().map(|(member, _)| *member));
    let wallets: Vec<&str> = ended.iter().map(|(_, wallet)| wallet.as_str()).collect();
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let loaded = async {
        let [statement] = prepare(client, [ENDED]).await?;
        let args: [&(dyn ToSql + Sync); 4] = [&pipeline, &keys.buckets, &keys.numbers, &wallets];
        client.query(&statement, &args).await?.iter().map(read_lot).collect::<Result<Vec<_>, Error>>()
    };
    loaded.await.map_err(|e| open.fail(e))
}

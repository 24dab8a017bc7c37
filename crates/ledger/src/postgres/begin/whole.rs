//! All that a member has: every lot that is not used up, and every hold that is open.

use tokio_postgres::Error;
use tokio_postgres::types::ToSql;

use super::{Keys, Open, holds, prepare, read_lot};
use crate::error::LedgerError;
use crate::load::{self, StoredHold, StoredLot};
use crate::store::BatchRequest;

const LOTS: &str = "select w.bucket, w.member, l.wallet, l.sequence, l.initial, l.pending, l.available, l.held,
    l.activates_at, l.expires_at, l.expired, l.idles, l.warns_at, l.warned, l.waits_for
    from unnest($2::smallint[], $3::bigint[]) as w(bucket, member)
    cross join lateral (
        select * from lot where pipeline = $1 and bucket = w.bucket and member = w.member
            and (pending > 0 or available > 0 or held > 0) offset 0
    ) l";

/// One round trip, if somebody of the batch is to be erased.
pub(super) async fn load(
    open: &Open,
    request: &BatchRequest,
) -> Result<(Vec<StoredLot>, Vec<StoredHold>), LedgerError> {
    let members = load::wholly(request, &open.loaded.members);
    if members.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let keys = Keys::of(members.into_iter());
    let client = open.client()?;
    let pipeline = request.pipeline.as_str();
    let args: [&(dyn ToSql + Sync); 3] = [&pipeline, &keys.buckets, &keys.numbers];
    let loaded = async {
        let [lots, held] = prepare(client, [LOTS, holds::OPEN]).await?;
        let (lots, held) = tokio::try_join!(biased; client.query(&lots, &args), client.query(&held, &args))?;
        let lots = lots.iter().map(read_lot).collect::<Result<_, _>>()?;
        Ok::<_, Error>((lots, held.iter().map(holds::read).collect::<Result<_, _>>()?))
    };
    loaded.await.map_err(|e| open.fail(e))
}

//! Members who are merged: who was merged into whom, and what keeps two apart.

use contract::MemberId;
use tokio_postgres::types::ToSql;

use super::{Open, prepare};
use crate::error::LedgerError;
use crate::load;
use crate::merge::{NAMES_MAX, SHARED};
use crate::rows::MemberKey;
use crate::store::BatchRequest;

const ABSORBED: &str = "select external_id, bucket, number from member
    where merged_number = $3 and merged_bucket = $2 and pipeline = $1 order by number";

/// What of the one stands at the other as well, or is on its way; a round trip for a merge.
pub(super) async fn shared(
    open: &Open,
    request: &BatchRequest,
) -> Result<Vec<(MemberKey, String, String)>, LedgerError> {
    let mut found = Vec::new();
    for [from, into] in load::leavers(request, &open.loaded.members) {
        let client = open.client()?;
        let pipeline = request.pipeline.as_str();
        let asked = async {
            let [statement] = prepare(client, [SHARED]).await?;
            let args: [&(dyn ToSql + Sync); 6] =
                [&pipeline, &from.bucket, &from.number, &into.bucket, &into.number, &NAMES_MAX];
            let rows = client.query(&statement, &args).await?;
            rows.iter().map(|row| Ok((from, row.try_get(0)?, row.try_get(1)?))).collect::<Result<Vec<_>, _>>()
        };
        found.extend(asked.await.map_err(|e| open.fail(e))?);
    }
    Ok(found)
}

/// Who was merged into a member; as long as that one is locked, nobody else is.
pub(super) async fn absorbed(
    open: &Open,
    (pipeline, member): (&str, MemberKey),
) -> Result<Vec<(MemberId, MemberKey)>, LedgerError> {
    let client = open.client()?;
    let asked = async {
        let [statement] = prepare(client, [ABSORBED]).await?;
        let rows = client.query(&statement, &[&pipeline, &member.bucket, &member.number]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok((row.try_get::<_, String>(0)?, MemberKey { bucket: row.try_get(1)?, number: row.try_get(2)? }))
        };
        rows.iter().map(read).collect::<Result<Vec<_>, tokio_postgres::Error>>()
    };
    let rows = asked.await.map_err(|e| open.fail(e))?;
    rows.into_iter().map(|(name, key)| Ok((crate::sql::id("member.external_id", &name)?, key))).collect()
}

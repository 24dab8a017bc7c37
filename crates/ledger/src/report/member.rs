//! What is known of a member beside their points.

use contract::{MemberId, PipelineName};

use super::{FrozenReport, MemberReport};
use crate::error::LedgerError;
use crate::report::sums::find_member;
use crate::sql::{Row, Sql};

pub(crate) async fn member(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<Option<MemberReport>, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else { return Ok(None) };
    let rows = store
        .ask(
            "select cast(micros(joined_at) as text), cast(micros(frozen_at) as text), frozen_reason, frozen_by from member
             where pipeline = $1 and bucket = $2 and number = $3",
            &[pipeline.as_str().into(), bucket.into(), number.into()],
        )
        .await?;
    let read = |row: &Row| {
        let text = |column| row.text(column).map(ToOwned::to_owned);
        let frozen = match row.maybe_time(1)? {
            Some(since) => Some(FrozenReport { since, reason: text(2)?, author: text(3)? }),
            None => None,
        };
        Ok(MemberReport { known_since: row.time(0)?, frozen })
    };
    rows.first().map(read).transpose()
}

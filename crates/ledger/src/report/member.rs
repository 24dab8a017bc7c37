//! What is known of a member beside their points.

use contract::{MemberId, PipelineName};

use super::{ErasedReport, FrozenReport, MemberReport, MergedReport};
use crate::error::LedgerError;
use crate::report::sums::find_member;
use crate::sql::{Row, Sql};
use crate::store::Identity;

pub(crate) async fn member(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<Option<MemberReport>, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else { return Ok(None) };
    let rows = store
        .ask(
            "select cast(micros(joined_at) as text), cast(micros(frozen_at) as text), frozen_reason, frozen_by,
             cast(micros(erased_at) as text), coalesce(erased_reason, ''), coalesce(erased_by, ''),
             cast(micros(merged_at) as text), coalesce(merged_reason, ''), coalesce(merged_by, ''), (select t.external_id from member t
                 where t.pipeline = member.pipeline and t.bucket = member.merged_bucket and t.number = member.merged_number)
             from member
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
        let erased = match row.maybe_time(4)? {
            Some(at) => Some(ErasedReport { at, reason: text(5)?, author: text(6)? }),
            None => None,
        };
        let merged = match row.maybe_time(7)? {
            Some(at) => Some(MergedReport { into: row.id(10)?, at, reason: text(8)?, author: text(9)? }),
            None => None,
        };
        Ok(MemberReport { merged, known_since: row.time(0)?, frozen, erased })
    };
    rows.first().map(read).transpose()
}

/// Looks at every event of the pipeline: they are kept by their own names, not by member.
pub(crate) async fn events_of(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<Vec<Identity>, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else { return Ok(Vec::new()) };
    let rows = store
        .sweep(
            "select i.source, i.event_id from inbox i where i.pipeline = $1 and (i.bucket = $2 and i.member = $3 or exists (select 1 from member m
                 where m.pipeline = $1 and m.bucket = i.bucket and m.number = i.member and m.merged_bucket = $2 and m.merged_number = $3))
             order by i.batch, i.position",
            &[pipeline.as_str().into(), bucket.into(), number.into()],
        )
        .await?;
    rows.iter().map(|row| Ok(Identity { source: row.id(0)?, id: row.id(1)? })).collect()
}

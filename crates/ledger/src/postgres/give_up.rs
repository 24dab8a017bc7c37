//! Parked events are given up under their members' locks, so that no batch decides them at the same time.

use std::collections::BTreeSet;

use contract::PipelineName;
use deadpool_postgres::Object;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use crate::rows::MemberKey;
use crate::store::Identity;

const LOCK: &str = "select m.bucket, m.number from member m where m.pipeline = $1 and (m.bucket, m.number) in (
         select p.bucket, p.member from unnest($2::text[], $3::text[]) as w(source, id)
         join parked p on p.pipeline = $1 and p.source = w.source and p.event_id = w.id
     ) order by m.external_id collate \"C\" for update of m";

const WHOSE: &str = "select p.bucket, p.member from unnest($2::text[], $3::text[]) as w(source, id)
     join parked p on p.pipeline = $1 and p.source = w.source and p.event_id = w.id";

const OUTCOME: &str = "update inbox i set outcome = 'GivenUp' from unnest($2::text[], $3::text[]) as w(source, id)
     where i.pipeline = $1 and i.source = w.source and i.event_id = w.id and i.outcome = 'Parked'";

const GONE: &str = "delete from parked p using unnest($2::text[], $3::text[]) as w(source, id)
     where p.pipeline = $1 and p.source = w.source and p.event_id = w.id";

/// A member who was merged while one waited has given theirs to another one, who is to be locked too: then it begins again. Each time
/// somebody was merged, so that it ends.
pub(super) async fn give_up(client: &mut Object, pipeline: &PipelineName, events: &[Identity]) -> Result<(), Error> {
    let sources: Vec<&str> = events.iter().map(|event| event.source.as_str()).collect();
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    let pipeline = pipeline.as_str();
    let args: [&(dyn ToSql + Sync); 3] = [&pipeline, &sources, &ids];
    loop {
        let transaction = client.transaction().await?;
        let locked = members(&transaction.query(LOCK, &args).await?)?;
        if !members(&transaction.query(WHOSE, &args).await?)?.is_subset(&locked) {
            transaction.rollback().await?;
            continue;
        }
        transaction.execute(OUTCOME, &args).await?;
        transaction.execute(GONE, &args).await?;
        return transaction.commit().await;
    }
}

fn members(rows: &[Row]) -> Result<BTreeSet<MemberKey>, Error> {
    rows.iter().map(|row| Ok(MemberKey { bucket: row.try_get(0)?, number: row.try_get(1)? })).collect()
}

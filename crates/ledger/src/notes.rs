//! Small notes beside the batches: what is published, who holds the lease, which messages are suspects, which refunds still wait.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use contract::PipelineName;
use contract::event::{ARRIVES, DUE_SOURCE, Event, MERGE_SOURCE};
use contract::result::ResultEvent;
use contract::ruleset::hex;
use jiff::Timestamp;

use crate::error::LedgerError;
use crate::sql::{self, Arg, Row, Sql};
use crate::store::{AttemptKey, BatchId, DueMember, Identity, Unpublished};
use crate::stored;

/// Arguments of one statement; both stores take more.
const ARGS_MAX: usize = 1000;

pub(crate) async fn mark_published(store: &dyn Sql, batches: &[BatchId]) -> Result<(), LedgerError> {
    for chunk in batches.chunks(ARGS_MAX) {
        let sql = format!(
            "update batch set published_at = now() where published_at is null and id in ({})",
            places(1, chunk.len())
        );
        let args: Vec<Arg> = chunk.iter().map(|batch| batch.0.into()).collect();
        store.tell(&sql, &args).await?;
    }
    Ok(())
}

pub(crate) async fn unpublished(
    store: &dyn Sql,
    pipeline: &PipelineName,
    older_than: Duration,
    limit: usize,
) -> Result<Vec<Unpublished>, LedgerError> {
    let rows = store
        .ask(
            "select cast(b.id as text), i.results, m.external_id, case when m.merged_number is not null then (
                 select t.external_id from inbox a join member t on t.pipeline = $1 and t.bucket = a.bucket and t.number = a.member
                 where a.pipeline = $1 and a.source = cast($4 as text) || i.source
                     and a.event_id = i.event_id || cast($5 as text)) end
             from (select id from batch where pipeline = $1 and published_at is null
                   and micros(recorded_at) <= micros(now()) - $2 order by id limit $3) b
             left join inbox i on i.batch = b.id and i.pipeline = $1 and i.results is not null
             left join member m on m.pipeline = $1 and m.bucket = i.bucket and m.number = i.member
             order by b.id, i.position",
            &[pipeline.as_str().into(), micros(older_than), limit.into(), MERGE_SOURCE.into(), ARRIVES.into()],
        )
        .await?;
    let mut batches: BTreeMap<BatchId, Vec<ResultEvent>> = BTreeMap::new();
    for row in &rows {
        let results = batches.entry(BatchId(row.int(0)?)).or_default();
        if row.maybe(1).is_some() {
            let into = row.maybe(3).map(|_| row.id(3)).transpose()?;
            results.extend(stored::merged(stored::results("inbox.results", row.text(1)?, &row.id(2)?)?, into.as_ref()));
        }
    }
    Ok(batches.into_iter().map(|(batch, results)| Unpublished { batch, results }).collect())
}

pub(crate) async fn acquire_lease(
    store: &dyn Sql,
    pipeline: &PipelineName,
    holder: &str,
    ttl: Duration,
) -> Result<bool, LedgerError> {
    let rows = store
        .tell(
            "insert into lease (pipeline, holder, until) values ($1, $2, at_micros(micros(now()) + $3))
             on conflict (pipeline) do update set holder = excluded.holder, until = excluded.until
             where lease.holder = excluded.holder or lease.until < now() returning holder",
            &[pipeline.as_str().into(), holder.into(), micros(ttl)],
        )
        .await?;
    Ok(!rows.is_empty())
}

pub(crate) async fn note_redelivered(store: &dyn Sql, keys: &[AttemptKey]) -> Result<Vec<u32>, LedgerError> {
    let mut times: BTreeMap<String, i64> = BTreeMap::new();
    for key in keys {
        *times.entry(hex(key)).or_default() += 1;
    }
    let mut counts = HashMap::new();
    let times: Vec<_> = times.into_iter().collect();
    for chunk in times.chunks(ARGS_MAX / 2) {
        let values: Vec<_> =
            (0..chunk.len()).map(|n| format!("(${}, cast(${} as bigint), 0)", 2 * n + 1, 2 * n + 2)).collect();
        let sql = format!(
            "insert into attempt (key, deliveries, alone) values {}
             on conflict (key) do update set deliveries = attempt.deliveries + excluded.deliveries
             returning key, cast(deliveries as text)",
            values.join(", ")
        );
        let args: Vec<Arg> = chunk.iter().flat_map(|(key, n)| [key.as_str().into(), (*n).into()]).collect();
        for row in store.tell(&sql, &args).await? {
            counts.insert(row.text(0)?.to_owned(), count(row.int(1)?));
        }
    }
    Ok(keys.iter().map(|key| counts.get(&hex(key)).copied().unwrap_or(1)).collect())
}

pub(crate) async fn note_attempt(store: &dyn Sql, key: AttemptKey) -> Result<u32, LedgerError> {
    let rows = store
        .tell(
            "insert into attempt (key, deliveries, alone) values ($1, 0, 1)
             on conflict (key) do update set alone = attempt.alone + 1 returning cast(alone as text)",
            &[hex(&key).as_str().into()],
        )
        .await?;
    rows.first().map_or(Ok(1), |row| row.int(0).map(count))
}

pub(crate) async fn clear_attempts(store: &dyn Sql, keys: &[AttemptKey]) -> Result<(), LedgerError> {
    for chunk in keys.chunks(ARGS_MAX) {
        let sql = format!("delete from attempt where key in ({})", places(1, chunk.len()));
        let args: Vec<Arg> = chunk.iter().map(|key| hex(key).as_str().into()).collect();
        store.tell(&sql, &args).await?;
    }
    Ok(())
}

pub(crate) async fn parked_before(
    store: &dyn Sql,
    pipeline: &PipelineName,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Event>, LedgerError> {
    let rows = store
        .ask(
            "select p.event, m.external_id from parked p
             join member m on m.pipeline = p.pipeline and m.bucket = p.bucket and m.number = p.member
             where p.pipeline = $1 and micros(p.recorded_at) < $2 order by p.recorded_at limit $3",
            &[pipeline.as_str().into(), before.as_microsecond().into(), limit.into()],
        )
        .await?;
    rows.iter().map(|row| stored::event("parked.event", row.text(0)?, &row.id(1)?)).collect()
}

pub(crate) async fn due_members(
    store: &dyn Sql,
    pipeline: &PipelineName,
    by: Timestamp,
    limit: usize,
) -> Result<Vec<DueMember>, LedgerError> {
    let rows = store
        .ask(
            "select m.external_id, cast(micros(d.at) as text), cast(d.bucket as text) || '-' || cast(d.member as text),
             cast(d.version as text) from due d
             join member m on m.pipeline = d.pipeline and m.bucket = d.bucket and m.number = d.member
             where d.pipeline = $1 and d.at <= at_micros($2) order by d.at limit $3",
            &[pipeline.as_str().into(), by.as_microsecond().into(), limit.into()],
        )
        .await?;
    let read = |row: &Row| {
        let id = format!("{}-{}-{}", row.text(2)?, row.int(1)?, row.int(3)?);
        let timer = Identity { source: sql::id("due", DUE_SOURCE)?, id: sql::id("due", &id)? };
        Ok(DueMember { member: row.id(0)?, at: row.time(1)?, timer })
    };
    rows.iter().map(read).collect()
}

pub(crate) async fn next_due(store: &dyn Sql, pipeline: &PipelineName) -> Result<Option<Timestamp>, LedgerError> {
    let sql = "select cast(micros(d.at) as text) from due d where d.pipeline = $1 and d.at is not null
         order by d.at limit 1";
    let rows = store.ask(sql, &[pipeline.as_str().into()]).await?;
    rows.first().map(|row| row.time(0)).transpose()
}

/// `$1, $2, ...`
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

fn micros(span: Duration) -> Arg {
    Arg::Int(i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4))
}

fn count(n: i64) -> u32 {
    u32::try_from(n.max(0)).unwrap_or(u32::MAX)
}

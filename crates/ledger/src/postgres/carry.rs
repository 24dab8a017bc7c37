//! Entries of long ago become sums: a partition is built beside the old ones, which nobody writes to any more, and takes their place in
//! one short transaction. Whoever is killed before leaves tables behind that nobody reads and the next run makes anew.

use std::collections::BTreeSet;

use deadpool_postgres::ClientWrapper;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, GenericClient};

use super::fault;
use super::migrate::PAUSE;
use super::partitions::{self, AS_OWNER, Partition, TABLES};
use crate::carry::{self, CarryAsk, CarryReport, Sums};
use crate::error::LedgerError;

/// For all three tables together less than after what time a database looks for deadlocks (1 s): we are the ones who give way.
pub(super) const SWAP_PATIENCE: &str = "set local lock_timeout = '200ms'; set local statement_timeout = 0";

/// Five minutes of a table that somebody keeps: an audit, say.
pub(super) const SWAP_TRIES: u32 = 300;

/// Merges change what is being summed: whoever goes on merging so often is asked to pause.
const MERGED_TRIES: u32 = 5;

/// Merges write into months that have ended, as nothing else does. Nobody ever stops being somebody else, so that their number tells.
const MERGED: &str = "select count(*) from member where merged_number is not null";

/// Tables without statistics, and every row of them is needed.
const WHOLE: &str = "set local enable_nestloop = off; set local jit = off; set local statement_timeout = 0";

const SUMS: Sums<'static> = Sums { of: "", into: "_carried", also: "and p.recorded_at < at_micros($2)", timed: true };

/// Rows of the range that stay as they are: other pipelines', and those that are not summed for their number.
fn kept(table: &str, number: &str) -> String {
    format!(
        "insert into {table}_carried select x.* from {table} x
         where x.recorded_at < at_micros($2) and not (x.pipeline = $1 and x.{number} < $3)"
    )
}

/// How many sums are not what they were.
fn differences(table: &str, by: &str) -> String {
    let sums = |from: &str| {
        format!(
            "select pipeline, wallet, {by}, sum(amount) as amount from {from} group by pipeline, wallet, {by} having sum(amount) <> 0"
        )
    };
    let (old, new) = (
        sums(&format!("(select * from {table} where recorded_at < at_micros($1)) o")),
        sums(&format!("{table}_carried")),
    );
    format!("select count(*) from (({old} except {new}) union all ({new} except {old})) d")
}

/// The ranges that are to be one.
struct Range {
    end: Timestamp,
    /// Of each table.
    old: Vec<Vec<Partition>>,
}

/// What there is to do in it.
struct Plan {
    report: CarryReport,
    edge: i64,
    happened: i64,
    /// How many members were merged before.
    merged: i64,
}

/// With the lock of those who make tables in somebody's hands. A cancelled call leaves all of it or nothing.
pub(super) async fn carry(
    object: &str,
    client: &mut ClientWrapper,
    ask: &CarryAsk,
    progress: &(dyn Fn(&'static str) + Sync),
) -> Result<CarryReport, LedgerError> {
    for _ in 0..MERGED_TRIES {
        if let Some(report) = once(object, client, ask, progress).await? {
            return Ok(report);
        }
    }
    Err(LedgerError::Merging { object: object.to_owned(), tries: MERGED_TRIES })
}

/// `None`: members were merged meanwhile, and nothing is done.
async fn once(
    object: &str,
    client: &mut ClientWrapper,
    ask: &CarryAsk,
    progress: &(dyn Fn(&'static str) + Sync),
) -> Result<Option<CarryReport>, LedgerError> {
    let fail = |e| fault::ddl(object, e);
    progress("looking what was recorded before");
    let merged = merged(&**client).await.map_err(fail)?;
    let Some(range) = range(client, ask.before).await.map_err(fail)? else { return Ok(Some(CarryReport::default())) };
    let Some(plan) = plan(client, ask, &range).await.map_err(fail)? else { return Ok(Some(CarryReport::default())) };
    let mut plan = Plan { merged, ..plan };
    if ask.dry_run {
        return Ok(Some(plan.report));
    }
    build(client, (ask, &range, &plan), progress).await.map_err(fail)?;
    progress("comparing the sums");
    if differ(client, range.end).await.map_err(fail)? {
        if self::merged(&**client).await.map_err(fail)? != merged {
            return Ok(None);
        }
        return Err(LedgerError::unreadable("posting", "its sums would not be what they are; run `loyaltyctl audit`"));
    }
    progress("taking their place");
    let mut tries = 0;
    loop {
        match swap(client, (ask, &range, &plan)).await {
            Ok(true) => break,
            Ok(false) => return Ok(None),
            Err(error) => {
                tries += 1;
                if tries == SWAP_TRIES || !fault::is_lock(&error) {
                    return Err(fail(error));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let made = TABLES.map(|(table, _)| until(table, &range));
    plan.report.bytes_after = Some(bytes(client, &made).await.map_err(fail)?);
    Ok(Some(plan.report))
}

async fn merged(client: &impl GenericClient) -> Result<i64, Error> {
    client.query_one(MERGED, &[]).await?.try_get(0)
}

/// Partitions that have ended, up to an end that all tables have.
async fn range(client: &mut ClientWrapper, before: Timestamp) -> Result<Option<Range>, Error> {
    let transaction = client.transaction().await?;
    // The database's own time, as in its rows: a clock that is ahead must not end the month in which workers write.
    let now: Timestamp = transaction.query_one("select now()", &[]).await?.try_get(0)?;
    let before = before.min(now);
    let mut old = Vec::new();
    let mut ends: Option<BTreeSet<Timestamp>> = None;
    for (table, _) in TABLES {
        let partitions = partitions::of(&transaction, table).await?;
        let its: BTreeSet<_> = partitions.iter().filter_map(|part| part.end).filter(|end| *end <= before).collect();
        ends = Some(ends.map_or_else(|| its.clone(), |ends| &ends & &its));
        old.push(partitions);
    }
    let Some(end) = ends.and_then(|ends| ends.last().copied()) else { return Ok(None) };
    for partitions in &mut old {
        partitions.retain(|part| part.end.is_some_and(|its| its <= end));
    }
    Ok(Some(Range { end, old }))
}

async fn plan(client: &mut ClientWrapper, ask: &CarryAsk, range: &Range) -> Result<Option<Plan>, Error> {
    let (pipeline, end) = (ask.pipeline.as_str(), range.end.as_microsecond());
    let transaction = client.transaction().await?;
    transaction.batch_execute(WHOLE).await?;
    let edge: i64 = transaction.query_one(carry::EDGE, &[&pipeline, &end]).await?.try_get(0)?;
    let row = transaction.query_one(&carry::counted(), &[&pipeline, &end, &edge]).await?;
    transaction.commit().await?;
    let (entries, members) = (row.try_get(0)?, row.try_get(1)?);
    let (happened, fresh): (Option<i64>, Option<i64>) = (row.try_get(2)?, row.try_get(3)?);
    let (Some(happened), Some(1..)) = (happened, fresh) else { return Ok(None) };
    let names: Vec<String> = range.old.iter().flatten().map(|part| part.name.clone()).collect();
    let bytes = bytes(client, &names).await?;
    let report = CarryReport { before: Some(range.end), entries, members, bytes, bytes_after: None };
    Ok(Some(Plan { report, edge, happened, merged: 0 }))
}

async fn bytes(client: &ClientWrapper, tables: &[String]) -> Result<i64, Error> {
    let sql = "select coalesce(sum(pg_total_relation_size(to_regclass(t))), 0)::bigint from unnest($1::text[]) t";
    client.query_one(sql, &[&tables]).await?.try_get(0)
}

/// Each table is filled by itself: what is half done when somebody is killed begins anew.
async fn build(
    client: &mut ClientWrapper,
    (ask, range, plan): (&CarryAsk, &Range, &Plan),
    progress: &(dyn Fn(&'static str) + Sync),
) -> Result<(), Error> {
    for (table, key) in TABLES {
        // Statements that are sent together are one transaction.
        client
            .batch_execute(&format!(
                "{AS_OWNER}; drop table if exists {table}_carried;
                 create table {table}_carried (like {table} including defaults including constraints including indexes,
                     primary key (pipeline, bucket, member, {key}))"
            ))
            .await?;
    }
    let (pipeline, end) = (ask.pipeline.as_str(), range.end.as_microsecond());
    let args: [&(dyn ToSql + Sync); 3] = [&pipeline, &end, &plan.edge];
    let tables = [
        ("entry", "id", "summing entries", vec![SUMS.entries(), SUMS.repeated()]),
        ("posting", "entry", "summing postings", vec![SUMS.postings()]),
        ("allocation", "entry", "summing allocations", vec![SUMS.allocations()]),
    ];
    for (table, number, what, sums) in tables {
        progress(what);
        let transaction = client.transaction().await?;
        transaction.batch_execute(WHOLE).await?;
        for sums in &sums {
            transaction.execute(sums, &args).await?;
        }
        transaction.execute(&kept(table, number), &args).await?;
        let range = format!(
            "alter table {table}_carried add constraint {table}_carried_range check (recorded_at < '{}')",
            range.end
        );
        transaction.batch_execute(&range).await?;
        transaction.commit().await?;
        client.batch_execute(&format!("analyze {table}_carried")).await?;
    }
    Ok(())
}

async fn differ(client: &mut ClientWrapper, end: Timestamp) -> Result<bool, Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(WHOLE).await?;
    let mut found = 0_i64;
    for (table, by) in [("posting", "account"), ("allocation", "case when order_id is null then 0 else 1 end")] {
        let by: i64 = transaction.query_one(&differences(table, by), &[&end.as_microsecond()]).await?.try_get(0)?;
        found += by;
    }
    transaction.commit().await?;
    Ok(found > 0)
}

fn until(table: &str, range: &Range) -> String {
    format!("{table}_until_{}", range.end.to_zoned(TimeZone::UTC).strftime("%Y_%m_%d"))
}

/// All three tables at once, so that nobody ever sees sums beside what they sum. `false`: they are not what they would be by now, as members
/// were merged; whoever is about to waits for us.
async fn swap(client: &mut ClientWrapper, (ask, range, plan): (&CarryAsk, &Range, &Plan)) -> Result<bool, Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(SWAP_PATIENCE).await?;
    transaction.batch_execute("lock table allocation, entry, posting in access exclusive mode").await?;
    if merged(&*transaction).await? != plan.merged {
        return Ok(false);
    }
    for ((table, _), old) in TABLES.iter().zip(&range.old) {
        let gone = old.iter().fold(String::new(), |sql, Partition { name, .. }| {
            sql + &format!("alter table {table} detach partition {name}; drop table {name};")
        });
        let name = until(table, range);
        let end = range.end;
        transaction
            .batch_execute(&format!(
                "{gone}
                 alter table {table}_carried rename to {name};
                 alter table {name} rename constraint {table}_carried_pkey to {name}_pkey;
                 alter table {table} attach partition {name} for values from (minvalue) to ('{end}');
                 alter table {name} drop constraint {table}_carried_range"
            ))
            .await?;
    }
    let (pipeline, end) = (ask.pipeline.as_str(), range.end.as_microsecond());
    transaction.execute(carry::NOTE, &[&pipeline, &end, &plan.happened]).await?;
    transaction.commit().await?;
    Ok(true)
}

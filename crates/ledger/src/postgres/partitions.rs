//! Partitions of what grows with every event: a month each, made ahead of time.
//!
//! Each step is a transaction over one table, so that it holds no lock while it waits for another: a worker cannot be waiting for us at
//! the same time. What no partition was made for lands in the one for the rest, which then becomes the partition of its time as it is.

use deadpool_postgres::ClientWrapper;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tokio_postgres::{Error, Transaction};

use super::carry::{SWAP_PATIENCE, SWAP_TRIES};
use super::fault;
use super::migrate::PAUSE;
use crate::error::LedgerError;

/// What is partitioned, with the rest of the key of each partition. A parent cannot have it: it does not name the time.
pub(super) const TABLES: [(&str, &str); 3] = [("entry", "id"), ("posting", "entry, n"), ("allocation", "entry, n")];

/// Months that have their partition before they begin.
const MONTHS_AHEAD: i32 = 6;

/// The partitions of a table, whose name is the argument; only the one for the rest has no end.
const PARTITIONS: &str =
    "select c.relname::text, substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)')::timestamptz
     from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = to_regclass($1) order by 2 nulls last";

/// Whoever makes tables may be a superuser, or a member of the owner: they belong to whom the others belong to, or workers who own them would stand
/// before a closed door. Until the end of the transaction.
pub(super) const AS_OWNER: &str = "select set_config('role', r.rolname, true) from pg_class c
    join pg_roles r on r.oid = c.relowner where c.oid = to_regclass('entry') and r.rolname <> current_user";

/// One partition.
#[derive(Debug, Clone)]
pub(super) struct Partition {
    pub(super) name: String,
    /// The first moment that is no longer its own.
    pub(super) end: Option<Timestamp>,
}

/// Makes what is missing of the next months. A cancelled call leaves whole partitions behind.
pub(super) async fn ahead(object: &str, client: &mut ClientWrapper) -> Result<(), LedgerError> {
    let until = month_after(Timestamp::now(), MONTHS_AHEAD)?;
    for table in TABLES {
        let mut tries = 0;
        loop {
            match step(client, table, until).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(Broken::Ledger(error)) => return Err(error),
                Err(Broken::Database(error)) => {
                    tries += 1;
                    // Somebody wrote into the rest meanwhile: the next look sees it.
                    if tries == SWAP_TRIES || !(fault::is_lock(&error) || fault::is_check(&error)) {
                        return Err(fault::ddl(object, error));
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
    Ok(())
}

enum Broken {
    Database(Error),
    Ledger(LedgerError),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

/// One more partition; `false`: there are enough.
async fn step(client: &mut ClientWrapper, (table, key): (&str, &str), until: Timestamp) -> Result<bool, Broken> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(SWAP_PATIENCE).await?;
    transaction.batch_execute(AS_OWNER).await?;
    let partitions = of(&transaction, table).await?;
    let Some(last) = partitions.iter().filter_map(|partition| partition.end).max() else { return Ok(false) };
    let Some(rest) = partitions.iter().find(|partition| partition.end.is_none()) else { return Ok(false) };
    let newest: Option<Timestamp> =
        transaction.query_one(&format!("select max(recorded_at) from {}", rest.name), &[]).await?.get(0);
    let named = month_name(table, last);
    let sql = match newest {
        // What comes between this look and the lock ends the transaction, or has its place.
        Some(newest) => {
            let end = month_after(newest.max(Timestamp::now()), 1).map_err(Broken::Ledger)?;
            taken_over(&rest.name, (table, key), &named, (last, end))
        }
        None if last >= until => return Ok(false),
        None => made((table, key), &named, (last, month_after(last, 1).map_err(Broken::Ledger)?)),
    };
    transaction.batch_execute(&sql).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn of(transaction: &Transaction<'_>, table: &str) -> Result<Vec<Partition>, Error> {
    let rows = transaction.query(PARTITIONS, &[&table]).await?;
    rows.iter().map(|row| Ok(Partition { name: row.try_get(0)?, end: row.try_get(1)? })).collect()
}

/// To attach a table is no lock that keeps a worker, but for the one for the rest; to make it in its place would be one.
fn made((table, key): (&str, &str), name: &str, (from, to): (Timestamp, Timestamp)) -> String {
    format!(
        "create table {name} (like {table} including defaults including constraints,
             primary key (pipeline, bucket, member, {key}));
         alter table {table} attach partition {name} for values from ('{from}') to ('{to}')"
    )
}

/// The rest becomes the partition of its time, without a row being moved; they are looked at once.
fn taken_over(rest: &str, (table, key): (&str, &str), name: &str, (from, to): (Timestamp, Timestamp)) -> String {
    format!(
        "alter table {table} detach partition {rest};
         alter table {rest} rename to {name};
         alter table {name} rename constraint {rest}_pkey to {name}_pkey;
         alter table {table} attach partition {name} for values from ('{from}') to ('{to}');
         create table {rest} partition of {table} (primary key (pipeline, bucket, member, {key})) default"
    )
}

fn month_name(table: &str, from: Timestamp) -> String {
    format!("{table}_{}", from.to_zoned(TimeZone::UTC).strftime("%Y_%m"))
}

/// The beginning of the month that comes so many months after the one of a time.
fn month_after(at: Timestamp, months: i32) -> Result<Timestamp, LedgerError> {
    let far = |e| LedgerError::unreadable("a month", e);
    let first = at.to_zoned(TimeZone::UTC).date().first_of_month();
    let month = first.checked_add(months.months()).map_err(far)?;
    Ok(month.to_zoned(TimeZone::UTC).map_err(far)?.timestamp())
}

//! The embedded store: one file (or memory), one writer at a time. `SQLite` in WAL mode; a commit is on disk when it returns.
//!
//! Another process may read while this one writes; a second writer waits for its turn, batch by batch.

mod begin;
mod carry;
mod commit;
mod holds;
mod thread;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::PipelineName;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, params_from_iter, types::Value};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::carry::{CarryAsk, CarryReport};
use crate::desk::Store;
use crate::error::LedgerError;
use crate::rows::{Loaded, Rows, refuse_doubles};
use crate::sql::{Arg, Row, Sql};
use crate::store::{Answer, BatchId, BatchRequest, BatchWrites, Begun, Committed, Identity, OpenBatch};
use thread::Thread;

mod embedded {
    refinery::embed_migrations!("src/migrations/sqlite");
}

/// How often a migration is tried when another process migrates at the same time.
const MIGRATE_TRIES: u32 = 50;

/// Pause between those.
const MIGRATE_PAUSE: Duration = Duration::from_millis(100);

/// A ledger in one file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    thread: Thread,
    /// Of slices of budgets.
    owner: Arc<str>,
    /// Held by an open batch and by each write: the one connection can be in one transaction.
    gate: Arc<Mutex<()>>,
}

impl Sqlite {
    /// Opens (and creates) the file; `:memory:` lives as long as this value.
    pub(crate) fn open(path: &str) -> Result<Self, LedgerError> {
        let owner = crate::budget::owner().into();
        Ok(Self { thread: Thread::start(path)?, owner, gate: Arc::new(Mutex::new(())) })
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let gate = Arc::clone(&self.gate).lock_owned().await;
        // The job keeps the gate, so that a cancelled call cannot let a batch begin before it is done.
        let job = move |connection: &mut Connection| {
            let done = job(connection);
            drop(gate);
            done
        };
        self.thread.run(job).await
    }
}

#[async_trait]
impl Sql for Sqlite {
    async fn ask(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError> {
        let (sql, args) = translate(sql, args);
        let object = self.thread.object();
        self.thread.run(move |connection| rows(connection, &sql, args).map_err(|e| thread::error(&object, e))).await
    }

    async fn tell(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError> {
        let (sql, args) = translate(sql, args);
        let object = self.thread.object();
        self.write(move |connection| rows(connection, &sql, args).map_err(|e| thread::error(&object, e))).await
    }
}

/// From the common dialect. The time is this process's, as in the batches: `SQLite`'s own one has milliseconds only, and a
/// batch would be younger than now.
fn translate(sql: &str, args: &[Arg]) -> (String, Vec<Value>) {
    let value = |arg: &Arg| match arg {
        Arg::Int(int) => Value::Integer(*int),
        Arg::Text(text) => Value::Text(text.clone()),
    };
    let mut args: Vec<Value> = args.iter().map(value).collect();
    let mut sql = sql.replace('$', "?").replace("at_micros(", "(").replace("micros(", "(");
    if sql.contains("now()") {
        args.push(Value::Integer(Timestamp::now().as_microsecond()));
        sql = sql.replace("now()", &format!("?{}", args.len()));
    }
    (sql, args)
}

fn rows(connection: &Connection, sql: &str, args: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let read = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect::<Result<_, _>>().map(Row);
    statement.query_map(params_from_iter(args), read)?.collect()
}

#[async_trait]
impl Store for Sqlite {
    fn address(&self) -> &str {
        self.thread.address()
    }

    fn needed(&self) -> u32 {
        let runner = embedded::migrations::runner();
        runner
            .get_migrations()
            .iter()
            .map(|migration| u32::try_from(migration.version()).unwrap_or(0))
            .max()
            .unwrap_or(0)
    }

    async fn begin(&self, request: &BatchRequest) -> Result<(Box<dyn OpenBatch>, Begun), LedgerError> {
        let gate = Arc::clone(&self.gate).lock_owned().await;
        // From here on a drop rolls back, whatever the thread has done by then.
        let mut open = Open {
            thread: self.thread.clone(),
            gate: Some(gate),
            pipeline: request.pipeline.clone(),
            owner: self.owner.clone(),
            loaded: Loaded::default(),
        };
        let (request, object, owner) = (request.clone(), self.thread.object(), self.owner.clone());
        let run = move |connection: &mut Connection| begin::begin(connection, &object, (&request, &owner));
        let (loaded, begun) = self.thread.run(run).await?;
        open.loaded = loaded;
        Ok((Box::new(open), begun))
    }

    async fn begin_free(&self, _: &BatchRequest) -> Result<Option<(Box<dyn OpenBatch>, Begun)>, LedgerError> {
        Ok(None)
    }

    async fn recall(&self, request: &BatchRequest) -> Result<Option<Vec<Answer>>, LedgerError> {
        let (request, object) = (request.clone(), self.thread.object());
        self.thread.run(move |connection| begin::recall(connection, &object, &request)).await
    }

    async fn give_up(&self, pipeline: &PipelineName, events: &[Identity]) -> Result<(), LedgerError> {
        let (pipeline, events, object) = (pipeline.clone(), events.to_vec(), self.thread.object());
        self.write(move |connection| {
            commit::give_up(connection, &pipeline, &events).map_err(|e| thread::error(&object, e))
        })
        .await
    }

    async fn carry_forward(
        &self,
        ask: &CarryAsk,
        progress: &(dyn Fn(&'static str) + Sync),
    ) -> Result<CarryReport, LedgerError> {
        let (pipeline, object) = (ask.pipeline.clone(), self.thread.object());
        let before = month(ask.before.min(Timestamp::now()))?;
        progress("looking what was recorded before");
        let (whose, of) = (pipeline.clone(), object.clone());
        let plan = self
            .thread
            .run(move |connection| carry::Pass { connection, object: &of, pipeline: &whose, before }.plan())
            .await?;
        let mut report = plan.report.clone();
        let plan = Arc::new(plan);
        for portion in carry::portions(&plan).filter(|_| !ask.dry_run) {
            progress("summing the entries of members");
            let (pipeline, object, plan, portion) = (pipeline.clone(), object.clone(), plan.clone(), portion.to_vec());
            let some = move |connection: &mut Connection| {
                carry::Pass { connection, object: &object, pipeline: &pipeline, before }.some(&plan, &portion)
            };
            report.bytes_after = Some(self.write(some).await?);
        }
        Ok(report)
    }

    fn says_no_table(&self, error: &LedgerError) -> bool {
        matches!(error, LedgerError::Statement { source, .. } if source.to_string().starts_with("no such table"))
    }

    async fn migrate(&self) -> Result<(), LedgerError> {
        let object = self.thread.object();
        let needed = self.needed();
        self.write(move |connection| migrate(connection, &object, needed)).await
    }
}

/// The beginning of a time's month.
fn month(at: Timestamp) -> Result<Timestamp, LedgerError> {
    let month = at.to_zoned(TimeZone::UTC).date().first_of_month().to_zoned(TimeZone::UTC);
    month.map(|month| month.timestamp()).map_err(|e| LedgerError::unreadable("a month", e))
}

/// Another process may migrate at the same time: whoever loses looks again whether it still has something to do.
fn migrate(connection: &mut Connection, object: &str, needed: u32) -> Result<(), LedgerError> {
    let mut tries = MIGRATE_TRIES;
    loop {
        match embedded::migrations::runner().set_grouped(true).run(connection) {
            Ok(_) => return Ok(()),
            Err(_) if version(connection) == Some(needed) => return Ok(()),
            Err(e) if thread::is_full(&e) => {
                return Err(LedgerError::Full { object: object.to_owned(), source: Box::new(e) });
            }
            Err(_) if tries > 0 => {
                tries -= 1;
                std::thread::sleep(MIGRATE_PAUSE);
            }
            Err(e) => return Err(LedgerError::Statement { object: object.to_owned(), source: Box::new(e) }),
        }
    }
}

fn version(connection: &Connection) -> Option<u32> {
    connection.query_row("select max(version) from refinery_schema_history", [], |row| row.get(0)).ok()
}

/// A transaction on the one connection, with the gate that keeps others from it.
struct Open {
    thread: Thread,
    gate: Option<OwnedMutexGuard<()>>,
    pipeline: PipelineName,
    owner: Arc<str>,
    loaded: Loaded,
}

#[async_trait]
impl OpenBatch for Open {
    async fn more(&mut self, _: &BatchRequest) -> Result<Option<Begun>, LedgerError> {
        // Nothing is begun free.
        Ok(None)
    }

    async fn commit(mut self: Box<Self>, writes: BatchWrites) -> Result<Committed, LedgerError> {
        if let Some(refused) = refuse_doubles(&writes.applied) {
            return Ok(refused);
        }
        let mut loaded = std::mem::take(&mut self.loaded);
        let (pipeline, owner, pots) = (self.pipeline.clone(), self.owner.clone(), std::mem::take(&mut loaded.pots));
        let object = self.thread.object();
        let BatchWrites { applied, reviewed, cleared_attempts } = writes;
        self.thread
            .run(move |connection| {
                let transaction = commit::Commit {
                    connection,
                    pipeline: &pipeline,
                    object: &object,
                    owner: &owner,
                    decided: applied.len(),
                };
                let fold = move |batch: BatchId| Rows::of((applied, &reviewed), batch, &loaded);
                transaction.run(fold, (&cleared_attempts, &pots))
            })
            .await
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Jobs run in order, so the next batch begins after this. After a commit there is nothing to roll back.
        self.thread.send(|connection| {
            if !connection.is_autocommit()
                && let Err(error) = connection.execute_batch("rollback")
            {
                tracing::warn!(%error, "could not roll back");
            }
        });
        self.gate.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that may not grow is a disk that is full.
    #[tokio::test]
    async fn a_full_disk_is_told_and_work_goes_on_once_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let store = Sqlite::open(path.to_str().unwrap()).unwrap();
        store.migrate().await.unwrap();
        let limit = async |sql: &'static str| {
            let run =
                |connection: &mut Connection| connection.execute_batch(sql).map_err(|e| thread::error("sqlite", e));
            store.write(run).await.unwrap();
        };
        limit("pragma max_page_count = 1").await;
        let big = "x".repeat(1 << 20);
        let insert = "insert into ruleset (hash, spec) values ('big', $1)";
        let error = store.tell(insert, &[big.as_str().into()]).await.unwrap_err();
        assert!(matches!(error, LedgerError::Full { .. }), "{error}");
        assert!(error.is_away());
        assert!(error.to_string().contains("disk is full"), "{error}");
        limit("pragma max_page_count = 1000000").await;
        store.tell(insert, &[big.as_str().into()]).await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_on_the_ledgers_thread_is_no_outage() {
        let store = std::sync::Arc::new(Sqlite::open(":memory:").unwrap());
        for _ in 0..2 {
            let broken = store.clone();
            let call = async move { broken.write::<()>(|_| panic!("a bug")).await };
            assert!(tokio::spawn(call).await.unwrap_err().is_panic());
        }
    }
}

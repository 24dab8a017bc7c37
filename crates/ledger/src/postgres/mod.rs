//! The shared store: `PostgreSQL` 15 or newer, many workers. READ COMMITTED; the members' rows are the locks.
//!
//! Few round trips: what is independent is sent at once, and each table is written by one statement. Nothing stays in a
//! session between transactions; behind `PgBouncer` in transaction mode set `max_prepared_statements` there (1.21 or newer).

mod address;
mod begin;
mod carry;
mod commit;
mod fault;
mod give_up;
mod graves;
mod memory;
mod migrate;
mod partitions;
mod tls;

pub(crate) use address::trusting;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::PipelineName;
use deadpool_postgres::{GenericClient, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::types::{ToSql, Type};

use self::begin::Locking;
use self::graves::Graves;
use self::memory::{Confirmed, Memory};
use crate::budget::takings;
use crate::carry::{CarryAsk, CarryReport};
use crate::desk::Store;
use crate::error::LedgerError;
use crate::rows::{Loaded, Rows, refuse_doubles};
use crate::sql::{Arg, Row, Sql};
use crate::store::{Answer, BatchId, BatchRequest, BatchWrites, Begun, Committed, Identity, OpenBatch};

/// A batch that is committed, the next one that is begun and, beside them, notes; a database has few connections to give to each worker.
const CONNECTIONS_MAX: usize = 3;

/// How long a call waits for a connection of the pool.
const POOL_WAIT: Duration = Duration::from_secs(30);

/// Statements with more arguments are prepared each time: their texts differ by the number.
const CACHED_ARGS_MAX: usize = 5;

/// A ledger in a `PostgreSQL` schema.
pub(crate) struct Postgres {
    pool: Pool,
    object: String,
    memory: Arc<Memory>,
    graves: Arc<Graves>,
    /// Of slices of budgets.
    owner: Arc<str>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Postgres({})", self.object)
    }
}

impl Postgres {
    /// Reads the URL; connects at first use.
    pub(crate) fn open(url: &str) -> Result<Self, LedgerError> {
        let address::Address { config, trust, shown } = address::parse(url)?;
        let wrong = |detail| LedgerError::Misconfigured { object: shown.clone(), detail };
        let connector = tls::connector(&trust).map_err(wrong)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, connector, recycling);
        let wait = Some(POOL_WAIT);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| wrong(e.to_string()))?;
        let owner = crate::budget::owner().into();
        Ok(Self { pool, object: shown, memory: Arc::default(), graves: Arc::default(), owner })
    }

    async fn client(&self) -> Result<Object, LedgerError> {
        self.pool.get().await.map_err(|e| fault::pool(&self.object, e))
    }

    async fn opened(&self, request: &BatchRequest) -> Result<Open, LedgerError> {
        // Inside from the first statement on, so that a cancelled call cannot leave an open transaction in the pool.
        let open = Open {
            client: Some(self.client().await?),
            memory: self.memory.clone(),
            graves: self.graves.clone(),
            owner: self.owner.clone(),
            object: self.object.clone(),
            pipeline: request.pipeline.clone(),
            batch: BatchId(0),
            loaded: Loaded::default(),
        };
        let missed = self.memory.missed(open.client()?).await.map_err(|e| open.fail(e))?;
        match missed {
            Some(Confirmed { batch, at, .. }) => {
                Err(LedgerError::Forgot { object: self.object.clone(), batch: batch.0, at })
            }
            None => Ok(open),
        }
    }
}

#[async_trait]
impl Sql for Postgres {
    async fn ask(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError> {
        let client = self.client().await?;
        rows(&client, sql, args).await.map_err(|e| fault::statement(&self.object, e))
    }

    async fn sweep(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError> {
        let mut client = self.client().await?;
        let swept = async {
            let transaction = client.transaction().await?;
            // Tables that were filled a minute ago have no statistics yet, and a nested loop over them takes hours.
            transaction
                .batch_execute("set local enable_nestloop = off; set local jit = off; set local statement_timeout = 0")
                .await?;
            let found = rows(&transaction, sql, args).await?;
            transaction.commit().await?;
            Ok(found)
        };
        swept.await.map_err(|e| fault::statement(&self.object, e))
    }

    async fn tell(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError> {
        self.ask(sql, args).await
    }
}

async fn rows(client: &impl GenericClient, sql: &str, args: &[Arg]) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement =
        if args.len() <= CACHED_ARGS_MAX { client.prepare_cached(sql).await? } else { client.prepare(sql).await? };
    let args: Vec<_> = args.iter().zip(statement.params()).map(|(arg, ty)| bound(arg, ty)).collect();
    let args: Vec<&(dyn ToSql + Sync)> = args.iter().map(|arg| &**arg as _).collect();
    let cells = |row: &tokio_postgres::Row| (0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>().map(Row);
    client.query(&statement, &args).await?.iter().map(cells).collect()
}

/// An integer takes the width of the column that it is compared with.
fn bound(arg: &Arg, ty: &Type) -> Box<dyn ToSql + Sync + Send> {
    match arg {
        Arg::Int(int) if *ty == Type::INT2 => Box::new(i16::try_from(*int).ok()),
        Arg::Int(int) if *ty == Type::INT4 => Box::new(i32::try_from(*int).ok()),
        Arg::Int(int) => Box::new(*int),
        Arg::Text(text) => Box::new(text.clone()),
    }
}

#[async_trait]
impl Store for Postgres {
    fn address(&self) -> &str {
        &self.object
    }

    fn needed(&self) -> u32 {
        migrate::newest()
    }

    async fn begin(&self, request: &BatchRequest) -> Result<(Box<dyn OpenBatch>, Begun), LedgerError> {
        let mut open = self.opened(request).await?;
        let begun = begin::begin(&mut open, request).await?;
        Ok((Box::new(open), begun))
    }

    async fn begin_free(&self, request: &BatchRequest) -> Result<Option<(Box<dyn OpenBatch>, Begun)>, LedgerError> {
        let mut open = self.opened(request).await?;
        let begun = begin::begin_free(&mut open, request, Locking::Free).await?;
        Ok(begun.map(|begun| (Box::new(open) as Box<dyn OpenBatch>, begun)))
    }

    async fn recall(&self, request: &BatchRequest) -> Result<Option<Vec<Answer>>, LedgerError> {
        begin::recall(&self.client().await?, &self.object, request).await
    }

    async fn give_up(&self, pipeline: &PipelineName, events: &[Identity]) -> Result<(), LedgerError> {
        let mut client = self.client().await?;
        give_up::give_up(&mut client, pipeline, events).await.map_err(|e| fault::statement(&self.object, e))
    }

    async fn migrate(&self) -> Result<(), LedgerError> {
        // Taken out of the pool: their ends, however they come, end what was begun on them too.
        let (turn, work) = (Object::take(self.client().await?), Object::take(self.client().await?));
        migrate::migrate(&self.object, turn, work).await
    }

    async fn carry_forward(
        &self,
        ask: &CarryAsk,
        progress: &(dyn Fn(&'static str) + Sync),
    ) -> Result<CarryReport, LedgerError> {
        let (turn, mut work) = (Object::take(self.client().await?), Object::take(self.client().await?));
        migrate::turn(&self.object, &turn).await?;
        carry::carry(&self.object, &mut work, ask, progress).await
    }

    fn says_no_table(&self, error: &LedgerError) -> bool {
        let LedgerError::Statement { source, .. } = error else { return false };
        let client = source.downcast_ref::<tokio_postgres::Error>();
        client.and_then(tokio_postgres::Error::code) == Some(&tokio_postgres::error::SqlState::UNDEFINED_TABLE)
    }
}

/// An open transaction with its connection.
struct Open {
    /// `None` once the transaction has ended and the connection is back in the pool.
    client: Option<Object>,
    memory: Arc<Memory>,
    graves: Arc<Graves>,
    owner: Arc<str>,
    object: String,
    pipeline: PipelineName,
    batch: BatchId,
    loaded: Loaded,
}

impl Open {
    fn client(&self) -> Result<&Object, LedgerError> {
        let gone = || LedgerError::Away { object: self.object.clone(), source: "the transaction has ended".into() };
        self.client.as_ref().ok_or_else(gone)
    }

    fn fail(&self, error: tokio_postgres::Error) -> LedgerError {
        fault::statement(&self.object, error)
    }
}

#[async_trait]
impl OpenBatch for Open {
    async fn more(&mut self, request: &BatchRequest) -> Result<Option<Begun>, LedgerError> {
        let before = std::mem::take(&mut self.loaded);
        let begun = begin::begin_free(self, request, Locking::More).await?;
        self.loaded.join(before);
        Ok(begun)
    }

    async fn commit(mut self: Box<Self>, writes: BatchWrites) -> Result<Committed, LedgerError> {
        if let Some(refused) = refuse_doubles(&writes.applied) {
            return Ok(refused);
        }
        let loaded = std::mem::take(&mut self.loaded);
        let rows = Rows::of((writes.applied, &writes.reviewed), self.batch, &loaded)?;
        let forgetting = graves::forgetting(self.client()?, &self.pipeline, &rows).await.map_err(|e| self.fail(e))?;
        let (id, pipeline, cleared) = (self.batch, &self.pipeline, &writes.cleared_attempts);
        let (takings, owner) = (takings(&rows.budgets, &loaded.pots)?, &*self.owner);
        let batch = commit::Batch { id, pipeline, rows: &rows, cleared, forgetting, takings, owner };
        let committed = match commit::commit(self.client()?, &batch).await {
            Ok(()) => {
                self.memory.keep(&self.pipeline, self.batch, &rows);
                Committed::Done(self.batch)
            }
            Err(e) => fault::refusal(&e).ok_or_else(|| self.fail(e))?,
        };
        // Committed or rolled back by the database: the connection is clean.
        drop(self.client.take());
        Ok(committed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // Ending the connection is the one rollback that needs no waiting.
            drop(Object::take(client));
        }
    }
}

//! Bringing the tables to this version while workers of an earlier one run.
//!
//! Whatever is set is set for one transaction: behind a pooler the session is somebody else's a moment later.

use std::error::Error as StdError;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use refinery::{AsyncMigrate, Migration};
use refinery_core::traits::r#async::{AsyncQuery, AsyncTransaction};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::{fault, partitions};
use crate::error::LedgerError;

mod embedded {
    refinery::embed_migrations!("src/migrations/postgres");
}

/// The same for all who migrate one schema, and another one for those of another: its name with any number.
const LOCK: &str = "select pg_try_advisory_xact_lock(hashtextextended(current_schema(), x'006c6f79616c7479'::bigint))";
/// The first wait for others; each is twice as long as the one before, up to [`PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// Waiting for the others' tables is no idleness, however long.
const KEEP: &str = "begin; set local idle_in_transaction_session_timeout = 0";
/// Workers go on meanwhile: who waits for a table holds them all up, and may wait for one who waits for us. What is only read takes its time.
const PATIENCE: &str = "set local lock_timeout = '3s'; set local statement_timeout = 0";
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// Two minutes of a table that somebody keeps.
const TRIES: u32 = 30;

/// The version that this program needs.
pub(super) fn newest() -> u32 {
    let runner = embedded::migrations::runner();
    let versions = runner.get_migrations().iter().map(|migration| u32::try_from(migration.version()).unwrap_or(0));
    versions.max().unwrap_or(0)
}

/// One after another whoever calls, wherever: `turn` keeps the lock. A cancelled call leaves whole versions behind, and nothing else.
pub(super) async fn migrate(object: &str, turn: ClientWrapper, work: ClientWrapper) -> Result<(), LedgerError> {
    self::turn(object, &turn).await?;
    let mut patient = Patient(work);
    let mut tries = 0;
    loop {
        // A transaction a version: none keeps the tables of the one before.
        let Err(error) = embedded::migrations::runner().run_async(&mut patient).await else { break };
        tries += 1;
        if tries == TRIES || !fault::is_of_a_lock(&error) {
            return Err(fault_of(object, error));
        }
        tokio::time::sleep(PAUSE).await;
    }
    partitions::ahead(object, &mut patient.0).await
}

/// Waits for the lock of those who make tables; it is kept as long as the connection.
pub(super) async fn turn(object: &str, client: &Client) -> Result<(), LedgerError> {
    let mut pause = FIRST_PAUSE;
    while !is_our_turn(client).await.map_err(|e| fault::statement(object, e))? {
        tokio::time::sleep(pause).await;
        pause = PAUSE.min(pause * 2);
    }
    Ok(())
}

/// Asks, and asks again: who waited in a transaction would keep one of a pooler's few connections from whoever works.
async fn is_our_turn(client: &Client) -> Result<bool, Error> {
    client.batch_execute(KEEP).await?;
    let is_ours: bool = client.query_one(LOCK, &[]).await?.get(0);
    if !is_ours {
        client.batch_execute("rollback").await?;
    }
    Ok(is_ours)
}

/// A connection none of whose transactions waits long for a table.
struct Patient(ClientWrapper);

impl AsyncTransaction for Patient {
    type Error = Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(&'a mut self, queries: T) -> Result<usize, Error> {
        let transaction = self.0.transaction().await?;
        transaction.batch_execute(PATIENCE).await?;
        let mut count = 0;
        for query in queries {
            transaction.batch_execute(query).await?;
            count += 1;
        }
        transaction.commit().await?;
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for Patient {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, Error> {
        let client: &mut Client = &mut self.0;
        AsyncQuery::query(client, query).await
    }
}

impl AsyncMigrate for Patient {}

/// The migration's error hides the database's: look for it below.
fn fault_of(object: &str, error: refinery::Error) -> LedgerError {
    let object = object.to_owned();
    let code =
        |error: &(dyn StdError + 'static)| error.downcast_ref::<Error>().map(|e| (e.is_closed(), e.code().cloned()));
    let mut below = StdError::source(&error);
    while let Some(cause) = below {
        match code(cause) {
            Some((_, Some(SqlState::INSUFFICIENT_PRIVILEGE))) => {
                return LedgerError::Misconfigured { object, detail: fault::NO_OWNER.to_owned() };
            }
            Some((true, _)) => return LedgerError::Away { object, source: Box::new(error) },
            _ => below = cause.source(),
        }
    }
    LedgerError::Statement { object, source: Box::new(error) }
}

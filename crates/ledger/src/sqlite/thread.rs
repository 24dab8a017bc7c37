//! The thread that owns the connection: `SQLite` blocks, our callers must not.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use crate::error::LedgerError;

/// How long a statement waits while another process writes; a batch is written in milliseconds.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// Compiled statements kept; a batch uses about thirty.
const STATEMENTS_KEPT: usize = 128;

/// A commit is on disk when it returns. The log is folded back every 40 MB instead of 4: a batch alone touches a thousand
/// pages. 64 MB of cache hold the upper levels of the indexes of a million members.
const PRAGMAS: &str = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on;
    pragma wal_autocheckpoint = 10000; pragma cache_size = -65536;";

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Runs jobs on the connection, one after another. Ends with its last handle.
#[derive(Debug, Clone)]
pub(super) struct Thread {
    jobs: Sender<Job>,
    object: Arc<str>,
}

impl Thread {
    pub(super) fn start(path: &str) -> Result<Self, LedgerError> {
        let object: Arc<str> = format!("sqlite:{path}").into();
        let mut connection = connect(path).map_err(|e| opening(&object, e))?;
        let (jobs, queue) = channel::<Job>();
        let run = move || {
            while let Ok(job) = queue.recv() {
                job(&mut connection);
            }
        };
        let spawned = std::thread::Builder::new().name("ledger-sqlite".to_owned()).spawn(run);
        spawned.map_err(|e| LedgerError::Away { object: object.to_string(), source: Box::new(e) })?;
        Ok(Self { jobs, object })
    }

    pub(super) fn address(&self) -> &str {
        &self.object
    }

    pub(super) fn object(&self) -> Arc<str> {
        Arc::clone(&self.object)
    }

    /// Queues a job; a thread that has ended takes none.
    pub(super) fn send(&self, job: impl FnOnce(&mut Connection) + Send + 'static) {
        if self.jobs.send(Box::new(job)).is_err() {
            tracing::warn!(ledger = &*self.object, "the ledger's thread has ended");
        }
    }

    /// Runs a job and waits for its answer. A cancelled call leaves the job in the queue: it runs all the same.
    ///
    /// A job that panicked took the connection along: the caller goes the same way. To hold back for a ledger that never comes again
    /// would look alive for ever; a worker that dies of an event finds out by its redeliveries which one it was.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, wait) = oneshot::channel();
        self.send(move |connection| {
            let _ = answer.send(job(connection));
        });
        match wait.await {
            Ok(answer) => answer,
            Err(_) => std::panic::resume_unwind(Box::new("the ledger's thread has ended")),
        }
    }
}

fn connect(path: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    // A plan that may depend on what is bound is made anew for each value, and takes longer than most statements do.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.execute_batch(PRAGMAS)?;
    Ok(connection)
}

fn opening(object: &str, error: rusqlite::Error) -> LedgerError {
    let detail = match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => "the file cannot be opened; see that its folder exists and may be written to",
        Some(ErrorCode::NotADatabase) => "the file is not an SQLite database; name another file",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the file may not be written to; change its permissions"
        }
        _ => return self::error(object, error),
    };
    LedgerError::Misconfigured { object: object.to_owned(), detail: detail.to_owned() }
}

/// Whether a full disk is at the bottom of an error: a library between may hide it.
pub(super) fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rusqlite::Error::SqliteFailure(code, _)) = error.downcast_ref::<rusqlite::Error>() {
            // The memory shared between processes is a file too, and the first that does not fit.
            return code.code == ErrorCode::DiskFull || code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
        }
        cause = error.source();
    }
    false
}

/// Tells a store that is away from a full disk and from a statement that is wrong.
pub(super) fn error(object: &str, error: rusqlite::Error) -> LedgerError {
    let object = object.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full { object, source: Box::new(error) },
        Some(
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory,
        ) => LedgerError::Away { object, source: Box::new(error) },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::NotADatabase) => {
            opening(&object, error)
        }
        _ => LedgerError::Statement { object, source: Box::new(error) },
    }
}

/// Whether the content was refused, and not the store at fault.
///
/// A key that stands twice is of our own making; no event is at fault for it.
pub(super) fn is_refusal(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE};
    let extended = error.sqlite_error().map(|error| error.extended_code);
    if let Some(SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_ROWID | SQLITE_CONSTRAINT_UNIQUE) = extended {
        return false;
    }
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
    )
}

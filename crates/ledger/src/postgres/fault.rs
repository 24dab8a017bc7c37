//! What an error of the client means: away, full, misconfigured, or the content at fault.

use std::error::Error as _;

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::error::LedgerError;
use crate::store::Committed;

/// The primary key of the inbox: another worker was faster with the same identity.
const INBOX_KEY: &str = "inbox_pkey";

/// The tables are somebody else's.
pub(super) const NO_OWNER: &str = "the user may not create tables; run this with the role that owns the schema";

/// How the checks end that hold while a table becomes partitioned.
const OF_RANGE: &str = "_first_range";

pub(super) fn pool(object: &str, error: PoolError) -> LedgerError {
    match error {
        PoolError::Backend(error) => statement(object, error),
        error => LedgerError::Away { object: object.to_owned(), source: Box::new(error) },
    }
}

pub(super) fn statement(object: &str, error: Error) -> LedgerError {
    let object_owned = object.to_owned();
    let Some(db) = error.as_db_error() else { return client(object, error) };
    if let Some(detail) = misconfigured(db) {
        return LedgerError::Misconfigured { object: object_owned, detail };
    }
    if *db.code() == SqlState::DISK_FULL {
        return LedgerError::Full { object: object_owned, source: Box::new(error) };
    }
    if is_away(db.code()) {
        return LedgerError::Away { object: object_owned, source: Box::new(error) };
    }
    LedgerError::Statement { object: object_owned, source: Box::new(error) }
}

/// Whether a migration was kept waiting for a table, or given up for somebody who waited for it.
pub(super) fn is_of_a_lock(error: &refinery::Error) -> bool {
    let mut below = error.source();
    while let Some(cause) = below {
        if let Some(error) = cause.downcast_ref::<Error>().filter(|error| error.code().is_some()) {
            return is_lock(error);
        }
        below = cause.source();
    }
    false
}

/// Whether a statement was kept waiting for a table, or given up for somebody who waited for it.
pub(super) fn is_lock(error: &Error) -> bool {
    let locks = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|code| locks.contains(code))
}

/// Whether rows contradict what was said of a table.
pub(super) fn is_check(error: &Error) -> bool {
    error.code() == Some(&SqlState::CHECK_VIOLATION)
}

/// Of a statement that makes tables, or takes some away.
pub(super) fn ddl(object: &str, error: Error) -> LedgerError {
    if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        return LedgerError::Misconfigured { object: object.to_owned(), detail: NO_OWNER.to_owned() };
    }
    statement(object, error)
}

/// Errors that the database did not say: the connection, TLS, the settings.
fn client(object: &str, error: Error) -> LedgerError {
    let object = object.to_owned();
    let said = error.to_string();
    if let Some(detail) = certificate(&error) {
        return LedgerError::Misconfigured { object, detail };
    }
    if said.starts_with("error performing TLS handshake")
        && error.source().is_some_and(|e| e.downcast_ref::<std::io::Error>().is_none())
    {
        let detail = "the server speaks no TLS; switch TLS on there, or set `sslmode=disable` in the URL".to_owned();
        return LedgerError::Misconfigured { object, detail };
    }
    if said.starts_with("invalid configuration") {
        let detail = format!("{said}; correct the URL");
        return LedgerError::Misconfigured { object, detail };
    }
    if said.starts_with("error serializing parameter") || said.starts_with("error deserializing column") {
        return LedgerError::Statement { object, source: Box::new(error) };
    }
    LedgerError::Away { object, source: Box::new(error) }
}

/// A sentence when the server's certificate was turned down.
fn certificate(error: &Error) -> Option<String> {
    let io = error.source()?.downcast_ref::<std::io::Error>()?;
    match io.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => Some(format!(
            "the server's certificate is not trusted ({why}); set `sslrootcert=FILE` in the URL to the CA that signed it, \
             or in a cluster add that CA as `ca.crt` to the Secret that holds the URL"
        )),
        _ => None,
    }
}

fn misconfigured(db: &DbError) -> Option<String> {
    let code = db.code();
    if *code == SqlState::INVALID_PASSWORD || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        return Some(
            "the database refused user or password; correct them in the URL (or in the Secret that holds it)"
                .to_owned(),
        );
    }
    if *code == SqlState::INVALID_CATALOG_NAME {
        return Some("there is no such database; create it, or correct its name in the URL".to_owned());
    }
    if *code == SqlState::INVALID_SQL_STATEMENT_NAME || *code == SqlState::DUPLICATE_PSTATEMENT {
        return Some(
            "a pooler before the database does not keep prepared statements; set `max_prepared_statements` there (PgBouncer 1.21 or \
             newer), or name the database itself in the URL"
                .to_owned(),
        );
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        return Some(format!(
            "the user may not do this ({}); grant it the rights on the ledger's tables",
            db.message()
        ));
    }
    None
}

/// The server is starting, stopping, overloaded or failing over; or it broke a tie between workers.
fn is_away(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    matches!(class, "08" | "40" | "53" | "57" | "58")
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::LOCK_NOT_AVAILABLE
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
}

/// Whether the commit was refused for its content; the sentence holds no values.
pub(super) fn refusal(error: &Error) -> Option<Committed> {
    let db = error.as_db_error()?;
    if *db.code() == SqlState::UNIQUE_VIOLATION && db.constraint() == Some(INBOX_KEY) {
        return Some(Committed::Raced);
    }
    if *db.code() == SqlState::DIVISION_BY_ZERO {
        // Only what a batch takes out of a budget divides, by the number of rows that had it.
        return Some(Committed::Raced);
    }
    if *db.code() == SqlState::UNIQUE_VIOLATION {
        // Every other key is of our own making (a sequence that a promoted replica did not have, say): no event is at fault.
        return None;
    }
    if db.constraint().is_some_and(|name| name.ends_with(OF_RANGE)) {
        // Of a migration that was left half-way for months.
        return None;
    }
    match db.code().code().get(..2) {
        Some("22") => Some(refused(&format!("a value that the database cannot hold, {}", db.code().code()))),
        // A trigger that somebody added.
        Some("P0") => Some(refused(&format!("raised by a trigger, {}", db.code().code()))),
        Some("23") => Some(refused(&format!("constraint {}", db.constraint().unwrap_or("unknown")))),
        _ => None,
    }
}

fn refused(why: &str) -> Committed {
    Committed::Refused { detail: format!("the ledger's own check refused what the event would post ({why})") }
}

/// A statement that failed only because an earlier one did.
pub(super) fn is_follow_up(error: &Error) -> bool {
    error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION)
}

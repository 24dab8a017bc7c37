//! The ledger: entries, lots and balances of a pipeline's members, exactly once in effect and open to audit.
//!
//! One trait, [`Ledger`], over several stores; [`open`] picks one by its URL. What a decided event does to a member is
//! worked out by [`book`], which is pure; a store locks, loads and writes. No rule is evaluated here.

pub mod audit;
pub mod book;
mod budget;
pub mod report;

mod carry;
mod desk;
mod erasure;
mod error;
mod forget;
mod load;
mod merge;
mod notes;
mod null;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod store;
mod stored;
mod takes;
mod timeline;
mod transit;

use std::sync::Arc;

pub use budget::BudgetWanted;
pub use carry::{CARRIED_KIND, CarriedForward, CarryAsk, CarryReport};
pub use error::LedgerError;
pub use forget::{BY_HAND_SOURCE, ForgetAsk, ForgetReport, is_forgettable};
pub use merge::{Merger, runs};
pub use store::{
    Answer, Appended, AttemptKey, BATCH_EVENTS_MAX, BatchId, BatchRequest, BatchWrites, Begun, Committed, DueMember,
    Identity, Ledger, OpenBatch, Since, Unpublished, Wanted,
};
pub use takes::Takes;
pub use transit::{Transit, TransitKey, TransitPart, UnderWay};

/// Opens the ledger that a URL names, without touching its tables: `sqlite:PATH`, `sqlite::memory:`,
/// `postgres://...` (also `postgresql://`), or `null:` (benchmarks: everything is fresh, nothing is kept).
///
/// `PostgreSQL` takes `sslmode` (`disable`, `prefer`, `require`, `verify-full`) and `sslrootcert` (a PEM file) in its URL;
/// `require` checks the certificate too. It is connected at the first call, `SQLite`'s file is opened (and created) here. [`LedgerError::Misconfigured`] says what is wrong with the URL.
pub fn open(url: &str) -> Result<Arc<dyn Ledger>, LedgerError> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme {
        "sqlite" => {
            let path = url.strip_prefix("sqlite:").unwrap_or_default();
            if path.is_empty() {
                return Err(misconfigured(url, "`sqlite:` needs a path; write `sqlite:PATH` or `sqlite::memory:`"));
            }
            Ok(Arc::new(desk::Desk(sqlite::Sqlite::open(path)?)))
        }
        "postgres" | "postgresql" => Ok(Arc::new(desk::Desk(postgres::Postgres::open(url)?))),
        "null" => Ok(Arc::new(null::Null::default())),
        // The text may hold a password in a place where we do not look for one.
        _ => Err(misconfigured(
            "?",
            "the URL names no store; use `sqlite:PATH`, `sqlite::memory:` or `postgres://HOST/DATABASE`",
        )),
    }
}

/// The URL of a database with the only authorities to be trusted, as PEM: then there is no connection without TLS, unless the URL says
/// so itself. Another store's URL stays as it is. [`open`] takes what this gives.
#[must_use]
pub fn trusting(url: &str, authorities: &str) -> String {
    if url.trim_start().starts_with("postgres") { postgres::trusting(url, authorities) } else { url.to_owned() }
}

fn misconfigured(object: &str, detail: &str) -> LedgerError {
    LedgerError::Misconfigured { object: object.to_owned(), detail: detail.to_owned() }
}

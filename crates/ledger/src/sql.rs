//! The SQL that both stores speak: one text, arguments and answers as plain values. What must be fast (batches) does not go through here.
//!
//! Dialect: `$1` parameters, `now()` and `micros(column)` (a time as microseconds) mean the same in both stores, the rest is
//! common SQL. All columns of an answer are cast to text; a cast keeps its column's name in `PostgreSQL`, so `order by` names
//! the table too, or ten would come before two.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::LedgerError;

/// A store that can be asked in the common dialect, one statement a transaction.
#[async_trait]
pub(crate) trait Sql: Send + Sync {
    /// Runs a statement that changes nothing.
    async fn ask(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError>;
    /// Runs a statement that looks at every row of a pipeline.
    async fn sweep(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError> {
        self.ask(sql, args).await
    }
    /// Runs a statement that changes something; answers what it returns.
    async fn tell(&self, sql: &str, args: &[Arg]) -> Result<Vec<Row>, LedgerError>;
}

/// A statement's argument.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Int(i64),
    Text(String),
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Arg {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<usize> for Arg {
    /// Limits: what is beyond an i64 is no limit.
    fn from(limit: usize) -> Self {
        Self::Int(i64::try_from(limit).unwrap_or(i64::MAX))
    }
}

/// One row of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Row(pub(crate) Vec<Option<String>>);

impl Row {
    pub(crate) fn maybe(&self, column: usize) -> Option<&str> {
        self.0.get(column).and_then(Option::as_deref)
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, LedgerError> {
        self.maybe(column).ok_or_else(|| LedgerError::unreadable(format!("column {column}"), "it is null"))
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64, LedgerError> {
        self.parse(column)
    }

    /// Any value that reads itself from its text.
    pub(crate) fn parse<T>(&self, column: usize) -> Result<T, LedgerError>
    where
        T: std::str::FromStr,
        T::Err: std::error::Error + Send + Sync + 'static,
    {
        let text = self.text(column)?;
        text.parse().map_err(|e| LedgerError::unreadable(format!("column {column}"), e))
    }

    /// A value that was stored as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, LedgerError> {
        json(&format!("column {column}"), self.text(column)?)
    }

    /// A name or id, whose shape its own type knows.
    pub(crate) fn id<T>(&self, column: usize) -> Result<T, LedgerError>
    where
        T: TryFrom<String>,
        T::Error: std::error::Error + Send + Sync + 'static,
    {
        id(&format!("column {column}"), self.text(column)?)
    }

    /// A column of microseconds.
    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, LedgerError> {
        time(self.int(column)?)
    }

    pub(crate) fn maybe_time(&self, column: usize) -> Result<Option<Timestamp>, LedgerError> {
        self.maybe(column).map(|_| self.time(column)).transpose()
    }
}

/// A time from microseconds.
pub(crate) fn time(micros: i64) -> Result<Timestamp, LedgerError> {
    Timestamp::from_microsecond(micros).map_err(|e| LedgerError::unreadable("a time", e))
}

/// A name or id that was checked before it was stored.
pub(crate) fn id<T>(what: &str, text: &str) -> Result<T, LedgerError>
where
    T: TryFrom<String>,
    T::Error: std::error::Error + Send + Sync + 'static,
{
    T::try_from(text.to_owned()).map_err(|e| LedgerError::unreadable(what, e))
}

/// A value that was stored as JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, LedgerError> {
    serde_json::from_str(text).map_err(|e| LedgerError::unreadable(what, e))
}

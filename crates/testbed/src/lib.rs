//! What the tests of several rooms need of PostgreSQL: tables of their own, side by side and twice.
#![expect(clippy::expect_used, reason = "a test without its database has failed")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use tokio::sync::Mutex;
use tokio_postgres::NoTls;

/// Schemas of one database: whoever makes a table looks at all that there are.
const SCHEMAS_MAX: usize = 16;

static SCHEMAS: AtomicUsize = AtomicUsize::new(0);

/// The database that is there for all; `cargo xtask test` names it.
///
/// # Panics
/// When nobody does.
#[must_use]
pub fn database_url() -> String {
    std::env::var("DATABASE_URL").expect("set DATABASE_URL (or run `cargo xtask test`, which starts one)")
}

/// The URL of a new schema, in a database that holds few.
///
/// # Panics
/// When the database is away.
pub async fn own_schema() -> String {
    let base = roomy().await;
    let schema = format!("s{}_{}", unique(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
    execute(&base, &format!("create schema {schema}")).await;
    let joint = if base.contains('?') { '&' } else { '?' };
    format!("{base}{joint}options=-csearch_path%3D{schema}")
}

/// Does `sql` there, with a connection of its own.
///
/// # Panics
/// When the database is away or refuses it.
pub async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the database is there");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect(sql);
    drop(client);
    connection.await.expect("no panic").expect("it ends in good order");
}

async fn roomy() -> String {
    static LAST: Mutex<(usize, String)> = Mutex::const_new((0, String::new()));
    let mut last = LAST.lock().await;
    if last.0.is_multiple_of(SCHEMAS_MAX) {
        let (url, name) = (database_url(), format!("d{}", unique()));
        execute(&url, &format!("create database {name}")).await;
        let (place, options) = url.split_at(url.find('?').unwrap_or(url.len()));
        let (server, _) = place.rsplit_once('/').expect("the URL names a database");
        last.1 = format!("{server}/{name}{options}");
    }
    last.0 += 1;
    last.1.clone()
}

/// No other run's.
fn unique() -> String {
    format!("{}_{}", std::process::id(), UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos()))
}

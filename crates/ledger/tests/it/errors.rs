//! What a person reads when something is wrong: the object, the fault, what to do, and never a password.

use ledger::{BatchWrites, Committed, LedgerError};

use crate::world::{World, bought, database_url, decide, postgres_url, spend};

const SECRET: &str = "s3cret-word";

/// The whole chain, as it is printed at the edge.
fn told(error: &LedgerError) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        text = format!("{text}: {cause}");
        below = cause.source();
    }
    assert!(!format!("{text} {error:?}").contains(SECRET), "{text}");
    text
}

#[test]
fn a_wrong_url_is_told_with_what_to_write() {
    let table = [
        ("mysql://root:s3cret-word@db/ledger", "names no store"),
        ("/var/lib/ledger.db", "names no store"),
        ("", "names no store"),
        ("sqlite:", "needs a path"),
        ("sqlite:/no/such/folder/ledger.db", "its folder exists"),
        ("postgres://loyalty:s3cret-word@", "names no host"),
        ("postgres://loyalty:s3cret-word@db/ledger?sslmode=verify-ca", "`sslmode`"),
        ("postgres://loyalty:s3cret-word@db/ledger?sslmode=require&sslrootcert=/no/such/ca.pem", "`/no/such/ca.pem`"),
        ("postgres://loyalty:s3cret-word@db/ledger?colour=blue", "cannot be read"),
    ];
    for (url, says) in table {
        let error = ledger::open(url).map(|_| ()).unwrap_err();
        let text = told(&error);
        assert!(matches!(error, LedgerError::Misconfigured { .. }), "{url}: {text}");
        assert!(text.contains(says), "{url}: {text}");
    }
}

#[test]
fn a_file_that_is_no_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "this is certainly not a database file, whatever its name may say".repeat(100)).unwrap();
    let error = ledger::open(&format!("sqlite:{}", path.display())).map(|_| ()).unwrap_err();
    assert!(matches!(error, LedgerError::Misconfigured { .. }), "{error}");
    assert!(told(&error).contains("not an SQLite database"), "{error}");
}

/// A URL like the real one with another password, user, database or port.
fn bent(bend: impl Fn(&mut String, &mut String, &mut String)) -> String {
    let url = database_url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (user, rest) = rest.split_once('@').unwrap();
    let (host, database) = rest.split_once('/').unwrap();
    let (mut user, mut host, mut database) = (user.to_owned(), host.to_owned(), database.to_owned());
    bend(&mut user, &mut host, &mut database);
    format!("{scheme}://{user}@{host}/{database}")
}

async fn first_call(url: &str) -> LedgerError {
    ledger::open(url).unwrap().check_version().await.unwrap_err()
}

#[tokio::test]
async fn a_refused_password_is_told_without_it() {
    let url = bent(|user, _, _| *user = format!("nobody-of-that-name:{SECRET}"));
    let error = first_call(&url).await;
    assert!(matches!(error, LedgerError::Misconfigured { .. }), "{}", told(&error));
    assert!(told(&error).contains("refused user or password"), "{}", told(&error));
    assert!(!error.is_away());
}

#[tokio::test]
async fn a_missing_database_is_told() {
    let error = first_call(&bent(|_, _, database| *database = "no_such_database".to_owned())).await;
    assert!(matches!(error, LedgerError::Misconfigured { .. }), "{}", told(&error));
    assert!(told(&error).contains("create it"), "{}", told(&error));
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_away() {
    let error = first_call(&bent(|user, host, _| {
        *user = format!("loyalty:{SECRET}");
        *host = "127.0.0.1:1".to_owned();
    }))
    .await;
    assert!(matches!(error, LedgerError::Away { .. }), "{}", told(&error));
    assert!(error.is_away());
    assert!(told(&error).contains("`postgres://loyalty@127.0.0.1:1/"), "{}", told(&error));
}

async fn versions(world: World, empty: String) {
    let error = first_call(&empty).await;
    assert!(matches!(error, LedgerError::WrongVersion { stands: 0, needed: 24, .. }), "{}", told(&error));
    assert!(told(&error).contains("run `loyaltyctl migrate`"), "{}", told(&error));
    world.ledger.check_version().await.unwrap();
    world
        .tamper("insert into refinery_schema_history (version, name, applied_on, checksum) values (99, 'later', '2030-01-01T00:00:00Z', '1')")
        .await;
    let error = world.ledger.check_version().await.unwrap_err();
    assert!(matches!(error, LedgerError::WrongVersion { stands: 99, .. }), "{}", told(&error));
    assert!(told(&error).contains("newer version of this program"), "{}", told(&error));
}

#[tokio::test]
async fn a_ledger_of_another_version_is_told_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let empty = format!("sqlite:{}", folder.path().join("empty.db").display());
    versions(World::sqlite_file().await, empty).await;
}

#[tokio::test]
async fn a_ledger_of_another_version_is_told_in_postgres() {
    versions(World::postgres().await, postgres_url().await).await;
}

/// A commit that the store refuses for its content leaves nothing, and the next batch is not hurt by it.
async fn refused(world: World, check: &str) {
    world.tamper(check).await;
    let bad = [bought("o1", "ann", &[100]), bought("cursed", "ann", &[100])];
    let (_, committed) = world.try_batch(&bad).await;
    let Committed::Refused { detail } = committed else { panic!("{committed:?}") };
    assert!(!detail.contains("cursed"), "{detail}");
    assert_eq!(world.ledger.totals(&world.pipeline).await.unwrap().members, 0);
    assert_eq!(world.one(bought("o1", "ann", &[100])).await.told(), ["earned 150 points, 150"]);
    assert!(matches!(world.try_batch(&bad[1..]).await.1, Committed::Refused { .. }));
    assert_eq!(world.one(spend("s1", "ann", 50)).await.told(), ["spent 50 points, 100"]);
    world.audits_clean().await;
}

#[tokio::test]
async fn a_refused_commit_leaves_nothing_in_postgres() {
    refused(World::postgres().await, "alter table inbox add constraint no_bad_ids check (event_id <> 'cursed')").await;
}

#[tokio::test]
async fn a_refused_commit_leaves_nothing_in_sqlite() {
    let trigger = "create trigger not_cursed before insert on inbox when new.event_id = 'cursed'
                   begin select raise(abort, 'not cursed'); end";
    refused(World::sqlite_file().await, trigger).await;
}

/// A text that PostgreSQL cannot hold is the event's fault.
#[tokio::test]
async fn a_text_that_the_database_cannot_hold_is_refused() {
    let world = World::postgres().await;
    let order = bought("o1", "ann", &[100]);
    let (open, mut begun) = world.ledger.begin(&world.request(std::slice::from_ref(&order))).await.unwrap();
    let state = begun.members.get_mut(&order.member).unwrap();
    let decision = decide(&order, state).unwrap();
    let mut applied = state.post(world.posting(&order, &decision)).unwrap();
    applied.ruleset.0 = "a\0b".to_owned();
    let committed = open.commit(BatchWrites { applied: vec![applied], ..BatchWrites::default() }).await.unwrap();
    assert!(matches!(committed, Committed::Refused { .. }), "{committed:?}");
    assert_eq!(world.one(order).await.told(), ["earned 150 points, 150"]);
}

/// The database goes away between begin and commit: nothing stands, and the next batch comes through by itself.
#[tokio::test]
async fn a_lost_connection_is_away_and_heals_by_itself() {
    let world = World::postgres().await;
    let order = bought("o1", "ann", &[100]);
    let (open, mut begun) = world.ledger.begin(&world.request(std::slice::from_ref(&order))).await.unwrap();
    let state = begun.members.get_mut(&order.member).unwrap();
    let decision = decide(&order, state).unwrap();
    let applied = state.post(world.posting(&order, &decision)).unwrap();
    // Those that hold a lock on our own tables: other tests run beside.
    world
        .tamper(
            "select pg_terminate_backend(l.pid) from pg_locks l join pg_class c on c.oid = l.relation
             where c.relname = 'member' and c.relnamespace = current_schema()::regnamespace and l.pid <> pg_backend_pid()
               and l.database = (select oid from pg_database where datname = current_database())",
        )
        .await;
    let writes = BatchWrites { applied: vec![applied], ..BatchWrites::default() };
    let error = open.commit(writes).await.unwrap_err();
    assert!(error.is_away(), "{}", told(&error));
    assert_eq!(world.one(order).await.told(), ["earned 150 points, 150"]);
    world.audits_clean().await;
}

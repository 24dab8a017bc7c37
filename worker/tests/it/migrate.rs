//! `loyalty-worker migrate`: tables and rules, as a Job beside a database or before a worker on a volume.

use std::path::Path;
use std::process::Stdio;

use contract::PipelineName;
use contract::ruleset::Ruleset;
use tokio::process::Command;

use crate::stage::{Store, login, ruleset, unique, until};
use crate::wire::Wire;

/// What a run of the command came to.
struct Ran {
    code: Option<i32>,
    /// Standard error.
    log: String,
    /// What stands in the termination log.
    left: String,
}

async fn migrate(url: &str, folder: &Path, arguments: &[&str]) -> Ran {
    let left = folder.join("termination-log");
    std::fs::write(&left, "").unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_loyalty-worker"))
        .arg("migrate")
        .args(arguments)
        .arg("--termination-log")
        .arg(&left)
        .env("LEDGER_URL", url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = ran.await.unwrap();
    Ran {
        code: ran.status.code(),
        log: String::from_utf8(ran.stderr).unwrap(),
        left: std::fs::read_to_string(left).unwrap(),
    }
}

/// A ledger without tables, and a folder for files.
async fn empty(store: Store) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = match store {
        Store::Sqlite => format!("sqlite:{}", folder.path().join("ledger.db").display()),
        Store::Postgres => testbed::own_schema().await,
    };
    (url, folder)
}

fn one_a_dollar(wallets: &[&str]) -> Ruleset {
    let earn = serde_json::json!({ "wallet": wallets[0], "per": { "amount": "1.00", "points": "1" } });
    ruleset(wallets, serde_json::json!([{ "name": "base", "on": "purchase", "earn": earn }]))
}

fn write(folder: &Path, rules: &Ruleset) -> String {
    let path = folder.join("rules.json");
    std::fs::write(&path, serde_json::json!({ "ruleset": rules, "validFrom": null }).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The timeline's hashes and authors.
async fn lines(url: &str) -> Vec<(String, String)> {
    let pipeline = PipelineName::parse("shop").unwrap();
    let lines = ledger::open(url).unwrap().timeline(&pipeline).await.unwrap();
    lines.into_iter().map(|line| (line.hash.0, line.author)).collect()
}

async fn makes_tables_and_writes_rules_once(store: Store) {
    let (url, folder) = empty(store).await;
    let ran = migrate(&url, folder.path(), &[]).await;
    assert_eq!((ran.code, ran.left.as_str()), (Some(0), ""), "{}", ran.log);
    ledger::open(&url).unwrap().check_version().await.unwrap();
    let (first, second) = (one_a_dollar(&["points"]), one_a_dollar(&["points", "stars"]));
    for (rules, what, stand) in [(&first, "applied", 1), (&first, "unchanged", 1), (&second, "applied", 2)] {
        let file = write(folder.path(), rules);
        let ran = migrate(&url, folder.path(), &["--pipeline", "shop", "--ruleset", &file, "--author", "ann"]).await;
        assert_eq!((ran.code, ran.left.as_str()), (Some(0), ""), "{}", ran.log);
        assert!(ran.log.contains(what), "{}", ran.log);
        let lines = lines(&url).await;
        assert_eq!(lines.len(), stand);
        assert_eq!(lines.last().unwrap(), &(rules.hash().0, "ann".to_owned()));
    }
    // The first wallet has points: whoever leaves it out is told, and the timeline stays.
    let file = write(folder.path(), &one_a_dollar(&["stars"]));
    let ran = migrate(&url, folder.path(), &["--pipeline", "shop", "--ruleset", &file]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.left.contains("wallet `points`") && ran.left.contains("keep it"), "{}", ran.left);
    assert!(ran.log.contains(&ran.left.replace('"', "\\\"")), "the log says the same: {}", ran.log);
    assert_eq!(lines(&url).await.len(), 2);
}

#[tokio::test]
async fn tables_are_made_and_rules_written_once_in_sqlite() {
    makes_tables_and_writes_rules_once(Store::Sqlite).await;
}

#[tokio::test]
async fn tables_are_made_and_rules_written_once_in_postgres() {
    makes_tables_and_writes_rules_once(Store::Postgres).await;
}

#[tokio::test]
async fn rules_that_no_worker_could_run_are_refused_before_anything_is_touched() {
    let (url, folder) = empty(Store::Postgres).await;
    let mut later = one_a_dollar(&["points"]);
    later.semantics += 1;
    for (content, says) in [
        (serde_json::json!({ "ruleset": later }).to_string(), "another version of this program"),
        (serde_json::json!({ "rules": [] }).to_string(), "could not read rules"),
        ("{".to_owned(), "could not read rules"),
    ] {
        let file = folder.path().join("rules.json");
        std::fs::write(&file, content).unwrap();
        let ran = migrate(&url, folder.path(), &["--pipeline", "shop", "--ruleset", file.to_str().unwrap()]).await;
        assert_eq!(ran.code, Some(2));
        assert!(ran.left.contains(says), "{}", ran.left);
    }
    let stands = ledger::open(&url).unwrap().check_version().await.unwrap_err();
    assert!(stands.to_string().contains("stand at version 0"), "{stands}");
}

#[tokio::test]
async fn a_database_that_never_answers_is_waited_for_so_long_and_no_password_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let begun = std::time::Instant::now();
    let ran = migrate("postgres://shop:s3cret@127.0.0.1:1/ledger", folder.path(), &["--wait", "1"]).await;
    assert_eq!(ran.code, Some(2));
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(ran.left.contains("could not reach the ledger `postgres://shop@127.0.0.1:1/ledger`"), "{}", ran.left);
    assert!(!ran.left.contains("s3cret") && !ran.log.contains("s3cret"), "{}", ran.log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_comes_up_later_is_waited_for() {
    let (url, folder) = empty(Store::Postgres).await;
    let (target, through) = Wire::instead_of(&url);
    let wire = Wire::to(target).await;
    wire.cut();
    let slow = through(wire.port);
    let path = folder.path().to_owned();
    let ran = tokio::spawn(async move { migrate(&slow, &path, &[]).await });
    until("it was turned away twice", async || wire.refused() > 1).await;
    wire.mend();
    let ran = ran.await.unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.log);
    ledger::open(&url).unwrap().check_version().await.unwrap();
}

#[tokio::test]
async fn a_user_who_may_not_make_tables_is_told_who_may() {
    let (url, folder) = empty(Store::Postgres).await;
    let name = unique().replace('-', "_");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let path = url.rsplit_once("search_path%3D").unwrap().1;
    let make = format!("create role {name} login password 's3cret'; grant usage on schema {path} to {name}");
    client.batch_execute(&make).await.unwrap();
    let lesser = login(&url, &name, "s3cret");
    let ran = migrate(&lesser, folder.path(), &[]).await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.left.contains("the role that owns the schema"), "{}", ran.left);
    assert!(!ran.log.contains("s3cret"));
    client.batch_execute(&format!("drop owned by {name}; drop role {name}")).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_waits_ends_at_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_loyalty-worker"))
        .arg("migrate")
        .env("LEDGER_URL", "postgres://shop:s3cret@127.0.0.1:1/ledger")
        .stderr(Stdio::from(std::fs::File::create(&log).unwrap()))
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    until("it waits", async || std::fs::read_to_string(&log).unwrap().contains("waiting")).await;
    let sent = Command::new("kill").arg("-TERM").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().await.unwrap().code(), Some(2));
}

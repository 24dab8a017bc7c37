//! Secrets are exchanged under a running worker.

use std::path::Path;

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, floor_points, login, purchases, until};

/// As the kubelet does it: the new content is there at once or not at all.
fn exchange(file: &Path, content: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, content).unwrap();
    std::fs::rename(new, file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_password_that_is_exchanged_is_taken_up_without_a_restart() {
    let stage = Stage::new(Store::Postgres).await;
    let role = stage.role("one").await;
    let admin = stage.admin().await;
    let file = stage.folder.path().join("url");
    exchange(&file, &login(&stage.ledger_url, &role, "one"));
    let secret = [("LOYALTY_LEDGER_SECRET", file.to_str().unwrap())];
    let mut worker = Worker::start_with(&stage, &secret, &stage.settings.secret_url(), "");
    let lines = purchases(4000);
    stage.publish("purchase.web", bytes(&lines)).await;
    until("some are settled", async || worker.metric("loyalty_settled_total").await > Some(0)).await;
    admin.batch_execute(&format!("alter role {role} password 'two'")).await.unwrap();
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1";
    admin.query(end, &[&role]).await.unwrap();
    worker.not_ready_because("refused user or password").await;
    assert!(!worker.has_ended(), "it waits for the Secret");
    exchange(&file, &login(&stage.ledger_url, &role, "two"));
    worker.ready().await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    assert!(stage.buried().await.is_empty());
    stage.audits_clean().await;
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    let log = std::fs::read_to_string(&worker.log).unwrap();
    assert!(log.contains("the ledger's address was exchanged"), "{log}");
    assert!(!log.contains(":one@") && !log.contains(":two@"), "{log}");
    admin.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_starts_with_a_refused_login_waits_for_the_secret() {
    let stage = Stage::new(Store::Postgres).await;
    let role = stage.role("right").await;
    let file = stage.folder.path().join("url");
    exchange(&file, &login(&stage.ledger_url, &role, "wrong"));
    let secret = [("LOYALTY_LEDGER_SECRET", file.to_str().unwrap())];
    let mut worker = Worker::start_with(&stage, &secret, &stage.settings.secret_url(), "");
    worker.not_ready_because("refused user or password").await;
    assert!(!worker.has_ended());
    exchange(&file, &login(&stage.ledger_url, &role, "right"));
    worker.ready().await;
    worker.signal("TERM");
    assert!(worker.ended().await.success());
    stage.admin().await.batch_execute(&format!("drop owned by {role}; drop role {role}")).await.unwrap();
    stage.end().await;
}

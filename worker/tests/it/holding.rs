//! Broker or database away: hold on, say so, resume unattended.

use crate::process::Worker;
use crate::stage::{Stage, Store, bytes, floor_points, purchases, until};

/// Forwards to a real server until it is told not to, and forgets open connections when it is.
struct Wire {
    port: u16,
    open: tokio::sync::watch::Sender<bool>,
}

impl Wire {
    async fn to(target: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, state) = tokio::sync::watch::channel(true);
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut state = state.clone();
                let target = target.clone();
                tokio::spawn(async move {
                    if !*state.borrow() {
                        return;
                    }
                    let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { port, open }
    }

    fn cut(&self) {
        self.open.send(false).unwrap();
    }

    fn mend(&self) {
        self.open.send(true).unwrap();
    }

    /// The same URL by way of this wire.
    fn instead_of(url: &str) -> (String, impl Fn(u16) -> String + use<>) {
        let start = url.rfind('@').map_or_else(|| url.find("://").unwrap() + 3, |at| at + 1);
        let end = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
        let (head, target, tail) = (url[..start].to_owned(), url[start..end].to_owned(), url[end..].to_owned());
        (target, move |port| format!("{head}127.0.0.1:{port}{tail}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_broker_went_away_resumes_when_it_is_back() {
    let stage = Stage::new(Store::Sqlite).await;
    let (target, through) = Wire::instead_of(&stage.settings.secret_url());
    let wire = Wire::to(target).await;
    let worker = Worker::start_with(&stage, &[], &through(wire.port), &stage.ledger_url);
    let lines = purchases(4000);
    stage.publish("purchase.web", bytes(&lines)).await;
    until("some are settled", async || worker.metric("loyalty_settled_total").await > Some(0)).await;
    wire.cut();
    worker.not_ready_because("broker").await;
    wire.mend();
    worker.ready().await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_database_went_away_resumes_when_it_is_back() {
    let stage = Stage::new(Store::Postgres).await;
    let (target, through) = Wire::instead_of(&stage.ledger_url);
    let wire = Wire::to(target).await;
    let worker = Worker::start_with(&stage, &[], &stage.settings.secret_url(), &through(wire.port));
    let lines = purchases(4000);
    stage.publish("purchase.web", bytes(&lines)).await;
    until("some are settled", async || worker.metric("loyalty_settled_total").await > Some(0)).await;
    wire.cut();
    worker.not_ready_because("ledger").await;
    wire.mend();
    worker.ready().await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.audits_clean().await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_deleted_under_a_busy_worker_is_noticed() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    worker.ready().await;
    let lines = purchases(5000);
    stage.publish("purchase.web", bytes(&lines)).await;
    // Messages are gathered while the broker ends the consumer: its word must not be lost among them.
    stage.connection.delete_queue("shop.main").await.unwrap();
    worker.not_ready_because("shop.main").await;
    stage.apply().await;
    worker.ready().await;
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines), "what was lost with the queue came again");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_with_headers_too_large_to_keep_is_buried_without_them() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    let mut large = crate::stage::publication("purchase.web", b"hello");
    large.properties.headers.insert("note".into(), "x".repeat(120_000));
    let publisher = stage.connection.publisher().await.unwrap();
    publisher.publish(large).await.unwrap();
    publisher.flush().await.unwrap();
    until("it is buried", async || worker.metric("loyalty_buried_total").await == Some(1)).await;
    let dead = stage.take(&stage.names().dead()).await;
    assert_eq!(dead[0].headers.get("x-loyalty-headers-cut").map(String::as_str), Some("true"));
    assert_eq!(dead[0].headers["x-loyalty-reason"], "NotJson");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_queue_was_deleted_says_so_and_resumes_when_it_is_back() {
    let stage = Stage::new(Store::Sqlite).await;
    let worker = stage.worker();
    worker.ready().await;
    stage.connection.delete_queue("shop.main").await.unwrap();
    worker.not_ready_because("shop.main").await;
    stage.apply().await;
    worker.ready().await;
    let lines = purchases(10);
    stage.publish("purchase.web", bytes(&lines)).await;
    stage.drained(&worker).await;
    assert_eq!(stage.available().await, floor_points(&lines));
    stage.end().await;
}

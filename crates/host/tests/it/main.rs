//! The probes as a kubelet asks them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails like the test")]

use host::{Health, Shutdown, bind, install_tls};
use prometheus::{IntCounter, Registry};

async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_process_is_ready_when_all_its_parts_are_and_alive_all_along() {
    install_tls();
    let server = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address;
    let health = Health::waiting_for(&["broker", "ledger"]);
    let registry = Registry::new();
    let counter = IntCounter::new("settled_total", "Settled.").unwrap();
    registry.register(Box::new(counter.clone())).unwrap();
    let shutdown = Shutdown::default();
    let running = tokio::spawn(server.run(health.clone(), registry, shutdown.clone()));

    assert_eq!(get(address, "/livez").await.0, 200);
    assert_eq!(get(address, "/readyz").await, (503, "broker: not started\nledger: not started\n".into()));
    health.up("broker");
    health.up("ledger");
    assert_eq!(get(address, "/readyz").await, (200, "ready\n".into()));
    health.down("ledger", "could not connect");
    assert_eq!(get(address, "/readyz").await, (503, "ledger: could not connect\n".into()));
    counter.inc();
    assert!(get(address, "/metrics").await.1.contains("settled_total 1"));

    shutdown.ask();
    assert_eq!(get(address, "/livez").await.0, 200, "a draining process is alive");
    shutdown.insist();
    running.await.unwrap();
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_says_what_to_do() {
    let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let error = bind(first.address).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("could not listen on `{}`; choose a free port with `--listen`", first.address)
    );
}

#[test]
fn a_wrong_log_filter_is_an_error_that_shows_a_right_one() {
    let error = host::init_log("loyalty=loud=1", host::Format::Text).unwrap_err();
    assert!(error.to_string().contains("write a level such as `info`"), "{error}");
}

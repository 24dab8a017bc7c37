//! A pipeline of its own for each test: a vhost, a topology, a ledger, a folder.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use broker::{Connection, Management, Message, Properties, Publication};
use contract::PipelineName;
use contract::broker_object::Standing;
use contract::config::WorkerConfig;
use contract::pipeline::Names;
use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use ledger::audit::Auditing;
use ledger::{Ledger, Since};

use crate::process::Worker;

/// Nothing in these tests takes longer on a slow machine; reached only when something hangs.
pub(crate) const DEADLINE: Duration = Duration::from_mins(3);
/// How long nothing may be seen to wait before nothing does.
const ON_END: Duration = Duration::from_secs(1);

/// Which ledger a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Sqlite,
    Postgres,
}

pub(crate) struct Stage {
    pub(crate) config: WorkerConfig,
    pub(crate) settings: broker::Settings,
    pub(crate) connection: Connection,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) ledger_url: String,
    pub(crate) folder: tempfile::TempDir,
    management: Management,
    vhost: String,
}

pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name} (or run `cargo xtask test`, which starts one)"))
}

pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("worker-test-{}-{nanos}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// One point a dollar, rounded down; redemptions on the express lane.
pub(crate) fn config() -> WorkerConfig {
    serde_json::from_value(serde_json::json!({
        "pipeline": "shop",
        "currency": "USD",
        "events": {
            "clock": "Event",
            "sources": [
                { "exchange": { "name": "shop" }, "routingKeys": ["purchase.#", "refund.#"], "types": ["purchase", "refund"] },
                { "exchange": { "name": "shop" }, "routingKeys": ["redeem.#"], "types": ["redeem"], "lane": "express" },
            ],
        },
        "queue": { "storage": "Disk" },
        "results": { "subscribers": [{ "name": "all", "routingKeys": ["#"] }] },
    }))
    .unwrap()
}

impl Stage {
    pub(crate) async fn new(store: Store) -> Self {
        Self::with(store, config()).await
    }

    pub(crate) async fn with(store: Store, config: WorkerConfig) -> Self {
        let stage = Self::without_rules(store, config).await;
        stage.one_a_dollar().await;
        stage
    }

    pub(crate) async fn one_a_dollar(&self) {
        self.rules(serde_json::json!([
            { "name": "base", "on": "purchase", "earn": { "wallet": "points", "per": { "amount": "1.00", "points": "1" } } }
        ]))
        .await;
    }

    pub(crate) async fn without_rules(store: Store, config: WorkerConfig) -> Self {
        let stage = Self::without_tables(store, config).await;
        stage.ledger.migrate().await.unwrap();
        stage
    }

    pub(crate) async fn without_tables(store: Store, config: WorkerConfig) -> Self {
        host::install_tls();
        let vhost = unique();
        let settings = broker::Settings::from_url(&variable("AMQP_URL")).unwrap();
        let settings = settings.with_management(&variable("MANAGEMENT_URL")).unwrap();
        let management = Management::new(&settings).unwrap();
        management.create_vhost(&vhost).await.unwrap();
        let settings = settings.with_vhost(&vhost);
        let connection = broker::connect(&settings, "test").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ledger_url = match store {
            Store::Sqlite => format!("sqlite:{}", folder.path().join("ledger.db").display()),
            Store::Postgres => testbed::own_schema().await,
        };
        let ledger = ledger::open(&ledger_url).unwrap();
        let stage = Self { config, settings, connection, ledger, ledger_url, folder, management, vhost };
        stage.apply().await;
        stage
    }

    pub(crate) async fn apply(&self) {
        let pipeline = topology::Pipeline {
            name: self.pipeline(),
            owner: "test/shop",
            events: &self.config.events,
            queue: &self.config.queue,
            results: &self.config.results,
        };
        let plan = topology::diff(&topology::desired(&pipeline), &Standing::Unseen, "test/shop");
        broker::apply(&self.connection, &plan.steps).await.unwrap();
    }

    /// Makes these rules hold from the beginning, or from now when there were others.
    pub(crate) async fn rules(&self, rules: serde_json::Value) {
        self.program(&["points"], rules).await;
    }

    /// The same with other wallets.
    pub(crate) async fn program(&self, wallets: &[&str], rules: serde_json::Value) {
        let since = Since { valid_from: None, author: "test".into() };
        self.ledger.append_timeline(self.pipeline(), &ruleset(wallets, rules), &since).await.unwrap();
    }

    /// Another connection to the database.
    pub(crate) async fn admin(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.ledger_url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Holds the members' table: no batch can be finished until this is dropped.
    pub(crate) async fn lock_members(&self) -> tokio_postgres::Client {
        let client = self.admin().await;
        client.batch_execute("begin; lock table member in access exclusive mode").await.unwrap();
        client
    }

    /// A login that may do what a worker does.
    pub(crate) async fn role(&self, password: &str) -> String {
        let schema = self.ledger_url.rsplit_once("search_path%3D").unwrap().1;
        let role = format!("{schema}_role");
        let make = format!(
            "create role {role} login password '{password}'; grant usage on schema {schema} to {role};
             grant all on all tables in schema {schema} to {role}; grant all on all sequences in schema {schema} to {role}"
        );
        self.admin().await.batch_execute(&make).await.unwrap();
        role
    }

    pub(crate) fn pipeline(&self) -> &PipelineName {
        &self.config.pipeline
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names(self.pipeline())
    }

    /// The worker's configuration as a file.
    pub(crate) fn config_file(&self) -> PathBuf {
        let path = self.folder.path().join("worker.json");
        std::fs::write(&path, serde_json::to_vec(&self.config).unwrap()).unwrap();
        path
    }

    pub(crate) fn worker(&self) -> Worker {
        Worker::start(self, &[])
    }

    /// Publishes bodies in order and waits until the broker has them.
    pub(crate) async fn publish<'a>(&self, routing_key: &str, bodies: impl IntoIterator<Item = &'a [u8]>) {
        let publisher = self.connection.publisher().await.unwrap();
        for body in bodies {
            publisher.publish(publication(routing_key, body)).await.unwrap();
        }
        publisher.flush().await.unwrap();
    }

    /// Waits until the lanes are empty and everything delivered is settled.
    /// For a moment on end: what was delivered just now waits in no queue, and the worker has not counted it yet.
    pub(crate) async fn drained(&self, worker: &Worker) {
        let mut since: Option<Instant> = None;
        until("the queues are drained", async || {
            let mut waiting = 0;
            for lane in self.config.events.lanes() {
                waiting += self.connection.passive_depth(&self.names().lane(lane)).await.unwrap().unwrap_or(1);
            }
            let is_empty = waiting == 0 && worker.in_flight().await == Some(0);
            since = is_empty.then(|| since.unwrap_or_else(Instant::now));
            since.is_some_and(|since| since.elapsed() > ON_END)
        })
        .await;
    }

    /// Everything in a queue, taken out.
    pub(crate) async fn take(&self, queue: &str) -> Vec<Message> {
        let mut consumer = self.connection.consume(queue).await.unwrap();
        let mut messages = Vec::new();
        while let Some(message) = consumer.next(Duration::from_secs(1)).await.unwrap() {
            messages.push(message);
        }
        consumer.close().await;
        messages
    }

    /// Results by message id; every copy of an id must be the same.
    pub(crate) async fn results(&self) -> BTreeMap<String, serde_json::Value> {
        let mut seen = BTreeMap::new();
        for message in self.take("shop.results.all").await {
            let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            let id = message.message_id.unwrap();
            assert_eq!(body["id"], id.as_str());
            if let Some(earlier) = seen.insert(id, body.clone()) {
                assert_eq!(earlier, body, "one id, two contents");
            }
        }
        seen
    }

    /// Buried messages by reason.
    pub(crate) async fn buried(&self) -> BTreeMap<String, usize> {
        let mut reasons = BTreeMap::new();
        for message in self.take(&self.names().dead()).await {
            *reasons.entry(message.headers["x-loyalty-reason"].clone()).or_default() += 1;
        }
        reasons
    }

    /// Available points of all members by wallet, from the ledger.
    pub(crate) async fn wallets(&self) -> BTreeMap<String, String> {
        let totals = self.ledger.totals(self.pipeline()).await.unwrap();
        totals.wallets.iter().map(|wallet| (wallet.wallet.to_string(), wallet.available.to_string())).collect()
    }

    /// Available points of all members and wallets, from the ledger.
    pub(crate) async fn available(&self) -> i64 {
        let totals = self.ledger.totals(self.pipeline()).await.unwrap();
        let sum: rust_decimal::Decimal = totals.wallets.iter().map(|wallet| wallet.available).sum();
        sum.to_string().parse().unwrap()
    }

    /// No difference in the ledger, once the last batches are marked as published.
    pub(crate) async fn audits_clean(&self) {
        until("every batch is published", async || {
            self.ledger.unpublished(self.pipeline(), Duration::ZERO, 1).await.unwrap().is_empty()
        })
        .await;
        let findings = self.ledger.audit(self.pipeline(), Auditing::Idle, &|_, _| {}).await.unwrap();
        assert!(findings.is_empty(), "{findings:#?}");
    }

    pub(crate) async fn end(self) {
        self.connection.close().await;
        self.management.delete_vhost(&self.vhost).await.unwrap();
    }
}

pub(crate) fn publication(routing_key: &str, body: &[u8]) -> Publication {
    Publication {
        exchange: "shop".into(),
        routing_key: routing_key.into(),
        properties: Properties { content_type: Some("application/json".into()), ..Properties::default() },
        body: body.to_vec(),
    }
}

/// The same database with another login.
pub(crate) fn login(url: &str, user: &str, password: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{user}:{password}@{place}")
}

/// A rule set in dollars.
pub(crate) fn ruleset(wallets: &[&str], rules: serde_json::Value) -> Ruleset {
    let wallets: Vec<_> = wallets.iter().map(|name| serde_json::json!({ "name": name })).collect();
    let program: Program =
        serde_json::from_value(serde_json::json!({ "currency": "USD", "wallets": wallets })).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    Ruleset::new(&program, &rules)
}

/// Waits for a condition; fails with its name after [`DEADLINE`].
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The first `count` real purchases, as JSON lines.
pub(crate) fn purchases(count: usize) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/cdnow/purchases.jsonl");
    std::fs::read_to_string(path).unwrap().lines().take(count).map(str::to_owned).collect()
}

pub(crate) fn bytes(lines: &[String]) -> impl Iterator<Item = &[u8]> {
    lines.iter().map(String::as_bytes)
}

/// What these purchases earn at one point a whole dollar, computed without the engine.
pub(crate) fn floor_points(lines: &[String]) -> i64 {
    let dollars = |line: &String| -> i64 {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["lines"][0]["amount"].as_str().unwrap().split('.').next().unwrap().parse().unwrap()
    };
    lines.iter().map(dollars).sum()
}

/// Whether the long share of the properties was asked for.
pub(crate) fn whole_share() -> bool {
    std::env::var("LOYALTY_TEST_SHARE").is_ok_and(|share| share == "all")
}

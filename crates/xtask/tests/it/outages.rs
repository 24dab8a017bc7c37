//! Broker or database really stopped for twenty seconds in mid run, or a pooler before the database: the same totals, unattended.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use broker::{Properties, Publication, Settings};
use contract::PipelineName;
use ledger::audit::Auditing;
use xtask::parts::{PgBouncer, Pool, Postgres, RabbitMq};
use xtask::tour::{self, Purchase};

/// How long a part is away.
const OUTAGE: Duration = Duration::from_secs(20);

/// Purchases of a run, and how many of them a second.
const PURCHASES: usize = 1500;
const PACE: u32 = 100;

/// When the part goes away: a third of the purchases are published then.
const OUTAGE_AFTER: Duration = Duration::from_secs(5);

/// Everything, on a slow machine.
const DEADLINE: Duration = Duration::from_mins(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_stopped_for_twenty_seconds_changes_no_total() {
    let mut broker = RabbitMq::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(&broker, folder.path(), "sqlite: {}", "").await;
    let publishing = tokio::spawn(publish(run.settings.clone(), run.purchases.clone()));
    tokio::time::sleep(OUTAGE_AFTER).await;
    broker.stop();
    tokio::time::sleep(OUTAGE).await;
    broker.restart().unwrap();
    publishing.await.unwrap();
    let ledger = format!("sqlite:{}", folder.path().join("data/ledger.db").display());
    run.ends_right(&ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_stopped_for_twenty_seconds_changes_no_total() {
    let broker = RabbitMq::start().unwrap();
    let mut database = Postgres::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(&broker, folder.path(), POSTGRES, database.url()).await;
    let publishing = tokio::spawn(publish(run.settings.clone(), run.purchases.clone()));
    tokio::time::sleep(OUTAGE_AFTER).await;
    database.stop();
    tokio::time::sleep(OUTAGE).await;
    database.restart().unwrap();
    publishing.await.unwrap();
    run.ends_right(database.url()).await;
}

/// No two transactions in a row of a worker are on one connection; three workers have six of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_behind_a_pooler_come_to_the_same_totals() {
    let (broker, database) = (RabbitMq::start().unwrap(), Postgres::start().unwrap());
    let Some(pooler) = pooler(&database, Pool { connections: 4, statements: 200 }) else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = Run::start(&broker, folder.path(), POSTGRES, pooler.url()).await;
    let config = folder.path().join("data/worker.yaml");
    run.until("the worker has its configuration", async || config.exists()).await;
    let more = [0, 1].map(|n| More::start(&broker, folder.path(), pooler.url(), n));
    publish(run.settings.clone(), run.purchases.clone()).await;
    run.ends_right(pooler.url()).await;
    more.into_iter().for_each(More::ends_well);
}

/// Four at once through a pooler: each finds the tables made, none leaves a lock or a setting on a connection that others have next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_through_a_pooler_leaves_nothing_in_its_sessions() {
    let database = Postgres::start().unwrap();
    let Some(pooler) = pooler(&database, Pool { connections: 3, statements: 200 }) else { return };
    let migrations = (0..4).map(|_| {
        let ledger = ledger::open(pooler.url()).unwrap();
        tokio::spawn(async move { ledger.migrate().await })
    });
    for migration in migrations.collect::<Vec<_>>() {
        tokio::time::timeout(DEADLINE, migration).await.expect("they wait for each other").unwrap().unwrap();
    }
    ledger::open(pooler.url()).unwrap().check_version().await.unwrap();
    let (client, connection) = tokio_postgres::connect(pooler.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let left = "select pg_backend_pid(), current_setting('lock_timeout'), \
         (select count(*) from pg_locks where locktype = 'advisory'), \
         (select count(*) from pg_stat_activity where state like 'idle in transaction%')";
    let (mut sessions, started) = (std::collections::BTreeSet::new(), Instant::now());
    while sessions.len() < 3 {
        assert!(started.elapsed() < DEADLINE, "only {} of 3 sessions answer", sessions.len());
        let row = client.query_one(left, &[]).await.unwrap();
        sessions.insert(row.get::<_, i32>(0));
        assert_eq!((row.get::<_, &str>(1), row.get::<_, i64>(2), row.get::<_, i64>(3)), ("0", 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_without_prepared_statements_is_told() {
    let database = Postgres::start().unwrap();
    ledger::open(database.url()).unwrap().migrate().await.unwrap();
    let Some(pooler) = pooler(&database, Pool { connections: 3, statements: 0 }) else { return };
    let ledger = ledger::open(pooler.url()).unwrap();
    let asked = async {
        loop {
            if let Err(error) = ledger.totals(&PipelineName::parse("cdnow").unwrap()).await {
                return error.to_string();
            }
        }
    };
    let error = tokio::time::timeout(DEADLINE, asked).await.unwrap();
    assert!(error.contains("set `max_prepared_statements` there"), "{error}");
}

fn pooler(database: &Postgres, pool: Pool) -> Option<PgBouncer> {
    if let Some(why) = PgBouncer::obstacle() {
        eprintln!("SKIPPED, nothing was tested: PgBouncer: {why}");
        return None;
    }
    Some(PgBouncer::start(database.url(), pool).unwrap())
}

/// A worker beside the one that `up` keeps.
struct More {
    worker: Child,
    log: PathBuf,
}

impl More {
    fn start(broker: &RabbitMq, folder: &Path, ledger_url: &str, n: u32) -> Self {
        let log = folder.join(format!("worker-{n}.log"));
        let file = std::fs::File::create(&log).unwrap();
        let mut command = Command::new(programs().join("loyalty-worker"));
        command.arg("--config").arg(folder.join("data/worker.yaml")).args(["--listen", "127.0.0.1:0"]);
        command.env("AMQP_URL", broker.url()).env("LEDGER_URL", ledger_url);
        let said = command.stdout(Stdio::from(file.try_clone().unwrap())).stderr(Stdio::from(file));
        Self { worker: said.spawn().unwrap(), log }
    }

    /// It still runs, and ends well when it is told to.
    fn ends_well(mut self) {
        let runs = matches!(self.worker.try_wait(), Ok(None));
        let ends = runs && signal(&self.worker, "TERM") && self.worker.wait().unwrap().success();
        assert!(ends, "{}", std::fs::read_to_string(&self.log).unwrap());
    }
}

impl Drop for More {
    fn drop(&mut self) {
        // Reached while it still runs only when the test failed.
        if matches!(self.worker.try_wait(), Ok(None)) {
            let _ = self.worker.kill();
            let _ = self.worker.wait();
        }
    }
}

const POSTGRES: &str = "postgres: { secretRef: { name: ledger-db } }";

/// `loyaltyctl up` on the example, with another ledger.
struct Run {
    up: Child,
    settings: Settings,
    purchases: Vec<Purchase>,
}

impl Drop for Run {
    fn drop(&mut self) {
        // Reached while it still runs only when the test failed.
        if matches!(self.up.try_wait(), Ok(None)) {
            let _ = signal(&self.up, "TERM");
            let _ = self.up.wait();
        }
    }
}

impl Run {
    async fn start(broker: &RabbitMq, folder: &Path, ledger: &str, database_url: &str) -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cdnow");
        let yaml = std::fs::read_to_string(example.join("pipeline.yaml")).unwrap();
        assert!(yaml.contains("sqlite: {}"));
        let file = folder.join("pipeline.yaml");
        std::fs::write(&file, yaml.replace("sqlite: {}", ledger)).unwrap();
        let log = std::fs::File::create(folder.join("up.log")).unwrap();
        let up = Command::new(programs().join("loyaltyctl"))
            .arg("up")
            .arg("-f")
            .arg(&file)
            .arg("--data")
            .arg(folder.join("data"))
            .env("AMQP_URL", broker.url())
            .env("MANAGEMENT_URL", broker.management_url())
            .env("DATABASE_URL", database_url)
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .spawn()
            .unwrap();
        let settings = Settings::from_url(broker.url()).unwrap();
        let purchases = tour::read(&std::fs::read_to_string(example.join("cdnow-sample.txt")).unwrap()).unwrap();
        let run = Self { up, settings, purchases: purchases.into_iter().take(PURCHASES).collect() };
        run.until("the queue is there", async || run.waiting().await.is_some()).await;
        run
    }

    /// Messages that wait; `None` while the broker, or the queue, is away.
    async fn waiting(&self) -> Option<u64> {
        let connection = broker::connect(&self.settings, "test").await.ok()?;
        let depth = connection.passive_depth("cdnow.main").await.ok().flatten();
        connection.close().await;
        depth
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !holds().await {
            assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain until {what}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn ends_right(mut self, ledger_url: &str) {
        let pipeline = PipelineName::parse("cdnow").unwrap();
        let ledger = ledger::open(ledger_url).unwrap();
        self.until("everything is applied", async || {
            let totals = ledger.totals(&pipeline).await.unwrap();
            let applied: i64 = totals.events.values().sum();
            applied == i64::try_from(PURCHASES).unwrap() && self.waiting().await == Some(0)
        })
        .await;
        self.until("every batch is published", async || {
            ledger.unpublished(&pipeline, Duration::ZERO, 1).await.unwrap().is_empty()
        })
        .await;
        assert!(signal(&self.up, "INT"));
        assert!(self.up.wait().unwrap().success());
        let dollars = |purchase: &Purchase| purchase.dollars.split('.').next().unwrap().parse::<i64>().unwrap();
        let expected: i64 = self.purchases.iter().map(dollars).sum();
        let totals = ledger.totals(&pipeline).await.unwrap();
        assert_eq!(totals.wallets[0].available.to_string(), expected.to_string());
        let findings = ledger.audit(&pipeline, Auditing::Idle, &|_, _| {}).await.unwrap();
        assert!(findings.is_empty(), "{findings:#?}");
        let connection = broker::connect(&self.settings, "test").await.unwrap();
        assert_eq!(connection.passive_depth("cdnow.dead").await.unwrap(), Some(0), "nothing is buried");
        connection.close().await;
    }
}

fn signal(child: &Child, name: &str) -> bool {
    Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().is_ok_and(|sent| sent.success())
}

fn programs() -> PathBuf {
    let folder = std::env::var("LOYALTY_BIN_DIR").map(PathBuf::from);
    folder.expect(
        "set LOYALTY_BIN_DIR to the folder of the built programs (or run `cargo xtask test`, which builds them)",
    )
}

/// Publishes at the pace; what was not confirmed when the broker went away is published again.
async fn publish(settings: Settings, purchases: Vec<Purchase>) {
    let mut done = 0;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / PACE);
    while done < purchases.len() {
        let Ok(connection) = broker::connect(&settings, "publisher").await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let publisher = connection.publisher().await.unwrap();
        while done < purchases.len() {
            tick.tick().await;
            let publication = Publication {
                exchange: "cdnow.shop".into(),
                routing_key: "purchase.web".into(),
                properties: Properties::default(),
                body: purchases[done].to_json().into_bytes(),
            };
            // One at a time: whatever is not confirmed is not done.
            let Ok(confirm) = publisher.publish(publication).await else { break };
            if confirm.wait().await.is_err() {
                break;
            }
            done += 1;
        }
    }
}

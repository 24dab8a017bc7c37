//! Real servers, started and ended.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{Client, NoTls};
use xtask::parts::{Postgres, RabbitMq, http};

#[test]
fn a_broker_keeps_its_durable_queues_when_it_is_stopped_and_when_it_is_killed() {
    let mut broker = RabbitMq::start().unwrap();
    let (amqp, management) = (broker.url().to_owned(), broker.management_url().to_owned());
    let ask = |method, path, body| http::request(&management, method, path, body).unwrap();
    assert!(listens(&amqp));
    assert_eq!(ask("PUT", "/api/queues/%2f/kept", r#"{"durable":true}"#).status, 201);
    let message =
        r#"{"routing_key":"kept","payload":"one","payload_encoding":"string","properties":{"delivery_mode":2}}"#;
    assert!(ask("POST", "/api/exchanges/%2f/amq.default/publish", message).body.contains(r#""routed":true"#));

    broker.stop();
    assert!(!listens(&amqp), "a stopped broker is away");
    broker.restart().unwrap();
    let look = r#"{"count":1,"ackmode":"ack_requeue_true","encoding":"auto"}"#;
    let kept = || ask("POST", "/api/queues/%2f/kept/get", look).body.contains(r#""payload":"one""#);
    assert!(kept(), "after a stop");

    broker.kill();
    assert!(!listens(&amqp), "a killed broker is away");
    broker.restart().unwrap();
    assert!(kept(), "after a kill");
    assert_eq!((broker.url(), broker.management_url()), (amqp.as_str(), management.as_str()));

    drop(broker);
    assert!(!listens(&amqp), "nothing is left");
}

#[tokio::test]
async fn a_database_keeps_its_rows_when_it_is_stopped_and_when_it_is_killed() {
    let mut database = Postgres::start().unwrap();
    let url = database.url().to_owned();
    let client = connect(&url).await;
    client.batch_execute("create table kept (n bigint); insert into kept values (1)").await.unwrap();

    database.stop();
    assert!(!listens(&url), "a stopped database is away");
    database.restart().unwrap();
    assert_eq!(rows(&connect(&url).await).await, 1, "after a stop");
    connect(&url).await.batch_execute("insert into kept values (2)").await.unwrap();

    database.kill();
    assert!(!listens(&url), "a killed database is away");
    database.restart().unwrap();
    assert_eq!(rows(&connect(&url).await).await, 2, "after a kill: what was committed is on disk");
    assert_eq!(database.url(), url);

    drop(database);
    assert!(!listens(&url), "nothing is left");
}

#[tokio::test]
async fn a_database_is_as_durable_as_in_production_and_lets_nobody_in_without_the_password() {
    let database = Postgres::start().unwrap();
    let row = connect(database.url()).await.query_one("select current_setting('fsync')", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "on");
    let (before, after) = database.url().split_once('@').unwrap();
    let login = before.rsplit_once(':').unwrap().0;
    let wrong = tokio_postgres::connect(&format!("{login}:wrong@{after}"), NoTls).await;
    let error = wrong.err().expect("a wrong password is refused");
    assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("28P01"), "{error:?}");
}

#[test]
fn a_panic_ends_what_was_started() {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        let database = Postgres::start().unwrap();
        tell.send(database.url().to_owned()).unwrap();
        panic!("a test fails while the database runs");
    });
    let url = told.recv().unwrap();
    assert!(thread.join().is_err());
    assert!(!listens(&url));
}

#[test]
fn a_signal_ends_both_parts_and_their_helpers() {
    let mut run = Run::start();
    assert!(run.urls.iter().all(|url| listens(url)), "{:?}", run.urls);
    run.signal(Signal::INT);
    assert_eq!(run.end().code(), Some(130), "128 and SIGINT");
    assert!(run.urls.iter().all(|url| !listens(url)));
    assert_eq!(processes_of(&run), Vec::<String>::new());
}

#[test]
fn the_next_run_ends_what_a_killed_run_left_behind() {
    let mut run = Run::start();
    run.signal(Signal::KILL);
    run.end();
    let left = processes_of(&run);
    assert!(left.iter().any(|name| name.contains("beam")), "the broker outlives a run that could not end it: {left:?}");
    let (_broker, _database) = (RabbitMq::start().unwrap(), Postgres::start().unwrap());
    assert!(run.urls.iter().all(|url| !listens(url)));
    assert_eq!(processes_of(&run), Vec::<String>::new());
}

/// `cargo xtask parts`, as another process.
struct Run {
    child: Child,
    urls: Vec<String>,
    mark: String,
}

impl Run {
    fn start() -> Self {
        let mark = format!("test-{:?}-{:?}", std::process::id(), thread::current().id());
        let outer = std::env::var("LOYALTY_RUN").unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("parts").stdout(Stdio::piped()).stderr(Stdio::null());
        for variable in ["AMQP_URL", "MANAGEMENT_URL", "DATABASE_URL"] {
            command.env_remove(variable);
        }
        let mut child = command.env("LOYALTY_RUN", format!("{outer}/{mark}")).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let urls: Vec<String> = lines.take(3).map(|line| line.split_once('=').unwrap().1.to_owned()).collect();
        assert_eq!(urls.len(), 3, "one line for each variable");
        Self { child, urls, mark }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("the run did not end within 30 s of its signal");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The command lines of all processes that were started, directly or not, by `run`.
fn processes_of(run: &Run) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(&run.mark) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

/// Whether something accepts connections where `url` points.
fn listens(url: &str) -> bool {
    let address = url.split_once('@').unwrap().1.split('/').next().unwrap();
    TcpStream::connect(address).is_ok()
}

async fn connect(url: &str) -> Client {
    let begun = Instant::now();
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    tokio::spawn(connection);
    client
}

async fn rows(client: &Client) -> i64 {
    client.query_one("select count(*) from kept", &[]).await.unwrap().get(0)
}

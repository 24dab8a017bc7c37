//! Real servers, started and ended.

use std::io::{BufRead, BufReader, Read, Seek};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{Client, NoTls};
use xtask::parts::kubernetes::{ControlPlane, etcd};
use xtask::parts::{Kubernetes, Postgres, RabbitMq, http, tools};

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
fn an_api_server_keeps_its_objects_when_it_is_stopped_and_when_it_is_killed_and_controllers_act_on_them() {
    let mut cluster = Kubernetes::start().unwrap();
    let (kubeconfig, audit) = (cluster.kubeconfig(), cluster.audit_log());
    let server = server_of(&kubeconfig);
    let pods = || kubectl(&kubeconfig, "get pods --selector app=kept --output name").unwrap().lines().count();
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        let version = kubectl(&kubeconfig, "version --output json").unwrap();
        let version: serde_json::Value = serde_json::from_str(&version).unwrap();
        let version = &version["serverVersion"];
        let told = [&version["gitVersion"], &version["major"], &version["minor"]];
        assert_eq!(told, ["v1.37.2", "1", "37"], "what the build is told");
    }

    kubectl(&kubeconfig, "create deployment kept --image=nothing --replicas=2").unwrap();
    within("a deployment gets its pods", || pods() == 2);
    kubectl(&kubeconfig, "create namespace passing").unwrap();
    kubectl(&kubeconfig, "create configmap passing --namespace passing").unwrap();
    kubectl(&kubeconfig, "delete namespace passing --timeout 30s").unwrap();

    cluster.stop();
    assert!(!answers(&server), "a stopped API server is away");
    cluster.restart().unwrap();
    assert_eq!(pods(), 2, "after a stop");

    cluster.kill();
    assert!(!answers(&server), "a killed API server is away");
    cluster.restart().unwrap();
    kubectl(&kubeconfig, "scale deployment kept --replicas=3").unwrap();
    within("the controllers are still at work after a kill", || pods() == 3);
    assert_eq!(server_of(&cluster.kubeconfig()), server);

    let audit = std::fs::read_to_string(audit).unwrap();
    let ours = |line: &&str| line.contains(r#""username":"loyalty-admin""#) && line.contains("/deployments/kept");
    assert!(audit.lines().any(|line| ours(&line)), "each request stands in the audit log");
    assert!(!audit.contains("RequestReceived"), "once");

    drop(cluster);
    assert!(!answers(&server), "nothing is left");
    assert!(!kubeconfig.exists());
}

#[test]
fn a_folder_of_programs_wins_over_our_own_and_needs_no_controllers() {
    let folder = tempfile::tempdir().unwrap();
    for program in [etcd().unwrap(), ControlPlane::make_sure().unwrap().api_server()] {
        std::os::unix::fs::symlink(&program, folder.path().join(program.file_name().unwrap())).unwrap();
    }
    let given = [GIVEN_BROKER, GIVEN_DATABASE, ("KUBEBUILDER_ASSETS", folder.path().to_str().unwrap())];
    let mut run = Run::with(&given);
    assert!(run.servers.iter().any(|server| answers(server)), "{:?}", run.servers);
    let mut programs: Vec<String> = processes_of(&run).iter().map(|line| first_word(line).to_owned()).collect();
    programs.retain(|program| program.starts_with(folder.path().to_str().unwrap()));
    programs.sort();
    assert_eq!(programs, ["etcd", "kube-apiserver"].map(|name| folder.path().join(name).display().to_string()));
    run.signal(Signal::TERM);
    run.end();
    assert_eq!(processes_of(&run), Vec::<String>::new());
}

#[test]
fn parts_that_are_given_are_named_as_they_are_and_nothing_is_started() {
    let mut run = Run::with(&[GIVEN_BROKER, GIVEN_DATABASE, ("LOYALTY_TEST_KUBECONFIG", "/nobody/kubeconfig")]);
    let left = processes_of(&run);
    assert_eq!(left.len(), 1, "the run alone: {left:?}");
    run.signal(Signal::INT);
    assert_eq!(run.end().code(), Some(130), "128 and SIGINT");
    let all: Vec<(&str, &str)> = run.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let management = ("MANAGEMENT_URL", "http://me:secret@broker.test:15672");
    assert_eq!(all, [GIVEN_BROKER, management, GIVEN_DATABASE, ("LOYALTY_TEST_KUBECONFIG", "/nobody/kubeconfig")]);
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
fn a_signal_ends_all_parts_and_their_helpers() {
    let mut run = Run::with(&[]);
    assert!(run.servers.len() == 4 && run.servers.iter().all(|server| answers(server)), "{:?}", run.servers);
    run.signal(Signal::INT);
    assert_eq!(run.end().code(), Some(130), "128 and SIGINT");
    assert!(run.servers.iter().all(|server| !answers(server)));
    assert_eq!(processes_of(&run), Vec::<String>::new());
}

#[test]
fn the_next_run_ends_what_a_killed_run_left_behind() {
    let mut run = Run::with(&[]);
    run.signal(Signal::KILL);
    run.end();
    let left = processes_of(&run);
    for program in ["beam", "kube-apiserver", "kube-controller-manager", "etcd"] {
        assert!(left.iter().any(|line| line.contains(program)), "it outlives a run that could not end it: {left:?}");
    }
    let (_broker, _database) = (RabbitMq::start().unwrap(), Postgres::start().unwrap());
    assert!(run.servers.iter().all(|server| !answers(server)));
    assert_eq!(processes_of(&run), Vec::<String>::new());
}

const GIVEN_BROKER: (&str, &str) = ("AMQP_URL", "amqp://me:secret@broker.test/shop");
const GIVEN_DATABASE: (&str, &str) = ("DATABASE_URL", "postgres://me:secret@database.test/shop");

/// `cargo xtask parts`, as another process.
struct Run {
    child: Child,
    variables: Vec<(String, String)>,
    /// Addresses of those that are on this machine.
    servers: Vec<String>,
    mark: String,
}

impl Run {
    /// Waits until it has named its parts, those of `given` among them.
    fn with(given: &[(&str, &str)]) -> Self {
        let mark = format!("test-{:?}-{:?}", std::process::id(), thread::current().id());
        let outer = std::env::var("LOYALTY_RUN").unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let mut named = tempfile::tempfile().unwrap();
        command.arg("parts").stdout(named.try_clone().unwrap()).stderr(Stdio::piped());
        for variable in
            ["AMQP_URL", "MANAGEMENT_URL", "DATABASE_URL", "LOYALTY_TEST_KUBECONFIG", "LOYALTY_TEST_KUBE_AUDIT"]
        {
            command.env_remove(variable);
        }
        command.env("LOYALTY_RUN", format!("{outer}/{mark}")).envs(given.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let before: Vec<String> = said.by_ref().take_while(|line| !line.contains("Ctrl-C")).collect();
        // Nobody reads what it says from now on; it shall not wait for that.
        thread::spawn(move || said.for_each(drop));
        let mut text = String::new();
        named.rewind().and_then(|()| named.read_to_string(&mut text)).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let variables: Vec<(String, String)> = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert!(!variables.is_empty(), "it ends without having named its parts: {before:#?}");
        let servers = variables.iter().filter_map(|(name, value)| server_named_by(name, value)).collect();
        Self { child, variables, servers, mark }
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
    answers(&server_in(url))
}

/// Whether something accepts connections at `host:port`.
fn answers(server: &str) -> bool {
    TcpStream::connect(server).is_ok()
}

/// `host:port` of `scheme://user:password@host:port/path`.
fn server_in(url: &str) -> String {
    url.split_once('@').unwrap().1.split('/').next().unwrap().to_owned()
}

/// The server on this machine that a variable names.
fn server_named_by(variable: &str, value: &str) -> Option<String> {
    let server = match variable {
        "LOYALTY_TEST_KUBECONFIG" if Path::new(value).exists() => server_of(Path::new(value)),
        "LOYALTY_TEST_KUBECONFIG" | "LOYALTY_TEST_KUBE_AUDIT" => return None,
        _ => server_in(value),
    };
    server.starts_with("127.0.0.1:").then_some(server)
}

/// The server that a kubeconfig of ours names.
fn server_of(kubeconfig: &Path) -> String {
    let text = std::fs::read_to_string(kubeconfig).unwrap();
    text.split_once("https://").unwrap().1.split('"').next().unwrap().to_owned()
}

/// What kubectl prints; `None`, with its complaint on stderr, when it does not succeed.
fn kubectl(kubeconfig: &Path, arguments: &str) -> Option<String> {
    let mut command = Command::new(tools::kubectl().unwrap());
    let output = command.arg("--kubeconfig").arg(kubeconfig).args(arguments.split(' ')).output().unwrap();
    if !output.status.success() {
        eprintln!("kubectl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(String::from_utf8(output.stdout).unwrap())
}

fn within(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap()
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

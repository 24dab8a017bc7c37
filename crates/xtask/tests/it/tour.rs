//! The tour, as a newcomer takes it: the real command with a real broker, worker and ledger.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use xtask::parts::http;

/// Nothing here takes so long on a slow machine.
const DEADLINE: Duration = Duration::from_mins(3);

#[test]
fn the_tour_ends_with_the_totals_of_the_sample_and_a_clean_audit() {
    let place = Place::new();
    let first = place.up(&["--rate", "max"]).output().unwrap();
    let text = told(&first);
    assert_eq!(first.status.code(), Some(0), "{text}");
    for line in [
        ", which `--broker` names",
        "$ loyaltyctl up -f examples/cdnow/pipeline.yaml --data",
        "7,412: 6,919 purchases, 138 refunds, 345 doubles, 10 of garbage",
        "7,057 applied, 345 doubles paid nothing, 10 buried for 10 reasons",
        "239,444 issued, 5,243 taken back by refunds, 234,201 left",
        "$ loyaltyctl balance --top 3",
        "19339",
        "$ loyaltyctl explain cdnow-143",
        "$ loyaltyctl dlq list",
        "IdentityClash",
        "audit: 0 differences\n",
        "What to try next",
    ] {
        assert!(text.contains(line), "no `{line}` in:\n{text}");
    }

    // A second tour on the same broker begins anew, whatever the first left there.
    let second = place.up(&["--rate", "max"]).output().unwrap();
    let text = told(&second);
    assert_eq!(second.status.code(), Some(0), "{text}");
    assert!(text.contains("queue cdnow.dead: threw away 10 messages of an earlier tour"), "{text}");
    assert!(text.contains("10 buried for 10 reasons"), "{text}");
}

#[test]
fn a_signal_in_the_middle_ends_everything_that_was_started() {
    let place = Place::new();
    let mut run = place.up(&["--rate", "100"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let listen = place.data().join("worker.listen");
    until("the worker is there", || listen.exists());
    assert!(place.processes().len() >= 2, "loyaltyctl and the worker: {:?}", place.processes());
    signal(&run);
    assert_eq!(run.wait().unwrap().code(), Some(130), "128 and SIGINT");
    assert_eq!(place.processes(), Vec::<String>::new());
}

#[test]
fn a_tour_that_is_kept_goes_on_until_a_signal_and_then_tells_what_came_out() {
    let place = Place::new();
    let mut run = place.up(&["--rate", "max", "--keep"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("everything is settled")), "it ended: {:?}", run.wait());
    assert!(!place.processes().is_empty(), "broker and worker stay at hand");
    signal(&run);
    let output = run.wait_with_output().unwrap();
    let text = told(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("audit: 0 differences\n"), "{text}");
    assert_eq!(place.processes(), Vec::<String>::new());
}

#[test]
fn what_stands_in_the_way_is_told_and_nothing_is_lost() {
    let place = Place::new();
    let refuses = |place: &Place, broker: &str, says: &str| {
        let output = place.up_on(broker, &["--rate", "max"]).output().unwrap();
        let text = told(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(says), "no `{says}` in:\n{text}");
    };
    refuses(&place, "http://localhost", "could not use the broker that `--broker` names");
    refuses(&place, "amqp://localhost:1", "could not reach the broker at `localhost:1`");
    let (ledger, url) = (place.data().join("ledger.db"), place.url.clone());
    fs::create_dir_all(place.data()).unwrap();
    fs::write(&ledger, "somebody's points").unwrap();
    refuses(&place, &url, "it is not of an earlier tour");
    assert_eq!(fs::read_to_string(&ledger).unwrap(), "somebody's points");
}

#[test]
fn a_queue_of_somebody_else_with_our_name_keeps_its_messages() {
    let place = Place::new();
    let ask = |method, path: &str, body| {
        http::request(&place.management, method, &format!("/api/{path}").replace("VHOST", &place.vhost), body).unwrap()
    };
    assert_eq!(ask("PUT", "queues/VHOST/cdnow.main", r#"{"durable":true}"#).status, 201);
    let message = r#"{"routing_key":"cdnow.main","payload":"mine","payload_encoding":"string","properties":{}}"#;
    assert!(ask("POST", "exchanges/VHOST/amq.default/publish", message).body.contains(r#""routed":true"#));
    let output = place.up(&["--rate", "max"]).output().unwrap();
    let text = told(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("is not the example's"), "{text}");
    let look = r#"{"count":1,"ackmode":"ack_requeue_true","encoding":"auto"}"#;
    assert!(ask("POST", "queues/VHOST/cdnow.main/get", look).body.contains(r#""payload":"mine""#));
}

/// A vhost and a folder for one test, and a mark on everything that it starts.
struct Place {
    url: String,
    management: String,
    vhost: String,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (url, management) = (variable("AMQP_URL"), variable("MANAGEMENT_URL"));
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let vhost = format!("tour-test-{}-{nanos}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let made = http::request(&management, "PUT", &format!("/api/vhosts/{vhost}"), "").unwrap();
        assert_eq!(made.status, 201, "{}", made.body);
        let server = url.match_indices('/').nth(2).map_or(url.as_str(), |(end, _)| &url[..end]);
        Self { url: format!("{server}/{vhost}"), management, vhost, folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn up(&self, options: &[&str]) -> Command {
        self.up_on(&self.url, options)
    }

    fn up_on(&self, broker: &str, options: &[&str]) -> Command {
        let outer = env::var("LOYALTY_RUN").unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["up", "--broker", broker]).args(options).arg("--data").arg(self.data());
        command.env_remove("AMQP_URL").env("LOYALTY_RUN", format!("{outer}/{}", self.vhost));
        command
    }

    /// The names of all processes that were started, directly or not, by a tour of this place.
    fn processes(&self) -> Vec<String> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let ours = entries.filter(|entry| {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            String::from_utf8_lossy(&environment).contains(&self.vhost)
        });
        ours.map(|entry| fs::read_to_string(entry.path().join("comm")).unwrap_or_default()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = http::request(&self.management, "DELETE", &format!("/api/vhosts/{}", self.vhost), "");
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("set {name} (or run `cargo xtask test`, which starts one)"))
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

fn signal(run: &Child) {
    kill_process(Pid::from_child(run), Signal::INT).unwrap();
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

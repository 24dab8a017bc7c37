//! A whole pipeline: a real broker, the real worker, the ledger on disk.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use broker::{Properties, Publication};
use contract::PipelineName;
use ledger::report::Totals;

use crate::parts::{Vhost, variable};
use crate::program::{Running, kill, loyaltyctl, run, wait, workspace};

/// A pipeline in a folder of its own.
pub(crate) fn example() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(workspace().join("examples/cdnow/pipeline.yaml")).unwrap();
    let text = text.replace("name: cdnow\n", "name: coffee\n").replace("cdnow.shop", "coffee.shop");
    let text = text.replace("storage: Disk", "storage: Replicated");
    std::fs::write(folder.path().join("pipeline.yaml"), text).unwrap();
    folder
}

/// Where the worker's program is; built with the workspace.
fn worker_folder() -> String {
    let beside = Path::new(env!("CARGO_BIN_EXE_loyaltyctl")).parent().unwrap().to_str().unwrap().to_owned();
    let folder = std::env::var("LOYALTY_BIN_DIR").unwrap_or(beside);
    assert!(
        Path::new(&folder).join("loyalty-worker").exists(),
        "no loyalty-worker in `{folder}`; run `cargo build -p loyalty-worker` (or `cargo xtask test`, which builds it)"
    );
    folder
}

/// `up` in the background.
pub(crate) fn start(folder: &Path, vhost: &Vhost) -> Running {
    let mut command = loyaltyctl(folder, &["up", "-f", "pipeline.yaml", "--data", "data"]);
    command.env("AMQP_URL", vhost.url()).env("MANAGEMENT_URL", variable("MANAGEMENT_URL"));
    Running::start(command.env("LOYALTY_BIN_DIR", worker_folder()), folder)
}

async fn publish(vhost: &Vhost, events: impl Iterator<Item = (String, String)>) {
    let connection = vhost.connect().await;
    let publisher = connection.publisher().await.unwrap();
    let mut confirms = Vec::new();
    for (routing_key, body) in events {
        let properties = Properties { content_type: Some("application/json".into()), ..Properties::default() };
        let publication =
            Publication { exchange: "coffee.shop".into(), routing_key, properties, body: body.into_bytes() };
        confirms.push(publisher.publish(publication).await.unwrap());
    }
    for confirm in confirms {
        confirm.wait().await.unwrap();
    }
    connection.close().await;
}

fn purchases(numbers: std::ops::Range<u32>) -> impl Iterator<Item = (String, String)> {
    numbers.map(|number| {
        let event = serde_json::json!({
            "id": format!("p{number}"), "type": "purchase", "occurredAt": "2026-01-01T10:00:00Z",
            "member": format!("m{}", number % 50), "order": format!("o{number}"), "amount": "10.50",
        });
        ("purchase.web".to_owned(), event.to_string())
    })
}

async fn totals(folder: &Path) -> Totals {
    let ledger = ledger::open(&format!("sqlite:{}/data/ledger.db", folder.display())).unwrap();
    ledger.totals(&PipelineName::parse("coffee").unwrap()).await.unwrap()
}

async fn until_applied(folder: &Path, events: i64, up: &Running) {
    let deadline = std::time::Instant::now() + crate::program::WAIT_MAX;
    loop {
        let totals = totals(folder).await;
        if totals.events.get("Applied") == Some(&events) {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{totals:?}: {}", up.said());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn worker_pid(folder: &Path) -> Option<u32> {
    std::fs::read_to_string(folder.join("data/worker.pid")).ok()?.trim().parse().ok()
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn purchases_become_points_and_a_killed_worker_is_started_again() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let path = folder.path();
    let up = start(path, &vhost);
    up.until_said("worker ready");
    publish(&vhost, purchases(0..300)).await;
    until_applied(path, 300, &up).await;

    let first = worker_pid(path).unwrap();
    kill("KILL", first);
    up.until_said("the worker died: it was ended by signal 9");
    wait("another worker", || worker_pid(path).is_some_and(|pid| pid != first && is_alive(pid)), || up.said());
    // Only now: a worker that is killed between a burial and its acknowledgement buries the message once more.
    let garbage =
        [("purchase.web".to_owned(), "not json".to_owned()), ("refund.web".to_owned(), "{\"id\":1}".to_owned())];
    publish(&vhost, garbage.into_iter().chain(purchases(300..500))).await;
    until_applied(path, 500, &up).await;
    let second = worker_pid(path).unwrap();

    up.signal("INT");
    let (code, said) = up.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(!is_alive(second), "the worker outlived `up`");
    assert!(said.contains("waiting: coffee.main 0, coffee.express 0, coffee.dead 2"), "{said}");
    assert!(said.contains("ledger: 50 members, 500 applied"), "{said}");
    assert!(said.contains("points   5,000      0           0         0      5,000"), "{said}");
    let password = vhost.url().split(':').nth(2).unwrap().split('@').next().unwrap().to_owned();
    assert!(!said.contains(&format!(":{password}@")), "{said}");

    // Not `--idle`: what the killed worker published without a mark is published again by the next one, seconds later.
    let said = run(&mut loyaltyctl(path, &["audit", "-f", "pipeline.yaml", "--data", "data"])).ended(0);
    assert!(said.out.ends_with("audit: 0 differences\n"), "{}", said.out);
    let said = run(&mut loyaltyctl(path, &["balance", "m7", "-f", "pipeline.yaml", "--data", "data", "-o", "json"]));
    assert_eq!(said.ended(0).json()["wallets"][0]["available"], "100");
    buried_are_listed(path, &vhost);
    vhost.delete().await;
}

/// Twice: looking takes nothing away.
fn buried_are_listed(folder: &Path, vhost: &Vhost) {
    for _ in 0..2 {
        let mut command = loyaltyctl(folder, &["dlq", "list", "-f", "pipeline.yaml", "-o", "json"]);
        let json = run(command.env("AMQP_URL", vhost.url())).ended(0).json();
        assert_eq!(json["messages"], 2);
        assert_eq!(json["reasons"], serde_json::json!({ "NotJson": 1, "WrongType": 1 }));
        assert_eq!(json["shown"][0]["body"], "not json");
        assert_eq!(json["shown"][0]["headers"]["x-loyalty-queue"], "coffee.main");
    }
    let mut command = loyaltyctl(folder, &["dlq", "list", "-f", "pipeline.yaml", "--limit", "1"]);
    let said = run(command.env("AMQP_URL", vhost.url())).ended(0);
    assert!(said.out.starts_with("queue coffee.dead: the oldest 1 of 2 messages\n"), "{}", said.out);
    assert!(said.out.contains("NotJson"), "{}", said.out);
}

#[tokio::test]
async fn on_postgresql_by_a_secret_beside_the_pipeline_and_no_secret_reaches_a_command_line() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let url = crate::parts::own_schema().await;
    let file = folder.path().join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("sqlite: {}", "postgres: { secretRef: { name: db } }");
    // Of no use to a plain connection, but a URL cannot say it: the worker gets the Secret as a folder.
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let secret = |name: &str, keys: serde_json::Value| {
        let metadata = serde_json::json!({ "name": name });
        let secret =
            serde_json::json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys });
        format!("---\n{secret}\n")
    };
    let broker = serde_json::json!({
        "uri": vhost.url(), "managementUri": variable("MANAGEMENT_URL"), "ca.crt": authority,
    });
    let secrets = secret("db", serde_json::json!({ "url": url })) + &secret("rabbitmq", broker);
    std::fs::write(&file, text + &secrets).unwrap();
    let mut command = loyaltyctl(folder.path(), &["up", "-f", "pipeline.yaml", "-o", "json"]);
    let up = Running::start(command.env("LOYALTY_BIN_DIR", worker_folder()), folder.path());
    up.until_said("\"worker\":\"ready\"");
    let pid = std::fs::read_to_string(folder.path().join(".loyalty/coffee/worker.pid")).unwrap();
    let line = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap();
    assert!(line.contains("worker.yaml") && line.contains("--broker-secret") && !line.contains("://"), "{line}");
    let secrets = folder.path().join(".loyalty/coffee/secret");
    assert_eq!(std::fs::metadata(&secrets).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(secrets.join("uri")).unwrap().permissions().mode() & 0o777, 0o600);
    publish(&vhost, purchases(0..100)).await;
    let ledger = ledger::open(&url).unwrap();
    let name = PipelineName::parse("coffee").unwrap();
    let deadline = std::time::Instant::now() + crate::program::WAIT_MAX;
    while ledger.totals(&name).await.unwrap().events.get("Applied") != Some(&100) {
        assert!(std::time::Instant::now() < deadline, "{}", up.said());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    up.signal("INT");
    let (code, said) = up.ended();
    assert_eq!(code, Some(0), "{said}");
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["totals"]["wallets"][0]["available"], "1000");
    assert_eq!(last["waiting"]["coffee.main"], 0);
    assert!(!secrets.exists(), "secrets stay no longer than the worker");
    vhost.delete().await;
}

#[tokio::test]
async fn a_second_up_on_one_folder_is_refused_and_a_worker_that_was_left_behind_is_stopped() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let first = start(folder.path(), &vhost);
    first.until_said("worker ready");
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("pipeline.yaml"), elsewhere.path().join("pipeline.yaml")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("data"), elsewhere.path().join("data")).unwrap();
    let (code, said) = start(elsewhere.path(), &vhost).ended();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.starts_with("error: could not start pipeline `coffee`: another `loyaltyctl up` (pid "), "{said}");

    let left = worker_pid(folder.path()).unwrap();
    first.signal("KILL");
    first.ended();
    assert!(is_alive(left), "a worker in a group of its own lives on");
    let next = start(folder.path(), &vhost);
    next.until_said(&format!("a worker of an earlier `up` still runs (pid {left}): stopping it"));
    next.until_said("worker ready");
    assert!(!is_alive(left));
    next.signal("TERM");
    assert_eq!(next.ended().0, Some(0));
    vhost.delete().await;
}

#[tokio::test]
async fn rules_that_change_are_appended_and_the_same_ones_are_not() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let file = folder.path().join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    for (rules, want) in [
        (text.clone(), "applied: version 1, in force from the beginning"),
        (text.clone(), "unchanged: version 1"),
        (text.replace("points: \"1\"", "points: \"2\""), "applied: version 2, in force since "),
    ] {
        std::fs::write(&file, rules).unwrap();
        let up = start(folder.path(), &vhost);
        up.until_said("worker ready");
        up.signal("INT");
        let (code, said) = up.ended();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(want), "{want}: {said}");
    }
    std::fs::write(&file, text.replace("- { name: points }", "- { name: points, scale: 2 }")).unwrap();
    let (code, said) = start(folder.path(), &vhost).ended();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error: could not append the rule set: "), "{said}");
    vhost.delete().await;
}

#[tokio::test]
async fn a_suspended_pipeline_gets_its_queues_and_no_worker_and_fields_of_a_cluster_are_named() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let file = folder.path().join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "  suspend: true\n  deletionPolicy: Delete\n").unwrap();
    let (code, said) = start(folder.path(), &vhost).ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("note: here runs one worker; what the file says in `deletionPolicy` has an effect only"),
        "{said}"
    );
    assert!(said.contains("no worker is started, because `suspend` is set; events wait in their queues"), "{said}");
    assert!(said.contains("waiting: coffee.main 0"), "{said}");
    assert_eq!(worker_pid(folder.path()), None);
    vhost.delete().await;
}

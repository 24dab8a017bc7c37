//! What is said when the world is not as it should be: a sentence each, on one line, without a password.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::parts::{Vhost, variable};
use crate::program::{Said, loyaltyctl, run, workspace};
use crate::up::example;

fn one_sentence(said: &Said, wanted: &str) {
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    assert!(said.err.starts_with("error: "), "{}", said.err);
    assert!(said.err.contains(wanted), "{}", said.err);
}

fn with_broker(command: &str, url: &str) -> Said {
    let folder = example();
    run(&mut loyaltyctl(folder.path(), &[command, "-f", "pipeline.yaml", "--broker", url]))
}

#[tokio::test]
async fn a_refused_password_names_the_user_and_never_the_password() {
    let vhost = Vhost::new().await;
    let (login, place) =
        vhost.url().rsplit_once('@').map(|(login, place)| (login.to_owned(), place.to_owned())).unwrap();
    let user = login.trim_start_matches("amqp://").split(':').next().unwrap().to_owned();
    for command in ["plan", "up", "dlq"] {
        let url = format!("amqp://{user}:not-the-one@{place}");
        let folder = example();
        let mut args = vec![command];
        args.extend((command == "dlq").then_some("list"));
        args.extend(["-f", "pipeline.yaml", "--broker", &url]);
        let said = run(&mut loyaltyctl(folder.path(), &args));
        one_sentence(&said, &format!("it refuses the password of user `{user}`; check both in `uri`"));
        assert!(!said.err.contains("not-the-one"), "{}", said.err);
    }
    vhost.delete().await;
}

#[test]
fn a_broker_that_is_not_there_or_not_named_or_named_wrongly_is_a_sentence() {
    one_sentence(
        &with_broker("plan", "amqp://me:secret@127.0.0.1:1"),
        "could not reach the broker at `127.0.0.1:1`; check host and port",
    );
    one_sentence(
        &with_broker("up", "amqp://me:secret@127.0.0.1:1"),
        "could not reach the broker at `127.0.0.1:1`; check host and port",
    );
    one_sentence(
        &with_broker("plan", "http://me:secret@host"),
        "could not use the broker of `--broker`: could not read the broker's settings: `uri` must begin with `amqp://` or `amqps://`",
    );
    let folder = example();
    let said = run(&mut loyaltyctl(folder.path(), &["plan", "-f", "pipeline.yaml"]));
    one_sentence(&said, "no `--broker`, no AMQP_URL, and no Secret `rabbitmq` in the files; give one of the three");
    assert!(!said.err.contains("secret@"), "{}", said.err);
}

#[test]
fn a_secret_beside_the_pipeline_names_the_broker_and_one_of_its_keys_that_is_wrong() {
    let folder = example();
    let file = folder.path().join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: { name: rabbitmq }\nstringData:\n  uri: amqp://me:very-secret@127.0.0.1:1\n";
    std::fs::write(&file, format!("{text}{secret}")).unwrap();
    one_sentence(
        &run(&mut loyaltyctl(folder.path(), &["plan", "-f", "pipeline.yaml"])),
        "could not reach the broker at `127.0.0.1:1`",
    );
    std::fs::write(&file, format!("{text}{secret}  ca.crt: nothing\n")).unwrap();
    let said = run(&mut loyaltyctl(folder.path(), &["plan", "-f", "pipeline.yaml"]));
    one_sentence(&said, "could not use the broker of Secret `rabbitmq` in `pipeline.yaml`");
    one_sentence(&said, "`ca.crt` holds no certificate");
    assert!(!said.err.contains("very-secret"), "{}", said.err);
}

/// A TLS server whose certificate nobody knows.
fn tls_server() -> SocketAddr {
    host::install_tls();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![own.cert.der().clone()], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = rustls::StreamOwned::new(session, stream).read(&mut [0; 8]);
        }
    });
    address
}

#[test]
fn an_unknown_certificate_says_where_to_put_the_authoritys() {
    let url = format!("amqps://me:secret@localhost:{}", tls_server().port());
    one_sentence(&with_broker("plan", &url), "could not trust the broker at `localhost:");
    one_sentence(
        &with_broker("plan", &url),
        "put the certificate of the authority that signed the broker's into `ca.crt`",
    );
}

#[tokio::test]
async fn a_database_that_is_not_there_or_not_named_is_a_sentence() {
    let vhost = Vhost::new().await;
    let folder = example();
    let file = folder.path().join("pipeline.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("sqlite: {}", "postgres: { secretRef: { name: db } }")).unwrap();
    let mut command = loyaltyctl(folder.path(), &["up", "-f", "pipeline.yaml"]);
    one_sentence(&run(command.env("AMQP_URL", vhost.url())), "no Secret `db` in the files and no DATABASE_URL");
    command.env("MANAGEMENT_URL", variable("MANAGEMENT_URL"));
    let said = run(command.env("DATABASE_URL", "postgres://me:very-secret@127.0.0.1:1/shop"));
    one_sentence(&said, "could not reach the ledger `postgres://me@127.0.0.1:1/shop`");
    assert!(!said.err.contains("very-secret"), "{}", said.err);
    let args = ["migrate", "--ledger", "mysql://host/shop"];
    one_sentence(
        &run(&mut loyaltyctl(folder.path(), &args)),
        "use `sqlite:PATH`, `sqlite::memory:` or `postgres://HOST/DATABASE`",
    );
    vhost.delete().await;
}

#[test]
fn a_ledger_that_no_up_has_made_is_not_made_by_a_question() {
    let folder = example();
    let said = run(&mut loyaltyctl(folder.path(), &["balance", "ann", "-f", "pipeline.yaml"]));
    one_sentence(&said, "could not find the ledger `.loyalty/coffee/ledger.db`; run `loyaltyctl up` first");
    assert!(!folder.path().join(".loyalty").exists());
}

#[test]
fn a_mistyped_pipeline_does_not_read_as_a_clean_ledger() {
    let folder = example();
    run(&mut loyaltyctl(folder.path(), &["migrate", "--ledger", "sqlite:some.db"]));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&folder.path().join("some.db").metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "a ledger tells who bought what");
    for question in [["audit"].as_slice(), &["balance", "--top", "3"], &["explain", "o1"]] {
        let mut args = question.to_vec();
        args.extend(["--ledger", "sqlite:some.db", "--pipeline", "other"]);
        let said = run(&mut loyaltyctl(folder.path(), &args));
        one_sentence(&said, "could not find pipeline `other` in the ledger `sqlite:some.db`");
    }
}

/// The program in a mount namespace of its own, with a disk of some kilobytes at `small` of its folder.
fn on_a_small_disk(folder: &Path, kilobytes: u32, args: &[&str]) -> Said {
    let namespace = ["-rm", "-m"].into_iter().find(|kind| {
        let tried = Command::new("unshare").args([kind, "true"]).stderr(std::process::Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    let namespace = namespace.expect("no mount namespace can be had here; run as root, or allow user namespaces");
    std::fs::create_dir_all(folder.join("small")).unwrap();
    let script = format!("mount -t tmpfs -o size={kilobytes}k tmpfs small && exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    command.args([namespace, "sh", "-c", &script, env!("CARGO_BIN_EXE_loyaltyctl")]).args(args).current_dir(folder);
    run(&mut command)
}

/// What a simulation says whose ledger lies on a disk of so many kilobytes.
fn simulated_on(kilobytes: u32) -> Said {
    let folder = example();
    let events = workspace().join("examples/cdnow/purchases.jsonl");
    let ledger = "sqlite:small/ledger.db";
    let args = ["simulate", "-f", "pipeline.yaml", events.to_str().unwrap(), "--ledger", ledger];
    on_a_small_disk(folder.path(), kilobytes, &args)
}

const FULL: &str = "could not write to the ledger `sqlite:small/ledger.db`: its disk is full; free or add space";

#[test]
fn a_full_disk_under_sqlite_is_a_sentence() {
    one_sentence(&simulated_on(1024), FULL);
}

#[test]
fn a_full_disk_on_which_not_even_the_tables_have_room_is_the_same_sentence() {
    one_sentence(&simulated_on(64), FULL);
}

/// A folder with a worker of our own making.
fn worker_that(script: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("loyalty-worker");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn a_worker_that_cannot_start_ends_up_with_its_reason() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let worker = worker_that("echo '{\"message\":\"cannot start\",\"error\":\"could not do a thing\"}' >&2; exit 2");
    let mut command = loyaltyctl(folder.path(), &["up", "-f", "pipeline.yaml"]);
    command.env("AMQP_URL", vhost.url()).env("MANAGEMENT_URL", variable("MANAGEMENT_URL"));
    let said = run(command.env("LOYALTY_BIN_DIR", worker.path()));
    one_sentence(&said, "could not run the worker: could not do a thing; its log is `.loyalty/coffee/worker.log`");
    let said = run(command.env("LOYALTY_BIN_DIR", folder.path()));
    one_sentence(
        &said,
        "loyalty-worker`; build it (`cargo build -p loyalty-worker`), or name its folder with LOYALTY_BIN_DIR",
    );
    vhost.delete().await;
}

#[tokio::test]
async fn a_worker_that_dies_again_and_again_is_started_with_growing_pauses() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let worker = worker_that("echo 'it fell over' >&2; exit 3");
    let mut command = loyaltyctl(folder.path(), &["up", "-f", "pipeline.yaml"]);
    command.env("AMQP_URL", vhost.url()).env("MANAGEMENT_URL", variable("MANAGEMENT_URL"));
    let up = crate::program::Running::start(command.env("LOYALTY_BIN_DIR", worker.path()), folder.path());
    for pause in ["0.2", "0.4", "0.8"] {
        up.until_said(&format!(
            "the worker died: it ended with exit code 3; its last words: it fell over; starting it again in {pause} s"
        ));
    }
    up.signal("INT");
    let (code, said) = up.ended();
    assert_eq!(code, Some(0), "{said}");
    vhost.delete().await;
}

#[tokio::test]
async fn a_second_signal_leaves_at_once_though_the_worker_does_not_finish() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let worker = worker_that("trap '' TERM; while :; do sleep 0.1; done");
    let mut command = loyaltyctl(folder.path(), &["up", "-f", "pipeline.yaml"]);
    command.env("AMQP_URL", vhost.url()).env("MANAGEMENT_URL", variable("MANAGEMENT_URL"));
    let up = crate::program::Running::start(command.env("LOYALTY_BIN_DIR", worker.path()), folder.path());
    up.until_said("worker starting");
    let pid = std::fs::read_to_string(folder.path().join(".loyalty/coffee/worker.pid")).unwrap();
    up.signal("INT");
    up.until_said("stopping: the worker finishes its batch; Ctrl-C again leaves at once");
    up.signal("INT");
    let (code, said) = up.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("left at once; what was in flight goes back to the queue\n"), "{said}");
    assert!(!Path::new(&format!("/proc/{}", pid.trim())).exists());
    vhost.delete().await;
}

#[tokio::test]
async fn a_broker_that_does_not_let_us_use_its_management_api_is_told_by_name() {
    let (folder, vhost) = (example(), Vhost::new().await);
    let mut command = loyaltyctl(folder.path(), &["plan", "-f", "pipeline.yaml", "--management", "http://127.0.0.1:1"]);
    let said = run(command.env("AMQP_URL", vhost.url()));
    one_sentence(&said, "could not reach the management API at `http://127.0.0.1:1`");
    vhost.delete().await;
}

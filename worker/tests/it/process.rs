//! A worker process that ends with its test.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::stage::{Stage, until};

pub(crate) struct Worker {
    child: Child,
    listen_file: PathBuf,
    pub(crate) log: PathBuf,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Worker {
    pub(crate) fn start(stage: &Stage, environment: &[(&str, &str)]) -> Self {
        Self::start_with(stage, environment, &stage.settings.secret_url(), &stage.ledger_url)
    }

    pub(crate) fn start_with(stage: &Stage, environment: &[(&str, &str)], amqp: &str, ledger: &str) -> Self {
        // One for each: two workers of a stage must not be taken for one another.
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let listen_file = stage.folder.path().join(format!("listen-{number}"));
        let log = stage.folder.path().join("worker.log");
        let log_file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_loyalty-worker"))
            .arg("--config")
            .arg(stage.config_file())
            .args(["--listen", "127.0.0.1:0", "--listen-file"])
            .arg(&listen_file)
            .env("AMQP_URL", amqp)
            .env("LEDGER_URL", ledger)
            .envs(environment.iter().copied())
            .stderr(Stdio::from(log_file))
            .spawn()
            .unwrap();
        Self { child, listen_file, log }
    }

    /// `SIGKILL`, and the process is gone when this returns.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until("the worker has ended", async || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Status and text of a probe; `None` while nobody answers.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        let address = std::fs::read_to_string(&self.listen_file).ok()?;
        let answer = reqwest::get(format!("http://{address}{path}")).await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.text().await.ok()?))
    }

    pub(crate) async fn ready(&self) {
        until("the worker is ready", async || self.get("/readyz").await.is_some_and(|(status, _)| status == 200)).await;
    }

    pub(crate) async fn not_ready_because(&self, says: &str) {
        until(&format!("/readyz says {says}"), async || {
            self.get("/readyz").await.is_some_and(|(status, text)| status == 503 && text.contains(says))
        })
        .await;
    }

    /// The sum of a metric's series.
    pub(crate) async fn metric(&self, name: &str) -> Option<i64> {
        let (_, text) = self.get("/metrics").await?;
        let series =
            text.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let whole = |line: &str| line.rsplit(' ').next()?.split('.').next()?.parse::<i64>().ok();
        let values: Vec<i64> = series.map(|line| whole(line).unwrap()).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    pub(crate) async fn in_flight(&self) -> Option<i64> {
        self.metric("loyalty_in_flight").await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the worker's last lines:");
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}

//! The worker as a child process.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use super::folder::{Folder, FolderError, make_private, write_private};
use crate::screen::plain;
use crate::target::BrokerTarget;

const NAME: &str = "loyalty-worker";

/// From the end of the log that the last line is looked for in.
const TAIL_BYTES: u64 = 16 * 1024;

/// Exit code of a worker that says: waiting would not help.
const CANNOT_START: i32 = 2;

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkerError {
    #[error(
        "could not find `{path}`; build it (`cargo build -p loyalty-worker`), or name its folder with LOYALTY_BIN_DIR"
    )]
    NoBinary { path: String },
    #[error("could not find our own folder, beside which the worker would be; name its folder with LOYALTY_BIN_DIR")]
    NoFolder(#[source] io::Error),
    #[error("could not start `{path}`")]
    Start { path: String, source: io::Error },
    #[error("could not write `{path}`; check that the disk has room and that you may write there")]
    Log { path: String, source: io::Error },
    #[error("could not run the worker: {why}; its log is `{log}`")]
    CannotStart { why: String, log: String },
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// The worker's program: in `LOYALTY_BIN_DIR`, else beside our own.
pub(super) fn find() -> Result<PathBuf, WorkerError> {
    let folder = match std::env::var_os("LOYALTY_BIN_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => {
            std::env::current_exe().map_err(WorkerError::NoFolder)?.parent().map(Path::to_owned).unwrap_or_default()
        }
    };
    let path = folder.join(NAME);
    if path.is_file() { Ok(path) } else { Err(WorkerError::NoBinary { path: path.display().to_string() }) }
}

/// How to start the worker, again and again.
pub(super) struct Launch {
    binary: PathBuf,
    config: PathBuf,
    listen: PathBuf,
    pid: PathBuf,
    log: PathBuf,
    /// Removed when we are done.
    secret: Option<PathBuf>,
    amqp_url: String,
    ledger_url: String,
}

impl Drop for Launch {
    fn drop(&mut self) {
        // What is left over is made anew by the next start.
        let _ = std::fs::remove_file(&self.pid);
        let _ = std::fs::remove_file(&self.listen);
        let _ = self.secret.as_ref().map(std::fs::remove_dir_all);
    }
}

impl Launch {
    pub(super) fn new(
        binary: PathBuf,
        folder: &Folder,
        broker: &BrokerTarget,
        ledger_url: String,
    ) -> Result<Self, WorkerError> {
        let launch = Self {
            binary,
            config: folder.config(),
            listen: folder.listen(),
            pid: folder.pid(),
            log: folder.log(),
            secret: broker.has_files().then(|| folder.secret()),
            amqp_url: broker.settings.secret_url(),
            ledger_url,
        };
        if let Some(secret) = &launch.secret {
            make_private(secret)?;
            for (key, value) in &broker.keys {
                write_private(&secret.join(key), value)?;
            }
        }
        // The log of the run before is kept; there may be none.
        let _ = std::fs::rename(&launch.log, launch.log.with_extension("log.old"));
        Ok(launch)
    }

    /// Where the log is.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it. In a group of its own: a terminal's Ctrl-C goes to the whole group, and the worker would count it as the second signal.
    pub(super) fn start(&self) -> Result<Child, WorkerError> {
        let _ = std::fs::remove_file(&self.listen);
        let log =
            self.open_log().map_err(|source| WorkerError::Log { path: self.log.display().to_string(), source })?;
        let (out, err) = (log.try_clone(), log);
        let out = out.map_err(|source| WorkerError::Log { path: self.log.display().to_string(), source })?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&self.config).arg("--listen-file").arg(&self.listen);
        command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
        command.env("LEDGER_URL", &self.ledger_url).env_remove("LOYALTY_LEDGER_SECRET");
        match &self.secret {
            Some(folder) => command.arg("--broker-secret").arg(folder).env_remove("AMQP_URL"),
            None => command.env("AMQP_URL", &self.amqp_url).env_remove("LOYALTY_BROKER_SECRET"),
        };
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0).kill_on_drop(true);
        let start = |source| WorkerError::Start { path: self.binary.display().to_string(), source };
        let child = command.spawn().map_err(start)?;
        write_private(&self.pid, child.id().map(|pid| pid.to_string()).unwrap_or_default().as_bytes())?;
        Ok(child)
    }

    fn open_log(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).mode(0o600).open(&self.log)
    }

    /// The error for a worker that said that it cannot start; `None` when it died of something else.
    pub(super) fn cannot_start(&self, status: ExitStatus) -> Option<WorkerError> {
        let why = || self.last_words().unwrap_or_else(|| how(status));
        let log = self.log.display().to_string();
        (status.code() == Some(CANNOT_START)).then(|| WorkerError::CannotStart { why: why(), log })
    }

    /// The last line of the log, as a sentence.
    pub(super) fn last_words(&self) -> Option<String> {
        let mut log = File::open(&self.log).ok()?;
        let len = log.metadata().ok()?.len();
        log.seek(SeekFrom::Start(len.saturating_sub(TAIL_BYTES))).ok()?;
        let mut tail = Vec::new();
        log.read_to_end(&mut tail).ok()?;
        let tail = String::from_utf8_lossy(&tail);
        tail.lines().rev().find(|line| !line.trim().is_empty()).map(words)
    }
}

/// A log line for a person: what it says and the error it names; of anything else (a panic, a loader's complaint) the text itself.
fn words(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let field = |name: &str| value.get(name).and_then(|value| value.as_str());
    let text = match (field("message"), field("error")) {
        (_, Some(error)) => error.to_owned(),
        (Some(message), None) => message.to_owned(),
        (None, None) => line.trim().to_owned(),
    };
    plain(&text)
}

/// How a process ended, in words.
pub(super) fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_log_line_becomes_a_sentence() {
        for (line, want) in [
            (r#"{"level":"ERROR","message":"cannot start","error":"could not read `x`"}"#, "could not read `x`"),
            (r#"{"level":"INFO","message":"started"}"#, "started"),
            ("thread 'main' panicked\x1b[0m", "thread 'main' panicked·[0m"),
        ] {
            assert_eq!(words(line), want);
        }
    }
}

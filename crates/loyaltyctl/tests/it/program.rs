//! Runs the program.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything; the slowest machine that we know needs a tenth of it.
pub(crate) const WAIT_MAX: Duration = Duration::from_mins(1);

/// What a run said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails with everything that was said unless the exit code is this one.
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

/// The program in a folder, with nothing of our own environment that it listens to.
pub(crate) fn loyaltyctl(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loyaltyctl"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    for variable in ["AMQP_URL", "MANAGEMENT_URL", "DATABASE_URL", "LEDGER_URL", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

/// Runs to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs to its end with something to read.
pub(crate) fn run_with(command: &mut Command, input: &[u8]) -> Said {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program that runs beside the test; ended with it.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
}

impl Running {
    /// Starts it; both outputs go to a file in `folder`.
    pub(crate) fn start(command: &mut Command, folder: &Path) -> Self {
        let out = folder.join("out.txt");
        let file = std::fs::File::create(&out).unwrap();
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, out }
    }

    /// What it said so far.
    pub(crate) fn said(&self) -> String {
        let mut text = String::new();
        std::fs::File::open(&self.out).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Waits until it has said something.
    pub(crate) fn until_said(&self, wanted: &str) {
        wait(&format!("`{wanted}`"), || self.said().contains(wanted), || self.said());
    }

    /// A signal such as `INT`.
    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, self.child.id());
    }

    /// Waits for its end; exit code and everything that it said.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), self.said());
            }
            assert!(Instant::now() < deadline, "it did not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to one process.
pub(crate) fn kill(signal: &str, pid: u32) {
    let sent = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status().unwrap();
    assert!(sent.success(), "no process {pid}");
}

/// Waits for a condition, with a deadline.
pub(crate) fn wait(what: &str, mut holds: impl FnMut() -> bool, otherwise: impl Fn() -> String) {
    let deadline = Instant::now() + WAIT_MAX;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain for {what}: {}", otherwise());
        std::thread::sleep(Duration::from_millis(50));
    }
}

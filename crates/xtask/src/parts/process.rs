//! One program that we started: in a group of its own, with its output in a file, ended for certain.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::error::PartError;
use super::live;
use super::processes;
use super::wait;

/// How much of a log an error shows.
const TAIL_LINES_MAX: usize = 20;

/// A child process; dropping it kills it and everything that it started.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    ended: bool,
}

impl Process {
    /// Starts `command` without input; its output is appended to `log`.
    ///
    /// # Errors
    /// When the log cannot be opened, the program cannot be started, or a signal has come.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self, PartError> {
        let out = File::options().create(true).append(true).open(log).map_err(PartError::file("open", log))?;
        let err = out.try_clone().map_err(PartError::file("open", log))?;
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let child = live::spawn(name, command)?;
        Ok(Self { child, log: log.to_owned(), ended: false })
    }

    /// Starts `command` without input, with our own output.
    ///
    /// # Errors
    /// When the program cannot be started, or a signal has come.
    pub fn spawn_visible(name: &str, command: &mut Command) -> Result<Self, PartError> {
        command.stdin(Stdio::null()).process_group(0);
        let child = live::spawn(name, command)?;
        Ok(Self { child, log: PathBuf::new(), ended: false })
    }

    /// How it ended; `None` while it runs.
    pub fn status(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().ok().flatten();
        if status.is_some() {
            self.note_end();
        }
        status
    }

    /// Waits for its own end.
    ///
    /// # Errors
    /// When the system cannot tell how it ended.
    pub fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.child.wait();
        self.note_end();
        status
    }

    /// Asks it to end by `signal`; kills it, with all that it started, when it has not ended within `patience`.
    pub fn end(&mut self, signal: Signal, patience: Duration) {
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        if self.status().is_none() {
            let _ = kill_process(pid, signal);
            let _ = wait::until(patience, || self.status());
        }
        self.kill();
    }

    /// Kills it and all that it started, at once.
    pub fn kill(&mut self) {
        if !self.ended {
            processes::kill_tree(self.child.id());
            let _ = self.wait();
        }
    }

    /// The end of its log.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES_MAX)..].join("\n")
    }

    fn note_end(&mut self) {
        self.ended = true;
        live::forget(self.child.id());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` to its end with its output in `log`.
///
/// # Errors
/// When it cannot be started or does not succeed; then with its last lines.
pub(crate) fn run(name: &str, command: &mut Command, log: &Path) -> Result<(), PartError> {
    let mut process = Process::spawn(name, command, log)?;
    let status = process.wait().map_err(|source| PartError::Spawn { program: name.to_owned(), source })?;
    if status.success() {
        return Ok(());
    }
    Err(PartError::Failed { program: name.to_owned(), status: told(status), tail: process.tail() })
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}

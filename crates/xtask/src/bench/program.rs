//! A program that is measured: it tells on its standard output what we wait for.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use super::BenchError;
use crate::parts::{PartError, live};

/// Nothing that we wait for takes longer; reached only when something hangs.
pub(crate) const SILENT_MAX: Duration = Duration::from_mins(5);

/// How much of a log an error shows.
const TAIL_LINES_MAX: usize = 2;

/// A running program; dropping it kills it.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Program {
    /// Starts `command`; what it writes to standard error is kept in `folder`.
    pub(crate) fn start(name: &'static str, command: &mut Command, folder: &Path) -> Result<Self, BenchError> {
        let log = folder.join(format!("{name}.log"));
        let errors = File::create(&log).map_err(PartError::file("make", &log))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).process_group(0);
        let mut child = live::spawn(name, command)?;
        let (sender, lines) = channel();
        if let Some(out) = child.stdout.take() {
            // Ends with the program's output.
            thread::spawn(move || {
                let read = BufReader::new(out).lines().map_while(Result::ok);
                read.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
            });
        }
        Ok(Self { name, child, lines, log })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its output.
    pub(crate) fn line(&self) -> Result<String, BenchError> {
        self.lines.recv_timeout(SILENT_MAX).map_err(|error| match error {
            RecvTimeoutError::Timeout => self.failure("it was silent for too long"),
            RecvTimeoutError::Disconnected => self.failure("it ended"),
        })
    }

    /// Waits until it has ended well.
    pub(crate) fn finish(mut self) -> Result<(), BenchError> {
        while self.lines.recv().is_ok() {}
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            _ => Err(self.failure("it failed")),
        }
    }

    /// Whether it still runs.
    pub(crate) fn check(&mut self) -> Result<(), BenchError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(self.failure("it ended")),
        }
    }

    pub(crate) fn failure(&self, why: &str) -> BenchError {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES_MAX)..].join("\n");
        BenchError::Program { program: self.name.to_owned(), why: why.to_owned(), tail }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        live::forget(self.child.id());
    }
}

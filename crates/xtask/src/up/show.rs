//! `loyaltyctl up`, which owns the terminal while it runs: it says what it does, then shows a live table.

use std::fs;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::process::Signal;

use super::ctl::{Ctl, bold, print_line};
use super::error::UpError;
use super::worker::{self, Counts};
use crate::parts::{Process, wait};

/// Declaring, reading back (the management API is seconds late) and a first connection, on a busy machine.
const READY_MAX: Duration = Duration::from_mins(1);

/// The worker finishes a batch, loyaltyctl tells the totals.
const END_MAX: Duration = Duration::from_secs(30);

/// How soon an end that nobody asked for is noticed.
const PAUSE: Duration = Duration::from_millis(200);

/// The running command; dropping it kills it with its worker.
#[derive(Debug)]
pub(super) struct Show<'a> {
    ctl: &'a Ctl,
    process: Process,
}

impl<'a> Show<'a> {
    pub(super) fn start(ctl: &'a Ctl) -> Result<Self, UpError> {
        print_line(&format!("\n{}", bold(&format!("$ {}", ctl.line(&["up"])))));
        let process = Process::spawn_visible("loyaltyctl up", &mut ctl.command(&["up"]))?;
        Ok(Self { ctl, process })
    }

    /// Until the worker takes messages: then every exchange and queue is there. Gives what it counts.
    pub(super) fn wait_until_ready(&mut self) -> Result<Counts, UpError> {
        let listen = self.ctl.data.listen();
        let ready = wait::until(READY_MAX, || match self.check() {
            Err(ended) => Some(Err(ended)),
            Ok(()) => fs::read_to_string(&listen).ok().and_then(|address| worker::if_ready(&address)).map(Ok),
        });
        ready.unwrap_or_else(|| Err(self.slow("the worker to be ready", READY_MAX)))
    }

    /// Whether it still runs.
    pub(super) fn check(&mut self) -> Result<(), UpError> {
        match self.process.status() {
            None => Ok(()),
            Some(status) => Err(UpError::ShowEnded { status: status.to_string() }),
        }
    }

    /// Goes on until a signal is told, or it ends by itself.
    pub(super) fn stay(&mut self, signal: &Receiver<()>) -> Result<(), UpError> {
        while signal.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
            self.check()?;
        }
        Ok(())
    }

    /// Ends it as Ctrl-C does; it tells what the ledger holds.
    pub(super) fn end(mut self) -> Result<(), UpError> {
        self.process.end(Signal::INT, END_MAX);
        match self.process.status() {
            Some(status) if !status.success() => Err(UpError::ShowEnded { status: status.to_string() }),
            _ => Ok(()),
        }
    }

    pub(super) fn slow(&self, what: &'static str, waited: Duration) -> UpError {
        UpError::Slow { what, seconds: waited.as_secs(), log: self.ctl.data.log() }
    }
}

//! A worker that outlived its `up`, because that was killed: two of them would do no harm, but nobody would stop the first.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::folder::Folder;
use super::say;
use crate::screen::Screen;

/// How long an old worker may take to finish its batch.
const FINISH_MAX: Duration = Duration::from_secs(10);

/// It did not go.
#[derive(Debug, thiserror::Error)]
#[error("could not stop the worker of an earlier `up` (pid {pid}); end it, then try again")]
pub(super) struct OrphanError {
    pid: i32,
}

/// Stops the worker of an `up` that was killed, if one runs.
pub(super) async fn stop(folder: &Folder, screen: &Screen) -> Result<(), crate::edge::Halt> {
    let Some(pid) = find(folder) else { return Ok(()) };
    let number = pid.as_raw_nonzero().get();
    say(screen, &format!("a worker of an earlier `up` still runs (pid {number}): stopping it\n"))?;
    // Gone already is as good.
    let _ = kill_process(pid, Signal::TERM);
    let deadline = Instant::now() + FINISH_MAX;
    while test_kill_process(pid).is_ok() {
        if Instant::now() > deadline {
            return Err(OrphanError { pid: number }.into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// The noted process, if it still is a worker with this folder's configuration: numbers of processes are used again.
fn find(folder: &Folder) -> Option<Pid> {
    let noted = std::fs::read_to_string(folder.pid()).ok()?;
    let pid = noted.trim().parse().ok().and_then(Pid::from_raw)?;
    let command = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    let config = folder.config();
    let is_ours = command.split(|byte| *byte == 0).any(|word| word == config.as_os_str().as_encoded_bytes());
    is_ours.then_some(pid)
}

//! What this process has started and not yet ended, so that a signal can end it.

use std::io;
use std::path::PathBuf;
use std::process::{self, Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use rustix::process::Signal;
use signal_hook::iterator::Signals;

use super::error::PartError;
use super::processes;
use super::run_folder;
use crate::progress::say;

/// Ends something that is neither a process below us nor a folder.
pub type Ending = Box<dyn FnOnce() + Send>;

struct Live {
    interrupted: bool,
    processes: Vec<u32>,
    folders: Vec<PathBuf>,
    endings: Vec<Ending>,
    /// Who wants the next signal for something else.
    listener: Option<Sender<()>>,
}

static LIVE: Mutex<Live> = Mutex::new(Live {
    interrupted: false,
    processes: Vec::new(),
    folders: Vec::new(),
    endings: Vec::new(),
    listener: None,
});
static LISTENING: OnceLock<()> = OnceLock::new();

fn live() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on SIGINT, SIGTERM and SIGHUP end everything that was started, remove its folders and leave with 128 + signal.
/// A second call changes nothing.
///
/// # Errors
/// When the signals cannot be caught.
pub fn end_on_signals() -> Result<(), PartError> {
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    let mut heard = vec![Signal::INT.as_raw(), Signal::TERM.as_raw()];
    // `nohup` asks that a closed terminal be ignored, and gets that. A shell also makes its background commands ignore
    // SIGINT; there whoever sends one by hand means it.
    if !is_ignored(Signal::HUP.as_raw()) {
        heard.push(Signal::HUP.as_raw());
    }
    let mut signals = Signals::new(heard).map_err(PartError::Signals)?;
    thread::spawn(move || {
        // A listener that has gone does not want it any more.
        let wanted = || live().listener.take().is_some_and(|listener| listener.send(()).is_ok());
        if let Some(signal) = signals.forever().find(|_| !wanted()) {
            say("interrupted: ending what was started");
            end_all();
            process::exit(128 + signal);
        }
    });
    Ok(())
}

fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

/// The next signal is told here and ends nothing; the one after it does.
#[must_use]
pub fn hold_next() -> Receiver<()> {
    let (listener, told) = channel();
    live().listener = Some(listener);
    told
}

/// A signal does `ending` too, before the folders are removed.
pub fn at_end(ending: Ending) {
    live().endings.push(ending);
}

/// Waits for the end by a signal; returns never.
pub fn stay() -> ! {
    loop {
        thread::park();
    }
}

/// Whether a signal has come; then the process is about to leave, with an exit code that should not be overtaken.
#[must_use]
pub fn interrupted() -> bool {
    live().interrupted
}

/// The mark comes first: from then on nothing new starts.
fn end_all() {
    let mut live = live();
    live.interrupted = true;
    let folders: Vec<PathBuf> = live.folders.drain(..).collect();
    let leaders: Vec<u32> = live.processes.drain(..).collect();
    let endings: Vec<Ending> = live.endings.drain(..).collect();
    drop(live);
    for leader in leaders {
        processes::kill_tree(leader);
    }
    for ending in endings {
        ending();
    }
    for folder in folders {
        run_folder::remove(&folder);
        // A test that we have just killed had runs of its own, beside ours.
        folder.parent().into_iter().for_each(run_folder::remove_leftovers);
    }
}

/// Starts `command`, unless a signal has come.
pub(crate) fn spawn(name: &str, command: &mut Command) -> Result<Child, PartError> {
    let mut live = live();
    if live.interrupted {
        return Err(PartError::Interrupted { program: name.to_owned() });
    }
    let child = command.spawn().map_err(|source: io::Error| PartError::Spawn { program: name.to_owned(), source })?;
    live.processes.push(child.id());
    Ok(child)
}

/// The process has been waited for.
pub(crate) fn forget(pid: u32) {
    live().processes.retain(|known| *known != pid);
}

pub(crate) fn keep_folder(folder: PathBuf) {
    live().folders.push(folder);
}

pub(crate) fn forget_folder(folder: &PathBuf) {
    live().folders.retain(|known| known != folder);
}

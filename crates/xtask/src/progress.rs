//! Says on stderr what takes its time; a step that is quick stays silent.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A person starts to wonder after about two seconds.
const SILENT_MAX: Duration = Duration::from_secs(2);
/// How often a long step is named again.
const REPEAT: Duration = Duration::from_secs(15);

/// Prints one line at once.
pub(crate) fn say(line: &str) {
    eprintln!("xtask: {line}");
}

/// Does `work`; when it takes longer than two seconds, says what is being done and, at the end, how long it took.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let (done, ticks) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut patience = SILENT_MAX;
            while ticks.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                say(&format!("{what} ... {} s", begun.elapsed().as_secs()));
                patience = REPEAT;
            }
        });
        let outcome = work();
        drop(done);
        say_took(what, begun);
        outcome
    })
}

/// Does `work` that tells of its progress itself: says what it is, and at the end how long it took.
pub(crate) fn told<T>(what: &str, work: impl FnOnce() -> T) -> T {
    say(what);
    let begun = Instant::now();
    let outcome = work();
    say_took(what, begun);
    outcome
}

fn say_took(what: &str, begun: Instant) {
    if begun.elapsed() > SILENT_MAX {
        say(&format!("{what}: took {:.1} s", begun.elapsed().as_secs_f64()));
    }
}

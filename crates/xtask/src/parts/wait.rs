//! Waiting for a condition with a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// Short enough not to be felt, long enough not to burn one of two cores.
const PAUSE: Duration = Duration::from_millis(25);

/// Asks `condition` until it gives a value; `None` when `deadline` has passed without one.
pub(crate) fn until<T>(deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(PAUSE);
    }
}

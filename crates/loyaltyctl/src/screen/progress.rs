//! How far a long question is, on standard error: a line that is rewritten on a terminal, now and then one elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// What is over sooner needs no progress.
const QUIET: Duration = Duration::from_secs(2);

/// How often progress is told on a terminal.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// How often it is told where each line stays.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How far something is.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    told: Option<Instant>,
    is_terminal: bool,
    /// Whether it is told where nobody looks.
    keeps_lines: bool,
}

impl Progress {
    pub(crate) fn start() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { started: Instant::now(), told: None, is_terminal, keeps_lines: true }
    }

    /// For people only.
    pub(crate) fn on_a_terminal() -> Self {
        Self { keeps_lines: false, ..Self::start() }
    }

    /// Tells it, when it is time to.
    pub(crate) fn tell(&mut self, text: &str) {
        let now = Instant::now();
        if !self.is_due(now) {
            return;
        }
        if self.is_terminal {
            eprint!("\r\x1b[K{text}");
        } else {
            eprintln!("{text}");
        }
        self.told = Some(now);
    }

    fn is_due(&self, now: Instant) -> bool {
        let every = if self.is_terminal { TELL_EVERY } else { LINE_EVERY };
        (self.is_terminal || self.keeps_lines)
            && now.duration_since(self.started) > QUIET
            && self.told.is_none_or(|told| now.duration_since(told) > every)
    }

    /// Clears the line.
    pub(crate) fn end(&self) {
        if self.told.is_some() && self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_begins_after_two_seconds_and_repeats_itself_less_where_lines_stay() {
        let started = Instant::now();
        let at = |millis| started + Duration::from_millis(millis);
        for (is_terminal, told, now, due) in [
            (true, None, 1999, false),
            (true, None, 2001, true),
            (true, Some(2001), 2400, false),
            (true, Some(2001), 2502, true),
            (false, None, 1999, false),
            (false, None, 2001, true),
            (false, Some(2001), 30_000, false),
            (false, Some(2001), 32_002, true),
        ] {
            let progress = Progress { started, told: told.map(at), is_terminal, keeps_lines: true };
            assert_eq!(progress.is_due(at(now)), due, "{is_terminal} {told:?} {now}");
            let progress = Progress { keeps_lines: false, ..progress };
            assert_eq!(progress.is_due(at(now)), due && is_terminal, "{is_terminal} {told:?} {now}");
        }
    }
}

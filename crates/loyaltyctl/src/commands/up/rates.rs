//! How fast things go, from a few seconds of looks. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Looks older than this do not count: a rate should follow what one sees.
const WINDOW: Duration = Duration::from_secs(5);

/// Slower than one event in this window is standing still.
const STILL_PER_SECOND: f64 = 0.1;

/// One look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) at: Instant,
    /// Messages that are ready in all lanes; unknown is unknown.
    pub(super) waiting: Option<u64>,
    /// Messages that the worker holds.
    pub(super) in_flight: f64,
    /// Messages received since the beginning.
    pub(super) received: f64,
    /// Messages settled or buried since the beginning.
    pub(super) settled: f64,
}

/// When the backlog is gone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Drain {
    /// Nothing waits.
    Empty,
    /// In so many seconds, if it goes on like this.
    In(f64),
    /// More arrives than is settled.
    Never,
    /// Nothing is settled, or a number is missing.
    Unknown,
}

/// Looks of the last seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Rates {
    looks: VecDeque<Look>,
}

impl Rates {
    pub(super) fn take(&mut self, look: Look) {
        self.looks.push_back(look);
        while self.looks.len() > 2 && self.looks.front().is_some_and(|first| look.at.duration_since(first.at) > WINDOW)
        {
            self.looks.pop_front();
        }
    }

    /// Another worker counts from nought, and what the last one held goes back to the queue: no rate leads across.
    pub(super) fn forget(&mut self) {
        self.looks.clear();
    }

    /// Events settled a second.
    pub(super) fn settled(&self) -> Option<f64> {
        let (first, last, seconds) = self.ends()?;
        Some((last.settled - first.settled) / seconds)
    }

    /// Messages arriving a second: what was taken out, and by how much more waits.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    pub(super) fn arriving(&self) -> Option<f64> {
        let (first, last, seconds) = self.ends()?;
        let grown = last.waiting? as f64 - first.waiting? as f64;
        Some(((grown + last.received - first.received) / seconds).max(0.0))
    }

    /// When the backlog is gone.
    #[expect(clippy::cast_precision_loss, reason = "a time for people")]
    pub(super) fn drain(&self) -> Drain {
        let Some(last) = self.looks.back() else { return Drain::Unknown };
        let Some(waiting) = last.waiting else { return Drain::Unknown };
        let backlog = waiting as f64 + last.in_flight;
        if backlog < 0.5 {
            return Drain::Empty;
        }
        match (self.settled(), self.arriving()) {
            (Some(settled), Some(arriving)) if settled > STILL_PER_SECOND => {
                let net = settled - arriving;
                if net > STILL_PER_SECOND { Drain::In(backlog / net) } else { Drain::Never }
            }
            _ => Drain::Unknown,
        }
    }

    fn ends(&self) -> Option<(&Look, &Look, f64)> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        let seconds = last.at.duration_since(first.at).as_secs_f64();
        (seconds > 0.0).then_some((first, last, seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(looks: &[(u64, Option<u64>, f64, f64)]) -> Rates {
        let start = Instant::now();
        let mut rates = Rates::default();
        for (second, waiting, received, settled) in looks {
            let (at, in_flight) = (start + Duration::from_secs(*second), received - settled);
            rates.take(Look { at, waiting: *waiting, in_flight, received: *received, settled: *settled });
        }
        rates
    }

    #[test]
    fn rates_come_from_the_last_seconds_and_unknown_stays_unknown() {
        // 100 a second arrive, 300 are settled.
        let draining = rates(&[(0, Some(1000), 0.0, 0.0), (1, Some(800), 300.0, 300.0), (2, Some(600), 600.0, 600.0)]);
        assert_eq!(draining.settled(), Some(300.0));
        assert_eq!(draining.arriving(), Some(100.0));
        assert_eq!(draining.drain(), Drain::In(3.0));

        let growing = rates(&[(0, Some(0), 0.0, 0.0), (1, Some(50), 10.0, 10.0)]);
        assert_eq!(growing.drain(), Drain::Never);

        let unseen = rates(&[(0, Some(10), 0.0, 0.0), (1, None, 10.0, 10.0)]);
        assert_eq!((unseen.settled(), unseen.arriving(), unseen.drain()), (Some(10.0), None, Drain::Unknown));

        let stalled = rates(&[(0, Some(10), 5.0, 5.0), (1, Some(10), 5.0, 5.0)]);
        assert_eq!(stalled.drain(), Drain::Unknown);

        let idle = rates(&[(0, Some(0), 5.0, 5.0), (9, Some(0), 5.0, 5.0)]);
        assert_eq!(idle.drain(), Drain::Empty);
        assert_eq!(rates(&[]).drain(), Drain::Unknown);
    }

    #[test]
    fn old_looks_leave_the_window() {
        let rates = rates(&[(0, Some(0), 0.0, 0.0), (5, Some(0), 500.0, 500.0), (10, Some(0), 500.0, 500.0)]);
        assert_eq!(rates.settled(), Some(0.0));
    }
}

//! The last looks, as far as rates need them.

use std::collections::VecDeque;
use std::time::Duration;

use crate::number::real;
use crate::signals::Signals;

/// Longer than any window of a rate and its lateness.
const KEPT: Duration = Duration::from_secs(45);

/// What was so from one look until the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tick {
    at: Duration,
    /// Workers that were ready.
    pub(crate) workers: f64,
    /// At most so many of them were busy: who is busy holds a message.
    pub(crate) busy_at_most: f64,
    /// Whether messages waited, so that all of them were busy.
    pub(crate) busy: bool,
    ready: Option<u64>,
}

/// The last looks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ticks {
    looks: VecDeque<Tick>,
    busy_since: Option<Duration>,
    last_busy: Option<Duration>,
}

impl Ticks {
    pub(crate) fn see(&mut self, signals: &Signals) {
        let workers = f64::from(signals.workers_ready);
        let held = signals.unacked.map(|unacked| real(unacked.saturating_add(signals.ready.unwrap_or(0))));
        let tick = Tick {
            at: signals.at,
            workers,
            busy_at_most: held.map_or(workers, |held| held.min(workers)),
            busy: signals.is_busy(),
            ready: signals.ready,
        };
        self.busy_since = tick.busy.then_some(self.busy_since.unwrap_or(signals.at));
        if tick.busy {
            self.last_busy = Some(signals.at);
        }
        self.looks.push_back(tick);
        while self.looks.front().is_some_and(|tick| signals.at.saturating_sub(tick.at) > KEPT) {
            self.looks.pop_front();
        }
    }

    /// Since when messages waited at each look while workers were ready; `None` when none wait now.
    pub(crate) fn busy_since(&self) -> Option<Duration> {
        self.busy_since
    }

    /// When messages last waited while workers were ready.
    pub(crate) fn last_busy(&self) -> Option<Duration> {
        self.last_busy
    }

    /// The sum of `value` over the seconds of a time.
    pub(crate) fn over(&self, from: Duration, to: Duration, value: impl Fn(&Tick) -> f64) -> f64 {
        let ends = self.looks.iter().skip(1).map(|tick| tick.at).chain([to]);
        let pieces = self.looks.iter().zip(ends).map(|(tick, end)| {
            let length = end.min(to).saturating_sub(tick.at.max(from));
            value(tick) * length.as_secs_f64()
        });
        pieces.sum()
    }

    /// How many messages less waited at the last look than `ago` before, a second. `None` when that is not known.
    pub(crate) fn shrinks_per_s(&self, ago: Duration) -> Option<f64> {
        let last = self.looks.back()?;
        let first = self.looks.iter().rev().find(|tick| last.at.saturating_sub(tick.at) >= ago)?;
        let length = last.at.saturating_sub(first.at).as_secs_f64();
        (length > 0.0).then_some(())?;
        Some((real(first.ready?) - real(last.ready?)) / length)
    }
}

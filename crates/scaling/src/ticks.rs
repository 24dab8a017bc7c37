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
    /// One was ready since workers were last asked for from nothing.
    was_ready: bool,
    waiting_since: Option<Duration>,
    last_waiting: Option<Duration>,
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
        self.was_ready = signals.replicas > 0 && (self.was_ready || signals.workers_ready > 0);
        let lost = self.was_ready && signals.workers_ready == 0 && signals.backlog_at_least() > 0;
        let waiting = tick.busy || lost;
        self.waiting_since = waiting.then_some(self.waiting_since.unwrap_or(signals.at));
        if waiting {
            self.last_waiting = Some(signals.at);
        }
        self.looks.push_back(tick);
        while self.looks.front().is_some_and(|tick| signals.at.saturating_sub(tick.at) > KEPT) {
            self.looks.pop_front();
        }
    }

    /// Since when messages waited at each look for workers that are ready, or that were and are not any more; `None` when none
    /// wait now. Workers take their readiness back when the ledger is away. Those that were never ready only start slowly.
    pub(crate) fn waiting_since(&self) -> Option<Duration> {
        self.waiting_since
    }

    /// When messages last waited so.
    pub(crate) fn last_waiting(&self) -> Option<Duration> {
        self.last_waiting
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

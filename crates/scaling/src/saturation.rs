//! More workers that bring nothing: something else is at its limit, such as the database.
//!
//! The only proof is to look: a number of workers and what they did, all of them busy, beside a larger number and what
//! those did. While workers are slower than they were, or it was never seen that more of them do more, the number
//! grows by a factor at a time: what was judged counts, not what was asked for.

use std::time::Duration;

use crate::capacity::Busy;

/// At least this share of what new workers should bring, they have to bring.
const GAIN_MIN: f64 = 0.3;
/// More by this factor is more; less is a tremble.
const MORE: f64 = 1.15;
/// So often in a row, because one window may have been short of a lump.
const STRIKES: u32 = 2;
/// Workers are slower than they were when they do less than this share.
const SLOWER: f64 = 0.6;
/// With each window what was best counts a bit less.
const FADE: f64 = 0.99;
/// Times as many as were judged, while workers are slower than they were.
const STEP_SLOW: u32 = 2;
/// Times as many as were judged, before it was ever seen that more do more.
const STEP_NEW: u32 = 8;
/// The same workers do more by this factor: whatever was at its limit is not any more.
const BETTER: f64 = 1.3;
/// After this time a few more are tried, and after twice the time again.
const TRY_AFTER: Duration = Duration::from_mins(1);
/// Longest time between two tries.
const TRY_AFTER_MAX: Duration = Duration::from_mins(16);
/// A backlog that was gone for so long needs no verdict.
const OVER_AFTER: Duration = Duration::from_secs(10);

/// Growth has stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Workers that did as much.
    pub(crate) fewer: f64,
    /// Workers that did no more.
    pub(crate) more: f64,
    /// What they did a second.
    pub(crate) acked_per_s: f64,
    since: Duration,
}

/// What was seen of more workers.
#[derive(Debug, Clone)]
pub(crate) struct Saturation {
    /// Fewest workers that did what the last ones did.
    base: Option<Busy>,
    /// Workers that the last window was about.
    judged: f64,
    strikes: u32,
    /// It was seen that more do more.
    proven: bool,
    best_per_worker: f64,
    held: Option<Held>,
    try_after: Duration,
    /// A few more are tried: so many at most.
    trying: Option<u32>,
}

impl Default for Saturation {
    fn default() -> Self {
        Self {
            base: None,
            judged: 0.0,
            strikes: 0,
            proven: false,
            best_per_worker: 0.0,
            held: None,
            try_after: TRY_AFTER,
            trying: None,
        }
    }
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ceiling {
    /// As many as are needed.
    None,
    /// So many until the last ones were judged.
    Careful(u32),
    /// So many, because more bring nothing.
    Saturated(u32),
}

impl Saturation {
    /// Takes in what busy workers did.
    pub(crate) fn judge(&mut self, busy: &Busy, at: Duration) {
        self.judged = busy.workers;
        self.best_per_worker = (self.best_per_worker * FADE).max(busy.acked_per_s / busy.workers);
        if let Some(held) = self.held {
            let same = busy.workers <= held.more * MORE;
            if same && busy.acked_per_s > held.acked_per_s * BETTER {
                self.release();
                self.base = Some(*busy);
            }
            return;
        }
        let Some(base) = self.base else {
            self.base = Some(*busy);
            return;
        };
        if busy.workers <= base.workers * MORE {
            self.strikes = 0;
            let acked_per_s = f64::midpoint(base.acked_per_s, busy.acked_per_s);
            let workers = if busy.workers < base.workers / MORE { busy.workers } else { base.workers };
            self.base = Some(Busy { workers, acked_per_s });
            return;
        }
        let expected = base.acked_per_s * (busy.workers / base.workers - 1.0);
        if busy.acked_per_s - base.acked_per_s >= GAIN_MIN * expected {
            self.base = Some(*busy);
            self.strikes = 0;
            self.proven = true;
            self.trying = None;
            self.try_after = TRY_AFTER;
            return;
        }
        self.strikes += 1;
        if self.strikes >= STRIKES {
            let (fewer, more) = (base.workers, busy.workers);
            self.held = Some(Held { fewer, more, acked_per_s: busy.acked_per_s, since: at });
            self.strikes = 0;
            self.trying = None;
        }
    }

    /// How many there may be, when `replicas` are asked for.
    pub(crate) fn ceiling(&mut self, replicas: u32, last_waiting: Option<Duration>, at: Duration) -> Ceiling {
        if last_waiting.is_none_or(|waiting| at.saturating_sub(waiting) >= OVER_AFTER) {
            self.release();
            self.strikes = 0;
            self.base = None;
        }
        if let Some(held) = self.held {
            if at.saturating_sub(held.since) < self.try_after {
                return Ceiling::Saturated(replicas);
            }
            self.held = None;
            self.base = Some(Busy { workers: held.more, acked_per_s: held.acked_per_s });
            self.try_after = (2 * self.try_after).min(TRY_AFTER_MAX);
            self.trying = Some(replicas + (replicas / 4).max(1));
        }
        if let Some(most) = self.trying {
            return Ceiling::Careful(most);
        }
        self.step(replicas)
    }

    /// Why growth has stopped, if it has.
    pub(crate) fn held(&self) -> Option<Held> {
        self.held
    }

    fn step(&self, replicas: u32) -> Ceiling {
        let slow = self.base.is_some_and(|base| base.acked_per_s < SLOWER * self.best_per_worker * base.workers);
        let step = match (slow, self.proven) {
            (true, _) => STEP_SLOW,
            (false, false) => STEP_NEW,
            (false, true) => return Ceiling::None,
        };
        let judged = crate::number::ceil(self.judged / MORE).max(1);
        Ceiling::Careful(judged.saturating_mul(step).max(replicas))
    }

    fn release(&mut self) {
        self.held = None;
        self.trying = None;
        self.try_after = TRY_AFTER;
    }
}

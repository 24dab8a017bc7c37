//! How many messages come in and are acknowledged a second.
//!
//! What waits is known live; what is acknowledged comes some seconds late, in lumps, and now and then the same lump is told
//! again. So rates are taken over windows from one lump to another, and the middle one of three counts: a burst falls
//! into one window and is a backlog, not a rate; what lasts is in two of three after ten seconds.

use std::collections::VecDeque;
use std::time::Duration;

use crate::number::real;
use crate::signals::{Counter, Signals};

/// A reading that is older says nothing of now.
const STALE_AFTER: Duration = Duration::from_secs(15);
/// Shorter windows would have lumps of 0 and 2 in them.
const WINDOW_MIN: Duration = Duration::from_secs(4);
/// Without any acknowledgement a window ends here. Longer than the broker takes from one count to the next, and as the reading
/// of it is late besides.
const WINDOW_MAX: Duration = Duration::from_secs(10);
/// So many windows are looked at.
const WINDOWS: usize = 3;
/// Messages that are missing for longer were purged or expired; what is only on its way is counted sooner.
const LOST_AFTER: Duration = Duration::from_secs(20);

/// The flow from one count of acknowledgements to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    /// Messages acknowledged within.
    pub(crate) acked: f64,
    /// Messages that came in; `None` when some part of the depth was not known.
    arrived: Option<f64>,
}

impl Window {
    pub(crate) fn seconds(&self) -> f64 {
        self.to.saturating_sub(self.from).as_secs_f64()
    }

    fn acked_per_s(&self) -> f64 {
        self.acked / self.seconds()
    }

    fn arrived_per_s(&self) -> Option<f64> {
        Some(self.arrived? / self.seconds())
    }
}

/// Where a window began.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Duration,
    acked: u64,
    arrived: Option<u64>,
}

/// The flow through a pipeline's queues.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow {
    last: Option<Counter>,
    last_ack: Duration,
    /// Acknowledged since the first reading, over all restarts of the broker.
    acked: u64,
    arrived: Arrived,
    mark: Option<Mark>,
    windows: VecDeque<Window>,
}

impl Flow {
    /// Takes a look in, and gives the window that it ends.
    pub(crate) fn see(&mut self, signals: &Signals) -> Option<Window> {
        let Some(counter) = signals.acked.filter(|read| signals.at.saturating_sub(read.at) <= STALE_AFTER) else {
            *self = Self::default();
            return None;
        };
        let fresh = self.last.is_none_or(|last| counter.at > last.at);
        let grew = self.count(counter);
        if let Some(depth) = signals.backlog() {
            self.arrived.see(signals.at, self.acked.saturating_add(depth));
        }
        if fresh { self.close(counter.at, grew) } else { None }
    }

    /// Whether there is a count of acknowledgements.
    pub(crate) fn is_known(&self) -> bool {
        self.last.is_some()
    }

    /// When the count was last seen to grow, or was seen first.
    pub(crate) fn last_ack(&self) -> Option<Duration> {
        self.last.map(|_| self.last_ack)
    }

    /// Messages that come in a second.
    pub(crate) fn arrival_per_s(&self) -> Option<f64> {
        self.middle(Window::arrived_per_s)
    }

    /// Messages that are acknowledged a second.
    pub(crate) fn acked_per_s(&self) -> Option<f64> {
        self.middle(|window| Some(window.acked_per_s()))
    }

    /// A total that is less than before has begun again: how much was missed is not known.
    fn count(&mut self, counter: Counter) -> bool {
        let before = self.last.replace(counter);
        let grew = before.is_none_or(|before| before.total != counter.total);
        self.acked = self.acked.saturating_add(before.map_or(0, |before| counter.total.saturating_sub(before.total)));
        if grew {
            self.last_ack = counter.at;
        }
        grew
    }

    fn close(&mut self, at: Duration, grew: bool) -> Option<Window> {
        let here = Mark { at, acked: self.acked, arrived: self.arrived.so_far };
        let mark = *self.mark.get_or_insert(here);
        let length = at.saturating_sub(mark.at);
        if length < if grew { WINDOW_MIN } else { WINDOW_MAX } {
            return None;
        }
        let arrived = here.arrived.zip(mark.arrived).map(|(now, then)| real(now.saturating_sub(then)));
        let window = Window { from: mark.at, to: at, acked: real(here.acked.saturating_sub(mark.acked)), arrived };
        self.mark = Some(here);
        self.windows.push_back(window);
        if self.windows.len() > WINDOWS {
            self.windows.pop_front();
        }
        Some(window)
    }

    /// The middle one of three windows, the lesser of two.
    fn middle(&self, rate: impl Fn(&Window) -> Option<f64>) -> Option<f64> {
        let mut rates: Vec<f64> = self.windows.iter().filter_map(rate).collect();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len().checked_sub(1)? / 2).copied()
    }
}

/// How many messages came in.
///
/// It is the depth plus what was acknowledged. The depth is live in part, and what left the queue in the last seconds is not
/// in the rest yet, so that the sum can fall for a while; what came in cannot. The highest sum is the best that is
/// known, and it is never too much.
#[derive(Debug, Clone, Default)]
struct Arrived {
    so_far: Option<u64>,
    /// What left without an acknowledgement.
    lost: u64,
    less_since: Option<Duration>,
}

impl Arrived {
    fn see(&mut self, at: Duration, sum: u64) {
        let so_far = *self.so_far.get_or_insert(sum);
        let now = sum.saturating_add(self.lost);
        if now >= so_far {
            self.so_far = Some(now);
            self.less_since = None;
        } else if at.saturating_sub(*self.less_since.get_or_insert(at)) >= LOST_AFTER {
            self.lost = so_far - sum;
            self.less_since = None;
        }
    }
}

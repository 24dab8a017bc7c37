//! What one busy worker acknowledges a second.

use std::time::Duration;

use crate::flow::Window;
use crate::ticks::Ticks;

/// What was measured so many seconds ago counts half.
const HALF_LIFE_S: f64 = 10.0;
/// The same for what is only a lower bound: it needs many looks.
const HALF_LIFE_OF_BOUND_S: f64 = 60.0;
/// Less than that is no measurement: the first acknowledgements tell more of the start than of the work.
const WORKER_SECONDS_MIN: f64 = 3.0;
/// A bound needs more: it comes from a look every few seconds.
const BOUND_SECONDS_MIN: f64 = 30.0;
/// Times what was measured: then a bound decides.
const TOO_HIGH: f64 = 1.25;
/// A bound that turned out to be too high is not believed again for so long.
const DOUBT_FOR: Duration = Duration::from_mins(15);
/// By so much the count of acknowledgements is late on average.
const LATE: Duration = Duration::from_millis(2500);
/// Messages have to wait for this share of a window for all workers to count as busy in it.
const BUSY_SHARE: f64 = 0.9;

/// All workers were busy in a window: so many of them, and so much was done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Busy {
    /// On average.
    pub(crate) workers: f64,
    pub(crate) acked_per_s: f64,
}

/// Acknowledgements over the seconds that they took, the older the less.
#[derive(Debug, Clone, Copy, Default)]
struct Ratio {
    acked: f64,
    seconds: f64,
}

impl Ratio {
    fn add(&mut self, acked: f64, seconds: f64, fade: f64) {
        self.acked = self.acked * fade + acked;
        self.seconds = self.seconds * fade + seconds;
    }
}

/// What is known of a worker's speed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Capacity {
    measured: Ratio,
    bound: Ratio,
    /// Worker-seconds without any acknowledgement; slow work, if one comes after all.
    quiet: f64,
    ever: f64,
    /// Until when no bound is believed.
    doubt: Option<Duration>,
}

impl Capacity {
    /// Learns from a window, and says how the workers did if all were busy.
    pub(crate) fn learn(&mut self, window: &Window, ticks: &Ticks) -> Option<Busy> {
        let (from, to) = (window.from.saturating_sub(LATE), window.to.saturating_sub(LATE));
        let workers = ticks.over(from, to, |tick| tick.workers);
        if workers <= 0.0 {
            return None;
        }
        let busy = ticks.over(from, window.to, |tick| f64::from(u8::from(tick.busy)));
        if busy < BUSY_SHARE * window.to.saturating_sub(from).as_secs_f64() {
            self.bound(window, ticks.over(from, to, |tick| tick.busy_at_most));
            return None;
        }
        self.contradict(window);
        if window.acked <= 0.0 {
            self.quiet += workers;
        } else {
            let seconds = workers + std::mem::take(&mut self.quiet);
            self.measured.add(window.acked, seconds, 0.5_f64.powf(window.seconds() / HALF_LIFE_S));
            self.ever += seconds;
        }
        Some(Busy { workers: workers / window.seconds(), acked_per_s: window.acked / window.seconds() })
    }

    /// What passes in a stall is nobody's speed.
    pub(crate) fn stalled(&mut self) {
        self.quiet = 0.0;
    }

    /// Measured while all workers were busy, or more, where fewer did more.
    pub(crate) fn per_worker(&self) -> Option<f64> {
        Some(self.measured()?.max(self.at_least().unwrap_or(0.0)))
    }

    fn measured(&self) -> Option<f64> {
        let known = self.ever >= WORKER_SECONDS_MIN && self.measured.seconds > 0.0;
        known.then(|| self.measured.acked / self.measured.seconds)
    }

    /// All are busy again: what fewer did before, they may not do any more. If that had been believed to be much more than
    /// was measured, no bound is believed for a while.
    fn contradict(&mut self, window: &Window) {
        if self.at_least().zip(self.measured()).is_some_and(|(bound, measured)| bound > TOO_HIGH * measured) {
            self.doubt = Some(window.to + DOUBT_FOR);
        }
        self.bound = Ratio::default();
    }

    /// It is that much at least.
    fn at_least(&self) -> Option<f64> {
        (self.doubt.is_none() && self.bound.seconds >= BOUND_SECONDS_MIN).then(|| self.bound.acked / self.bound.seconds)
    }

    /// Somebody idled. Those who were busy did all of it.
    fn bound(&mut self, window: &Window, busy_at_most: f64) {
        if self.doubt.is_some_and(|until| until < window.to) {
            self.doubt = None;
        }
        let fade = 0.5_f64.powf(window.seconds() / HALF_LIFE_OF_BOUND_S);
        self.bound.add(window.acked, busy_at_most, fade);
    }
}

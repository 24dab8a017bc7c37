//! The formula.

use std::time::Duration;

use crate::number::{ceil, real};

/// How busy workers shall be: rho. The rest is for what comes unevenly.
pub const TARGET_LOAD: f64 = 0.8;
/// Workers are given back only when those who stay are less busy than that. The gap to [`TARGET_LOAD`] keeps a rate that
/// trembles around one number of workers from moving it.
const LOAD_TO_GIVE_BACK: f64 = 0.7;
/// And when they clear what is left in so many seconds, at most: taking a busy worker away saves nothing, since what it
/// would have done is left to do.
const CLEAR_S: f64 = 10.0;
/// The same as a share of the target.
const CLEAR_SHARE: f64 = 0.25;
/// So much of a worker is not worth one.
const TRIFLE: f64 = 0.05;

/// What is to be done, and by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// Lambda: messages that come in a second.
    pub(crate) arrival_per_s: f64,
    /// Mu: messages that one busy worker does a second.
    pub(crate) per_worker: f64,
    pub(crate) backlog: u64,
    pub(crate) workers_ready: u32,
    /// The start time d.
    pub(crate) start_s: f64,
    /// The target T.
    pub(crate) drain_s: f64,
}

impl Need {
    /// Workers that are needed: N.
    pub(crate) fn workers(&self) -> u32 {
        let first = self.per_worker * f64::from(self.workers_ready) * self.start_s;
        let left = (real(self.backlog) - first).max(0.0);
        self.at_least_one(self.balance(TARGET_LOAD) + left / (self.per_worker * self.drain_s) - TRIFLE)
    }

    /// Workers that are enough: all above this may be given back. Never less than are needed.
    pub(crate) fn enough(&self) -> u32 {
        let clear_s = (self.drain_s * CLEAR_SHARE).min(CLEAR_S);
        let left = real(self.backlog) / (self.per_worker * clear_s);
        self.at_least_one(self.balance(LOAD_TO_GIVE_BACK) + left).max(self.workers())
    }

    /// Seconds that `workers` need for the backlog, from now; `None` when they do not keep up.
    pub(crate) fn drain_by(&self, workers: u32) -> Option<f64> {
        let net = self.per_worker * f64::from(workers) - self.arrival_per_s;
        let wait_s = if workers > self.workers_ready { self.start_s } else { 0.0 };
        (net > 0.0).then(|| wait_s + real(self.backlog) / net)
    }

    /// What those who are ready do in a moment.
    pub(crate) fn is_small(&self, moment: Duration) -> bool {
        real(self.backlog) <= self.per_worker * f64::from(self.workers_ready) * moment.as_secs_f64()
    }

    fn balance(&self, load: f64) -> f64 {
        self.arrival_per_s / (load * self.per_worker)
    }

    fn at_least_one(&self, workers: f64) -> u32 {
        let something = self.backlog > 0 || self.arrival_per_s > 0.0;
        ceil(workers).max(u32::from(something))
    }
}

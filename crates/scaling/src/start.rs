//! How long a worker takes from being asked for to being ready.

use std::collections::VecDeque;
use std::time::Duration;

use crate::signals::Signals;

/// Until one was seen to start.
const GUESS_S: f64 = 5.0;
/// What is longer was waiting for room in the cluster, not starting.
const LONGEST_S: f64 = 120.0;
/// How much the last start counts.
const WEIGHT: f64 = 0.3;
/// Those who ask for one more at each look do not need all of them remembered.
const ASKED_MAX: usize = 64;

/// The start time `d`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Start {
    /// So many were asked for, and since when, if they are not ready yet.
    asked: VecDeque<(u32, Duration)>,
    before: Option<u32>,
    measured_s: Option<f64>,
}

impl Start {
    pub(crate) fn see(&mut self, signals: &Signals) {
        let before = self.before.replace(signals.replicas).unwrap_or(signals.replicas);
        self.asked.retain(|(replicas, _)| *replicas <= signals.replicas);
        if signals.replicas > before && self.asked.len() < ASKED_MAX {
            self.asked.push_back((signals.replicas, signals.at));
        }
        while let Some((_, at)) = self.asked.front().filter(|(replicas, _)| *replicas <= signals.workers_ready) {
            let seconds = signals.at.saturating_sub(*at).as_secs_f64().min(LONGEST_S);
            let measured = self.measured_s.unwrap_or(seconds);
            self.measured_s = Some(measured + WEIGHT * (seconds - measured));
            self.asked.pop_front();
        }
    }

    /// In seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.measured_s.unwrap_or(GUESS_S)
    }
}

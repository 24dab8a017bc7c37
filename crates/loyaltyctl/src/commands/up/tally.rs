//! Counters of one worker after another, added up: each begins again at nought.

use std::collections::BTreeMap;

use super::scrape::Metrics;

/// What tells one process from the next.
const STARTED: &str = "process_start_time_seconds";

/// What is counted.
const COUNTERS: [&str; 5] = [RECEIVED, SETTLED, BURIED, RESULTS, POINTS];

/// Messages received, by lane.
pub(super) const RECEIVED: &str = "loyalty_received_total";
/// Events settled, by outcome.
pub(super) const SETTLED: &str = "loyalty_settled_total";
/// Messages buried, by reason.
pub(super) const BURIED: &str = "loyalty_buried_total";
/// Results published, by type.
pub(super) const RESULTS: &str = "loyalty_results_total";
/// Points earned, by wallet.
pub(super) const POINTS: &str = "loyalty_points_earned_total";

/// Sums since we look.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    carried: BTreeMap<&'static str, BTreeMap<String, f64>>,
    last: BTreeMap<&'static str, BTreeMap<String, f64>>,
    started: f64,
}

impl Tally {
    /// Takes a look at the worker; `true` when it is another one than at the last look.
    pub(super) fn take(&mut self, metrics: &Metrics) -> bool {
        let started = metrics.sum(STARTED);
        let is_other = (started - self.started).abs() > f64::EPSILON;
        if is_other {
            self.carried = COUNTERS.into_iter().map(|name| (name, self.all(name))).collect();
            self.started = started;
        }
        self.last = COUNTERS.into_iter().map(|name| (name, metrics.all(name))).collect();
        is_other
    }

    /// By label, without those that are nought.
    pub(super) fn all(&self, name: &str) -> BTreeMap<String, f64> {
        let mut sums = self.carried.get(name).cloned().unwrap_or_default();
        for (label, value) in self.last.get(name).into_iter().flatten() {
            *sums.entry(label.clone()).or_default() += value;
        }
        sums.retain(|_, value| *value > 0.0);
        sums
    }

    pub(super) fn sum(&self, name: &str) -> f64 {
        self.all(name).values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Metrics, RECEIVED, Tally};

    #[test]
    fn a_worker_that_starts_again_at_nought_takes_nothing_from_the_sum() {
        let mut tally = Tally::default();
        let at = |started: u32, received: u32| {
            Metrics::parse(&format!("process_start_time_seconds {started}\n{RECEIVED}{{lane=\"main\"}} {received}\n"))
        };
        assert!(tally.take(&at(1, 5)));
        assert!(!tally.take(&at(1, 9)));
        assert!(tally.take(&at(2, 3)));
        assert!(!tally.take(&at(2, 4)));
        assert!((tally.sum(RECEIVED) - 13.0).abs() < f64::EPSILON);
    }
}

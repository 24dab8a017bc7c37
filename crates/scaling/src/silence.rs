//! Fewer workers where the broker tells nothing but how many messages wait.

use std::time::Duration;

use crate::signals::Signals;

/// For so long no message may have waited at any look. What passes between two looks is not seen, so that this is much longer than
/// where the broker counts.
pub const SILENT_FOR: Duration = Duration::from_mins(5);
/// Half of them go, then half of those who stayed, so far apart.
const HALVE_EVERY: Duration = Duration::from_secs(30);
/// Between two looks that are further apart, anything may have been.
const GAP_MAX: Duration = Duration::from_secs(10);

/// How long nothing was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Silence {
    since: Option<Duration>,
    last: Option<Duration>,
    halved: Option<Duration>,
}

impl Silence {
    pub(crate) fn see(&mut self, signals: &Signals) {
        let gap = self.last.is_some_and(|last| signals.at.saturating_sub(last) > GAP_MAX);
        let silent = signals.is_depth_only() && signals.ready == Some(0);
        if gap || !silent {
            (self.since, self.halved) = (None, None);
        }
        if silent {
            self.since.get_or_insert(signals.at);
        }
        self.last = Some(signals.at);
    }

    /// How many would stay of `replicas`, if it has been silent for long enough.
    pub(crate) fn fewer(&self, replicas: u32) -> Option<u32> {
        let (since, last) = self.since.zip(self.last)?;
        let halved = self.halved.is_none_or(|at| last.saturating_sub(at) >= HALVE_EVERY);
        (halved && last.saturating_sub(since) >= SILENT_FOR).then_some(replicas / 2)
    }

    /// Some were taken away.
    pub(crate) fn note_fewer(&mut self) {
        self.halved = self.last;
    }
}

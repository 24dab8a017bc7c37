//! Whether the backlog goes as fast as was asked for, without trembling.

use std::time::Duration;

use crate::decision::Drain;
use crate::need::Need;
use crate::signals::Signals;

/// What is so for a shorter time is not told, unless it is a stall or a saturation, which were long enough already.
const DWELL: Duration = Duration::from_secs(3);
/// A backlog that is worked off within this time is none.
const MOMENT: Duration = Duration::from_secs(1);
/// While nothing is measured: what came since the queues were last empty is that young.
const YOUNG: Duration = Duration::from_secs(10);
/// A projection trembles by this factor.
const TREMBLE: f64 = 1.1;

/// What keeps workers from draining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hindrance {
    None,
    Stalled,
    Saturated,
}

/// The state that is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Drains {
    told: Option<Drain>,
    /// What was seen instead, and since when.
    other: Option<(Drain, Duration)>,
    last_empty: Option<Duration>,
}

impl Drains {
    /// What is so with `workers`, told when it lasts.
    pub(crate) fn see(
        &mut self,
        signals: &Signals,
        need: Option<&Need>,
        (workers, hindrance): (u32, Hindrance),
    ) -> Drain {
        if signals.ready == Some(0) {
            self.last_empty = Some(signals.at);
        }
        let now = self.now(signals, need, (workers, hindrance));
        let told = *self.told.get_or_insert(now);
        if now == told {
            self.other = None;
            return told;
        }
        let since = self.other.filter(|(other, _)| *other == now).map_or(signals.at, |(_, since)| since);
        let at_once = matches!(now, Drain::Stalled | Drain::Saturated);
        if at_once || signals.at.saturating_sub(since) >= DWELL {
            (self.told, self.other) = (Some(now), None);
            return now;
        }
        self.other = Some((now, since));
        told
    }

    fn now(&self, signals: &Signals, need: Option<&Need>, (workers, hindrance): (u32, Hindrance)) -> Drain {
        let Some(backlog) = signals.backlog() else { return Drain::Unknown };
        if backlog == 0 {
            return Drain::OnTarget;
        }
        if hindrance == Hindrance::Stalled {
            return Drain::Stalled;
        }
        let Some(need) = need else {
            let young = self.last_empty.is_some_and(|empty| signals.at.saturating_sub(empty) < YOUNG);
            return if young { Drain::OnTarget } else { Drain::Unknown };
        };
        if need.is_small(MOMENT) || need.drain_by(workers).is_some_and(|seconds| seconds <= need.drain_s * TREMBLE) {
            return Drain::OnTarget;
        }
        if hindrance == Hindrance::Saturated { Drain::Saturated } else { Drain::Behind }
    }
}

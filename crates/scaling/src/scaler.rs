//! The decision.

use std::time::Duration;

use crate::capacity::Capacity;
use crate::decision::{Decision, LimitedBy};
use crate::drain::{Drains, Hindrance};
use crate::flow::Flow;
use crate::need::Need;
use crate::saturation::{Ceiling, Saturation};
use crate::settle::{SETTLE_FOR, Settle};
use crate::signals::{Signals, Target};
use crate::silence::Silence;
use crate::stall::is_stalled;
use crate::start::Start;
use crate::ticks::Ticks;
use crate::wake::Wake;
use crate::words::{Facts, reason};

/// As long as nothing is measured, new workers are watched for so long before there are twice as many.
const WATCH: Duration = Duration::from_secs(2);
/// So many at most while nothing is measured though the broker counts: the count is there in a moment.
const UNMEASURED_MAX: u32 = 4;
/// Fewer by one after so long without waiting messages, as long as nothing is measured.
const FEEL_DOWN: Duration = Duration::from_secs(30);
/// And not below a number that turned out to be needed, for so long.
const FELT_FOR: Duration = Duration::from_mins(10);
/// That fewer would do is told after so long.
const TELL_FEWER: Duration = Duration::from_secs(5);
/// Workers are given back in steps so far apart, rather than one by one while what was enough fades.
const GIVE_BACK_EVERY: Duration = Duration::from_secs(5);

/// The memory of one pipeline: how fast its workers are, how long they take to start, what was enough lately.
///
/// Losing it loses nothing but time: a new one keeps the number of workers that it finds, unless messages wait, until it
/// has measured.
#[derive(Debug, Clone, Default)]
pub struct Scaler {
    ticks: Ticks,
    flow: Flow,
    capacity: Capacity,
    start: Start,
    saturation: Saturation,
    settle: Settle,
    silence: Silence,
    drains: Drains,
    /// Since when as many workers as now are ready.
    steady: Option<(u32, Duration)>,
    /// So many turned out to be needed while nothing was measured, and when.
    felt: Option<(u32, Duration)>,
    given_back: Option<Duration>,
    wake: Wake,
    stalled: bool,
}

/// A number of workers, what keeps it, and what would be without.
struct Choice {
    replicas: u32,
    limited_by: LimitedBy,
    wanted: u32,
}

impl Scaler {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many workers there shall be. To be called at each look, a few times a second or each second; `signals.replicas` says
    /// what became of the last answer.
    pub fn decide(&mut self, target: &Target, signals: &Signals) -> Decision {
        self.observe(signals);
        let need = self.need(target, signals);
        let stalled = is_stalled(signals, &self.ticks, &self.flow, self.capacity.per_worker());
        self.stalled = stalled;
        if stalled {
            self.capacity.stalled();
        }
        let mut choice = self.choose(target, signals, (need.as_ref(), stalled));
        if self.wake.see(target, signals, choice.replicas) {
            choice = Choice { replicas: target.clamp(1), limited_by: LimitedBy::Due, wanted: 1 };
        }
        let hindrance = match (stalled, self.saturation.held()) {
            (true, _) => Hindrance::Stalled,
            (false, Some(_)) => Hindrance::Saturated,
            (false, None) => Hindrance::None,
        };
        let drain = self.drains.see(signals, need.as_ref(), (choice.replicas, hindrance));
        let facts = Facts {
            target,
            signals,
            replicas: choice.replicas,
            wanted: choice.wanted,
            limited_by: choice.limited_by,
            arrival_per_s: self.flow.arrival_per_s(),
            per_worker: self.capacity.per_worker(),
            held: self.saturation.held(),
            gave_up: self.wake.gave_up(),
        };
        Decision {
            replicas: choice.replicas,
            limited_by: choice.limited_by,
            drain,
            reason: reason(&facts),
            backlog: signals.backlog(),
            arrival_per_s: self.flow.arrival_per_s(),
            acked_per_s: if stalled { Some(0.0) } else { self.flow.acked_per_s() },
            drain_s: drain_s(signals, need.as_ref(), (choice.replicas, stalled)),
        }
    }

    fn observe(&mut self, signals: &Signals) {
        self.ticks.see(signals);
        self.start.see(signals);
        self.silence.see(signals);
        if self.steady.is_none_or(|(workers, _)| workers != signals.workers_ready) {
            self.steady = Some((signals.workers_ready, signals.at));
        }
        // The window that ends a stall is mostly stall.
        if let Some(window) = self.flow.see(signals)
            && !self.stalled
            && let Some(busy) = self.capacity.learn(&window, &self.ticks)
            && busy.acked_per_s > 0.0
        {
            self.saturation.judge(&busy, signals.at);
        }
    }

    /// What is to be done, as far as it is known; `None` until a worker's speed was measured.
    fn need(&self, target: &Target, signals: &Signals) -> Option<Need> {
        Some(Need {
            arrival_per_s: self.flow.arrival_per_s().unwrap_or(0.0),
            per_worker: self.capacity.per_worker()?,
            backlog: signals.backlog_at_least(),
            workers_ready: signals.workers_ready,
            start_s: self.start.seconds(),
            drain_s: target.drain_s(),
        })
    }

    fn choose(&mut self, target: &Target, signals: &Signals, (need, stalled): (Option<&Need>, bool)) -> Choice {
        let ceiling = self.saturation.ceiling(signals.replicas, self.ticks.last_waiting(), signals.at);
        let enough = self.enough(signals, need);
        let is_empty = signals.backlog() == Some(0);
        self.settle.see(signals.at, enough.unwrap_or(u32::MAX), is_empty);
        let hold = |limited_by| {
            let replicas = target.clamp(signals.replicas);
            Choice { replicas, limited_by, wanted: replicas }
        };
        if self.settle.is_quiet(self.flow.last_ack()) || (is_empty && signals.replicas == 0) {
            return bounded(target, 0, LimitedBy::Nothing);
        }
        if stalled {
            return hold(LimitedBy::Stall);
        }
        if signals.is_blind() {
            return hold(LimitedBy::NoSignal);
        }
        let wanted = need.map_or_else(|| self.feel(target, signals), Need::workers);
        if wanted > signals.replicas {
            if need.is_none() {
                self.felt = Some((wanted, signals.at));
            }
            let guess = if need.is_some() { LimitedBy::Nothing } else { LimitedBy::Measuring };
            return grown(target, (signals.replicas, guess), (wanted, ceiling));
        }
        let Some(enough) = enough else {
            return self.halved(target, signals).unwrap_or_else(|| hold(LimitedBy::NoSignal));
        };
        self.shrunk(target, signals, (enough, need.is_some()))
    }

    /// How many are enough; `None` when that cannot be known.
    fn enough(&self, signals: &Signals, need: Option<&Need>) -> Option<u32> {
        signals.backlog()?;
        if !self.flow.is_known() && signals.replicas > 0 && signals.backlog() == Some(0) {
            return None;
        }
        let Some(need) = need else {
            let fewer = signals.replicas.saturating_sub(u32::from(signals.ready == Some(0)));
            return Some(fewer.max(1).max(self.felt_lately(signals).unwrap_or(0)));
        };
        self.flow.arrival_per_s().map_or(Some(signals.replicas.max(1)), |_| Some(need.enough().max(1)))
    }

    /// As long as nothing is measured: one, and twice as many while all are ready and the backlog does not shrink fast enough.
    fn feel(&self, target: &Target, signals: &Signals) -> u32 {
        let now = signals.replicas.max(u32::from(signals.backlog_at_least() > 0));
        let waiting = signals.ready.unwrap_or(0);
        let steady = self
            .steady
            .is_some_and(|(workers, since)| workers >= signals.replicas && signals.at.saturating_sub(since) >= WATCH);
        if waiting == 0 || signals.replicas == 0 || !steady {
            return now;
        }
        let Some(shrinks) = self.ticks.shrinks_per_s(WATCH) else { return now };
        if crate::number::real(waiting) <= shrinks * target.drain_s() {
            return now;
        }
        let counts = signals.unacked.is_some();
        let most = if counts { UNMEASURED_MAX.max(now) } else { u32::MAX };
        now.saturating_mul(2).min(most)
    }

    /// Half of them, where nothing but the depth is known and nothing waited for long. A message that waits wakes one again.
    fn halved(&mut self, target: &Target, signals: &Signals) -> Option<Choice> {
        let felt = self.felt_lately(signals).unwrap_or(0);
        let fewer = self.silence.fewer(signals.replicas)?.max(felt);
        (target.clamp(fewer) < signals.replicas).then(|| {
            self.silence.note_fewer();
            bounded(target, fewer, LimitedBy::Nothing)
        })
    }

    /// So many were needed not long ago, while nothing was measured.
    fn felt_lately(&self, signals: &Signals) -> Option<u32> {
        self.felt
            .filter(|(_, at)| signals.at.saturating_sub(*at) < FELT_FOR)
            .map(|(felt, _)| felt.min(signals.replicas))
    }

    fn shrunk(&mut self, target: &Target, signals: &Signals, (enough, measured): (u32, bool)) -> Choice {
        let current = signals.replicas;
        let time = if measured { SETTLE_FOR } else { FEEL_DOWN };
        let paused = self.given_back.is_some_and(|at| signals.at.saturating_sub(at) < GIVE_BACK_EVERY);
        let settled = self.settle.over(time).filter(|settled| *settled < current && !paused);
        if let Some(settled) = settled {
            self.given_back = Some(signals.at);
            if !measured {
                self.settle.restart();
            }
            return bounded(target, settled, LimitedBy::Nothing);
        }
        let fewer = self.settle.over(TELL_FEWER).filter(|fewer| *fewer < current && measured);
        let waits = signals.backlog_at_least() > 0;
        match fewer {
            Some(fewer) if target.clamp(fewer) < current => {
                let replicas = target.clamp(current);
                Choice { replicas, limited_by: LimitedBy::Settling, wanted: enough.min(fewer) }
            }
            Some(fewer) => bounded(target, fewer, LimitedBy::Nothing),
            None if !measured && waits => bounded(target, current, LimitedBy::Measuring),
            None => bounded(target, current, LimitedBy::Nothing),
        }
    }
}

/// More, as far as there may be.
fn grown(target: &Target, (replicas, guess): (u32, LimitedBy), (wanted, ceiling): (u32, Ceiling)) -> Choice {
    let (most, why) = match ceiling {
        Ceiling::None => (u32::MAX, guess),
        Ceiling::Careful(most) => (most, LimitedBy::Measuring),
        Ceiling::Saturated(most) => (most, LimitedBy::Saturation),
    };
    let allowed = wanted.min(most.max(replicas));
    if allowed < wanted && allowed < target.max {
        return Choice { wanted, ..bounded(target, allowed, why) };
    }
    bounded(target, wanted, guess)
}

/// Within `min` and `max`.
fn bounded(target: &Target, wanted: u32, limited_by: LimitedBy) -> Choice {
    let replicas = target.clamp(wanted);
    let limited_by = match replicas.cmp(&wanted) {
        std::cmp::Ordering::Less => LimitedBy::Maximum,
        std::cmp::Ordering::Greater => LimitedBy::Minimum,
        std::cmp::Ordering::Equal => limited_by,
    };
    Choice { replicas, limited_by, wanted }
}

fn drain_s(signals: &Signals, need: Option<&Need>, (workers, stalled): (u32, bool)) -> Option<f64> {
    match signals.backlog()? {
        0 => Some(0.0),
        _ if stalled => None,
        _ => need?.drain_by(workers),
    }
}

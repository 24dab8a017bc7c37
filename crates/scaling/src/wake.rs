//! A worker for what is due without an event, where nothing else needs one.
//!
//! Workers that are there settle what is due beside their work. Only where nobody is there, and no message comes, does the number have
//! to say so: one worker is woken, not too often, and stays until it is done or does not get on.

use std::time::Duration;

use crate::signals::{Due, Signals, Target};

/// What has been due for less is being settled where a worker is, and a worker that is ready has settled all else within this: it
/// waits until deliveries are decided, and looks each few seconds.
const FRESH: Duration = Duration::from_mins(1);
/// A worker that does not get on with what is due for so long, its start included, is let go; another one tries it later.
pub const GIVE_UP_AFTER: Duration = Duration::from_mins(5);
/// Where it is not known what is due, a worker that is ready has so long to see to it.
pub const LOOK_FOR: Duration = Duration::from_mins(2);
/// Two clocks tell how old something is; less than this between them is no news.
const TREMBLE: Duration = Duration::from_secs(1);

/// The memory of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wake {
    /// Since when nobody is there.
    asleep: Option<Duration>,
    kept: Option<Kept>,
    gave_up: bool,
}

/// A worker that is there for what is due alone.
#[derive(Debug, Clone, Copy)]
struct Kept {
    /// When it last got on.
    since: Duration,
    /// For how long the oldest thing had been due, and when.
    seen: Option<(Duration, Duration)>,
    /// Since when it is ready.
    ready: Option<Duration>,
}

impl Wake {
    /// Takes a look in; `wanted` workers are what the queues need. Whether one has to be there all the same.
    pub(crate) fn see(&mut self, target: &Target, signals: &Signals, wanted: u32) -> bool {
        let nobody = signals.replicas == 0;
        self.asleep = nobody.then_some(self.asleep.unwrap_or(signals.at));
        if signals.due == Due::Nothing || target.max == 0 || target.min > 0 {
            (self.kept, self.gave_up) = (None, false);
            return false;
        }
        if wanted > 1 || signals.backlog_at_least() > 0 {
            // Events come first, and a worker is busy with them.
            if let Some(kept) = &mut self.kept {
                kept.since = signals.at;
            }
            return false;
        }
        if self.kept.is_none() && self.begins(target, signals, wanted) {
            self.kept = Some(Kept { since: signals.at, seen: None, ready: None });
        }
        self.stays(signals)
    }

    /// Whether the last worker that was there for it left it undone.
    pub(crate) fn gave_up(&self) -> bool {
        self.gave_up
    }

    fn begins(&mut self, target: &Target, signals: &Signals, wanted: u32) -> bool {
        let Some(asleep) = self.asleep else {
            // The queues let the last worker go, which has settled much since. What it may have overlooked nobody knows.
            return wanted == 0 && is_old(signals.due) && !self.gave_up;
        };
        let is_time = signals.at.saturating_sub(asleep) >= target.due_within && signals.backlog() == Some(0);
        self.gave_up &= !is_time;
        is_time
    }

    fn stays(&mut self, signals: &Signals) -> bool {
        let Some(kept) = &mut self.kept else { return false };
        if signals.workers_ready > 0 {
            kept.ready.get_or_insert(signals.at);
        }
        let is_done = match signals.due {
            Due::Since(age) => age < FRESH && kept.ready_for(signals.at) >= FRESH,
            Due::Unknown => kept.ready_for(signals.at) >= LOOK_FOR,
            Due::Nothing => true,
        };
        if let Due::Since(age) = signals.due {
            kept.see(age, signals.at);
        }
        // One that is ready and whose work cannot be seen has its time; any other has to get on.
        let is_looking = signals.due == Due::Unknown && kept.ready.is_some();
        let is_stuck = !is_looking && signals.at.saturating_sub(kept.since) >= GIVE_UP_AFTER;
        if is_done || is_stuck {
            self.gave_up = is_stuck && !is_done;
            self.kept = None;
            // The time until the next one begins anew, also where this one never came.
            self.asleep = self.asleep.map(|_| signals.at);
        }
        self.kept.is_some()
    }
}

impl Kept {
    fn ready_for(&self, at: Duration) -> Duration {
        self.ready.map_or(Duration::ZERO, |ready| at.saturating_sub(ready))
    }

    /// When the oldest thing is younger than the oldest of before would be by now, that one is settled.
    fn see(&mut self, age: Duration, at: Duration) {
        let before = self.seen.map(|(age, then)| age.saturating_add(at.saturating_sub(then)));
        if before.is_none_or(|before| age.saturating_add(TREMBLE) < before) {
            self.seen = Some((age, at));
            if before.is_some() {
                self.since = at;
            }
        }
    }
}

fn is_old(due: Due) -> bool {
    matches!(due, Due::Since(age) if age >= FRESH)
}

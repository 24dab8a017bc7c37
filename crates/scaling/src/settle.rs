//! Fewer only after fewer was enough for a while.

use std::collections::VecDeque;
use std::time::Duration;

/// The lower number has to be enough for so long.
pub const SETTLE_FOR: Duration = Duration::from_secs(15);
/// For so long nothing may be in the queues before the last worker goes.
pub const QUIET_FOR: Duration = Duration::from_secs(15);
/// The same without a count of acknowledgements: what passes between two looks is not seen then.
const QUIET_BLIND: Duration = Duration::from_mins(1);
/// A count that grew so lately belongs to messages that were there a moment ago.
const ACK_IS_OVER: Duration = Duration::from_secs(12);
/// Between two looks that are further apart, anything may have been.
const GAP_MAX: Duration = Duration::from_secs(10);

/// What would have been enough, look by look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settle {
    enough: VecDeque<(Duration, u32)>,
    since: Option<Duration>,
    empty_since: Option<Duration>,
    last: Option<Duration>,
}

impl Settle {
    /// `enough` workers would do now; `is_empty` when it is known that no message is there.
    pub(crate) fn see(&mut self, at: Duration, enough: u32, is_empty: bool) {
        if self.last.is_some_and(|last| at.saturating_sub(last) > GAP_MAX) {
            *self = Self::default();
        }
        self.last = Some(at);
        self.since.get_or_insert(at);
        self.empty_since = is_empty.then_some(self.empty_since.unwrap_or(at));
        self.enough.push_back((at, enough));
        while self.enough.front().is_some_and(|(then, _)| at.saturating_sub(*then) > 2 * SETTLE_FOR) {
            self.enough.pop_front();
        }
    }

    /// Forgets, because the question is another one now.
    pub(crate) fn restart(&mut self) {
        self.enough.clear();
        self.since = None;
    }

    /// The least that was enough all the time; `None` when that time is not over.
    pub(crate) fn over(&self, time: Duration) -> Option<u32> {
        let last = self.last?;
        (last.saturating_sub(self.since?) >= time).then_some(())?;
        let within = self.enough.iter().rev().take_while(|(at, _)| last.saturating_sub(*at) <= time);
        within.map(|(_, enough)| *enough).max()
    }

    /// Whether nothing was there for long enough, and nothing passes unseen.
    pub(crate) fn is_quiet(&self, last_ack: Option<Duration>) -> bool {
        let Some((last, empty)) = self.last.zip(self.empty_since) else { return false };
        let needed = if last_ack.is_some() { QUIET_FOR } else { QUIET_BLIND };
        last.saturating_sub(empty) >= needed && last_ack.is_none_or(|ack| last.saturating_sub(ack) >= ACK_IS_OVER)
    }
}

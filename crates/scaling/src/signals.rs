//! What a decision is made from.

use std::time::Duration;

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Fewest workers; 0 lets an idle pipeline cost nothing.
    pub min: u32,
    /// Most workers; it wins should `min` be more.
    pub max: u32,
    /// How fast a backlog shall be gone. Less than a second counts as a second.
    pub drain_within: Duration,
    /// How long what is due for members without events may wait where no worker is.
    pub due_within: Duration,
}

/// What is due for members who have no events of their own: points that wait, points that end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing is.
    Nothing,
    /// Something is, and the oldest of it has been for so long.
    Since(Duration),
    /// Something may be: there is nobody to ask.
    Unknown,
}

/// One look at a pipeline's queues and workers. `None` is unknown, never nought.
///
/// What was read long ago is unknown too: whoever looks gives `None` rather than an `unacked` or `delayed` that is older
/// than some ten seconds. Where one lane's number is unknown, so is the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals {
    /// When this was seen, since any fixed origin of a clock that never goes back.
    pub at: Duration,
    /// Messages that wait in all lanes: live, from a passive declare.
    pub ready: Option<u64>,
    /// Messages that workers hold. May be some seconds late.
    pub unacked: Option<u64>,
    /// Messages that the broker holds back for a while. A queue that cannot hold any back (a classic one, or a broker
    /// before 4.3) has `Some(0)`; `None` is a queue that may, and of which the number is not known.
    pub delayed: Option<u64>,
    /// Messages acknowledged so far. May be some seconds late, and may start again at 0 with the broker.
    pub acked: Option<Counter>,
    /// What is due without a message.
    pub due: Due,
    /// Workers that are asked for now.
    pub replicas: u32,
    /// Workers that are ready.
    pub workers_ready: u32,
}

/// A count that grows, and when it was read. The same reading may be told any number of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counter {
    /// So far.
    pub total: u64,
    /// When it was read, on the clock of [`Signals::at`].
    pub at: Duration,
}

impl Signals {
    /// All messages that are not done; unknown as long as a part of them is.
    pub(crate) fn backlog(&self) -> Option<u64> {
        Some(self.ready?.saturating_add(self.unacked?).saturating_add(self.delayed?))
    }

    /// What is known of them: it may be more.
    pub(crate) fn backlog_at_least(&self) -> u64 {
        [self.ready, self.unacked, self.delayed].into_iter().flatten().fold(0, u64::saturating_add)
    }

    /// Nothing is known at all.
    pub(crate) fn is_blind(&self) -> bool {
        self.ready.is_none() && self.unacked.is_none() && self.delayed.is_none()
    }

    /// The broker tells how many messages wait, and nothing else: it has no management API.
    pub(crate) fn is_depth_only(&self) -> bool {
        self.ready.is_some() && self.unacked.is_none() && self.delayed.is_none() && self.acked.is_none()
    }

    /// Messages wait while workers are ready: then each of those has as many as it may hold, and is busy.
    pub(crate) fn is_busy(&self) -> bool {
        self.workers_ready > 0 && self.ready.is_some_and(|ready| ready > 0)
    }
}

impl Target {
    pub(crate) fn clamp(&self, replicas: u32) -> u32 {
        replicas.max(self.min).min(self.max)
    }

    pub(crate) fn drain_s(&self) -> f64 {
        self.drain_within.as_secs_f64().max(1.0)
    }
}

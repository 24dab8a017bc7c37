//! The numbers of queues.

use serde::Deserialize;

/// What a queue holds and what has gone through it. What the broker does not tell is unknown, not nought.
///
/// What it holds is some seconds old, one number older than another, and may be nought for ten seconds after the first messages
/// came into a new quorum queue. The totals are as late, only grow while the queue stands and the broker's node runs, and lack what
/// a channel did in the last seconds before it was closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Messages that wait to be delivered.
    pub ready: Option<u64>,
    /// Messages that are delivered and not yet acknowledged.
    pub unacked: Option<u64>,
    /// Messages that a quorum queue holds back for a while; they are in neither of the others.
    pub delayed: Option<u64>,
    /// Messages that were acknowledged, each counted where many were acknowledged at once. Who takes messages without
    /// acknowledging does not count.
    pub acked_total: Option<u64>,
    /// Messages that came in.
    pub published_total: Option<u64>,
    /// Messages that were delivered again.
    pub redelivered_total: Option<u64>,
    /// Consumers.
    pub consumers: Option<u64>,
}

pub(super) const COLUMNS: &[&str] = &[
    "name",
    "messages_ready",
    "messages_unacknowledged",
    "messages_delayed",
    "consumers",
    "message_stats.ack",
    "message_stats.publish",
    "message_stats.redeliver",
];

#[derive(Deserialize)]
pub(super) struct Row {
    name: String,
    #[serde(default)]
    messages_ready: Option<u64>,
    #[serde(default)]
    messages_unacknowledged: Option<u64>,
    #[serde(default)]
    messages_delayed: Option<u64>,
    #[serde(default)]
    consumers: Option<u64>,
    #[serde(default)]
    message_stats: Option<Stats>,
}

#[derive(Default, Deserialize)]
struct Stats {
    #[serde(default)]
    ack: Option<u64>,
    #[serde(default)]
    publish: Option<u64>,
    #[serde(default)]
    redeliver: Option<u64>,
}

impl Row {
    pub(super) fn named(self) -> (String, QueueCounts) {
        let stats = self.message_stats.unwrap_or_default();
        let counts = QueueCounts {
            ready: self.messages_ready,
            unacked: self.messages_unacknowledged,
            delayed: self.messages_delayed,
            acked_total: stats.ack,
            published_total: stats.publish,
            redelivered_total: stats.redeliver,
            consumers: self.consumers,
        };
        (self.name, counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(row: &str) -> QueueCounts {
        serde_json::from_str::<Row>(row).unwrap().named().1
    }

    #[test]
    fn what_the_broker_does_not_tell_is_unknown_and_not_nought() {
        assert_eq!(counts(r#"{"name":"q"}"#), QueueCounts::default());
        let used = QueueCounts {
            published_total: Some(7),
            redelivered_total: Some(2),
            consumers: Some(0),
            ..QueueCounts::default()
        };
        assert_eq!(counts(r#"{"name":"q","message_stats":{"publish":7,"redeliver":2},"consumers":0}"#), used);
    }
}

//! The numbers of queues.

use serde::Deserialize;

/// What a queue holds and what has gone through it. What the broker does not tell is unknown, not nought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Messages that wait to be delivered.
    pub ready: Option<u64>,
    /// Messages that are delivered and not yet acknowledged.
    pub unacked: Option<u64>,
    /// Messages that a quorum queue holds back for a while; they are in neither of the others.
    pub delayed: Option<u64>,
    /// Acknowledged since the queue's counters began.
    pub acked_total: Option<u64>,
    /// Come in since the queue's counters began.
    pub published_total: Option<u64>,
    /// Consumers.
    pub consumers: Option<u64>,
}

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
}

/// Only what is read: rows with all their fields are ten times as long.
pub(super) fn path(vhost: &str) -> String {
    let columns = "name,messages_ready,messages_unacknowledged,messages_delayed,consumers,message_stats.ack,message_stats.publish";
    format!("api/queues/{vhost}?columns={columns}")
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
            consumers: self.consumers,
        };
        (self.name, counts)
    }
}

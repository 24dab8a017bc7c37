//! How deep a queue is, live.

use lapin::Channel;
use lapin::options::QueueDeclareOptions;

use super::{short, table, within};
use crate::OperationError;

/// A queue's numbers at this moment. Unacknowledged and delayed messages do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Messages that wait to be delivered.
    pub ready: u64,
    /// Consumers of it.
    pub consumers: u64,
}

/// `None` when there is no such queue; the broker then closes the channel, as it does after any refusal.
pub(crate) async fn depth(channel: &Channel, queue: &str) -> Result<Option<Depth>, OperationError> {
    let action = format!("look at queue `{queue}`");
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let asked = channel.queue_declare(short(&action, queue)?, options, table::empty());
    match within(&action, asked).await {
        Ok(found) => {
            let (ready, consumers) = (found.message_count(), found.consumer_count());
            Ok(Some(Depth { ready: ready.into(), consumers: consumers.into() }))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

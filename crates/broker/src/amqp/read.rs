//! Looking into queues: at what is buried, and in tests at what came out.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use tokio::time::timeout;

use super::{Connection, close, failed, short, table, within};
use crate::OperationError;

/// Most messages that one look takes at a time: all of them are held in memory.
const PEEK_MAX: usize = 10_000;

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// By which exchange it came into this queue.
    pub exchange: String,
    /// With which routing key.
    pub routing_key: String,
    /// Whether it was delivered before, here or to anybody.
    pub redelivered: bool,
    /// Such as `application/json`.
    pub content_type: Option<String>,
    /// The publisher's id of it.
    pub message_id: Option<String>,
    /// Headers as texts.
    pub headers: BTreeMap<String, String>,
    /// What it says.
    pub body: Vec<u8>,
}

/// Takes messages out of a queue for good, one by one.
pub struct Consumer {
    inner: lapin::Consumer,
    channel: lapin::Channel,
    queue: String,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Connection {
    /// Looks at up to `limit` messages from the front of a queue (10,000 at most), which stay there, in their order, marked as
    /// redelivered. While it looks, nobody else gets these.
    pub async fn peek(&self, queue: &str, limit: usize) -> Result<Vec<Message>, OperationError> {
        let action = format!("look into queue `{queue}`");
        let name = short(&action, queue)?;
        let channel = self.channel().await?;
        let mut messages = Vec::new();
        while messages.len() < limit.min(PEEK_MAX) {
            let got = within(&action, channel.basic_get(name.clone(), BasicGetOptions { no_ack: false })).await?;
            let Some(got) = got else { break };
            messages.push(message(got.delivery));
        }
        // Unacknowledged messages go back in order when their channel closes; `nack` would put them back one by one.
        close(&channel).await;
        Ok(messages)
    }

    /// Consumes a queue; each message is acknowledged as it is handed out.
    pub async fn consume(&self, queue: &str) -> Result<Consumer, OperationError> {
        let action = format!("consume queue `{queue}`");
        let name = short(&action, queue)?;
        let channel = self.channel().await?;
        within(&action, channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let consuming = channel.basic_consume(name, "".into(), BasicConsumeOptions::default(), table::empty());
        let inner = within(&action, consuming).await?;
        Ok(Consumer { inner, channel, queue: queue.to_owned() })
    }
}

/// The library's buffer has no bound of its own.
const PREFETCH: u16 = 500;

impl Consumer {
    /// The next message; `None` when none came within `wait`, or when the broker ended the consumer.
    pub async fn next(&mut self, wait: Duration) -> Result<Option<Message>, OperationError> {
        let action = format!("consume queue `{}`", self.queue);
        let Ok(Some(delivery)) = timeout(wait, self.inner.next()).await else { return Ok(None) };
        let delivery = delivery.map_err(|error| failed(&action, error))?;
        within(&action, self.channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default())).await?;
        Ok(Some(message(delivery)))
    }

    /// Stops; what was not handed out goes back.
    pub async fn close(self) {
        close(&self.channel).await;
    }
}

fn message(delivery: Delivery) -> Message {
    let properties = delivery.properties;
    Message {
        exchange: delivery.exchange.to_string(),
        routing_key: delivery.routing_key.to_string(),
        redelivered: delivery.redelivered,
        content_type: properties.content_type().as_ref().map(ToString::to_string),
        message_id: properties.message_id().as_ref().map(ToString::to_string),
        headers: properties.headers().as_ref().map(table::to_headers).unwrap_or_default(),
        body: delivery.data,
    }
}

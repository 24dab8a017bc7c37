//! The worker's one file that speaks AMQP: a lane's deliveries in, results and buried copies out, acknowledgements back.
//!
//! Nothing is decided here. One channel consumes and acknowledges a lane, another publishes with confirms.

use std::time::Duration;

use broker::Connection;
use contract::pipeline::bury_header;
use contract::result::{CLOUD_EVENT_JSON, ResultEvent};
use contract::{PipelineName, Refusal};
use futures::StreamExt;
use jiff::Timestamp;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Consumer, PublisherConfirm};
use prometheus::{IntCounter, IntGauge};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Most messages of a batch: beyond a few hundred neither the acknowledgement nor the transaction gets cheaper.
pub(crate) const BATCH_LEN_MAX: usize = 500;

/// Most bytes of bodies in a batch, so that large orders do not make large transactions.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// One batch is published while the next one is committed and one more is begun; more would only be redelivered after a crash, or be too much to
/// work off for a worker that is asked to stop.
const PREFETCH: u16 = 1500;

/// So many messages must wait for a batch to be begun beside another one. With fewer it gains more by what comes meanwhile.
const AHEAD_LEN_MIN: usize = 100;

/// Longest sentence in a header of a buried message, in bytes.
const DETAIL_BYTES_MAX: usize = 1024;

/// Longest wait for confirms or for an acknowledgement to be sent. A broker with a memory or disk alarm takes nothing and says
/// nothing; then the session is given up, which tells.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A channel that does not close within this is left to the connection's end.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// Foreign headers of a buried message beyond this are left out: all headers must fit into one frame of 128 KiB, or the broker
/// closes the connection and the message would come again for ever.
const HEADERS_BYTES_MAX: usize = 64 << 10;

/// Persistent delivery mode.
const PERSISTENT: u8 = 2;

/// The broker is away, or closed what we held.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The client library's word.
    #[error("could not talk to the broker")]
    Amqp(#[from] lapin::Error),
    /// No channel could be had.
    #[error(transparent)]
    Channel(#[from] broker::OperationError),
    /// The broker ended the consumer (its queue was deleted, or its node went down).
    #[error("could not go on consuming `{0}`: the broker ended the consumer")]
    Cancelled(String),
    /// The broker did not take a message.
    #[error("could not publish to `{0}`: the broker did not confirm the message")]
    NotConfirmed(String),
    /// Nothing was heard for too long: the connection is blocked, or a queue has no majority.
    #[error("could not {action}: the broker said nothing for {} seconds; see whether it has an alarm", SILENCE_MAX.as_secs())]
    Silent {
        /// What was tried.
        action: &'static str,
    },
    /// A buried copy found no queue; it must not be lost.
    #[error("could not bury a message: exchange `{0}` has no queue; apply the pipeline again")]
    NowhereToBury(String),
}

/// A message of the lane, as it came.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) tag: u64,
    pub(crate) redelivered: bool,
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    properties: BasicProperties,
}

impl Arrived {
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.properties.content_type().as_ref().map(ShortString::as_str)
    }

    fn from(delivery: Delivery) -> Self {
        let headers = delivery.properties.headers().as_ref().map(text_headers).unwrap_or_default();
        Self {
            tag: delivery.delivery_tag,
            redelivered: delivery.redelivered,
            exchange: delivery.exchange.to_string(),
            routing_key: delivery.routing_key.to_string(),
            headers,
            body: delivery.data,
            properties: delivery.properties,
        }
    }
}

fn text_headers(table: &FieldTable) -> Vec<(String, String)> {
    let text = |value: &AMQPValue| match value {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        // CloudEvents attributes may come as AMQP types of their own.
        AMQPValue::Boolean(value) => Some(value.to_string()),
        AMQPValue::ShortInt(value) => Some(value.to_string()),
        AMQPValue::LongInt(value) => Some(value.to_string()),
        AMQPValue::LongLongInt(value) => Some(value.to_string()),
        AMQPValue::Timestamp(seconds) => {
            i64::try_from(*seconds).ok().and_then(|at| Timestamp::from_second(at).ok()).map(|at| at.to_string())
        }
        _ => None,
    };
    table.inner().iter().filter_map(|(key, value)| Some((key.to_string(), text(value)?))).collect()
}

/// A lane's deliveries.
pub(crate) struct Inlet {
    channel: Channel,
    tag: ShortString,
    queue: String,
    /// What the broker delivered and nobody took yet; never more than [`PREFETCH`]. Ends with the consumer.
    waiting: mpsc::UnboundedReceiver<Result<Delivery, lapin::Error>>,
    receiving: AbortOnDropHandle<()>,
    /// Why the consumer ended, seen while a batch was gathered: it is told only once.
    ended: Option<lapin::Error>,
}

impl Inlet {
    /// Subscribes; fails when the queue is missing.
    pub(crate) async fn open(
        connection: &Connection,
        queue: &str,
        consumer: &str,
        tally: Tally,
    ) -> Result<Self, LinkError> {
        let channel = connection.channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(queue.into(), consumer.into(), options, FieldTable::default()).await?;
        let (sender, waiting) = mpsc::unbounded_channel();
        let tag = consumer.tag();
        let receiving = AbortOnDropHandle::new(tokio::spawn(receive(consumer, sender, tally)));
        Ok(Self { channel, tag, queue: queue.to_owned(), waiting, receiving, ended: None })
    }

    /// What waits, at least one message; returns as soon as no more waits. Cancel-safe until the first message came.
    ///
    /// What came before the end of the consumer is handed out first.
    pub(crate) async fn batch(&mut self) -> Result<Vec<Arrived>, LinkError> {
        if let Some(ended) = self.ended.take() {
            return Err(ended.into());
        }
        let first = self.waiting.recv().await.ok_or_else(|| LinkError::Cancelled(self.queue.clone()))??;
        Ok(self.gather(first))
    }

    /// What waits by now, if it is enough to be begun beside another batch.
    pub(crate) fn ready(&mut self) -> Option<Vec<Arrived>> {
        if self.ended.is_some() || self.waiting.len() < AHEAD_LEN_MIN {
            return None;
        }
        match self.waiting.try_recv().ok()? {
            Ok(first) => Some(self.gather(first)),
            Err(error) => {
                self.ended = Some(error);
                None
            }
        }
    }

    fn gather(&mut self, first: Delivery) -> Vec<Arrived> {
        let mut bytes = first.data.len();
        let mut batch = vec![Arrived::from(first)];
        while batch.len() < BATCH_LEN_MAX && bytes < BATCH_BYTES_MAX {
            match self.waiting.try_recv() {
                Ok(Ok(delivery)) => {
                    bytes += delivery.data.len();
                    batch.push(Arrived::from(delivery));
                }
                Ok(Err(error)) => {
                    self.ended = Some(error);
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }

    /// Takes no more from the queue; what was delivered before is still handed out by [`Inlet::left`].
    ///
    /// Nothing of it goes back and comes again to somebody else. Lanes have competing consumers; on a queue with a single active one
    /// this would break the order, because the next one begins while this one still works.
    pub(crate) async fn stop(&mut self) -> Result<(), LinkError> {
        let cancel = self.channel.basic_cancel(self.tag.clone(), BasicCancelOptions::default());
        heard("stop consuming", async { Ok(cancel.await?) }).await
    }

    /// A batch of what was delivered before the stop; nothing when all of it was handed out.
    pub(crate) async fn left(&mut self) -> Option<Vec<Arrived>> {
        // The broker's answer to the stop ended the consumer, so this does not wait for messages that never come.
        self.batch().await.ok()
    }

    /// Acknowledges what this inlet delivered.
    pub(crate) fn acks(&self) -> Acks {
        Acks { channel: self.channel.clone() }
    }

    /// Closes the channel: what is not acknowledged goes back in order.
    pub(crate) async fn close(self) {
        // The channel may be gone already; then the broker took everything back by itself.
        let _ = tokio::time::timeout(CLOSE_MAX, self.channel.close(200, "done".into())).await;
        self.receiving.abort();
        // Counted to the end: whoever resets the gauge after this has the last word.
        let _ = self.receiving.await;
    }
}

/// Counts what the broker delivers, from the moment when this process has it.
pub(crate) struct Tally {
    pub(crate) received: IntCounter,
    pub(crate) redelivered: IntCounter,
    pub(crate) in_flight: IntGauge,
}

/// Takes deliveries out of the client's own store, where nobody could count them, until the consumer ends.
async fn receive(mut consumer: Consumer, waiting: mpsc::UnboundedSender<Result<Delivery, lapin::Error>>, tally: Tally) {
    while let Some(delivery) = consumer.next().await {
        let failed = delivery.is_err();
        if let Ok(delivery) = &delivery {
            tally.received.inc();
            tally.redelivered.inc_by(u64::from(delivery.redelivered));
            tally.in_flight.inc();
        }
        if waiting.send(delivery).is_err() || failed {
            return;
        }
    }
}

/// Acknowledges deliveries of one inlet.
#[derive(Clone)]
pub(crate) struct Acks {
    channel: Channel,
}

impl Acks {
    /// Acknowledges everything up to and including a tag.
    pub(crate) async fn up_to(&self, tag: u64) -> Result<(), LinkError> {
        let ack = self.channel.basic_ack(tag, BasicAckOptions { multiple: true });
        heard("acknowledge messages", async { Ok(ack.await?) }).await
    }
}

/// Publishes with confirms.
#[derive(Clone)]
pub(crate) struct Outlet {
    channel: Channel,
    pipeline: PipelineName,
    results: ShortString,
    dead: ShortString,
}

/// Where an outlet publishes.
pub(crate) struct Addresses<'a> {
    pub(crate) pipeline: &'a PipelineName,
    pub(crate) results: &'a str,
    pub(crate) dead: &'a str,
}

impl Outlet {
    /// A channel in confirm mode.
    pub(crate) async fn open(connection: &Connection, to: &Addresses<'_>) -> Result<Self, LinkError> {
        let channel = connection.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { channel, pipeline: to.pipeline.clone(), results: to.results.into(), dead: to.dead.into() })
    }

    /// Publishes results and waits until the broker has them all. Results that nobody subscribed to are fine.
    pub(crate) async fn publish(&self, results: &[ResultEvent]) -> Result<(), LinkError> {
        heard("publish results", self.publish_all(results)).await
    }

    async fn publish_all(&self, results: &[ResultEvent]) -> Result<(), LinkError> {
        let mut sent = Vec::with_capacity(results.len());
        for result in results {
            sent.push(self.send_result(result));
        }
        // All at once, or the pauses between them would be the limit.
        for confirm in futures::future::try_join_all(sent).await? {
            if confirm.await?.is_nack() {
                return Err(LinkError::NotConfirmed(self.results.to_string()));
            }
        }
        Ok(())
    }

    async fn send_result(&self, result: &ResultEvent) -> Result<PublisherConfirm, lapin::Error> {
        let properties = BasicProperties::default()
            .with_content_type(CLOUD_EVENT_JSON.into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(result.id.as_str().into());
        let body = result.to_cloud_event(&self.pipeline);
        let key = result.body.type_name().into();
        self.channel.basic_publish(self.results.clone(), key, BasicPublishOptions::default(), &body, properties).await
    }

    /// Puts a copy with its reason into the dead-letter exchange and waits until a queue has it.
    pub(crate) async fn bury(&self, grave: &Grave<'_>) -> Result<(), LinkError> {
        heard("bury a message", self.bury_one(grave)).await
    }

    async fn bury_one(&self, grave: &Grave<'_>) -> Result<(), LinkError> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = grave.properties();
        let key: ShortString = grave.routing_key.into();
        let confirm =
            self.channel.basic_publish(self.dead.clone(), key, options, grave.body, properties).await?.await?;
        if confirm.is_nack() {
            return Err(LinkError::NotConfirmed(self.dead.to_string()));
        }
        if confirm.take_message().is_some() {
            return Err(LinkError::NowhereToBury(self.dead.to_string()));
        }
        Ok(())
    }
}

/// Waits for the broker, but not for ever.
async fn heard<T>(action: &'static str, work: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    tokio::time::timeout(SILENCE_MAX, work).await.unwrap_or(Err(LinkError::Silent { action }))
}

/// A message to be buried.
pub(crate) struct Grave<'a> {
    refusal: &'a Refusal,
    queue: &'a str,
    exchange: &'a str,
    routing_key: &'a str,
    body: &'a [u8],
    came_with: BasicProperties,
    at: Timestamp,
}

impl<'a> Grave<'a> {
    /// For a message of a lane.
    pub(crate) fn of(arrived: &'a Arrived, refusal: &'a Refusal, queue: &'a str, at: Timestamp) -> Self {
        Self {
            refusal,
            queue,
            exchange: &arrived.exchange,
            routing_key: &arrived.routing_key,
            body: &arrived.body,
            came_with: arrived.properties.clone(),
            at,
        }
    }

    /// For an event that waited in the ledger; its body is the event as the ledger kept it.
    pub(crate) fn of_parked(body: &'a [u8], refusal: &'a Refusal, at: Timestamp) -> Self {
        let came_with = BasicProperties::default().with_content_type("application/json".into());
        Self { refusal, queue: "", exchange: "", routing_key: "parked", body, came_with, at }
    }

    fn properties(&self) -> BasicProperties {
        let came = &self.came_with;
        let mut headers = came.headers().clone().unwrap_or_default();
        if format!("{headers:?}").len() > HEADERS_BYTES_MAX {
            headers = FieldTable::default();
            headers.insert(bury_header::CUT.into(), AMQPValue::LongString("true".into()));
        }
        let mut detail = self.refusal.detail.as_str();
        if detail.len() > DETAIL_BYTES_MAX {
            detail = &detail[..detail.floor_char_boundary(DETAIL_BYTES_MAX)];
        }
        for (name, value) in [
            (bury_header::REASON, self.refusal.reason.as_str()),
            (bury_header::DETAIL, detail),
            (bury_header::AT, &self.at.to_string()),
            (bury_header::QUEUE, self.queue),
            (bury_header::EXCHANGE, self.exchange),
            (bury_header::ROUTING_KEY, self.routing_key),
        ] {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        // A message's own time to live would let it vanish from the dead letters unseen; a foreign user id is refused.
        let mut copy = BasicProperties::default().with_headers(headers).with_delivery_mode(PERSISTENT);
        if let Some(value) = came.content_type().clone() {
            copy = copy.with_content_type(value);
        }
        if let Some(value) = came.content_encoding().clone() {
            copy = copy.with_content_encoding(value);
        }
        if let Some(value) = came.correlation_id().clone() {
            copy = copy.with_correlation_id(value);
        }
        if let Some(value) = came.message_id().clone() {
            copy = copy.with_message_id(value);
        }
        if let Some(value) = came.kind().clone() {
            copy = copy.with_type(value);
        }
        if let Some(value) = *came.timestamp() {
            copy = copy.with_timestamp(value);
        }
        copy
    }
}

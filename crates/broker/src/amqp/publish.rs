//! Publishing with confirms: a message is safe only when the broker says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use super::{Connection, close, failed, short, table, within};
use crate::{OperationError, PublishError};

/// Most messages that are not yet confirmed. Between 200 and 3000 the rate is flat; the library gets slow beyond.
const WINDOW: u32 = 1000;

/// Longest wait for one confirm. A broker that is short of memory or disk holds them back for as long as it is.
const CONFIRM_MAX: Duration = Duration::from_mins(1);

/// Durable on the broker's side.
const PERSISTENT: u8 = 2;

/// One message to be published; always persistent and mandatory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Publication {
    /// To which exchange; empty for the default one.
    pub exchange: String,
    /// With which routing key.
    pub routing_key: String,
    /// Beside the body.
    pub properties: Properties,
    /// What it says.
    pub body: Vec<u8>,
}

/// What goes with a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// Such as `application/json`.
    pub content_type: Option<String>,
    /// The same for the same message published again.
    pub message_id: Option<String>,
    /// Headers; all are texts.
    pub headers: BTreeMap<String, String>,
}

/// Publishes on a channel of its own, at most [`WINDOW`] messages ahead of the confirms.
pub struct Publisher {
    channel: Channel,
    window: Arc<Semaphore>,
    first_failure: Arc<Mutex<Option<PublishError>>>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("unconfirmed", &self.unconfirmed()).finish_non_exhaustive()
    }
}

/// The outcome of one publication, once it is known. Dropped, the outcome still counts for [`Publisher::flush`].
#[derive(Debug)]
pub struct Confirm {
    outcome: oneshot::Receiver<Result<(), PublishError>>,
    exchange: String,
}

impl Confirm {
    /// Waits for the broker's word, at most a minute.
    pub async fn wait(self) -> Result<(), PublishError> {
        let unknown = || PublishError::Unconfirmed { exchange: self.exchange, problem: "it was given up".to_owned() };
        self.outcome.await.unwrap_or_else(|_| Err(unknown()))
    }
}

impl Connection {
    /// A publisher with confirms, on a channel of its own.
    pub async fn publisher(&self) -> Result<Publisher, OperationError> {
        let channel = self.channel().await?;
        within("switch on publisher confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let window = Arc::new(Semaphore::new(WINDOW as usize));
        Ok(Publisher { channel, window, first_failure: Arc::default() })
    }
}

impl Publisher {
    /// Sends a message as soon as the window has room; the outcome comes with the [`Confirm`]. A call that is cancelled
    /// while it waits for room has sent nothing.
    pub async fn publish(&self, publication: Publication) -> Result<Confirm, PublishError> {
        let Publication { exchange, routing_key, properties, body } = publication;
        let unsent = |error: &dyn std::fmt::Display| unconfirmed(&exchange, error);
        let permit = Arc::clone(&self.window).acquire_owned().await.map_err(|error| unsent(&error))?;
        let action = "publish";
        let properties = wire(action, properties).map_err(|error| unsent(&error))?;
        let name = short(action, &exchange).map_err(|error| unsent(&error))?;
        let key = short(action, &routing_key).map_err(|error| unsent(&error))?;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sent = self.channel.basic_publish(name, key, options, &body, properties).await;
        let confirm = sent.map_err(|error| unsent(&failed(action, error)))?;
        Ok(self.watch(Watched { confirm, permit, exchange, routing_key }))
    }

    /// Waits until all that was sent is confirmed; the first failure since the last call is the answer.
    pub async fn flush(&self) -> Result<(), PublishError> {
        let all = self.window.acquire_many(WINDOW).await;
        drop(all);
        let mut failure = self.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().map_or(Ok(()), Err)
    }

    /// Messages that are sent and not yet confirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        (WINDOW as usize).saturating_sub(self.window.available_permits())
    }

    /// Flushes and closes the channel.
    pub async fn close(self) -> Result<(), PublishError> {
        let flushed = self.flush().await;
        close(&self.channel).await;
        flushed
    }

    /// A task of its own, so that the window moves on although nobody waits for this message.
    fn watch(&self, watched: Watched) -> Confirm {
        let (tell, outcome) = oneshot::channel();
        let (exchange, first_failure) = (watched.exchange.clone(), Arc::clone(&self.first_failure));
        tokio::spawn(async move {
            let (outcome, permit) = watched.outcome().await;
            if let Err(error) = &outcome {
                let mut first = first_failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| error.clone());
            }
            let _ = tell.send(outcome);
            drop(permit);
        });
        Confirm { outcome, exchange }
    }
}

struct Watched {
    confirm: PublisherConfirm,
    permit: OwnedSemaphorePermit,
    exchange: String,
    routing_key: String,
}

impl Watched {
    async fn outcome(self) -> (Result<(), PublishError>, OwnedSemaphorePermit) {
        let Self { confirm, permit, exchange, routing_key } = self;
        let outcome = match timeout(CONFIRM_MAX, confirm).await {
            Ok(Ok(Confirmation::Ack(Some(_)))) => Err(PublishError::Unroutable { exchange, routing_key }),
            Ok(Ok(Confirmation::Ack(None))) => Ok(()),
            Ok(Ok(Confirmation::Nack(_))) => Err(PublishError::Nacked { exchange }),
            Ok(Ok(Confirmation::NotRequested)) => Err(unconfirmed(&exchange, &"confirms are off")),
            Ok(Err(error)) => Err(unconfirmed(&exchange, &failed("publish", error))),
            Err(_) => Err(unconfirmed(&exchange, &format_args!("no confirm within {} s", CONFIRM_MAX.as_secs()))),
        };
        (outcome, permit)
    }
}

fn unconfirmed(exchange: &str, problem: &dyn std::fmt::Display) -> PublishError {
    PublishError::Unconfirmed { exchange: exchange.to_owned(), problem: problem.to_string() }
}

fn wire(action: &str, properties: Properties) -> Result<BasicProperties, OperationError> {
    let Properties { content_type, message_id, headers } = properties;
    let text = |text: Option<String>| -> Result<Option<ShortString>, OperationError> {
        text.map(|text| short(action, &text)).transpose()
    };
    let mut wire = BasicProperties::default().with_delivery_mode(PERSISTENT);
    if let Some(content_type) = text(content_type)? {
        wire = wire.with_content_type(content_type);
    }
    if let Some(message_id) = text(message_id)? {
        wire = wire.with_message_id(message_id);
    }
    if !headers.is_empty() {
        wire = wire.with_headers(table::from_headers(action, &headers)?);
    }
    Ok(wire)
}

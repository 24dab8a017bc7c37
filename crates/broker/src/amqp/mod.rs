//! The AMQP connection. Only this folder names the AMQP library; who needs more than the helpers takes a [`Channel`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions, QueuePurgeOptions};
use lapin::types::ShortString;
use lapin::{Error, ErrorKind};
use tokio::time::timeout;

use crate::OperationError;

mod apply;
mod connect;
mod depth;
mod greeting;
mod publish;
mod read;
mod table;

pub use apply::{Applier, apply};
pub use connect::{connect, release};
pub use depth::Depth;
pub(crate) use depth::depth;
/// The library's channel, for the one file of the worker that consumes.
pub use lapin::Channel;
pub use publish::{Confirm, Properties, Publication, Publisher};
pub use read::{Consumer, Message};

/// Longest wait for the answer to one request. A broker that syncs to a slow disk answers in well under a second; one that
/// elects a new leader in a few.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Channels that are kept for who takes steps next: each is some processes of the broker.
const IDLE_MAX: usize = 8;

/// The reply code of a normal close.
const OK: u16 = 200;

/// A connection. It does not come back by itself when it is lost: whoever owns it connects anew.
pub struct Connection {
    inner: lapin::Connection,
    address: String,
    // On which nothing is under way.
    idle: Mutex<Vec<Channel>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The library's own would show the login.
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    fn new(inner: lapin::Connection, address: String) -> Self {
        Self { inner, address, idle: Mutex::default() }
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether it still stands, as far as is known.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inner.status().connected()
    }

    /// A fresh channel. A refused request closes its channel, so that whoever takes one does not share it.
    pub async fn channel(&self) -> Result<Channel, OperationError> {
        within("open a channel", self.inner.create_channel()).await
    }

    /// One that another has given back, or a fresh one.
    async fn taken(&self) -> Result<Channel, OperationError> {
        let kept = std::iter::from_fn(|| self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop());
        match kept.into_iter().find(|channel| channel.status().connected()) {
            Some(channel) => Ok(channel),
            None => self.channel().await,
        }
    }

    /// Keeps a channel for the next; too many are closed.
    async fn give_back(&self, channel: Channel) {
        let more = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_MAX {
                idle.push(channel);
                None
            } else {
                Some(channel)
            }
        };
        if let Some(channel) = more {
            close(&channel).await;
        }
    }

    /// Messages that are ready in a queue, live; `None` when there is no such queue. Unacknowledged and delayed ones do not count.
    pub async fn passive_depth(&self, queue: &str) -> Result<Option<u64>, OperationError> {
        let channel = self.channel().await?;
        let found = depth(&channel, queue).await?;
        // A channel on which something was not found is closed already.
        if found.is_some() {
            close(&channel).await;
        }
        Ok(found.map(|depth| depth.ready))
    }

    /// Throws away what is ready in a queue; says how many messages that were.
    pub async fn purge(&self, queue: &str) -> Result<u64, OperationError> {
        let action = format!("purge queue `{queue}`");
        let channel = self.channel().await?;
        let count = within(&action, channel.queue_purge(short(&action, queue)?, QueuePurgeOptions::default())).await?;
        close(&channel).await;
        Ok(u64::from(count))
    }

    /// Deletes a queue with all that it holds; fine when there is none.
    pub async fn delete_queue(&self, queue: &str) -> Result<(), OperationError> {
        let action = format!("delete queue `{queue}`");
        let channel = self.channel().await?;
        delete_queue(&channel, &action, queue).await?;
        close(&channel).await;
        Ok(())
    }

    /// Deletes an exchange with its bindings; fine when there is none.
    pub async fn delete_exchange(&self, exchange: &str) -> Result<(), OperationError> {
        let action = format!("delete exchange `{exchange}`");
        let channel = self.channel().await?;
        delete_exchange(&channel, &action, exchange).await?;
        close(&channel).await;
        Ok(())
    }

    /// Says good-bye; an error only says that the broker was not there to hear it.
    pub async fn close(self) {
        self.hang_up().await;
    }

    pub(crate) async fn hang_up(&self) {
        let _ = timeout(ANSWER_MAX, self.inner.close(OK, reply_text())).await;
    }
}

async fn delete_queue(channel: &Channel, action: &str, queue: &str) -> Result<(), OperationError> {
    // Never `if_empty`: a quorum queue does not know it and the broker ends the connection.
    within(action, channel.queue_delete(short(action, queue)?, QueueDeleteOptions::default())).await.map(drop)
}

async fn delete_exchange(channel: &Channel, action: &str, exchange: &str) -> Result<(), OperationError> {
    within(action, channel.exchange_delete(short(action, exchange)?, ExchangeDeleteOptions::default())).await
}

/// Waits for an answer, but not for ever.
async fn within<T>(action: &str, answer: impl Future<Output = lapin::Result<T>>) -> Result<T, OperationError> {
    match timeout(ANSWER_MAX, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed(action, error)),
        Err(_) => Err(OperationError::Slow { action: action.to_owned(), seconds: ANSWER_MAX.as_secs() }),
    }
}

fn failed(action: &str, error: Error) -> OperationError {
    let action = action.to_owned();
    match error.kind() {
        ErrorKind::ProtocolError(refused) if error.is_amqp_soft_error() => {
            OperationError::Refused { action, code: refused.get_id(), reply: refused.get_message().to_string() }
        }
        _ => OperationError::Lost { action, source: Arc::new(error) },
    }
}

/// Closing releases the channel's number; that it fails matters to nobody.
async fn close(channel: &Channel) {
    let _ = timeout(ANSWER_MAX, channel.close(OK, reply_text())).await;
}

fn reply_text() -> ShortString {
    ShortString::default()
}

/// The library panics on longer ones when it is asked to convert.
fn short(action: &str, value: &str) -> Result<ShortString, OperationError> {
    ShortString::try_new(value).map_err(|_| OperationError::TooLong {
        action: action.chars().take(80).collect(),
        value: value.chars().take(40).collect(),
    })
}

//! One broker for many: what a process with thousands of pipelines asks it is asked once for all of them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use contract::broker_object::Release;
use tokio::sync::Mutex;

use crate::amqp::Channel;
use crate::flight::Flights;
use crate::management::{Management, ManagementError, QueueCounts};
use crate::pace::Pace;
use crate::{BrokerError, Connection, Depth, OperationError, Settings, Sight, amqp, sight};

/// A look that is so old is as good as a new one.
const LOOK_AGE_MAX: Duration = Duration::from_secs(2);

/// A broker's vhost with a login, shared by all who use it; cheap to clone. Nothing is sent before somebody asks.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    name: String,
    management: OnceLock<Management>,
    connection: Flights<Arc<Connection>, BrokerError>,
    // With the connection that stood then: a broker that is another one after an upgrade has lost it.
    release: Flights<(Arc<Connection>, Release), BrokerError>,
    sights: Flights<Arc<Sight>, ManagementError>,
    pace: Pace,
    counts: Flights<(Instant, Option<Arc<Counts>>), ManagementError>,
    // For looks at queues, which come one after another.
    channel: Mutex<Option<Channel>>,
}

/// The numbers of all queues of a vhost.
#[derive(Debug, Clone)]
pub struct Counts {
    /// When they were asked for. The broker may have counted some seconds before.
    pub taken: Instant,
    /// By name of the queue.
    pub queues: HashMap<String, QueueCounts>,
}

/// Why a queue's depth is not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DepthError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] BrokerError),
    /// The broker does not answer or refuses.
    #[error(transparent)]
    Ask(#[from] OperationError),
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Link {
    /// A link that is not yet used. `connection_name` is what the management UI shows.
    #[must_use]
    pub fn new(settings: Settings, connection_name: &str) -> Self {
        let (connection, release) = (Flights::new(), Flights::new());
        let (sights, counts) = (Flights::new(), Flights::new());
        let (name, channel, management) = (connection_name.to_owned(), Mutex::new(None), OnceLock::new());
        let pace = Pace::new();
        let shared = Shared { settings, name, management, connection, release, sights, pace, counts, channel };
        Self { shared: Arc::new(shared) }
    }

    /// Where it leads.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The connection that stands, or a new one. Those who ask together wait for one attempt and share its failure.
    pub async fn connection(&self) -> Result<Arc<Connection>, BrokerError> {
        let connect = || {
            let shared = Arc::clone(&self.shared);
            async move { amqp::connect(&shared.settings, &shared.name).await.map(Arc::new) }
        };
        self.shared.connection.get(None, |connection| connection.is_connected(), connect).await
    }

    /// Which RabbitMQ it is, asked once a connection.
    pub async fn release(&self) -> Result<Release, BrokerError> {
        let connection = self.connection().await?;
        let ask = || {
            let (shared, connection) = (Arc::clone(&self.shared), Arc::clone(&connection));
            async move { Ok((connection, sight::release(&shared.settings).await?)) }
        };
        let known = self.shared.release.get(None, |(of, _)| Arc::ptr_eq(of, &connection), ask).await;
        known.map(|(_, release)| release)
    }

    /// What stands in the vhost, seen not before `since` if that is given. Those who ask together share one look, and the last one
    /// is handed out while it is young enough: two seconds, or until the next may be made. A look at thousands of objects is a
    /// second of work for the broker, so that it is left alone for some times as long afterwards, and who needs another one waits.
    pub async fn look(&self, since: Option<Instant>) -> Result<Arc<Sight>, ManagementError> {
        let look = || {
            let shared = Arc::clone(&self.shared);
            async move {
                let look = async { sight::look(shared.management()?, &shared.settings).await.map(Arc::new) };
                shared.pace.ask(look).await
            }
        };
        let is_young =
            |sight: &Sight| sight.taken.elapsed() <= LOOK_AGE_MAX || Instant::now() < self.shared.pace.rested_at();
        let shows_it = |sight: &Sight| since.is_none_or(|since| sight.taken >= since);
        self.shared.sights.get(since, |sight| shows_it(sight) && is_young(sight), look).await
    }

    /// How long a look that shows what was done at `since` is not to be had; nothing where it is, or may be made now.
    #[must_use]
    pub fn unseen_for(&self, since: Instant) -> Option<Duration> {
        let rest = self.shared.pace.rested_at().checked_duration_since(Instant::now())?;
        let is_there = self.shared.sights.has(|sight| sight.taken >= since);
        (!is_there && !rest.is_zero()).then_some(rest)
    }

    /// The numbers of every queue of the vhost, asked for not before `since`; shared like [`Link::look`]. `None` without a
    /// management API.
    pub async fn counts(&self, since: Instant) -> Result<Option<Arc<Counts>>, ManagementError> {
        let count = || {
            let shared = Arc::clone(&self.shared);
            async move { shared.count().await }
        };
        self.shared.counts.get(Some(since), |(taken, _)| *taken >= since, count).await.map(|(_, counts)| counts)
    }

    /// How deep a queue is, live; `None` when there is no such queue. All looks share one channel, one after another.
    pub async fn depth(&self, queue: &str) -> Result<Option<Depth>, DepthError> {
        let connection = self.connection().await?;
        let mut kept = self.shared.channel.lock().await;
        // Out of its place while the broker is asked: after a cancelled or a refused look another one is opened.
        let channel = match kept.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => connection.channel().await?,
        };
        let depth = amqp::depth(&channel, queue).await?;
        // The broker closes it where there is no such queue.
        *kept = depth.map(|_| channel);
        Ok(depth)
    }

    /// Says good-bye; whoever asks again gets another connection.
    pub async fn close(&self) {
        *self.shared.channel.lock().await = None;
        self.shared.release.take();
        if let Some(connection) = self.shared.connection.take() {
            connection.hang_up().await;
        }
    }
}

impl Shared {
    // Several may make one at once; all but the first are dropped.
    fn management(&self) -> Result<&Management, ManagementError> {
        if let Some(management) = self.management.get() {
            return Ok(management);
        }
        let management = Management::new(&self.settings)?;
        Ok(self.management.get_or_init(|| management))
    }

    async fn count(&self) -> Result<(Instant, Option<Arc<Counts>>), ManagementError> {
        let taken = Instant::now();
        let queues = self.management()?.counts(self.settings.vhost()).await;
        let queues = sight::or_without(&self.settings, queues)?.ok();
        Ok((taken, queues.map(|queues| Arc::new(Counts { taken, queues }))))
    }
}

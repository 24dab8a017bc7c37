//! A look at a vhost: what stands there, or why that cannot be seen.

use std::time::Instant;

use contract::broker_index::Indexed;
use contract::broker_object::{Desired, Release, Standing};

use crate::{BrokerError, Management, ManagementError, Settings, amqp};

/// What was seen of a vhost, and when.
#[derive(Debug, Clone)]
pub struct Sight {
    /// When the look began: what was done before it is in it, numbers of messages and consumers apart.
    pub taken: Instant,
    /// What it shows.
    pub view: View,
}

/// What a look shows.
#[derive(Debug, Clone)]
pub enum View {
    /// All that stands.
    Seen(Indexed),
    /// Nothing: nobody named a management API, and where it usually is there is none that we may use. This is why.
    Unseen(ManagementError),
}

impl Sight {
    /// What concerns one owner: enough to compare what it wants with what stands.
    #[must_use]
    pub fn about(&self, wanted: &Desired, owner: &str) -> Standing {
        match &self.view {
            View::Seen(seen) => Standing::Seen(seen.about(wanted, owner)),
            View::Unseen(_) => Standing::Unseen,
        }
    }

    /// The whole vhost.
    #[must_use]
    pub fn into_standing(self) -> Standing {
        match self.view {
            View::Seen(seen) => Standing::Seen(seen.into_seen()),
            View::Unseen(_) => Standing::Unseen,
        }
    }

    /// Why nothing could be seen, if so.
    #[must_use]
    pub fn unseen_because(&self) -> Option<&ManagementError> {
        match &self.view {
            View::Seen(_) => None,
            View::Unseen(why) => Some(why),
        }
    }
}

/// Looks at the settings' vhost through the management API. Where nobody named one, and there is none or none that we may use,
/// nothing is seen, which is no error.
pub async fn sight(settings: &Settings) -> Result<Sight, ManagementError> {
    look(&Management::new(settings)?, settings).await
}

/// Which RabbitMQ it is: by its management API, or else by what it says before a login over AMQP, which leaves a warning of a
/// connection that was closed unexpectedly in the broker's log.
pub async fn release(settings: &Settings) -> Result<Release, BrokerError> {
    if let Ok(management) = Management::new(settings)
        && let Ok(overview) = management.overview().await
    {
        return Ok(Release::of(&overview.rabbitmq_version));
    }
    amqp::release(settings).await
}

pub(crate) async fn look(management: &Management, settings: &Settings) -> Result<Sight, ManagementError> {
    let taken = Instant::now();
    let seen = or_without(settings, management.seen(settings.vhost()).await)?;
    let view = match seen {
        Ok(seen) => View::Seen(Indexed::new(seen)),
        Err(why) => View::Unseen(why),
    };
    Ok(Sight { taken, view })
}

/// Sorts the errors that are none where nobody named a management API from the others.
pub(crate) fn or_without<T>(
    settings: &Settings,
    answer: Result<T, ManagementError>,
) -> Result<Result<T, ManagementError>, ManagementError> {
    match answer {
        Err(why) if settings.is_management_given() || !why.can_do_without() => Err(why),
        answer => Ok(answer),
    }
}

//! One link for each broker and login, shared by all pipelines that use it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use broker::{Link, Settings};

/// What the management UI shows.
const CONNECTION_NAME: &str = "loyalty-operator";

/// A link that no walk has asked for within this is of a password that was changed, or of a pipeline that is gone: each pipeline is
/// walked more often.
pub(crate) const UNUSED_MAX: Duration = Duration::from_mins(2);

/// The links of this process, and when each was asked for last.
#[derive(Default)]
pub(crate) struct Brokers {
    links: Mutex<HashMap<Settings, (Link, Instant)>>,
}

impl Brokers {
    /// The link of these settings; nothing is sent.
    pub(crate) fn link(&self, settings: Settings) -> Link {
        let now = Instant::now();
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let new = |settings: &Settings| (Link::new(settings.clone(), CONNECTION_NAME), now);
        let (link, used) = links.entry(settings).or_insert_with_key(new);
        *used = now;
        link.clone()
    }

    /// Forgets what nobody uses; a link ends when the last who holds it is done.
    pub(crate) fn forget_unused(&self) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, (_, used)| used.elapsed() < UNUSED_MAX);
    }
}

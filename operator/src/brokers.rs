//! One link for each broker and login, shared by all pipelines that use it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use broker::{Link, Settings};

/// What the management UI shows.
const CONNECTION_NAME: &str = "loyalty-operator";

/// The links of this process.
#[derive(Default)]
pub(crate) struct Brokers {
    links: Mutex<HashMap<Settings, Link>>,
}

impl Brokers {
    /// The link of these settings; nothing is sent.
    pub(crate) fn link(&self, settings: Settings) -> Link {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.entry(settings).or_insert_with_key(|settings| Link::new(settings.clone(), CONNECTION_NAME)).clone()
    }

    /// Forgets links that nobody used: of passwords that were changed, of pipelines that are gone.
    pub(crate) fn keep_only(&self, is_used: impl Fn(&Settings) -> bool) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|settings, _| is_used(settings));
    }
}

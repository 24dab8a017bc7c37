//! A tier that a member brings along: another system had given it, and nothing that is counted here says so.

use contract::event::Kind;
use contract::result::{Promoted, PromotionRejected, RejectReason, ResultBody, TierChange, TierReason};
use contract::{BuryReason, Refusal, TierName};
use jiff::Timestamp;

use super::{TierLine, is_later};
use crate::book::applied::Outcome;
use crate::book::draft::{Draft, unfit};

impl Draft<'_, '_> {
    /// A line of the history, since the event's time or since the last line began; nothing where the member has the tier as long already. A
    /// higher one stays, and the event is turned down.
    pub(in crate::book) fn promote(&mut self, tier: &TierName, until: Option<Timestamp>) -> Result<Outcome, Refusal> {
        let (Kind::Promote(said), Some(tiers)) = (&self.posting.event.kind, &self.posting.ruleset.program.tiers) else {
            return Err(unfit("a promotion was decided for an event of another type, or without tiers"));
        };
        let (at, last) = (self.posting.event.occurred_at, self.state.tiers.last());
        let first = tiers.levels.first().map(|level| &level.name);
        let Some(from) = last.map(|last| &last.level).or(first).cloned() else {
            return Err(unfit("a promotion was decided without levels"));
        };
        let (own, other) = (tiers.height(&from).unwrap_or(0), tiers.height(tier).unwrap_or(0));
        let (since, own_until) = last.map_or((at, None), |last| (last.since.max(at), last.until));
        if own > other {
            let (tier, reason) = (tier.clone(), RejectReason::HigherTier);
            let rejected = PromotionRejected { tier, has: from, has_until: own_until, reason };
            self.bodies.push(ResultBody::PromotionRejected(rejected));
            return Ok(Outcome::Rejected);
        }
        if until.is_some_and(|until| until <= since) {
            let detail =
                format!("`until` is not after {since}, when the tier began that the member has; name a later end");
            return Err(Refusal::new(BuryReason::BadValue, detail));
        }
        self.bodies.push(ResultBody::Promoted(Promoted {
            tier: tier.clone(),
            until: said.until,
            reason: said.reason.clone(),
            author: said.author.clone(),
        }));
        let (to, reason) = (tier.clone(), TierReason::Imported);
        if other > own || own > 0 && is_later(until, own_until) {
            self.tiers.push(TierLine { level: to.clone(), since, until, reason });
        }
        if other > own {
            self.bodies.push(ResultBody::TierChanged(TierChange { from, to, since, until, reason }));
        }
        Ok(Outcome::Applied)
    }
}

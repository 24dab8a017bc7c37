//! Two members who are one: what counted of both adds up, and the higher tier stays.

use contract::event::Event;
use contract::result::{ResultEvent, TierReason};
use contract::{PipelineName, Refusal};

use super::{TierBook, TierLine, TierRules, is_later};
use crate::book::MemberState;
use crate::book::applied::Applied;

impl MemberState {
    /// Takes what counts of a member who was merged into this one, and their tier where that is higher (or as high, and holds longer); then
    /// what counts of both may be enough for another. To be called right after the merge, and before what is due is settled.
    ///
    /// `arrival` is what came in by it, in this member's name, and `applied` what was posted of that. A [`Refusal`] says that a tier would hold
    /// until beyond the calendar; the caller drops the state then.
    pub fn join_tiers(
        &mut self,
        from: &mut Self,
        (pipeline, tiers): (&PipelineName, &TierRules),
        (arrival, applied): (&Event, &mut Applied),
    ) -> Result<(), Refusal> {
        let TierBook { history, counted } = std::mem::take(&mut from.tiers);
        for (key, amount) in counted {
            let sum = self.tiers.counted.entry(key).or_default();
            *sum = sum.saturating_add(amount);
        }
        let at = arrival.occurred_at;
        let Some(programme) = tiers.at(at).cloned() else { return Ok(()) };
        let told = |n, body| ResultEvent::of(pipeline, arrival, n, body);
        let own_end = self.tiers.last().and_then(|last| last.until);
        let holds = |line: &TierLine| line.until.is_none_or(|until| until > at);
        if let Some(theirs) = history.last().filter(|line| holds(line)) {
            let (own, other) = (self.tiers.height(&programme), programme.height(&theirs.level));
            if other > own || (other == own && other > 0 && is_later(theirs.until, own_end)) {
                let since = self.tiers.last().map_or(at, |last| last.since.max(at));
                // One whose time was over has no gap behind it.
                let since = own_end.map_or(since, |end| end.min(since));
                let line = TierLine { since, reason: TierReason::Merged, ..theirs.clone() };
                self.becomes(Some(line), &programme, applied, told);
            }
        }
        if self.is_to_review(at) {
            return Ok(());
        }
        let (day, days) = (programme.day(at), self.tiers.days());
        let risen = self.tiers.risen(&programme, (day, days), at)?;
        self.becomes(risen, &programme, applied, told);
        Ok(())
    }
}

//! Two members who are one: what counted of both adds up, and the higher tier stays.

use std::collections::BTreeSet;

use contract::Refusal;
use contract::event::Event;
use contract::result::{ResultEvent, TierReason};
use jiff::Timestamp;
use jiff::civil::Date;

use super::rules::Programme;
use super::{TierBook, TierLine, is_later};
use crate::book::MemberState;
use crate::book::applied::Applied;
use crate::book::due::Settling;

impl MemberState {
    /// Takes what counts of a member who was merged into this one, and their tier where that is higher (or as high, and holds longer); then
    /// what counts of both may be enough for another. To be called right after the merge, and before what is due is settled.
    ///
    /// Reviews that are due come first, each of what counts of the one member alone, or what stays would depend on whether a timer was
    /// faster than the merge. Answers those of this member, which stand before `applied`; the other one's leave no line.
    ///
    /// `arrival` is what came in by it, in this member's name, and `applied` what was posted of that. A [`Refusal`] says that a tier would hold
    /// until beyond the calendar; the caller drops the state then.
    pub fn join_tiers(
        &mut self,
        from: &mut Self,
        settling: Settling<'_>,
        (arrival, applied): (&Event, &mut Applied),
    ) -> Result<Vec<Applied>, Refusal> {
        let at = arrival.occurred_at;
        // A merge that comes late finds histories that go on after it.
        let by = self.tiers.stands_at(at).max(from.tiers.stands_at(at));
        let reviews = self.reviews(Settling { by, ..settling })?;
        from.reviews(Settling { by, ..settling })?;
        let theirs = std::mem::take(&mut from.tiers);
        let line = settling.tiers.at(at).and_then(|programme| self.tiers.inherited(programme, (&theirs, at)));
        for (key, amount) in theirs.counted {
            self.tiers.add(key, amount);
        }
        let Some(programme) = settling.tiers.at(at) else { return Ok(reviews) };
        let told = |n, body| ResultEvent::of(settling.pipeline, arrival, n, body);
        if let Some(line) = line {
            self.becomes(line, programme, (&mut *applied, &told));
        }
        let day = programme.day(at);
        let days = self.tiers.joint_days(programme, day);
        self.rises(programme, ((day, days), at), (applied, &told))?;
        Ok(reviews)
    }
}

impl TierBook {
    /// The first time, from `at` on, at which a line may begin.
    fn stands_at(&self, at: Timestamp) -> Timestamp {
        self.last().map_or(at, |last| last.since.max(at))
    }

    /// The line of another member whose tier leads further than the last one of this: since the merge, and never before either had what they
    /// have.
    fn inherited(&self, programme: &Programme, (theirs, at): (&Self, Timestamp)) -> Option<TierLine> {
        let since = self.stands_at(at).max(theirs.stands_at(at));
        let last = theirs.last().filter(|line| line.until.is_none_or(|until| until > since))?;
        let (own, other) = (self.height(programme), theirs.height(programme));
        let own_end = self.last().and_then(|last| last.until);
        let leads = other > own || (other == own && other > 0 && is_later(last.until, own_end));
        leads.then(|| TierLine { since, reason: TierReason::Merged, ..last.clone() })
    }

    /// Days on which what counts of both may have been enough. Where levels hold for ever, or the window begins with one, those before the
    /// window say nothing: each would be enough for a level that nobody had.
    fn joint_days(&self, programme: &Programme, day: Date) -> BTreeSet<Date> {
        let mut days = self.days();
        if !programme.holds_for_ever() && !programme.counts_since_start() {
            return days;
        }
        match programme.first_day(day, self.last().map(|last| last.since)) {
            Some(first) => days.split_off(&first),
            None => days,
        }
    }
}

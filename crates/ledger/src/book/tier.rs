//! Tiers: what members do is counted by days, and what counts is enough for a level or not.
//!
//! A level was reached on a day if what counts up to that day, within the window that ends with it, is enough; it holds from then on to the
//! end of its validity. So the level that is due at a time is the highest that was reached on any day and still holds, and that one
//! sentence says what an event does (it may be enough on its own day, or on a later one), what a review does, and what a merge does. Nothing
//! is ever rated again: what was taken back is missing at the next review. A level that holds for ever has none.

mod join;
mod promote;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use contract::decision::OrderAward;
use contract::event::{Event, Kind};
use contract::program::{Downgrade, Measure};
use contract::result::{ResultBody, ResultEvent, TierChange, TierReason};
use contract::ruleset::RulesetHash;
use contract::{BuryReason, PipelineName, Refusal, TierName};
use jiff::Timestamp;
use jiff::civil::Date;

use super::MemberState;
use super::applied::{Applied, OrderChange, Outcome};
use super::due::{Due, Move, Settling};
use rules::Programme;

pub use rules::{TierRules, TiersWanted};

/// A line of a member's history: it holds from its time until the next line's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierLine {
    /// Which level.
    pub level: TierName,
    /// Since when.
    pub since: Timestamp,
    /// When it is reviewed; `None`: never.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: TierReason,
}

/// What an event adds to what counts on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Of what.
    pub measure: Measure,
    /// On which day of the programme's time zone.
    pub day: Date,
    /// Signed, not nought.
    pub amount: i64,
}

/// What is known of a member's tiers, as far as it was loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct TierBook {
    /// By their times.
    pub(crate) history: Vec<TierLine>,
    pub(crate) counted: BTreeMap<(Measure, Date), i64>,
}

/// What an event may count for, looked at before it is posted.
#[derive(Debug)]
pub struct Counting {
    programme: std::sync::Arc<Programme>,
    day: Date,
    /// What was due back before of the refunded order.
    due: i64,
    spend: i64,
}

/// A level that was reached and still holds.
#[derive(Debug, Clone, Copy)]
struct Best {
    height: usize,
    day: Date,
    until: Option<Timestamp>,
}

/// Names the n-th result of an event, or of what was due.
type Told<'a> = &'a dyn Fn(usize, ResultBody) -> ResultEvent;

/// The last day before an end.
fn last_day(until: Timestamp, programme: &Programme) -> Date {
    programme.day(until.checked_sub(jiff::SignedDuration::from_micros(1)).unwrap_or(until))
}

/// Which of two ends is later; none at all is the latest.
fn is_later(until: Option<Timestamp>, than: Option<Timestamp>) -> bool {
    than.is_some_and(|than| until.is_none_or(|until| until > than))
}

impl TierBook {
    fn last(&self) -> Option<&TierLine> {
        self.history.last()
    }

    fn add(&mut self, key: (Measure, Date), amount: i64) {
        let sum = self.counted.entry(key).or_default();
        *sum = sum.saturating_add(amount);
    }

    fn days(&self) -> BTreeSet<Date> {
        self.counted.keys().map(|(_, day)| *day).collect()
    }

    fn height(&self, programme: &Programme) -> usize {
        self.last().map_or(0, |last| programme.height(&last.level))
    }

    /// Since when the line holds that held on a day.
    fn began(&self, programme: &Programme, day: Date) -> Option<Timestamp> {
        if !programme.counts_since_start() {
            return None;
        }
        self.history.iter().rfind(|line| programme.day(line.since) <= day).map(|line| line.since)
    }

    /// How high a level is for which what counts on a day is enough; `began` is when the member's level did.
    fn reached(&self, programme: &Programme, (day, began): (Date, Option<Timestamp>)) -> usize {
        let first = programme.first_day(day, began).unwrap_or(Date::MIN);
        let sum = |measure: Measure| {
            let days = (measure, first)..=(measure, day);
            let amounts = if first <= day { Some(self.counted.range(days)) } else { None };
            amounts.into_iter().flatten().map(|(_, amount)| i128::from(*amount)).sum::<i128>()
        };
        programme.reached(&Measure::ALL.map(|measure| (measure, sum(measure))))
    }

    /// The highest level that was reached on any of these days (each with the time since which its level held) and holds beyond a time; of
    /// several days the first one that leads as far.
    fn best(
        &self,
        programme: &Programme,
        days: impl IntoIterator<Item = (Date, Option<Timestamp>)>,
        beyond: Timestamp,
    ) -> Result<Option<Best>, Refusal> {
        let mut best: Option<Best> = None;
        for (day, began) in days {
            let height = self.reached(programme, (day, began));
            let until = programme.until(day)?;
            if height == 0 || until.is_some_and(|until| until <= beyond) {
                continue;
            }
            let is_better =
                |than: &Best| height > than.height || (height == than.height && is_later(until, than.until));
            if best.as_ref().is_none_or(is_better) {
                best = Some(Best { height, day, until });
            }
        }
        Ok(best)
    }

    /// The line to which what was reached on these days leads, if it leads further than the last one. It holds since `at`, or since the
    /// beginning of the later day on which it was enough, and never since before the last one. Days after that one's end are left to its
    /// review: nothing may lie between two lines.
    fn risen(
        &self,
        programme: &Programme,
        (day, days): (Date, &BTreeSet<Date>),
        at: Timestamp,
    ) -> Result<Option<TierLine>, Refusal> {
        let from = self.last().map_or(at, |last| last.since.max(at));
        let end = self.last().and_then(|last| last.until).map_or(Date::MAX, |until| last_day(until, programme));
        let days = days.range(..=end).map(|day| (*day, self.began(programme, *day)));
        let Some(best) = self.best(programme, days, from)? else { return Ok(None) };
        let (height, until) = (self.height(programme), self.last().and_then(|last| last.until));
        let reason = match best.height.cmp(&height) {
            std::cmp::Ordering::Greater => TierReason::Reached,
            // A time that is counted from its own beginning is not put off before it is over: it would begin anew, and again.
            std::cmp::Ordering::Equal if !programme.counts_since_start() && is_later(best.until, until) => {
                TierReason::Kept
            }
            _ => return Ok(None),
        };
        let since = if best.day > day { programme.begins(best.day)?.max(from) } else { from };
        Ok(programme.line((best.height, reason), (since, best.until)))
    }
}

impl MemberState {
    /// The tier that was the member's at a time, as recorded so far; `None`: the first one.
    #[must_use]
    pub fn tier_at(&self, at: Timestamp) -> Option<&TierName> {
        self.tiers.history.iter().rfind(|line| line.since <= at).map(|line| &line.level)
    }

    /// What an event that these rules decide may count for, before it is posted; `None` where they know no tiers, or it can count for none.
    /// `spend` is by how much it changes what was spent, in minor units.
    #[must_use]
    pub fn counting(&self, event: &Event, (hash, tiers): (&RulesetHash, &TierRules), spend: i64) -> Option<Counting> {
        let programme = tiers.by_hash(hash).filter(|programme| programme.may_count(event))?;
        let order = event.order().filter(|_| matches!(event.kind, Kind::Refund(_))).and_then(|order| self.order(order));
        // What a refund takes is missing where its purchase counted.
        let at = order.map_or(event.occurred_at, |order| order.purchase.occurred_at);
        let due = order.map_or(0, |order| due(&order.awards, programme));
        Some(Counting { day: programme.day(at), programme: programme.clone(), due, spend })
    }

    /// Counts what was posted of an event, and gives the member the tier for which that is enough; carries the state on.
    ///
    /// A [`Refusal`] says that a tier would hold until beyond the calendar; the caller drops the state then.
    pub fn count(
        &mut self,
        (pipeline, event): (&PipelineName, &Event),
        counting: Counting,
        applied: &mut Applied,
    ) -> Result<(), Refusal> {
        if applied.outcome != Outcome::Applied {
            return Ok(());
        }
        let Counting { programme, day, due: before, spend } = counting;
        let points = points(applied, &programme, (day, before));
        let visits = i64::from(programme.is_visit(event.type_name()));
        let amounts = [(Measure::Points, points), (Measure::Spend, spend), (Measure::Visits, visits)];
        let amounts = amounts.into_iter().filter(|(_, amount)| *amount != 0);
        applied.counted = amounts.map(|(measure, amount)| Counted { measure, day, amount }).collect();
        for counted in &applied.counted {
            self.tiers.add((counted.measure, counted.day), counted.amount);
        }
        if applied.counted.iter().all(|counted| counted.amount < 0) {
            return Ok(());
        }
        let mut days = self.tiers.days().split_off(&day);
        days.insert(day);
        let told = |n, body| ResultEvent::of(pipeline, event, n, body);
        self.rises(&programme, ((day, days), event.occurred_at), (applied, &told))
    }

    /// Gives the member what was reached on days, of which the first is `day`, or lies before it ([`TierBook::risen`]): the highest first, as
    /// what was reached on a day before it says nothing then, and then what holds beyond that.
    fn rises(
        &mut self,
        programme: &Programme,
        ((day, days), at): ((Date, BTreeSet<Date>), Timestamp),
        (applied, told): (&mut Applied, Told<'_>),
    ) -> Result<(), Refusal> {
        while let Some(line) = self.tiers.risen(programme, (day, &days), at)? {
            self.becomes(line, programme, (&mut *applied, told));
        }
        Ok(())
    }

    /// Adds a line to the member's history, and tells it where the level is another one.
    fn becomes(&mut self, line: TierLine, programme: &Programme, (applied, told): (&mut Applied, Told<'_>)) {
        let from = self.tiers.last().map(|last| last.level.clone()).or_else(|| programme.first());
        if let Some(from) = from.filter(|from| *from != line.level) {
            let TierLine { level: to, since, until, reason } = line.clone();
            let change = TierChange { from, to, since, until, reason };
            applied.results.push(told(applied.results.len(), ResultBody::TierChanged(change)));
        }
        self.tiers.history.push(line.clone());
        applied.tiers.push(line);
    }

    /// Whether the member's tier is to be reviewed.
    pub(super) fn is_to_review(&self, by: Timestamp) -> bool {
        self.tiers.last().and_then(|last| last.until).is_some_and(|until| until <= by)
    }

    /// Adds the time at which the member's tier is to be reviewed.
    pub(super) fn review_due(&self, settling: Settling<'_>, due: &mut Due) {
        let until = self.tiers.last().and_then(|last| last.until).filter(|until| *until <= settling.by);
        if let Some(until) = until.filter(|_| !settling.tiers.is_empty()) {
            due.entry((until, Move::Review)).or_default();
        }
    }

    /// All reviews that are due by the settling's time, in their order, and nothing else that is.
    fn reviews(&mut self, settling: Settling<'_>) -> Result<Vec<Applied>, Refusal> {
        let (mut applied, mut due) = (Vec::new(), Due::new());
        self.review_due(settling, &mut due);
        while let Some(((at, _), _)) = due.pop_first() {
            applied.extend(self.review(settling, at)?);
            self.review_due(settling, &mut due);
        }
        Ok(applied)
    }

    /// The time of the member's tier is over: the level that is due, as the rules of that time say; and then what was reached since, if that was
    /// known late and a level that is over by now stood above it.
    pub(super) fn review(&mut self, settling: Settling<'_>, at: Timestamp) -> Result<Option<Applied>, Refusal> {
        let Some(programme) = settling.tiers.at(at) else { return Ok(None) };
        let programme = programme.clone();
        // It holds to the end of a day.
        let day = last_day(at, &programme);
        let Some(line) = self.reviewed(&programme, (day, at))? else { return Ok(None) };
        let mut applied = settling.applied((at, Move::Review), std::iter::empty(), Vec::new())?;
        let cause =
            contract::result::Cause { source: applied.identity.source.clone(), id: applied.identity.id.clone() };
        let told = |n, body| ResultEvent::due(settling.pipeline, (cause.clone(), at, settling.member), n, body);
        self.becomes(line, &programme, (&mut applied, &told));
        let later = self.tiers.days().into_iter().filter(|counted| *counted > day).collect();
        self.rises(&programme, ((day, later), at), (&mut applied, &told))?;
        Ok(Some(applied))
    }

    /// The line of a review at the end of a day.
    fn reviewed(&self, programme: &Programme, (day, at): (Date, Timestamp)) -> Result<Option<TierLine>, Refusal> {
        let height = self.tiers.height(programme);
        if programme.holds_for_ever() {
            // Where nothing ends, nothing is asked for any more. What was reached on any day would hold for ever; so nobody looks at
            // days, of which no number would be enough.
            return Ok(programme.line((height, TierReason::Kept), (at, None)));
        }
        let began = self.tiers.last().map(|last| last.since);
        let mut days: BTreeSet<Date> = self.tiers.days().into_iter().filter(|counted| *counted <= day).collect();
        days.insert(day);
        let best = self.tiers.best(programme, days.into_iter().map(|day| (day, began)), at)?;
        let due = best.map_or(0, |best| best.height);
        let left = match programme.downgrade() {
            _ if due >= height => due,
            Downgrade::ToDue => due,
            Downgrade::OneLevel => due.max(height.saturating_sub(1)),
            Downgrade::Never => height,
        };
        let until = match best.filter(|best| best.height == left) {
            Some(best) => best.until,
            None if left == 0 => None,
            None => programme.until_after(day, at)?,
        };
        let reason = match left.cmp(&height) {
            std::cmp::Ordering::Less => TierReason::Lowered,
            std::cmp::Ordering::Equal => TierReason::Kept,
            std::cmp::Ordering::Greater => TierReason::Reached,
        };
        Ok(programme.line((left, reason), (at, until)))
    }
}

/// Points of the qualifying wallet that an event earned, or took back of what its order earned; notes with each award on which day it counts.
fn points(applied: &mut Applied, programme: &Programme, (day, before): (Date, i64)) -> i64 {
    let awards = applied.entry.iter_mut().flat_map(|entry| &mut entry.awards);
    let mut sum = 0_i64;
    for award in awards.filter(|award| award.wallet == *programme.wallet() && award.inputs.tally.is_none()) {
        award.counts_on = Some(day);
        sum = sum.saturating_add(award.points.0);
    }
    match &applied.order {
        Some(OrderChange::Returned { awards, .. }) => before.saturating_sub(due(awards, programme)),
        _ => sum,
    }
}

/// What is due back of an order in the qualifying wallet.
fn due(awards: &[OrderAward], programme: &Programme) -> i64 {
    let own = awards.iter().filter(|award| award.wallet == *programme.wallet());
    own.fold(0, |sum, award| sum.saturating_add(award.due.0))
}

fn beyond(day: Date) -> Refusal {
    let detail = format!("a tier that is reached on {day} would hold until after the year 9999; check `occurredAt`");
    Refusal::new(BuryReason::Overflow, detail)
}

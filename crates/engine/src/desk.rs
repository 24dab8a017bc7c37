//! Events of one batch decided one after the other: what the inbox said of them, what the rules say, what the balances allow. Nothing is waited for
//! here.

use std::collections::BTreeSet;
use std::sync::Arc;

use contract::decision::{Facts, Reads, Rooms};
use contract::event::{ContentHash, Event, Kind};
use contract::intake::TimeLimits;
use contract::result::ResultEvent;
use contract::{BuryReason, MemberId, PipelineName, Refusal};
use jiff::Timestamp;
use ledger::book::{Applied, Both, MemberState, Outcome, Posting, RewardRules, Settling};
use ledger::{Answer, BatchId, BatchRequest, Begun, BudgetWanted, Identity, Merger, Takes, Wanted, is_forgettable};
use rules::Compiled;

use crate::{Rulebook, Settled, tier};

fn clash() -> Refusal {
    let detail =
        "an event with this source and id, but other content, was applied before; give each event its own `id`";
    Refusal::new(BuryReason::IdentityClash, detail)
}

/// What deciding came to, before the batch has an id.
pub(crate) enum Verdict {
    Kept { outcome: Outcome, results: Vec<ResultEvent>, given_up: Vec<(Event, Refusal)> },
    Replayed { results: Vec<ResultEvent>, given_up: Vec<(Event, Refusal)> },
    Buried(Refusal),
}

impl Verdict {
    pub(crate) fn is_old(&self) -> bool {
        matches!(self, Self::Replayed { .. })
    }

    pub(crate) fn settled(self, batch: BatchId) -> Settled {
        match self {
            Self::Kept { outcome, results, given_up } => Settled::Fresh { outcome, results, given_up, batch },
            Self::Replayed { results, given_up } => Settled::Replayed { results, given_up },
            Self::Buried(refusal) => Settled::Buried(refusal),
        }
    }
}

/// An event with its hash.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) event: &'a Event,
    pub(crate) hash: ContentHash,
}

impl<'a> Item<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        Self { event, hash: event.content_hash() }
    }
}

/// What was decided so far of a batch, and what it left of the budgets.
struct Keeping {
    applied: Vec<Applied>,
    rooms: Rooms,
}

/// What an event took out of budgets, or gave back, is so for the next one.
fn use_up(rooms: &mut Rooms, applied: &Applied) {
    for (name, points) in &applied.budgets {
        if let Some(room) = rooms.get_mut(name) {
            room.0 = room.0.saturating_sub(*points);
        }
    }
}

/// Decides one event after the other against the members' states.
pub(crate) struct Desk<'a> {
    pub(crate) pipeline: &'a PipelineName,
    pub(crate) limits: TimeLimits,
    pub(crate) rulebook: &'a Rulebook,
    pub(crate) now: Timestamp,
    /// Before what time events are not known one by one; known once the ledger was asked.
    pub(crate) forgotten_before: Option<Timestamp>,
}

impl Desk<'_> {
    pub(crate) fn request(&self, items: &[Item<'_>]) -> BatchRequest {
        let wanted = |item: &Item<'_>| Wanted {
            identity: Identity::of(item.event),
            hash: item.hash,
            member: item.event.member.clone(),
            reads: self.reads(item.event),
            takes: self.takes(item.event),
            at: item.event.occurred_at,
        };
        let arrivals = items.iter().filter_map(|item| Merger::of(item.event)?.ok()).map(|merger| merger.wanted());
        let wanted: Vec<_> = items.iter().map(wanted).chain(arrivals).collect();
        let rewards = self.rulebook.rewards.wallets();
        let budgets = self.budgets((items, &wanted));
        let tiers = self.rulebook.tiers.wanted();
        BatchRequest { pipeline: self.pipeline.clone(), wanted, rewards, budgets, tiers }
    }

    /// Those of which the events may take, and what waits for them; of a refund nobody knows yet to which it gives back.
    fn budgets(&self, (items, wanted): (&[Item<'_>], &[Wanted])) -> Vec<BudgetWanted> {
        if items.iter().any(|item| matches!(item.event.kind, Kind::Refund(_))) {
            return self.rulebook.budgets(None);
        }
        let mut named: BTreeSet<_> = wanted.iter().flat_map(|want| want.reads.budgets.iter().cloned()).collect();
        if items.iter().any(|item| matches!(item.event.kind, Kind::Purchase(_))) {
            named.extend(self.rulebook.of_activities().iter().cloned());
        }
        self.rulebook.budgets(Some(&named))
    }

    fn reads(&self, event: &Event) -> Reads {
        let rules = self.rulebook.timeline.at(event.occurred_at);
        rules.map_or_else(|| rules::reads(event), |rules| rules.reads(event))
    }

    fn takes(&self, event: &Event) -> Takes {
        let rules = self.rulebook.timeline.at(event.occurred_at);
        rules.map_or(Takes::Nothing, |rules| Takes::of(event, rules.ruleset()))
    }

    /// Decides events as they were found, one after the other; `None` where there are newer rules.
    pub(crate) fn decide_by(&mut self, items: &[Item<'_>], begun: Begun) -> Option<(Vec<Verdict>, Vec<Applied>)> {
        if begun.timeline_seq > self.rulebook.seq {
            return None;
        }
        self.forgotten_before = begun.forgotten_before;
        Some(self.decide_all(items, begun))
    }

    fn decide_all(&self, items: &[Item<'_>], begun: Begun) -> (Vec<Verdict>, Vec<Applied>) {
        let (mut members, followed) = (begun.members, begun.followed);
        let mut kept = Keeping { applied: Vec::with_capacity(items.len()), rooms: begun.rooms };
        let mut verdicts: Vec<Verdict> = Vec::with_capacity(items.len());
        for (item, answer) in items.iter().zip(begun.answers) {
            let theirs = followed.get(&item.event.member).map(|into| crate::merge::said_of(item.event, into));
            let event = theirs.as_ref().unwrap_or(item.event);
            let item = &Item { event, hash: item.hash };
            let verdict = match answer {
                Answer::Replayed { results, .. } => {
                    Verdict::Replayed { results, given_up: self.misfits(item.event, members.get(&item.event.member)) }
                }
                Answer::Clash => Verdict::Buried(clash()),
                // The first of an identity publishes; a double behind it in the same batch has nothing to add.
                Answer::Twin { of, same } if !matches!(verdicts.get(of), Some(Verdict::Buried(_))) => {
                    if same {
                        Verdict::Replayed { results: Vec::new(), given_up: Vec::new() }
                    } else {
                        Verdict::Buried(clash())
                    }
                }
                Answer::Fresh | Answer::Twin { .. } if matches!(item.event.kind, Kind::Merge(_)) => {
                    let both = Both { members: &mut members, followed: &followed };
                    self.merge(item, both, &mut kept.applied).unwrap_or_else(Verdict::Buried)
                }
                Answer::Fresh | Answer::Twin { .. } => {
                    let state = members.entry(item.event.member.clone()).or_default();
                    self.decide(item, state, &mut kept).unwrap_or_else(Verdict::Buried)
                }
            };
            verdicts.push(verdict);
        }
        (verdicts, kept.applied)
    }

    /// Only a fresh event can be late: what was applied before is answered as it was, unless that is forgotten.
    pub(crate) fn in_time(&self, event: &Event) -> Result<(), Refusal> {
        let at = event.occurred_at;
        match self.forgotten_before {
            Some(before) if at < before && is_forgettable(&event.source) => {
                let detail = format!(
                    "`occurredAt` is {at}, and what happened before {before} is forgotten: it may have been applied already"
                );
                Err(Refusal::new(BuryReason::TooLate, detail))
            }
            _ => self.limits.check(at, self.now),
        }
    }

    /// Decides an event, and then what waited for it.
    fn decide(&self, item: &Item<'_>, state: &mut MemberState, kept: &mut Keeping) -> Result<Verdict, Refusal> {
        if state.is_erased() {
            // Before all else: what is buried would be kept with its member's name.
            return self.turn_away(item, state, &mut kept.applied);
        }
        self.in_time(item.event)?;
        let cause = Identity::of(item.event);
        let rewards = &self.rulebook.rewards;
        let before = (!rewards.is_empty()).then(|| state.clone());
        let mut rooms = kept.rooms.clone();
        let (mut posted, outcome) = self.settle_and_post((item, &cause), (state, &mut rooms), rewards)?;
        let mut given_up = Vec::new();
        if let Kind::Purchase(purchase) = &item.event.kind {
            for waited in state.parked(&purchase.order).to_vec() {
                let waiting = Item::of(&waited);
                // The purchase brings it up: what waited may have done so for other points when it was parked. Nothing becomes a reward before
                // the last one has taken what it takes.
                match self.settle_and_post((&waiting, &cause), (state, &mut rooms), &RewardRules::default()) {
                    Ok((more, _)) => posted.extend(more),
                    // It stays parked until whoever buries its copy gives it up: a crash between the two must not lose it.
                    Err(refusal) => given_up.push((waited, refusal)),
                }
            }
        }
        if let Err(refusal) = self.reward(&cause, &mut posted, state) {
            if let Some(before) = before {
                *state = before;
            }
            return Err(refusal);
        }
        let results = posted.iter().flat_map(|of| of.results.iter().cloned()).collect();
        kept.applied.extend(posted);
        kept.rooms = rooms;
        Ok(Verdict::Kept { outcome, results, given_up })
    }

    /// The rewards for which there are points, once an event and what waited for it are posted; at the latest of their times.
    pub(crate) fn reward(
        &self,
        cause: &Identity,
        posted: &mut Vec<Applied>,
        state: &mut MemberState,
    ) -> Result<(), Refusal> {
        let (rules, rewards) = (self.rulebook.timeline.latest(), &self.rulebook.rewards);
        let at = posted.iter().map(|of| of.occurred_at).max();
        let (Some(rules), Some(at), Some(last), false) = (rules, at, posted.last_mut(), rewards.is_empty()) else {
            return Ok(());
        };
        let member = last.member.clone();
        let given = state.reward(self.settling(rules, (&member, cause), (at, rewards)), at, last)?;
        posted.extend(given);
        Ok(())
    }

    pub(crate) fn settling<'a>(
        &'a self,
        rules: &'a Compiled,
        (member, cause): (&'a MemberId, &'a Identity),
        (by, rewards): (Timestamp, &'a RewardRules),
    ) -> Settling<'a> {
        Settling {
            pipeline: self.pipeline,
            member,
            cause,
            by,
            past: self.limits.past(by, self.now),
            ruleset_hash: rules.hash(),
            ruleset: rules.ruleset(),
            zone: rules.zone(),
            rewards,
            tiers: &self.rulebook.tiers,
        }
    }

    /// Posts what is due by the event's time, then the event. A refused event leaves the member as they were: nobody would
    /// publish what was due with it, and the next event or a timer finds it again.
    fn settle_and_post(
        &self,
        (item, cause): (&Item<'_>, &Identity),
        (state, rooms): (&mut MemberState, &mut Rooms),
        rewards: &RewardRules,
    ) -> Result<(Vec<Applied>, Outcome), Refusal> {
        let (event, rules) = (item.event, self.rulebook.timeline.latest());
        let past = self.limits.past(event.occurred_at, self.now);
        let is_last = matches!(event.kind, Kind::Erase(_));
        let Some(rules) = rules.filter(|_| is_last || state.is_due(event.occurred_at, past)) else {
            let kept = self.post(item, state, Some(&*rooms))?;
            let outcome = kept.outcome;
            use_up(rooms, &kept);
            return Ok((vec![kept], outcome));
        };
        let mut after = state.clone();
        let settling = self.settling(rules, (&event.member, cause), (event.occurred_at, rewards));
        let mut posted = if is_last { after.settle_last(settling)? } else { after.settle(settling)? };
        let kept = self.post(item, &mut after, Some(&*rooms))?;
        let outcome = kept.outcome;
        use_up(rooms, &kept);
        posted.push(kept);
        *state = after;
        Ok((posted, outcome))
    }

    pub(crate) fn post(
        &self,
        item: &Item<'_>,
        state: &mut MemberState,
        rooms: Option<&Rooms>,
    ) -> Result<Applied, Refusal> {
        let is_awaited = matches!(&item.event.kind, Kind::OfOrder(of) if self.rulebook.awaited.contains(&of.name));
        let tier = state.tier_at(item.event.occurred_at);
        let facts = Facts { rooms, is_awaited, tier, ..state.facts(&rules::reads(item.event)) };
        let rules = self.rules(item.event, facts)?;
        let (decision, active) = (rules.decide(item.event, facts)?, rules.active(item.event)?);
        let counting = tier::counting(item.event, (rules, &self.rulebook.tiers), (state, facts))?;
        let posting = Posting {
            pipeline: self.pipeline,
            event: item.event,
            hash: item.hash,
            decision: &decision,
            ruleset_hash: rules.hash(),
            ruleset: rules.ruleset(),
            active: &active,
        };
        tier::post(self.pipeline, (posting, counting), state)
    }

    /// A refund is computed by the version that paid, an erasure or a promotion by one that knows every wallet and level, everything else by the version of its time.
    fn rules(&self, event: &Event, facts: Facts<'_>) -> Result<&Arc<Compiled>, Refusal> {
        let rules = match (&event.kind, facts.order) {
            (Kind::Refund(_), Some(order)) => self.rulebook.by_hash(&order.ruleset),
            (Kind::Erase(_) | Kind::Promote(_), _) => self.rulebook.timeline.latest(),
            _ => self.rulebook.timeline.at(event.occurred_at),
        };
        rules.ok_or_else(|| no_rules(event))
    }
}

pub(crate) fn no_rules(event: &Event) -> Refusal {
    Refusal::new(BuryReason::RuleFailed, format!("no rule set holds at {}", event.occurred_at))
}

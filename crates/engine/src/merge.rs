//! Two members become one.

use std::collections::HashMap;

use contract::event::Event;
use contract::{BuryReason, MemberId, Refusal};
use ledger::book::{Applied, Both, MemberState, Merging, Settling};
use ledger::{Identity, Merger};

use crate::desk::{Desk, Item, Verdict, no_rules};

/// An event that names somebody who is another one by now.
pub(crate) fn said_of(event: &Event, into: &MemberId) -> Event {
    match &event.kind {
        // Which of the two names it says is what it is about.
        contract::event::Kind::Merge(_) => event.clone(),
        _ => Event { member: into.clone(), ..event.clone() },
    }
}

impl Desk<'_> {
    /// Gives one member all that another one has; then what is due for either comes, and the rewards for which there are points now.
    pub(crate) fn merge(
        &self,
        item: &Item<'_>,
        mut both: Both<'_>,
        applied: &mut Vec<Applied>,
    ) -> Result<Verdict, Refusal> {
        if let Some(state) = both.members.get(&item.event.member).filter(|state| state.is_erased()) {
            return self.turn_away(item, state, applied);
        }
        self.in_time(item.event)?;
        let merger = Merger::of(item.event).and_then(Result::ok);
        let merger =
            merger.ok_or_else(|| Refusal::new(BuryReason::LedgerRefused, "the merge's arrival has no identity"))?;
        let into = both.followed.get(&merger.merge.into).unwrap_or(&merger.merge.into).clone();
        let before = [&item.event.member, &into].map(|name| (name.clone(), both.members.get(name).cloned()));
        let posted = self.merge_and_settle((item, &merger), &into, &mut both);
        match posted {
            Ok(posted) => {
                let results = posted.iter().flat_map(|of| of.results.iter().cloned()).collect();
                let outcome = posted[0].outcome;
                applied.extend(posted);
                Ok(Verdict::Kept { outcome, results, given_up: Vec::new() })
            }
            Err(refusal) => {
                let known = before.into_iter().filter_map(|(name, state)| Some((name, state?)));
                both.members.extend(known);
                Err(refusal)
            }
        }
    }

    /// At least one value: the event's own.
    fn merge_and_settle(
        &self,
        (item, merger): (&Item<'_>, &Merger<'_>),
        into: &MemberId,
        both: &mut Both<'_>,
    ) -> Result<Vec<Applied>, Refusal> {
        let rules = self.rulebook.timeline.latest().ok_or_else(|| no_rules(item.event))?;
        let (pipeline, ruleset_hash, ruleset) = (self.pipeline, rules.hash(), rules.ruleset());
        let mut posted = both.merge(Merging { pipeline, merger, hash: item.hash, ruleset_hash, ruleset })?;
        if posted.len() < 2 {
            return Ok(posted);
        }
        let (cause, at) = (Identity::of(&merger.arrival), item.event.occurred_at);
        let settling = self.settling(rules, (into, &cause), (at, &self.rulebook.rewards));
        let reviews = self.join_tiers((&item.event.member, both.members), settling, (merger, &mut posted[1]))?;
        let state: &mut MemberState = both.members.entry(into.clone()).or_default();
        posted.extend(state.settle(settling)?);
        self.reward(&cause, &mut posted, state)?;
        // After the event's own, and before what arrives by it: their lines are older.
        posted.splice(1..1, reviews);
        Ok(posted)
    }

    /// Answers the reviews of the member who stays.
    fn join_tiers(
        &self,
        (from, members): (&MemberId, &mut HashMap<MemberId, MemberState>),
        settling: Settling<'_>,
        (merger, arrived): (&Merger<'_>, &mut Applied),
    ) -> Result<Vec<Applied>, Refusal> {
        if self.rulebook.tiers.is_empty() {
            return Ok(Vec::new());
        }
        let mut leaver = members.remove(from).unwrap_or_default();
        let heir = members.entry(settling.member.clone()).or_default();
        let arrival = Event { member: settling.member.clone(), ..merger.arrival.clone() };
        let joined = heir.join_tiers(&mut leaver, settling, (&arrival, arrived));
        members.insert(from.clone(), leaver);
        joined
    }
}

//! Transfers that are under way: each arrives, or comes back, in a transaction of the one member whom that touches.

use std::collections::{HashMap, HashSet};

use contract::MemberId;
use contract::event::Event;
use contract::result::{ResultBody, ResultEvent};
use ledger::book::{Applied, Carrying, MemberState, Settling};
use ledger::{Answer, BatchId, BatchRequest, BatchWrites, Begun, Identity, Transit, UnderWay};

use crate::transact::Kept;
use crate::{Engine, EngineError, Rulebook};

/// Whether these results say that points are on their way from now on.
#[must_use]
pub fn sends(results: &[ResultEvent]) -> bool {
    results.iter().any(|result| matches!(result.body, ResultBody::TransferSent { .. }))
}

/// Some transfers went on.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// How many.
    pub transfers: usize,
    /// To be published.
    pub results: Vec<ResultEvent>,
    /// Whose published mark is to be set once the results are confirmed.
    pub batch: BatchId,
}

impl Engine {
    /// Carries up to so many transfers one step further, those of `except` apart; `None` once no other is under way. Points that could not
    /// arrive are under way again until they have come back: call it until there is none.
    ///
    /// What the ledger refuses is found by halving: [`EngineError::Transit`] names the one transfer, and who puts it into `except` gets on
    /// with the others. A cancelled call leaves nothing, or a committed batch whose results nobody has published: the ledger tells it
    /// as such.
    pub async fn carry(
        &self,
        which: UnderWay,
        transfers_max: usize,
        except: &HashSet<Identity>,
    ) -> Result<Option<Carried>, EngineError> {
        let mut transits = self.ledger.under_way(&self.pipeline, which, transfers_max.max(1) + except.len()).await?;
        transits.retain(|transit| !except.contains(&transit.transfer));
        transits.truncate(transfers_max.max(1));
        while !transits.is_empty() {
            match self.carry_all(&transits).await? {
                Ok(carried) => return Ok(Some(carried)),
                Err(_) if transits.len() > 1 => transits.truncate(transits.len() / 2),
                Err(detail) => {
                    return Err(EngineError::Transit { transfer: transits.swap_remove(0).transfer, detail });
                }
            }
        }
        Ok(None)
    }

    /// One transaction; `Err` inside is the reason for refusing it.
    async fn carry_all(&self, transits: &[Transit]) -> Result<Result<Carried, String>, EngineError> {
        let events = transits.iter().map(Transit::event).collect::<Result<Vec<_>, _>>()?;
        let request = |rulebook: &Rulebook| {
            let wanted = transits.iter().zip(&events).map(|(transit, event)| transit.wanted(event)).collect();
            let (pipeline, rewards) = (self.pipeline.clone(), rulebook.rewards.wallets());
            BatchRequest { pipeline, wanted, rewards, budgets: Vec::new(), tiers: rulebook.tiers.wanted() }
        };
        let arrive = |rulebook: &Rulebook, begun: Begun| {
            let applied = self.arrive_all((transits, &events), rulebook, begun)?;
            Ok(BatchWrites { applied, reviewed: Vec::new(), cleared_attempts: Vec::new() })
        };
        let kept = self.transact(request, arrive).await?;
        Ok(kept.map(|Kept { results, batch }| Carried { transfers: transits.len(), results, batch }))
    }

    fn arrive_all(
        &self,
        (transits, events): (&[Transit], &[Event]),
        rulebook: &Rulebook,
        begun: Begun,
    ) -> Result<Vec<Applied>, String> {
        let (mut members, followed) = (begun.members, begun.followed);
        let mut applied = Vec::new();
        for ((transit, event), answer) in transits.iter().zip(events).zip(begun.answers) {
            match answer {
                Answer::Fresh => {
                    // Who is to have them may be another one by now.
                    let theirs = followed.get(&event.member).map(|into| crate::merge::said_of(event, into));
                    let event = theirs.as_ref().unwrap_or(event);
                    self.arrive((transit, event), rulebook, (&mut members, &mut applied))?;
                }
                // Another worker was faster; its batch has the results.
                Answer::Replayed { .. } => {}
                Answer::Clash | Answer::Twin { .. } => return Err(format!("event `{}` is taken by another", event.id)),
            }
        }
        Ok(applied)
    }

    fn arrive(
        &self,
        (transit, event): (&Transit, &Event),
        rulebook: &Rulebook,
        (members, applied): (&mut HashMap<MemberId, MemberState>, &mut Vec<Applied>),
    ) -> Result<(), String> {
        let (Some(rules), Some(latest)) = (rulebook.timeline.at(event.occurred_at), rulebook.timeline.latest()) else {
            return Err(format!("no rule set holds at {}", event.occurred_at));
        };
        let state = members.entry(event.member.clone()).or_default();
        let cause = Identity::of(event);
        let settling = Settling {
            pipeline: &self.pipeline,
            member: &event.member,
            cause: &cause,
            by: event.occurred_at,
            past: event.occurred_at,
            ruleset_hash: latest.hash(),
            ruleset: latest.ruleset(),
            zone: latest.zone(),
            rewards: &rulebook.rewards,
            tiers: &rulebook.tiers,
        };
        applied.extend(state.settle(settling).map_err(|refusal| refusal.detail)?);
        let (pipeline, ruleset_hash, ruleset) = (&self.pipeline, rules.hash(), rules.ruleset());
        let carried = state.carry(Carrying { pipeline, transit, event, ruleset_hash, ruleset });
        let mut carried = carried.map_err(|refusal| refusal.detail)?;
        let given = state.reward(settling, event.occurred_at, &mut carried).map_err(|refusal| refusal.detail)?;
        applied.push(carried);
        applied.extend(given);
        Ok(())
    }
}

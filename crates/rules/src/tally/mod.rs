//! Awards for what a member did in several events: a sum is kept, and an event gives what it is worth after it, without what was given before.
//!
//! A refund takes the order's part of the sum down to what was kept, and makes due what the rest is not worth. So by one version of the rules, and where
//! all that is due can be taken, neither the order of the events nor that of their refunds changes what a member has in the end.

mod written;

use contract::decision::{Award, AwardInputs, Effect as EffectKind, Facts, OrderState, Tallied};
use contract::event::{Event, Line};
use contract::tally::{Counts, MILLIONTHS, Tally, TallyChange, TallyKey, TallyPart, whole};
use contract::{BuryReason, Points, Refusal, RuleName};

use crate::Compiled;
use crate::award::{Counted, Multiplied, too_many};
use crate::effect::Effect;
use crate::ratio::Ratio;
use crate::walk::Applied;

pub(crate) use written::{TallyEarn, Worth, Worthy, parse};

impl Compiled {
    /// The sums that an event of its type may add to, by these rules.
    pub(crate) fn tally_keys(&self, event: &Event) -> impl Iterator<Item = TallyKey> {
        self.rules_on(event.type_name()).iter().filter_map(|rule| match &rule.effect {
            Effect::Tally(earn) => Some(self.tally_key(&rule.name, earn, event)),
            _ => None,
        })
    }

    fn tally_key(&self, rule: &RuleName, earn: &TallyEarn, event: &Event) -> TallyKey {
        let day = contract::calendar::day_of(event.occurred_at, &self.zone);
        TallyKey {
            rule: rule.clone(),
            wallet: earn.wallet.clone(),
            counts: earn.counts,
            since: earn.over.first_day(day),
        }
    }

    /// What the rules that applied add to their sums, and the awards that come of it.
    pub(crate) fn tallied(
        &self,
        event: &Event,
        (applied, lines): (&[Applied<'_>], &[Line]),
        facts: Facts<'_>,
    ) -> Result<(Vec<Award>, Vec<TallyChange>), Refusal> {
        let multiplied: Vec<Multiplied<'_>> = applied.iter().filter_map(Multiplied::of).collect();
        let (mut awards, mut changes) = (Vec::new(), Vec::new());
        for one in applied {
            let Effect::Tally(earn) = &one.rule.effect else { continue };
            let key = self.tally_key(&one.rule.name, earn, event);
            let before = known(facts, &key)?;
            let too_many = || too_many(&one.rule.name);
            let counted = Counted::of(one, &earn.order, &multiplied, lines);
            let part = part(earn, (&counted, one), lines).ok_or_else(too_many)?;
            let sum = before.sum.checked_add(part).ok_or_else(too_many)?;
            let worthy = earn.worth(sum).ok_or_else(too_many)?;
            let worth = worthy.points;
            let points = before.fresh(worth);
            if !points.is_zero() {
                let inputs = inputs(earn, (&counted, part, worthy), (&key, sum, &before));
                let dates = self.when(event).dates(&earn.order.terms)?;
                let (rule, wallet) = (one.rule.name.clone(), earn.wallet.clone());
                awards.push(Award { rule, wallet, points, dates, until: None, inputs });
            }
            changes.push(TallyChange { part: TallyPart { key, part }, sum, worth });
        }
        Ok((awards, changes))
    }

    /// How the sums change that an order counts in, when only so much of it was kept: what of the rules still applies to it.
    pub(crate) fn tallied_again(
        &self,
        state: &OrderState,
        kept: Option<(&[Applied<'_>], &[Line])>,
        facts: Facts<'_>,
    ) -> Result<Vec<TallyChange>, Refusal> {
        let (applied, lines) = kept.unwrap_or_default();
        let multiplied: Vec<Multiplied<'_>> = applied.iter().filter_map(Multiplied::of).collect();
        let mut changes = Vec::new();
        for TallyPart { key, part: was } in &state.tallied {
            let too_many = || too_many(&key.rule);
            let mut rules = self.rules_on(state.purchase.type_name()).iter();
            let Some(Effect::Tally(earn)) = rules.find(|rule| rule.name == key.rule).map(|rule| &rule.effect) else {
                continue;
            };
            let of_rule = applied.iter().find(|one| one.rule.name == key.rule);
            let part = match of_rule {
                Some(one) => {
                    let counted = Counted::of(one, &earn.order, &multiplied, lines);
                    part(earn, (&counted, one), lines).ok_or_else(too_many)?
                }
                None => 0,
            };
            let sum = known(facts, key)?.sum.saturating_sub(*was).checked_add(part).ok_or_else(too_many)?.max(0);
            let worth = earn.worth(sum).ok_or_else(too_many)?.points;
            changes.push(TallyChange { part: TallyPart { key: key.clone(), part }, sum, worth });
        }
        Ok(changes)
    }
}

/// What was counted before. What nobody looked at cannot be added to.
fn known(facts: Facts<'_>, key: &TallyKey) -> Result<Tally, Refusal> {
    let Some(tallies) = facts.tallies else { return Ok(Tally::default()) };
    tallies.get(key).copied().ok_or_else(|| {
        let detail = format!(
            "rule `{}` counts over several events, and its sum was not read, which is a fault of the program; redrive the event once it is mended",
            key.rule
        );
        Refusal::new(BuryReason::RuleFailed, detail)
    })
}

/// What an event adds, in millionths; what is finer is left out. `None` beyond what can be counted.
fn part(earn: &TallyEarn, (counted, one): (&Counted<'_>, &Applied<'_>), lines: &[Line]) -> Option<i64> {
    let exact = match earn.counts {
        Counts::Events => return Some(MILLIONTHS),
        Counts::Quantity => {
            let plus = |sum: Ratio, at: &usize| sum.plus(Ratio::of(lines[*at].quantity.get())?);
            one.lines.iter().try_fold(Ratio::ZERO, plus)?
        }
        Counts::Money => counted.counted()?,
        Counts::Multiplied => counted.multiplied()?,
    };
    i64::try_from(exact.times(Ratio::whole(MILLIONTHS.unsigned_abs().into()))?.floor()).ok()
}

/// The arithmetic of an award that is one over several events.
fn inputs(
    earn: &TallyEarn,
    (counted, part, worthy): (&Counted<'_>, i64, Worthy),
    (key, sum, before): (&TallyKey, i64, &Tally),
) -> AwardInputs {
    let (written, scale) = (&earn.order, earn.order.scale);
    let Worthy { exact, cap, .. } = worthy;
    let (effect, per_amount, points) = match &earn.worth {
        Worth::Rate(rate) => (rate.kind, Some(rate.written.0), rate.written.1),
        Worth::Steps(size, points) => {
            let effect = if earn.counts == Counts::Money { EffectKind::PerStep } else { EffectKind::Every };
            (effect, Some(whole(*size)), points.to_decimal(scale))
        }
        Worth::Marks(_) => (EffectKind::Reaching, None, exact),
    };
    let left = Points(before.awarded.0.saturating_sub(before.taken.0));
    let is_multiplied = earn.counts == Counts::Multiplied;
    AwardInputs {
        effect,
        base: whole(part),
        counts: written.base,
        per_amount,
        multipliers: if is_multiplied { counted.multipliers() } else { Vec::new() },
        exact,
        rounding: is_multiplied.then_some(written.rounding),
        cap,
        tally: Some(Tallied { counts: key.counts, since: key.since, sum: whole(sum), before: left.to_decimal(scale) }),
        ..AwardInputs::fixed(points)
    }
}

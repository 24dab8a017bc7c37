//! What a refund is due: the order is decided again for what was kept, by the rules that paid.

use std::collections::BTreeMap;

use contract::decision::{Award, Decision, Facts, OrderState};
use contract::event::{Event, Kind, Purchase, Refund};
use contract::tally::TallyChange;
use contract::{BuryReason, Points, Refusal, RuleName, WalletName};

use crate::Compiled;
use crate::award::awards;
use crate::budget;
use crate::kept::kept;
use crate::payment::gives_back;
use crate::walk::walk_kept;

/// All returns with this one, what is due back in all (`clamp(awarded - f(kept), 0, awarded)` by wallet), and what comes back of the
/// points that had paid.
pub(crate) fn decide(
    compiled: &Compiled,
    (event, refund): (&Event, &Refund),
    state: &OrderState,
    facts: Facts<'_>,
) -> Result<Decision, Refusal> {
    let mut returned = state.returned.and(refund).ok_or_else(overflow)?;
    let Kind::Purchase(purchase) = &state.purchase.kind else {
        let detail = format!("`{}` was not paid for by a purchase; name the order of one", refund.order);
        return Err(Refusal::new(BuryReason::BadValue, detail));
    };
    let kept = kept(purchase, &returned)?;
    // However it came to that: nothing that comes back later changes it, and an audit can tell.
    returned.whole |= kept.is_none();
    let gives_back = gives_back(compiled, (purchase, kept.as_ref()), facts.paid, event.occurred_at)?;
    let (earned, tallies) = match kept {
        Some(kept) => again(compiled, (state, kept), facts)?,
        None => (Vec::new(), compiled.tallied_again(state, None, facts)?),
    };
    let of_budgets = budget::of_order((compiled.ruleset(), state), &earned, facts.rooms);
    Ok(Decision::Refund { returned, due: due(state, &earned, &of_budgets)?, of_budgets, gives_back, tallies })
}

/// What the order would have earned had only this been bought, by the tier that its member had then.
fn again(
    compiled: &Compiled,
    (state, kept): (&OrderState, Purchase),
    facts: Facts<'_>,
) -> Result<(Vec<Award>, Vec<TallyChange>), Refusal> {
    let lines = kept.lines.clone();
    let event = Event { kind: Kind::Purchase(kept), ..state.purchase.clone() };
    let applied = walk_kept(compiled, &event, state.tier.as_ref())?;
    let tallies = compiled.tallied_again(state, Some((&applied, &lines)), facts)?;
    Ok((awards(&applied, &lines, compiled.when(&event))?, tallies))
}

/// Awards that came out of a budget are apart: what others give for the rest of the order does not pay for them, nor they for others.
fn due(
    state: &OrderState,
    earned: &[Award],
    of_budgets: &BTreeMap<RuleName, Points>,
) -> Result<BTreeMap<WalletName, Points>, Refusal> {
    let mut awarded: BTreeMap<WalletName, Points> = BTreeMap::new();
    for award in &state.awards {
        let sum = awarded.entry(award.wallet.clone()).or_default();
        if award.budget.is_none() {
            *sum = sum.plus(award.awarded).ok_or_else(overflow)?;
        }
    }
    let mut due = BTreeMap::new();
    for (wallet, awarded) in awarded {
        let into = earned.iter().filter(|award| award.wallet == wallet && award.inputs.budget.is_none());
        let kept = into.map(|award| award.points).try_fold(Points::ZERO, Points::plus).ok_or_else(overflow)?;
        // Both are >= 0, so the difference fits.
        let back = Points(awarded.0.saturating_sub(kept.0).clamp(0, awarded.0));
        due.insert(wallet, back);
    }
    for award in &state.awards {
        let Some((back, due)) = of_budgets.get(&award.rule).zip(due.get_mut(&award.wallet)) else { continue };
        *due = due.plus(*back).ok_or_else(overflow)?;
    }
    Ok(due)
}

pub(crate) fn overflow() -> Refusal {
    Refusal::new(
        BuryReason::Overflow,
        "the returns of this order add up to more than can be counted; check their amounts",
    )
}

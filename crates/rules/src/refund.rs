//! What a refund is due: the order is decided again for what was kept, by the rules that paid.

use std::collections::BTreeMap;

use contract::decision::{Award, Decision, OrderState};
use contract::event::{Event, Kind, Purchase, Refund};
use contract::{BuryReason, Points, Refusal, WalletName};

use crate::Compiled;
use crate::award::awards;
use crate::kept::kept;
use crate::payment::{Paid, gives_back};
use crate::walk::walk_kept;

/// All returns with this one, what is due back in all (`clamp(awarded - f(kept), 0, awarded)` by wallet), and what comes back of the
/// points that had paid.
pub(crate) fn decide(
    compiled: &Compiled,
    (event, refund): (&Event, &Refund),
    state: &OrderState,
    paid: Option<&Paid>,
) -> Result<Decision, Refusal> {
    let returned = state.returned.and(refund).ok_or_else(overflow)?;
    let Kind::Purchase(purchase) = &state.purchase.kind else {
        let detail = format!("`{}` was not paid for by a purchase; name the order of one", refund.order);
        return Err(Refusal::new(BuryReason::BadValue, detail));
    };
    let kept = kept(purchase, &returned)?;
    let gives_back = gives_back(compiled, (purchase, kept.as_ref()), paid, event.occurred_at)?;
    let earned = match kept {
        Some(kept) => again(compiled, &state.purchase, kept)?,
        None => Vec::new(),
    };
    Ok(Decision::Refund { returned, due: due(state, &earned)?, gives_back })
}

/// What the order would have earned had only this been bought.
fn again(compiled: &Compiled, event: &Event, kept: Purchase) -> Result<Vec<Award>, Refusal> {
    let lines = kept.lines.clone();
    let event = Event { kind: Kind::Purchase(kept), ..event.clone() };
    awards(&walk_kept(compiled, &event)?, &lines, compiled.when(&event))
}

fn due(state: &OrderState, earned: &[Award]) -> Result<BTreeMap<WalletName, Points>, Refusal> {
    let mut awarded: BTreeMap<WalletName, Points> = BTreeMap::new();
    for award in &state.awards {
        let sum = awarded.entry(award.wallet.clone()).or_default();
        *sum = sum.plus(award.awarded).ok_or_else(overflow)?;
    }
    let mut due = BTreeMap::new();
    for (wallet, awarded) in awarded {
        let into = earned.iter().filter(|award| award.wallet == wallet);
        let kept = into.map(|award| award.points).try_fold(Points::ZERO, Points::plus).ok_or_else(overflow)?;
        // Both are >= 0, so the difference fits.
        let back = Points(awarded.0.saturating_sub(kept.0).clamp(0, awarded.0));
        due.insert(wallet, back);
    }
    Ok(due)
}

pub(crate) fn overflow() -> Refusal {
    Refusal::new(
        BuryReason::Overflow,
        "the returns of this order add up to more than can be counted; check their amounts",
    )
}

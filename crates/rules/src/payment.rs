//! What comes back of the points that paid for an order: what was paid, less what pays for the part that was kept.
//!
//! A function of the totals, as what is due is, so that neither the order of the refunds nor how they were split can matter.

use std::collections::BTreeMap;

use contract::decision::{Facts, GiveBack};
use contract::event::{Kind, Purchase};
use contract::program::{Expiry, RoundingMode};
use contract::{Points, Refusal, Scale, WalletName};
use jiff::Timestamp;

use crate::Compiled;
use crate::kept::kept;
use crate::ratio::Ratio;
use crate::refund::overflow;
use crate::term::{Terms, warning};

/// Points by wallet.
pub(crate) type Paid = BTreeMap<WalletName, Points>;

/// What comes back when this is left of the order (`None`: nothing).
pub(crate) fn gives_back(
    compiled: &Compiled,
    (bought, kept): (&Purchase, Option<&Purchase>),
    paid: Option<&Paid>,
    at: Timestamp,
) -> Result<GiveBack, Refusal> {
    let mut points = BTreeMap::new();
    for (wallet, paid) in paid.into_iter().flatten() {
        let keeps = kept.map_or(Some(Points::ZERO), |kept| keeps(*paid, bought, kept)).ok_or_else(overflow)?;
        // At most what was paid, as no more was kept than bought.
        let back = Points(paid.0.saturating_sub(keeps.0).max(0));
        points.extend((!back.is_zero()).then(|| (wallet.clone(), back)));
    }
    if points.is_empty() {
        return Ok(GiveBack::default());
    }
    let program = &compiled.ruleset().program;
    let terms = Terms::ending(Some(Expiry { after: Some(program.refunds.reinstate_grace), ..Expiry::default() }));
    let until = terms.dates(at, &compiled.zone)?.expires;
    let mut warns = BTreeMap::new();
    for wallet in program.wallets.iter().filter(|wallet| points.contains_key(&wallet.name)) {
        let warning = until.map(|until| warning(wallet.expiry.as_ref(), (at, until), &compiled.zone)).transpose()?;
        warns.extend(warning.flatten().map(|warns| (wallet.name.clone(), warns)));
    }
    Ok(GiveBack { points, until, warns })
}

/// What comes back at once of points that are spent on an order which was returned before: their redemption, or capture, was late.
pub(crate) fn late(
    compiled: &Compiled,
    facts: Facts<'_>,
    (wallet, points): (&WalletName, Points),
    at: Timestamp,
) -> Result<GiveBack, Refusal> {
    let Some(state) = facts.order else { return Ok(GiveBack::default()) };
    let Kind::Purchase(bought) = &state.purchase.kind else { return Ok(GiveBack::default()) };
    let mut paid = facts.paid.cloned().unwrap_or_default();
    let sum = paid.entry(wallet.clone()).or_default();
    *sum = sum.plus(points).ok_or_else(overflow)?;
    let kept = kept(bought, &state.returned)?;
    gives_back(compiled, (bought, kept.as_ref()), Some(&paid), at)
}

/// What pays for the kept part: its share of the money, rounded up to whole units. So the last unit comes back with the last piece.
fn keeps(paid: Points, bought: &Purchase, kept: &Purchase) -> Option<Points> {
    let paid = Ratio::whole(u128::try_from(paid.0).ok()?);
    paid.times(share(bought, kept)?)?.round(Scale::default(), RoundingMode::Ceiling)
}

/// By money. Of an order that cost nothing each line weighs the same, and a line's pieces share its weight.
fn share(bought: &Purchase, kept: &Purchase) -> Option<Ratio> {
    let minor = |purchase: &Purchase| {
        let sum: i128 = purchase.lines.iter().map(|line| i128::from(line.amount.minor)).sum();
        u128::try_from(sum).ok().map(Ratio::whole)
    };
    let all = minor(bought)?;
    if !all.is_zero() {
        return minor(kept)?.over(all);
    }
    let mut weight = Ratio::ZERO;
    for line in &kept.lines {
        let whole = bought.lines.iter().find(|whole| whole.id == line.id)?;
        let pieces = Ratio::of(line.quantity.get())?.over(Ratio::of(whole.quantity.get())?)?;
        weight = weight.plus(pieces)?;
    }
    weight.over(Ratio::whole(u128::try_from(bought.lines.len()).ok()?))
}

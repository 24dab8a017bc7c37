//! What a refund asks for and gives back under the programme of [`crate::world`].

use std::collections::BTreeMap;

use contract::decision::{AwardInputs, Decision, GiveBack, OrderState, Reads, Returned};
use contract::event::{Event, Kind, Line, LineRef, Purchase, Refund, RefundLine};
use contract::{OrderId, Points, WalletName};
use jiff::{SignedDuration, Timestamp};
use ledger::book::MemberState;
use rust_decimal::Decimal;

use crate::world::awards;

/// Points that come back can be spent for five days more, at least.
pub(crate) const GRACE: SignedDuration = SignedDuration::from_hours(24 * 5);

type Paid = BTreeMap<WalletName, Points>;

pub(crate) fn refunded(
    order: &OrderState,
    (event, refund): (&Event, &Refund),
    state: &MemberState,
) -> Result<Decision, contract::BuryReason> {
    let Kind::Purchase(purchase) = &order.purchase.kind else { unreachable!() };
    let has = |line: &RefundLine| purchase.lines.iter().any(|known| line.line == LineRef::Id(known.id.clone()));
    if !refund.lines.iter().all(has) {
        return Err(contract::BuryReason::UnknownLine);
    }
    let returned = order.returned.and(refund).unwrap();
    let kept: Vec<Line> = purchase.lines.iter().filter(|line| is_kept(&returned, line)).cloned().collect();
    let gives_back = gives_back((purchase, &kept), &paid(&refund.order, state), event.occurred_at);
    let now = if kept.is_empty() { Vec::new() } else { awards(&order.purchase, &kept) };
    let sum = |awards: &mut dyn Iterator<Item = (WalletName, Points)>| {
        awards.fold(BTreeMap::<WalletName, i64>::new(), |mut sums, (wallet, points)| {
            *sums.entry(wallet).or_default() += points.0;
            sums
        })
    };
    let awarded = sum(&mut order.awards.iter().map(|award| (award.wallet.clone(), award.awarded)));
    let now = sum(&mut now.iter().map(|award| (award.wallet.clone(), award.points)));
    let due = |(wallet, awarded): (&WalletName, &i64)| {
        (wallet.clone(), Points((awarded - now.get(wallet).unwrap_or(&0)).clamp(0, *awarded)))
    };
    let due = awarded.iter().map(due).collect();
    Ok(Decision::Refund { returned, due, of_budgets: BTreeMap::new(), gives_back, tallies: Vec::new() })
}

fn is_kept(returned: &Returned, line: &Line) -> bool {
    let came_back = |(known, back): &(LineRef, contract::decision::ReturnedLine)| {
        *known == LineRef::Id(line.id.clone()) && back.whole
    };
    !returned.whole && !returned.lines.iter().any(came_back)
}

fn paid(order: &OrderId, state: &MemberState) -> Paid {
    state.facts(&Reads { order: Some(order.clone()), ..Reads::default() }).paid.cloned().unwrap_or_default()
}

/// The share of what was kept stays paid, rounded up; without money each line weighs the same.
fn gives_back((purchase, kept): (&Purchase, &[Line]), paid: &Paid, at: Timestamp) -> GiveBack {
    let sum = |lines: &[Line]| lines.iter().map(|line| line.amount.minor).sum::<i64>();
    let (part, whole) = match sum(&purchase.lines) {
        0 => (i64::try_from(kept.len()).unwrap(), i64::try_from(purchase.lines.len()).unwrap()),
        whole => (sum(kept), whole),
    };
    let back = |(wallet, points): (&WalletName, &Points)| {
        let keeps = (points.0 * part + whole - 1) / whole;
        (points.0 > keeps).then(|| (wallet.clone(), Points(points.0 - keeps)))
    };
    let points: Paid = paid.iter().filter_map(back).collect();
    let until = (!points.is_empty()).then_some(at + GRACE);
    GiveBack { points, until, ..GiveBack::default() }
}

/// A redemption, or capture, for an order that came back before.
pub(crate) fn late(
    (event, order): (&Event, Option<&OrderId>),
    (wallet, points): (WalletName, Points),
    state: &MemberState,
) -> GiveBack {
    let Some(known) = order.and_then(|order| state.order(order)) else { return GiveBack::default() };
    let Kind::Purchase(purchase) = &known.purchase.kind else { unreachable!() };
    let mut paid = paid(&purchase.order, state);
    let sum = paid.entry(wallet).or_default();
    *sum = Points(sum.0 + points.0);
    let kept: Vec<Line> = purchase.lines.iter().filter(|line| is_kept(&known.returned, line)).cloned().collect();
    gives_back((purchase, &kept), &paid, event.occurred_at)
}

pub(crate) fn inputs() -> AwardInputs {
    AwardInputs::fixed(Decimal::ONE)
}

//! What a member owes after refunds that asked for more than the balance held (policy `Unlimited`), and how it is paid off.
//!
//! Each point that is owed belongs to the order whose refund left it. Paying it off is that refund's taking, made later: a point
//! that comes in leaves its lot for that order, so that whatever is given back later has a lot to go to.

use contract::{OrderId, Points, Refusal, WalletName};

use super::applied::{Account, Entry, OwedLine};
use super::wallet::{Stuck, WalletState};
use super::{MemberState, Taken};

/// What the refunds of one order left to be paid off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The order.
    pub order: OrderId,
    /// Its place: the smallest is paid off first.
    pub sequence: i64,
    /// > 0.
    pub points: i64,
}

impl WalletState {
    /// So many points of this order are owed from now on.
    pub(super) fn owe(&mut self, order: &OrderId, points: i64) -> Result<(), Stuck> {
        self.balances.debt = self.balances.debt.plus(Points(points)).ok_or(Stuck::Overflow)?;
        if let Some(owed) = self.owed.iter_mut().find(|owed| owed.order == *order) {
            owed.points = owed.points.checked_add(points).ok_or(Stuck::Overflow)?;
            return Ok(());
        }
        let sequence = self.owed.last().map_or(0, |last| last.sequence).checked_add(1).ok_or(Stuck::Overflow)?;
        self.owed.push(Owed { order: order.clone(), sequence, points });
        Ok(())
    }

    /// Up to so many points of this order are no longer owed; answers how many.
    pub(super) fn forgive(&mut self, order: &OrderId, points: i64) -> Result<i64, Stuck> {
        let Some(owed) = self.owed.iter_mut().find(|owed| owed.order == *order) else { return Ok(0) };
        let forgiven = owed.points.min(points);
        owed.points -= forgiven;
        self.owed.retain(|owed| owed.points > 0);
        self.balances.debt = self.balances.debt.minus(Points(forgiven)).ok_or(Stuck::Overflow)?;
        Ok(forgiven)
    }

    /// The points of a lot that have just become available pay off what is owed, oldest first; answers how many for which order.
    ///
    /// While anything is owed nothing else is available, so that all that the lot has available came in just now.
    fn repay(&mut self, lot: i64) -> Result<Vec<(OrderId, i64)>, Stuck> {
        if self.balances.debt.is_zero() {
            return Ok(Vec::new());
        }
        let lot = self.lots.iter_mut().find(|known| known.sequence == lot).ok_or(Stuck::LotsMissing)?;
        let points = lot.available.min(self.balances.debt);
        lot.available = lot.available.minus(points).ok_or(Stuck::Overflow)?;
        self.balances.available = self.balances.available.minus(points).ok_or(Stuck::Overflow)?;
        self.balances.debt = self.balances.debt.minus(points).ok_or(Stuck::Overflow)?;
        let (mut missing, mut parts) = (points.0, Vec::new());
        for owed in &mut self.owed {
            let part = owed.points.min(missing);
            owed.points -= part;
            missing -= part;
            parts.extend((part > 0).then(|| (owed.order.clone(), part)));
        }
        self.owed.retain(|owed| owed.points > 0);
        if missing > 0 { Err(Stuck::LotsMissing) } else { Ok(parts) }
    }
}

/// What stands otherwise after than before; nought where nothing is owed any more.
pub(super) fn changes(name: &WalletName, before: &[Owed], after: &[Owed]) -> Vec<OwedLine> {
    let line = |owed: &Owed, points| OwedLine {
        wallet: name.clone(),
        order: owed.order.clone(),
        sequence: owed.sequence,
        points: Points(points),
    };
    let gone = before.iter().filter(|owed| !after.iter().any(|now| now.order == owed.order));
    let other = after.iter().filter(|owed| !before.contains(owed));
    gone.map(|owed| line(owed, 0)).chain(other.map(|owed| line(owed, owed.points))).collect()
}

/// What was paid off for an order, out of which lot.
pub(super) type Claims = Vec<(OrderId, Taken)>;

/// Every move into available fills debt first: to be called for a lot right after its points came in. What it answers is to be
/// noted with the orders ([`MemberState::claimed`]) and told.
pub(super) fn fill(
    wallet: &mut WalletState,
    name: &WalletName,
    lot: i64,
    entry: &mut Entry,
) -> Result<Claims, Refusal> {
    let parts = wallet.repay(lot).map_err(|stuck| stuck.refuse(name))?;
    let mut claims = Vec::with_capacity(parts.len());
    for (order, points) in parts {
        entry.line(Account::Available, name, -points)?;
        entry.line(Account::Debt, name, points)?;
        entry.allocate(name, lot, points, Some(&order));
        claims.push((order, Taken { wallet: name.clone(), lot, points }));
    }
    Ok(claims)
}

/// How many points that was; at most what came in, which fits.
pub(super) fn sum(claims: &Claims) -> Points {
    claims.iter().map(|(_, taken)| Points(taken.points)).sum()
}

impl MemberState {
    /// Notes for the orders that are loaded what was paid off for them; others are loaded with it later.
    pub(super) fn claimed(&mut self, claims: Claims) {
        for (order, taken) in claims {
            if let Some(book) = self.orders.get_mut(&order) {
                book.taken.push(taken);
            }
        }
    }
}

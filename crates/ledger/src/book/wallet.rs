//! One wallet of a member: its balances and lots, and the moves on them. All arithmetic is checked.

use contract::Points;
use jiff::Timestamp;

/// What a member has in a wallet, by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balances {
    /// Earned, not yet spendable.
    pub pending: Points,
    /// Spendable.
    pub available: Points,
    /// Reserved for an open redemption.
    pub held: Points,
    /// Owed after a clawback.
    pub debt: Points,
}

/// Points that came in together and leave together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// 1, 2, ... within the member's wallet, in the order of award.
    pub sequence: i64,
    /// As awarded, > 0.
    pub initial: Points,
    /// Part of it that is pending.
    pub pending: Points,
    /// Part of it that is available.
    pub available: Points,
    /// Part of it that is held.
    pub held: Points,
    /// When pending points become available; `None`: they were so at once.
    pub activates: Option<Timestamp>,
    /// From when on it is gone; `None`: never.
    pub expires: Option<Timestamp>,
}

impl Lot {
    /// Burn order: earliest expiry first, unlimited last, then first awarded first.
    fn burn_key(&self) -> (bool, Option<Timestamp>, i64) {
        (self.expires.is_none(), self.expires, self.sequence)
    }

    fn is_whole(&self) -> bool {
        let left = self.pending.plus(self.available).and_then(|sum| sum.plus(self.held));
        left.is_some_and(|left| left <= self.initial)
    }
}

/// A wallet as it was loaded and carried on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WalletState {
    /// Sums over all lots, also those that were not loaded.
    pub balances: Balances,
    /// Loaded lots, in burn order; no lot that was left out burns before one that can be taken.
    pub lots: Vec<Lot>,
    /// Sequence of the last lot ever made; 0: none.
    pub last_lot: i64,
}

/// The state of points within a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Available,
}

/// Points moved out of (or back into) a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) lot: i64,
    pub(crate) state: State,
    pub(crate) points: i64,
}

/// Why a move is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// Beyond an i64.
    Overflow,
    /// The lots do not hold what the balance says.
    LotsMissing,
}

impl WalletState {
    pub(crate) fn from_rows(balances: Balances, last_lot: i64, mut lots: Vec<Lot>) -> Self {
        lots.sort_by_key(Lot::burn_key);
        lots.dedup_by_key(|lot| lot.sequence);
        Self { balances, lots, last_lot }
    }

    /// Makes a lot of available points without expiry; answers its sequence.
    pub(crate) fn earn(&mut self, points: Points) -> Result<i64, Stuck> {
        self.balances.available = self.balances.available.plus(points).ok_or(Stuck::Overflow)?;
        let sequence = self.last_lot.checked_add(1).ok_or(Stuck::Overflow)?;
        let lot = Lot {
            sequence,
            initial: points,
            pending: Points::ZERO,
            available: points,
            held: Points::ZERO,
            activates: None,
            expires: None,
        };
        let at = self.lots.partition_point(|known| known.burn_key() < lot.burn_key());
        self.lots.insert(at, lot);
        self.last_lot = sequence;
        Ok(sequence)
    }

    /// Takes available points in burn order. The caller has compared with the balance.
    pub(crate) fn spend(&mut self, points: Points) -> Result<Vec<Moved>, Stuck> {
        let mut taking = Taking { missing: points.0, moved: Vec::new() };
        taking.from(&mut self.lots, State::Available, &|_| true)?;
        self.settle(taking)
    }

    /// Takes up to so many points back: pending ones of the order's own lots, their available ones, then others in burn order.
    pub(crate) fn claw(&mut self, points: Points, own: &[i64]) -> Result<Vec<Moved>, Stuck> {
        let is_own = |lot: &Lot| own.contains(&lot.sequence);
        let own_pending: Points = self.lots.iter().filter(|lot| is_own(lot)).map(|lot| lot.pending).sum();
        let reach = own_pending.plus(self.balances.available).ok_or(Stuck::Overflow)?;
        let mut taking = Taking { missing: points.min(reach).0, moved: Vec::new() };
        taking.from(&mut self.lots, State::Pending, &is_own)?;
        taking.from(&mut self.lots, State::Available, &is_own)?;
        taking.from(&mut self.lots, State::Available, &|_| true)?;
        self.settle(taking)
    }

    fn settle(&mut self, taking: Taking) -> Result<Vec<Moved>, Stuck> {
        if taking.missing > 0 {
            return Err(Stuck::LotsMissing);
        }
        for moved in &taking.moved {
            let side = match moved.state {
                State::Pending => &mut self.balances.pending,
                State::Available => &mut self.balances.available,
            };
            *side = side.minus(Points(moved.points)).ok_or(Stuck::Overflow)?;
        }
        Ok(taking.moved)
    }

    /// Gives points back into the lot that they came from, as available ones.
    pub(crate) fn give(&mut self, sequence: i64, points: i64) -> Result<(), Stuck> {
        let lot = self.lots.iter_mut().find(|lot| lot.sequence == sequence).ok_or(Stuck::LotsMissing)?;
        lot.available = lot.available.plus(Points(points)).ok_or(Stuck::Overflow)?;
        if !lot.is_whole() {
            return Err(Stuck::LotsMissing);
        }
        self.balances.available = self.balances.available.plus(Points(points)).ok_or(Stuck::Overflow)?;
        Ok(())
    }

    pub(crate) fn lot(&self, sequence: i64) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.sequence == sequence)
    }
}

struct Taking {
    missing: i64,
    moved: Vec<Moved>,
}

impl Taking {
    fn from(&mut self, lots: &mut [Lot], state: State, which: &dyn Fn(&Lot) -> bool) -> Result<(), Stuck> {
        for lot in lots.iter_mut().filter(|lot| which(lot)) {
            if self.missing <= 0 {
                break;
            }
            let side = match state {
                State::Pending => &mut lot.pending,
                State::Available => &mut lot.available,
            };
            let points = side.0.min(self.missing);
            if points <= 0 {
                continue;
            }
            *side = side.minus(Points(points)).ok_or(Stuck::Overflow)?;
            self.missing = self.missing.checked_sub(points).ok_or(Stuck::Overflow)?;
            self.moved.push(Moved { lot: lot.sequence, state, points });
        }
        Ok(())
    }
}

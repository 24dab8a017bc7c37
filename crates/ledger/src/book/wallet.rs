//! One wallet of a member: its balances and lots, and the moves on them. All arithmetic is checked.

use contract::decision::Dates;
use contract::program::TakeBack;
use contract::{EventType, Points};
use jiff::Timestamp;

use super::debt::Owed;
use super::idle::Idling;
use super::reward::Rewarding;

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
    /// Part of it that ended, and that no refund has claimed since.
    pub expired: Points,
    /// When pending points become available; `None`: they were so at once, or wait for `until` alone.
    pub activates: Option<Timestamp>,
    /// The activity of their order that makes pending points available sooner, while none has come.
    pub until: Option<EventType>,
    /// From when on it is gone; `None`: never. Of a lot that idles it is the wallet's.
    pub expires: Option<Timestamp>,
    /// Whether it ends with the wallet's other lots that idle, when the member was inactive for long enough.
    pub idles: bool,
    /// When its end is to be warned of; `None`: never, or the wallet says it, for all lots that idle.
    pub warns: Option<Timestamp>,
    /// Whether it was.
    pub warned: bool,
}

impl Lot {
    /// Burn order: earliest expiry first, unlimited last, then first awarded first.
    fn burn_key(&self) -> (bool, Option<Timestamp>, i64) {
        (self.expires.is_none(), self.expires, self.sequence)
    }

    fn is_whole(&self) -> bool {
        let left = self.pending.plus(self.available).and_then(|sum| sum.plus(self.held)?.plus(self.expired));
        left.is_some_and(|left| left <= self.initial)
    }

    /// Whether points of it wait for a time that has come.
    pub(super) fn is_to_activate(&self, by: Timestamp) -> bool {
        self.pending.0 > 0 && self.activates.is_some_and(|at| at <= by)
    }

    /// Whether points of it have outlived their time.
    pub(super) fn is_to_expire(&self, by: Timestamp) -> bool {
        self.can_end() && self.has_ended(by)
    }

    /// Whether it has anything that can end.
    pub(super) fn can_end(&self) -> bool {
        self.pending.0 > 0 || self.available.0 > 0
    }

    /// Whether its points cannot be spent yet.
    fn waits(&self, at: Timestamp) -> bool {
        self.activates.map_or(self.until.is_some(), |activates| activates > at)
    }

    pub(super) fn has_ended(&self, by: Timestamp) -> bool {
        self.expires.is_some_and(|at| at <= by)
    }

    /// The end that stands with the lot itself.
    pub(crate) fn own_end(&self) -> Option<Timestamp> {
        self.expires.filter(|_| !self.idles)
    }

    pub(super) fn part(&mut self, state: State) -> &mut Points {
        match state {
            State::Pending => &mut self.pending,
            State::Available => &mut self.available,
            State::Expired => &mut self.expired,
        }
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
    /// What is owed, oldest first; sums up to the balance's debt.
    pub owed: Vec<Owed>,
    /// When the lots that idle end; `None`: there never was one, nor an activity.
    pub idle: Option<Idling>,
    /// What its automatic rewards came to.
    pub rewards: Rewarding,
}

/// The state of points within a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Available,
    Expired,
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
    pub(crate) fn from_rows((balances, last_lot): (Balances, i64), idle: Option<Idling>, lots: Vec<Lot>) -> Self {
        let mut wallet = Self { balances, lots, last_lot, owed: Vec::new(), idle, rewards: Rewarding::default() };
        wallet.in_burn_order();
        wallet.lots.dedup_by_key(|lot| lot.sequence);
        wallet
    }

    /// Puts the lots in order, after the end of those that idle has moved.
    pub(super) fn in_burn_order(&mut self) {
        let until = self.idles_until();
        for lot in self.lots.iter_mut().filter(|lot| lot.idles) {
            lot.expires = until;
        }
        self.lots.sort_by_key(Lot::burn_key);
    }

    /// Makes a lot; answers its sequence. Its points are pending if they wait for a time or for an activity, else available.
    pub(crate) fn earn(&mut self, points: Points, (dates, until): (Dates, Option<&EventType>)) -> Result<i64, Stuck> {
        // All that a member has fits, so that no later activation can fail.
        let all = self.balances.pending.plus(self.balances.available).and_then(|sum| sum.plus(self.balances.held));
        all.and_then(|all| all.plus(points)).ok_or(Stuck::Overflow)?;
        let (pending, available) =
            if dates.activates.is_some() || until.is_some() { (points, Points::ZERO) } else { (Points::ZERO, points) };
        self.balances.pending = self.balances.pending.plus(pending).ok_or(Stuck::Overflow)?;
        self.balances.available = self.balances.available.plus(available).ok_or(Stuck::Overflow)?;
        let sequence = self.last_lot.checked_add(1).ok_or(Stuck::Overflow)?;
        let lot = Lot {
            sequence,
            initial: points,
            pending,
            available,
            held: Points::ZERO,
            expired: Points::ZERO,
            activates: dates.activates,
            until: until.cloned(),
            expires: if dates.idles { self.idles_until() } else { dates.expires },
            idles: dates.idles,
            warns: dates.warns.filter(|_| !dates.idles),
            warned: false,
        };
        let at = self.lots.partition_point(|known| known.burn_key() < lot.burn_key());
        self.lots.insert(at, lot);
        self.last_lot = sequence;
        Ok(sequence)
    }

    /// Makes a lot's pending points available; answers how many.
    pub(super) fn activate(&mut self, sequence: i64) -> Result<Points, Stuck> {
        let lot = self.lots.iter_mut().find(|lot| lot.sequence == sequence).ok_or(Stuck::LotsMissing)?;
        let points = std::mem::take(&mut lot.pending);
        lot.available = lot.available.plus(points).ok_or(Stuck::Overflow)?;
        self.balances.pending = self.balances.pending.minus(points).ok_or(Stuck::Overflow)?;
        self.balances.available = self.balances.available.plus(points).ok_or(Stuck::Overflow)?;
        Ok(points)
    }

    /// Makes what a lot has pending available at a time, because the activity came for which it waits; `None` if it waits for no such one,
    /// or not any more. Answers how many.
    pub(super) fn awake(
        &mut self,
        sequence: i64,
        (activity, at): (&EventType, Timestamp),
    ) -> Result<Option<Points>, Stuck> {
        let Some(lot) = self.lots.iter_mut().find(|lot| lot.sequence == sequence) else {
            return Err(Stuck::LotsMissing);
        };
        if lot.until.as_ref() != Some(activity) {
            return Ok(None);
        }
        lot.until = None;
        lot.activates = Some(lot.activates.map_or(at, |activates| activates.min(at)));
        self.activate(sequence).map(Some)
    }

    /// Ends what a lot still holds; answers how many were pending and how many available.
    pub(super) fn expire(&mut self, sequence: i64) -> Result<[Points; 2], Stuck> {
        let lot = self.lots.iter_mut().find(|lot| lot.sequence == sequence).ok_or(Stuck::LotsMissing)?;
        let (pending, available) = (std::mem::take(&mut lot.pending), std::mem::take(&mut lot.available));
        let ended = pending.plus(available).and_then(|points| lot.expired.plus(points));
        lot.expired = ended.ok_or(Stuck::Overflow)?;
        self.balances.pending = self.balances.pending.minus(pending).ok_or(Stuck::Overflow)?;
        self.balances.available = self.balances.available.minus(available).ok_or(Stuck::Overflow)?;
        Ok([pending, available])
    }

    /// Takes available points in burn order. The caller has compared with the balance.
    pub(crate) fn spend(&mut self, points: Points) -> Result<Vec<Moved>, Stuck> {
        let mut taking = Taking { missing: points.0, moved: Vec::new() };
        taking.from(&mut self.lots, State::Available, &|_| true)?;
        self.settle(taking)
    }

    /// Takes up to so many points back: first what has expired of the order's own lots (nobody has to give that), then their
    /// pending points, and unless the policy ends there, their available ones, and then other available ones in burn order.
    pub(crate) fn claw(&mut self, points: Points, own: &[i64], policy: TakeBack) -> Result<Vec<Moved>, Stuck> {
        let is_own = |lot: &Lot| own.contains(&lot.sequence);
        let only_pending = policy == TakeBack::OnlyPending;
        let mut reach = if only_pending { Points::ZERO } else { self.balances.available };
        for lot in self.lots.iter().filter(|lot| is_own(lot)) {
            reach = reach.plus(lot.expired).and_then(|sum| sum.plus(lot.pending)).ok_or(Stuck::Overflow)?;
        }
        let mut taking = Taking { missing: points.min(reach).0, moved: Vec::new() };
        taking.from(&mut self.lots, State::Expired, &is_own)?;
        taking.from(&mut self.lots, State::Pending, &is_own)?;
        if !only_pending {
            taking.from(&mut self.lots, State::Available, &is_own)?;
            taking.from(&mut self.lots, State::Available, &|_| true)?;
        }
        self.settle(taking)
    }

    fn settle(&mut self, taking: Taking) -> Result<Vec<Moved>, Stuck> {
        if taking.missing > 0 {
            return Err(Stuck::LotsMissing);
        }
        for moved in &taking.moved {
            if let Some(side) = self.side(moved.state) {
                *side = side.minus(Points(moved.points)).ok_or(Stuck::Overflow)?;
            }
        }
        Ok(taking.moved)
    }

    /// Gives points back into the lot that they came from: they are what the lot's points are at that time. Answers which.
    pub(crate) fn give(&mut self, sequence: i64, points: i64, at: Timestamp) -> Result<State, Stuck> {
        let lot = self.lots.iter_mut().find(|lot| lot.sequence == sequence).ok_or(Stuck::LotsMissing)?;
        let state = if lot.has_ended(at) {
            State::Expired
        } else if lot.waits(at) {
            State::Pending
        } else {
            State::Available
        };
        let part = lot.part(state);
        *part = part.plus(Points(points)).ok_or(Stuck::Overflow)?;
        if !lot.is_whole() {
            return Err(Stuck::LotsMissing);
        }
        if let Some(side) = self.side(state) {
            *side = side.plus(Points(points)).ok_or(Stuck::Overflow)?;
        }
        Ok(state)
    }

    /// Gives spent points back into the lot that they came from, to be spent again.
    pub(super) fn give_spent(&mut self, sequence: i64, points: i64) -> Result<(), Stuck> {
        let lot = self.lots.iter_mut().find(|lot| lot.sequence == sequence).ok_or(Stuck::LotsMissing)?;
        lot.available = lot.available.plus(Points(points)).ok_or(Stuck::Overflow)?;
        if !lot.is_whole() {
            return Err(Stuck::LotsMissing);
        }
        self.balances.available = self.balances.available.plus(Points(points)).ok_or(Stuck::Overflow)?;
        Ok(())
    }

    /// The balance that holds points in this state; what expired is the programme's.
    pub(super) fn side(&mut self, state: State) -> Option<&mut Points> {
        match state {
            State::Pending => Some(&mut self.balances.pending),
            State::Available => Some(&mut self.balances.available),
            State::Expired => None,
        }
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
            let side = lot.part(state);
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

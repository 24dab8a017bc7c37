//! Holds: points that are reserved, spent in one or more captures, or set free by a release, by the last capture, or by time.
//!
//! What a hold has stays in the lots that it was taken from. A hold outlives the expiry of its lots; what is set free after that
//! expires in the same entry.

use contract::decision::{Declined, GiveBack, HoldStage, HoldState};
use contract::event::{Capture, Kind};
use contract::result::ResultBody;
use contract::{HoldId, Points, Refusal, WalletName};
use jiff::Timestamp;

use super::Taken;
use super::applied::{Account, Entry, EntryKind, HeldLot, HoldRow, Outcome};
use super::debt::{self, Claims};
use super::draft::{Draft, text, unfit};
use super::member::TurnedDown;
use super::wallet::{State, Stuck, WalletState};

/// A hold with what it has of each lot, what burns first before the others.
#[derive(Debug, Clone)]
pub(crate) struct HoldBook {
    pub(crate) state: HoldState,
    pub(crate) lots: Vec<HeldLot>,
}

impl HoldBook {
    pub(super) fn row(&self, hold: &HoldId) -> HoldRow {
        HoldRow { hold: hold.clone(), state: self.state.clone(), lots: self.lots.clone() }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.stage == HoldStage::Open
    }

    /// When its time comes, if it is open and has one by then.
    pub(super) fn ends(&self, by: Timestamp) -> Option<Timestamp> {
        self.state.expires.filter(|at| self.is_open() && *at <= by)
    }
}

/// What was set free.
#[derive(Debug, Default)]
pub(super) struct Freed {
    /// Can be spent again, but for what of it paid off what is owed.
    pub(super) available: i64,
    /// Had outlived its time.
    pub(super) expired: i64,
    /// What it paid off; to be noted with the orders and told.
    pub(super) repaid: Claims,
}

/// A hold, its wallet, and the entry that moves its points.
pub(super) struct Holding<'a> {
    pub(super) hold: &'a HoldId,
    pub(super) book: &'a mut HoldBook,
    pub(super) wallet: &'a mut WalletState,
    pub(super) entry: &'a mut Entry,
}

impl Holding<'_> {
    /// Spends points of it, what burns first before the others; answers of which lots.
    fn capture(&mut self, points: Points) -> Result<Vec<Taken>, Refusal> {
        let name = self.book.state.wallet.clone();
        let (mut missing, mut spent) = (points.0, Vec::new());
        for held in &mut self.book.lots {
            let part = held.held.0.min(missing);
            if part <= 0 {
                continue;
            }
            missing -= part;
            held.held.0 -= part;
            self.wallet.unhold(held.lot, Points(part)).map_err(|stuck| stuck.refuse(&name))?;
            self.entry.line(Account::Held, &name, -part)?;
            self.entry.line(Account::Redeemed, &name, part)?;
            self.entry.allocate_of(self.hold, &name, held.lot, part);
            spent.push(Taken { wallet: name.clone(), lot: held.lot, points: part });
            if let Some(lot) = self.wallet.lot(held.lot) {
                self.entry.touched(&name, lot, false);
            }
        }
        if missing > 0 {
            return Err(Stuck::LotsMissing.refuse(&name));
        }
        let state = &mut self.book.state;
        (state.held.0, state.captured.0) = (state.held.0 - points.0, state.captured.0 + points.0);
        Ok(spent)
    }

    /// Sets free what it still has, at this time. What is available again pays off first what is owed.
    pub(super) fn release(&mut self, at: Timestamp) -> Result<Freed, Refusal> {
        let name = self.book.state.wallet.clone();
        let mut freed = Freed::default();
        for held in &mut self.book.lots {
            let part = std::mem::take(&mut held.held);
            if part.is_zero() {
                continue;
            }
            let state = self.wallet.free(held.lot, part, at).map_err(|stuck| stuck.refuse(&name))?;
            self.entry.line(Account::Held, &name, -part.0)?;
            self.entry.line(state.account(), &name, part.0)?;
            if state == State::Expired {
                self.entry.allocate(&name, held.lot, part.0, None);
                freed.expired += part.0;
            } else {
                freed.available += part.0;
                freed.repaid.extend(debt::fill(self.wallet, &name, held.lot, self.entry)?);
            }
            if let Some(lot) = self.wallet.lot(held.lot) {
                self.entry.touched(&name, lot, false);
            }
        }
        let state = &mut self.book.state;
        let rest = std::mem::take(&mut state.held);
        if freed.available + freed.expired != rest.0 {
            return Err(Stuck::LotsMissing.refuse(&name));
        }
        state.released.0 += rest.0;
        Ok(freed)
    }
}

impl WalletState {
    /// Reserves available points in burn order. The caller has compared with the balance.
    fn hold(&mut self, points: Points) -> Result<Vec<HeldLot>, Stuck> {
        let moved = self.spend(points)?;
        let mut lots = Vec::with_capacity(moved.len());
        for moved in moved {
            let part = Points(moved.points);
            let lot = self.lots.iter_mut().find(|lot| lot.sequence == moved.lot).ok_or(Stuck::LotsMissing)?;
            lot.held = lot.held.plus(part).ok_or(Stuck::Overflow)?;
            lots.push(HeldLot { lot: moved.lot, amount: part, held: part });
        }
        self.balances.held = self.balances.held.plus(points).ok_or(Stuck::Overflow)?;
        Ok(lots)
    }

    /// Takes points out of what is reserved of a lot.
    fn unhold(&mut self, sequence: i64, points: Points) -> Result<(), Stuck> {
        let lot = self.lots.iter_mut().find(|lot| lot.sequence == sequence).ok_or(Stuck::LotsMissing)?;
        let less = |held: Points| held.minus(points).filter(|left| left.0 >= 0).ok_or(Stuck::LotsMissing);
        lot.held = less(lot.held)?;
        self.balances.held = less(self.balances.held)?;
        Ok(())
    }

    /// Sets reserved points of a lot free: available, or expired where the lot has ended. Answers which.
    fn free(&mut self, sequence: i64, points: Points, at: Timestamp) -> Result<State, Stuck> {
        self.unhold(sequence, points)?;
        let lot = self.lots.iter_mut().find(|lot| lot.sequence == sequence).ok_or(Stuck::LotsMissing)?;
        let state = if lot.has_ended(at) { State::Expired } else { State::Available };
        let part = lot.part(state);
        *part = part.plus(points).ok_or(Stuck::Overflow)?;
        if let Some(side) = self.side(state) {
            *side = side.plus(points).ok_or(Stuck::Overflow)?;
        }
        Ok(state)
    }
}

impl Draft<'_, '_> {
    pub(super) fn hold(
        &mut self,
        hold: &HoldId,
        (wallet, points): (&WalletName, Points),
        expires: Option<Timestamp>,
    ) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::Hold;
        if points.0 <= 0 || self.state.holds.contains_key(hold) {
            return Err(unfit("a hold must be of more than 0 points and have a name of its own"));
        }
        let scale = self.scale(wallet)?;
        if let Some(TurnedDown { points, available, missing, reason }) = self.turned_down(wallet, points)? {
            let (hold, wallet) = (hold.clone(), wallet.clone());
            self.bodies.push(ResultBody::HoldRejected { hold, wallet, points, available, missing, reason });
            return Ok(Outcome::Rejected);
        }
        let lots = self.wallet(wallet).hold(points).map_err(|stuck| stuck.refuse(wallet))?;
        self.entry.line(Account::Available, wallet, -points.0)?;
        self.entry.line(Account::Held, wallet, points.0)?;
        for held in &lots {
            self.touched(wallet, held.lot, false);
        }
        let state = HoldState {
            wallet: wallet.clone(),
            points,
            held: points,
            captured: Points::ZERO,
            released: Points::ZERO,
            expires,
            stage: HoldStage::Open,
        };
        self.hold_book = Some((hold.clone(), HoldBook { state, lots }));
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::HoldAccepted {
            hold: hold.clone(),
            wallet: wallet.clone(),
            points: text(points, scale),
            available,
            expires_at: expires,
        });
        Ok(Outcome::Applied)
    }

    pub(super) fn capture(
        &mut self,
        hold: &HoldId,
        (points, keeps_rest): (Points, bool),
        gives_back: &GiveBack,
    ) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::Capture;
        let Kind::Capture(Capture { order, .. }) = &self.posting.event.kind else {
            return Err(unfit("a capture was decided for an event of another type"));
        };
        let mut book = self.open_hold(hold)?;
        if points.0 <= 0 || points > book.state.held {
            return Err(unfit("a capture must be of more than 0 points, and of no more than its hold has"));
        }
        let at = self.posting.event.occurred_at;
        let (spent, freed) = self.on_hold((hold, &mut book), |holding| {
            let spent = holding.capture(points)?;
            Ok((spent, if keeps_rest { Freed::default() } else { holding.release(at)? }))
        })?;
        self.repaid(&book.state.wallet, freed.repaid)?;
        if book.state.held.is_zero() {
            book.state.stage = HoldStage::Captured;
        }
        let (wallet, rest) = (book.state.wallet.clone(), book.state.held);
        self.hold_book = Some((hold.clone(), book));
        let (scale, available) = (self.scale(&wallet)?, self.available(&wallet)?);
        let some = |points: i64| (points > 0).then(|| text(Points(points), scale));
        self.bodies.push(ResultBody::HoldCaptured {
            hold: hold.clone(),
            wallet,
            points: text(points, scale),
            released: some(freed.available),
            expired: some(freed.expired),
            held: text(rest, scale),
            available,
        });
        if let Some(order) = order {
            self.tell_repaid()?;
            self.pays(order, spent, gives_back)?;
        }
        Ok(Outcome::Applied)
    }

    pub(super) fn release(&mut self, hold: &HoldId) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::Release;
        let mut book = self.open_hold(hold)?;
        let at = self.posting.event.occurred_at;
        let freed = self.on_hold((hold, &mut book), |holding| holding.release(at))?;
        self.repaid(&book.state.wallet, freed.repaid)?;
        book.state.stage = HoldStage::Released;
        let wallet = book.state.wallet.clone();
        self.hold_book = Some((hold.clone(), book));
        let (scale, available) = (self.scale(&wallet)?, self.available(&wallet)?);
        self.bodies.push(ResultBody::HoldReleased {
            hold: hold.clone(),
            wallet,
            points: text(Points(freed.available), scale),
            expired: (freed.expired > 0).then(|| text(Points(freed.expired), scale)),
            available,
        });
        Ok(Outcome::Applied)
    }

    pub(super) fn decline(&mut self, declined: &Declined) -> Result<Outcome, Refusal> {
        let Declined { hold, wallet, points, missing, reason } = declined.clone();
        let scale = wallet.as_ref().map(|wallet| self.scale(wallet)).transpose()?;
        let said = |points: Option<Points>| points.zip(scale).map(|(points, scale)| text(points, scale));
        let body = match &self.posting.event.kind {
            Kind::Hold(_) => {
                let (Some(wallet), Some(points)) = (wallet, said(points)) else {
                    return Err(unfit("a hold was turned down without its wallet and points"));
                };
                let available = self.available(&wallet)?;
                ResultBody::HoldRejected { hold, wallet, points, available, missing: said(missing), reason }
            }
            Kind::Capture(capture) => {
                let held = said(self.state.hold(&hold).map(|state| state.held));
                // Of an unknown hold nobody knows the scale: as it was said.
                let points = said(points).or_else(|| capture.points.map(|points| points.to_string()));
                ResultBody::CaptureRejected { hold, wallet, points, held, missing: said(missing), reason }
            }
            Kind::Release(_) => ResultBody::ReleaseRejected { hold, reason },
            _ => return Err(unfit("what was asked of a hold was turned down for an event of another type")),
        };
        self.bodies.push(body);
        Ok(Outcome::Rejected)
    }

    fn open_hold(&self, hold: &HoldId) -> Result<HoldBook, Refusal> {
        let open = self.state.holds.get(hold).filter(|book| book.is_open()).cloned();
        open.ok_or_else(|| unfit("a capture or release was decided for a hold that is not open"))
    }

    fn on_hold<T>(
        &mut self,
        (hold, book): (&HoldId, &mut HoldBook),
        act: impl FnOnce(&mut Holding<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let name = book.state.wallet.clone();
        self.wallet(&name);
        let Some(wallet) = self.wallets.get_mut(&name) else { return Err(Stuck::LotsMissing.refuse(&name)) };
        act(&mut Holding { hold, book, wallet, entry: &mut self.entry })
    }
}

//! Points that paid for an order, and that come back when it is returned: what burned last comes back first.
//!
//! They go back into the lots that they came from. Where such a lot would end sooner than the programme's grace allows (or has ended
//! already), they make a new one that ends with the grace.

use std::collections::BTreeMap;

use contract::decision::{Dates, GiveBack};
use contract::result::ResultBody;
use contract::{OrderId, Points, Refusal, WalletName};
use jiff::Timestamp;

use super::Taken;
use super::applied::{Account, Entry, Payment};
use super::draft::{Draft, overflow, text, unfit};
use super::wallet::{Stuck, WalletState};

/// What redemptions and captures spent on one order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Payments {
    /// In all, by wallet.
    pub(crate) paid: BTreeMap<WalletName, Points>,
    /// What has not come back, in the order in which it was spent.
    pub(crate) left: Vec<Taken>,
}

impl Payments {
    /// `None` beyond an i64.
    pub(crate) fn spend(&mut self, taken: Taken) -> Option<()> {
        let sum = self.paid.entry(taken.wallet.clone()).or_default();
        *sum = sum.plus(Points(taken.points))?;
        self.left.push(taken);
        Some(())
    }

    fn left_of(&self, wallet: &WalletName) -> i64 {
        // At most what was paid, which fits.
        self.left.iter().filter(|taken| taken.wallet == *wallet).map(|taken| taken.points).sum()
    }

    /// The last ones, up to so many, of one lot.
    fn pop(&mut self, wallet: &WalletName, most: i64) -> Option<Taken> {
        let at = self.left.iter().rposition(|taken| taken.wallet == *wallet)?;
        let last = &mut self.left[at];
        let points = last.points.min(most);
        last.points -= points;
        let taken = Taken { points, ..last.clone() };
        if last.points <= 0 {
            self.left.remove(at);
        }
        Some(taken)
    }
}

impl WalletState {
    /// Whether a lot is gone before this time.
    fn ends_before(&self, lot: i64, until: Timestamp) -> Result<bool, Stuck> {
        let lot = self.lot(lot).ok_or(Stuck::LotsMissing)?;
        Ok(lot.expires.is_some_and(|at| at < until))
    }
}

impl Entry {
    fn pay(&mut self, order: &OrderId, taken: &Taken, (points, into): (i64, Option<i64>)) {
        let Taken { wallet, lot, .. } = taken;
        let (order, wallet) = (order.clone(), wallet.clone());
        self.payments.push(Payment { order, wallet, lot: *lot, points: Points(points), into });
    }
}

impl Draft<'_, '_> {
    /// What was just spent pays for this order. Where that was returned before, it comes back at once, in lines of its own.
    pub(super) fn pays(&mut self, order: &OrderId, spent: Vec<Taken>, gives_back: &GiveBack) -> Result<(), Refusal> {
        let mut payments = self.payments(order);
        for taken in spent {
            self.entry.pay(order, &taken, (taken.points, None));
            let wallet = taken.wallet.clone();
            payments.spend(taken).ok_or_else(|| overflow(&wallet))?;
        }
        self.payments = Some((order.clone(), payments));
        self.entry.apart();
        self.give_paid_back(order, gives_back)
    }

    /// So much in all is to have come back of what paid for the order: gives what is missing.
    pub(super) fn give_paid_back(&mut self, order: &OrderId, all: &GiveBack) -> Result<(), Refusal> {
        let Some(until) = all.until else { return Ok(()) };
        let mut payments = self.payments(order);
        for (wallet, target) in &all.points {
            let paid = payments.paid.get(wallet).copied().unwrap_or_default();
            if target.0 < 0 || *target > paid {
                return Err(unfit("what comes back must lie between 0 and what paid for the order"));
            }
            // What came back stays with the member, should less be to come back than has.
            let missing = target.0 - (paid.0 - payments.left_of(wallet));
            if missing > 0 {
                let end = (until, all.warns.get(wallet).copied());
                self.give_points_back((order, &mut payments), (wallet, missing), end)?;
            }
        }
        self.payments = Some((order.clone(), payments));
        Ok(())
    }

    fn give_points_back(
        &mut self,
        (order, payments): (&OrderId, &mut Payments),
        (wallet, points): (&WalletName, i64),
        (until, warns): (Timestamp, Option<Timestamp>),
    ) -> Result<(), Refusal> {
        let stuck = |stuck: Stuck| stuck.refuse(wallet);
        let scale = self.scale(wallet)?;
        let (mut missing, mut ending) = (points, Vec::new());
        while missing > 0 {
            let Some(taken) = payments.pop(wallet, missing) else {
                return Err(unfit("the order's payments do not hold what came back of them; run `loyaltyctl audit`"));
            };
            missing -= taken.points;
            if self.wallet(wallet).ends_before(taken.lot, until).map_err(stuck)? {
                ending.push(taken);
                continue;
            }
            self.wallet(wallet).give_spent(taken.lot, taken.points).map_err(stuck)?;
            self.entry.line(Account::Redeemed, wallet, -taken.points)?;
            self.entry.line(Account::Available, wallet, taken.points)?;
            self.entry.allocate(wallet, taken.lot, -taken.points, None);
            self.entry.pay(order, &taken, (-taken.points, Some(taken.lot)));
            self.fill_debt(wallet, taken.lot)?;
            self.touched(wallet, taken.lot, false);
        }
        if !ending.is_empty() {
            let sum = ending.iter().map(|taken| taken.points).sum();
            let dates = Dates { expires: Some(until), warns, ..Dates::default() };
            let lot = self.credit(wallet, (Points(sum), dates), Account::Redeemed)?;
            for taken in &ending {
                self.entry.pay(order, taken, (-taken.points, Some(lot)));
            }
        }
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::Returned {
            wallet: wallet.clone(),
            points: text(Points(points), scale),
            available,
            order: order.clone(),
            expires_at: (!ending.is_empty()).then_some(until),
        });
        self.tell_repaid()
    }

    /// What paid for the order so far, this event included.
    fn payments(&self, order: &OrderId) -> Payments {
        match &self.payments {
            Some((known, payments)) if known == order => payments.clone(),
            _ => self.state.payments.get(order).cloned().unwrap_or_default(),
        }
    }
}

//! Refunds: what paid for the order comes back; then what changed of what is due is taken as far as the policy reaches, waived, owed or
//! given back. The policy is that of the rules that paid.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use contract::decision::{GiveBack, OrderAward, Returned};
use contract::event::Kind;
use contract::program::TakeBack;
use contract::result::ResultBody;
use contract::tally::TallyChange;
use contract::{OrderId, Points, Refusal, RuleName, Scale, WalletName};

use super::applied::{Account, EntryKind, OrderChange, Outcome};
use super::budget::due_of;
use super::draft::{Draft, overflow, text, unfit};
use super::wallet::State;
use super::{OrderBook, Taken};

/// What an order's awards in one wallet come to.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    awarded: i64,
    due: i64,
    taken: i64,
    waived: i64,
}

/// What became of points that a refund wanted; the four add up to them.
#[derive(Debug, Default)]
pub(super) struct Taking {
    /// Out of which lots, what had expired there included.
    pub(super) moved: Vec<Taken>,
    pub(super) taken: i64,
    pub(super) expired: i64,
    pub(super) owed: i64,
    pub(super) waived: i64,
}

impl Taking {
    /// What is the member's no longer: `taken` of the awards.
    pub(super) fn all(&self) -> i64 {
        self.taken + self.expired + self.owed
    }
}

/// A change of what is due in one wallet.
#[derive(Debug, Clone, Copy)]
struct Shift<'a> {
    wallet: &'a WalletName,
    /// How much, > 0; more or less due is the caller's matter.
    points: i64,
    /// Before it.
    sums: Sums,
    order: &'a OrderId,
}

impl Sums {
    /// `None` beyond an i64, or when a stored award breaks taken + waived = due <= awarded; all later sums are then within range.
    fn of(awards: &[OrderAward], wallet: &WalletName) -> Option<Self> {
        let mut sums = Self::default();
        for award in awards.iter().filter(|award| award.wallet == *wallet) {
            let sound = award.taken.0 >= 0
                && award.waived.0 >= 0
                && award.taken.plus(award.waived) == Some(award.due)
                && award.due <= award.awarded;
            if !sound {
                return None;
            }
            sums.awarded = sums.awarded.checked_add(award.awarded.0)?;
            sums.due = sums.due.checked_add(award.due.0)?;
            sums.taken = sums.taken.checked_add(award.taken.0)?;
            sums.waived = sums.waived.checked_add(award.waived.0)?;
        }
        Some(sums)
    }
}

impl Draft<'_, '_> {
    pub(super) fn refund(
        &mut self,
        (returned, gives_back): (&Returned, &GiveBack),
        (due, of_budgets): (&BTreeMap<WalletName, Points>, &BTreeMap<RuleName, Points>),
        tallies: &[TallyChange],
    ) -> Result<Outcome, Refusal> {
        let Kind::Refund(refund) = &self.posting.event.kind else {
            return Err(unfit("a refund was decided for an event of another type"));
        };
        let order = &refund.order;
        let Some(mut book) = self.state.orders.get(order).cloned() else {
            return Err(unfit("a refund was decided for an order that is not there"));
        };
        self.entry.kind = EntryKind::GiveBack;
        // First, so that what comes back can be taken before anything is waived or owed.
        self.give_paid_back(order, gives_back)?;
        book.taken.extend(self.claims.extract_if(.., |claim| claim.0 == *order).map(|(_, taken)| taken));
        for (wallet, target) in due {
            let sums = Sums::of(&book.state.awards, wallet).ok_or_else(|| overflow(wallet))?;
            if target.0 < 0 || target.0 > sums.awarded {
                return Err(unfit("what is due back must lie between 0 and what the order was awarded"));
            }
            let shift = Shift { wallet, points: (target.0 - sums.due).abs(), sums, order };
            let after = match target.0.cmp(&sums.due) {
                // Another of the wallet's awards may be due than before.
                Ordering::Equal if of_budgets.is_empty() => continue,
                Ordering::Equal => sums,
                Ordering::Greater => self.take_back(shift, &mut book)?,
                Ordering::Less => self.give_back(shift, &mut book)?,
            };
            fill(&mut book.state.awards, wallet, (after, of_budgets));
        }
        let before = self.state.orders.get(order).map(|book| book.state.awards.clone()).unwrap_or_default();
        self.give_back_to_budgets(&before, &book.state.awards);
        self.untally(tallies, order)?;
        for part in &mut book.state.tallied {
            let now = tallies.iter().find(|change| change.part.key == part.key);
            part.part = now.map_or(part.part, |change| change.part.part);
        }
        book.state.returned = returned.clone();
        self.order = Some(OrderChange::Returned {
            order: order.clone(),
            returned: returned.clone(),
            awards: book.state.awards.clone(),
            tallied: book.state.tallied.clone(),
        });
        self.order_book = Some((order.clone(), book));
        Ok(Outcome::Applied)
    }

    fn take_back(&mut self, shift: Shift<'_>, book: &mut OrderBook) -> Result<Sums, Refusal> {
        let Shift { wallet, points: more, sums, order } = shift;
        self.entry.kind = EntryKind::Clawback;
        let own: Vec<i64> = book.lots.iter().filter(|(name, _)| name == wallet).map(|(_, lot)| *lot).collect();
        let mut taking = self.take((wallet, Points(more)), &own, order)?;
        book.taken.append(&mut taking.moved);
        self.tell_taken(wallet, &taking, order)?;
        let taken = sums.taken + taking.all();
        Ok(Sums { due: sums.due + more, taken, waived: sums.waived + taking.waived, ..sums })
    }

    /// Tells what the refund of an order took, and what it could not take.
    pub(super) fn tell_taken(&mut self, wallet: &WalletName, taking: &Taking, order: &OrderId) -> Result<(), Refusal> {
        let (scale, available) = (self.scale(wallet)?, self.available(wallet)?);
        self.bodies.push(ResultBody::ClawedBack {
            wallet: wallet.clone(),
            points: text(Points(taking.taken), scale),
            waived: text(Points(taking.waived), scale),
            expired: some(taking.expired, scale),
            owed: some(taking.owed, scale),
            available,
            order: order.clone(),
        });
        Ok(())
    }

    /// Takes so many points for a returned order as far as the policy reaches; the rest is owed, or waived.
    pub(super) fn take(
        &mut self,
        (wallet, points): (&WalletName, Points),
        own: &[i64],
        order: &OrderId,
    ) -> Result<Taking, Refusal> {
        let policy = self.posting.ruleset.program.refunds.take_back;
        let moved = self.wallet(wallet).claw(points, own, policy).map_err(|stuck| stuck.refuse(wallet))?;
        self.taken_out(wallet, &moved, Account::Clawed)?;
        let mut taking = Taking::default();
        for moved in moved {
            let sum = if moved.state == State::Expired { &mut taking.expired } else { &mut taking.taken };
            *sum = sum.checked_add(moved.points).ok_or_else(|| overflow(wallet))?;
            self.entry.allocate(wallet, moved.lot, moved.points, Some(order));
            if moved.state == State::Expired {
                // It had left the lot before: from now on the order holds it, and no longer the expiry.
                self.entry.allocate(wallet, moved.lot, -moved.points, None);
            }
            taking.moved.push(Taken { wallet: wallet.clone(), lot: moved.lot, points: moved.points });
        }
        let missing = points.0 - taking.taken - taking.expired;
        if policy == TakeBack::Unlimited && missing > 0 {
            taking.owed = missing;
            self.wallet(wallet).owe(order, missing).map_err(|stuck| stuck.refuse(wallet))?;
            self.entry.line(Account::Debt, wallet, -missing)?;
            self.entry.line(Account::Clawed, wallet, missing)?;
        }
        taking.waived = missing - taking.owed;
        Ok(taking)
    }

    fn give_back(&mut self, shift: Shift<'_>, book: &mut OrderBook) -> Result<Sums, Refusal> {
        let Shift { wallet, points: less, sums, order } = shift;
        let scale = self.scale(wallet)?;
        let unwaived = less.min(sums.waived);
        let given = less - unwaived;
        // What is still owed is no longer asked for; only then does anything move back.
        let owed = self.wallet(wallet).forgive(order, given).map_err(|stuck| stuck.refuse(wallet))?;
        self.entry.line(Account::Clawed, wallet, -owed)?;
        self.entry.line(Account::Debt, wallet, owed)?;
        let (mut missing, mut expired) = (given - owed, 0_i64);
        while missing > 0 {
            let Some(at) = book.taken.iter().rposition(|taken| taken.wallet == *wallet) else {
                return Err(unfit("the order's clawbacks do not hold what its awards say; run `loyaltyctl audit`"));
            };
            let last = &mut book.taken[at];
            let points = last.points.min(missing);
            let lot = last.lot;
            last.points -= points;
            missing -= points;
            if last.points <= 0 {
                book.taken.remove(at);
            }
            let at = self.posting.event.occurred_at;
            let state = self.wallet(wallet).give(lot, points, at).map_err(|stuck| stuck.refuse(wallet))?;
            self.entry.line(Account::Clawed, wallet, -points)?;
            self.entry.line(state.account(), wallet, points)?;
            self.entry.allocate(wallet, lot, -points, Some(order));
            match state {
                State::Pending => {}
                State::Available => self.fill_debt(wallet, lot)?,
                State::Expired => {
                    expired += points;
                    self.entry.allocate(wallet, lot, points, None);
                }
            }
            self.touched(wallet, lot, false);
        }
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::Reinstated {
            wallet: wallet.clone(),
            points: text(Points(given - expired - owed), scale),
            waived: text(Points(unwaived), scale),
            expired: some(expired, scale),
            owed: some(owed, scale),
            available,
            order: order.clone(),
        });
        self.tell_repaid()?;
        Ok(Sums { due: sums.due - less, taken: sums.taken - given, waived: sums.waived - unwaived, ..sums })
    }
}

/// Points as a result tells them, if there are any.
fn some(points: i64, scale: Scale) -> Option<String> {
    (points > 0).then(|| text(Points(points), scale))
}

/// Spreads the wallet's sums over its awards: taken + waived = due <= awarded for each. An award that came out of a budget has its own part of
/// what is due, and what was taken of it stays taken as long as it is due: the budget may have given it to somebody else. All else fills the
/// first ones first.
fn fill(awards: &mut [OrderAward], wallet: &WalletName, (sums, of_budgets): (Sums, &BTreeMap<RuleName, Points>)) {
    let (mut due, mut taken) = (sums.due, sums.taken);
    let mut awards: Vec<&mut OrderAward> = awards.iter_mut().filter(|award| award.wallet == *wallet).collect();
    for award in &mut awards {
        let own = due_of(award, of_budgets);
        award.taken = Points(own.map_or(0, |own| own.min(award.taken.0)));
        (due, taken) = (due - own.unwrap_or_default(), taken - award.taken.0);
    }
    for award in awards {
        let own = due_of(award, of_budgets);
        award.due = Points(own.unwrap_or_else(|| due.clamp(0, award.awarded.0.max(0))));
        due -= if own.is_some() { 0 } else { award.due.0 };
        let more = taken.clamp(0, award.due.0 - award.taken.0);
        award.taken = Points(award.taken.0 + more);
        award.waived = Points(award.due.0 - award.taken.0);
        taken -= more;
    }
}

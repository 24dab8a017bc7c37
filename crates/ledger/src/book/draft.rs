//! The changes of one event before they are certain, and the rows that they come to.

use std::collections::BTreeMap;

use contract::decision::Dates;
use contract::result::{ResultBody, ResultEvent};
use contract::ruleset::Ruleset;
use contract::{BudgetName, BuryReason, EventType, HoldId, OrderId, Points, Refusal, Scale, WalletName};

use super::applied::{Account, Applied, Entry, EntryKind, LotRow, OrderChange, Outcome, Parking};
use super::debt::Claims;
use super::hold::HoldBook;
use super::idle::{EndedLots, IdleEnd};
use super::member::Standing;
use super::post::Posting;
use super::tally::Tallied;
use super::tier::TierLine;
use super::transfer::Transiting;
use super::wallet::{Moved, State, Stuck, WalletState};
use super::{MemberState, OrderBook, Payments, debt};
use crate::store::Identity;

/// Changes of one event before they are certain: wallets are copies, so that a refusal leaves the state as it was.
pub(super) struct Draft<'s, 'p> {
    pub(super) state: &'s mut MemberState,
    pub(super) posting: Posting<'p>,
    pub(super) wallets: BTreeMap<WalletName, WalletState>,
    pub(super) entry: Entry,
    pub(super) order: Option<OrderChange>,
    pub(super) order_book: Option<(OrderId, OrderBook)>,
    pub(super) hold_book: Option<(HoldId, HoldBook)>,
    pub(super) payments: Option<(OrderId, Payments)>,
    /// What was paid off for an order, out of which lot; for the order's next refunds.
    pub(super) claims: Claims,
    /// Lots that had idled until before the event.
    pub(super) ended: BTreeMap<WalletName, EndedLots>,
    /// What was paid off and is not told yet.
    untold: BTreeMap<WalletName, Points>,
    pub(super) bodies: Vec<ResultBody>,
    pub(super) parking: Parking,
    pub(super) standing: Option<Standing>,
    /// A tier that the member brings along.
    pub(super) tiers: Vec<TierLine>,
    /// Lots that changed although nothing of them moved.
    pub(super) unmoved: Vec<LotRow>,
    pub(super) transit: Option<Transiting>,
    /// What is taken out of budgets, or given back.
    pub(super) budgets: BTreeMap<BudgetName, i64>,
    /// What changes of sums over several events.
    pub(super) tallied: Tallied,
}

impl<'s, 'p> Draft<'s, 'p> {
    pub(super) fn new(state: &'s mut MemberState, posting: Posting<'p>) -> Self {
        let entry = Entry::new(EntryKind::Earn, posting.event.order().cloned());
        Self {
            state,
            posting,
            wallets: BTreeMap::new(),
            entry,
            order: None,
            order_book: None,
            hold_book: None,
            payments: None,
            claims: Vec::new(),
            ended: BTreeMap::new(),
            untold: BTreeMap::new(),
            bodies: Vec::new(),
            parking: Parking::None,
            standing: None,
            tiers: Vec::new(),
            unmoved: Vec::new(),
            transit: None,
            budgets: BTreeMap::new(),
            tallied: Tallied::default(),
        }
    }

    pub(super) fn finish(self, outcome: Outcome) -> Applied {
        let Self {
            state,
            posting,
            wallets,
            mut entry,
            order,
            order_book,
            hold_book,
            payments,
            claims,
            mut ended,
            bodies,
            mut parking,
            standing,
            tiers,
            unmoved,
            transit,
            budgets,
            mut tallied,
            ..
        } = self;
        let event = posting.event;
        if parking == Parking::None && state.unpark(event) {
            parking = Parking::Unpark;
        }
        entry.postings.retain(|line| !line.amount.is_zero());
        let moved = !entry.postings.is_empty() || !entry.allocations.is_empty();
        if let Some((id, book)) = hold_book {
            entry.hold = Some(book.row(&id));
            state.holds.insert(id, book);
        }
        let mut idles = Vec::new();
        for (name, wallet) in wallets {
            if moved {
                entry.balances.push((name.clone(), wallet.balances, wallet.last_lot));
            }
            let before = state.wallets.get(&name);
            entry.owed.extend(debt::changes(&name, before.map_or(&[][..], |before| &before.owed), &wallet.owed));
            let idle = wallet.idle.filter(|idling| before.and_then(|before| before.idle) != Some(*idling));
            state.wallets.insert(name.clone(), wallet);
            if let Some(idling) = idle {
                state.holds_in_burn_order(&name);
                idles.push(IdleEnd { ended: ended.remove(&name), wallet: name, idling });
            }
        }
        state.orders.extend(order_book);
        state.payments.extend(payments);
        state.claimed(claims);
        state.tallies.carry_on(&mut tallied);
        if let Some(standing) = &standing {
            state.stand(standing);
        }
        state.tiers.history.extend(tiers.iter().cloned());
        let results =
            bodies.into_iter().enumerate().map(|(n, body)| ResultEvent::of(posting.pipeline, event, n, body)).collect();
        let (identity, whose) = (Identity::of(event), (&event.member, event.occurred_at));
        let nothing = Applied::nothing((identity, posting.hash), whose, posting.ruleset_hash, outcome);
        let entry = moved.then_some(entry);
        let (tallies, award_changes) = (tallied.rows, tallied.changes);
        let changed = Applied { results, entry, order, parking, idles, unmoved, ..nothing };
        Applied { tallies, award_changes, tiers, standing, transit, budgets, ..changed }
    }

    /// The wallet, copied out of the state at first touch.
    pub(super) fn wallet(&mut self, name: &WalletName) -> &mut WalletState {
        let known = &self.state.wallets;
        self.wallets.entry(name.clone()).or_insert_with(|| known.get(name).cloned().unwrap_or_default())
    }

    pub(super) fn scale(&self, wallet: &WalletName) -> Result<Scale, Refusal> {
        scale(self.posting.ruleset, wallet)
    }

    /// The balance after, as the results say it.
    pub(super) fn available(&self, wallet: &WalletName) -> Result<String, Refusal> {
        let scale = self.scale(wallet)?;
        let known = self.wallets.get(wallet).or_else(|| self.state.wallets.get(wallet));
        Ok(text(known.map(|wallet| wallet.balances.available).unwrap_or_default(), scale))
    }

    /// What has to come in before so many points can be taken: what is owed is paid off first.
    pub(super) fn missing(&mut self, wallet: &WalletName, points: Points) -> Option<Points> {
        let balances = self.wallet(wallet).balances;
        // Of the two at most one is above nought. A sum beyond an i64 is missing as well.
        let missing = points.minus(balances.available)?.0.saturating_add(balances.debt.0);
        (missing > 0).then_some(Points(missing))
    }

    /// Points come in, and wait for nothing that may happen: a lot.
    pub(super) fn credit(
        &mut self,
        name: &WalletName,
        (points, dates): (Points, Dates),
        from: Account,
    ) -> Result<i64, Refusal> {
        self.credit_until(name, (points, dates, None), from)
    }

    /// Points come in: a lot.
    pub(super) fn credit_until(
        &mut self,
        name: &WalletName,
        (points, dates, until): (Points, Dates, Option<&EventType>),
        from: Account,
    ) -> Result<i64, Refusal> {
        self.idles(name, dates);
        let lot = self.wallet(name).earn(points, (dates, until)).map_err(|stuck| stuck.refuse(name))?;
        let into = if dates.activates.is_some() || until.is_some() { Account::Pending } else { Account::Available };
        self.entry.line(from, name, -points.0)?;
        self.entry.line(into, name, points.0)?;
        if into == Account::Available {
            self.fill_debt(name, lot)?;
        }
        self.touched(name, lot, true);
        Ok(lot)
    }

    /// Every move into available fills debt first: to be called for the lot right after its points came in.
    pub(super) fn fill_debt(&mut self, name: &WalletName, lot: i64) -> Result<(), Refusal> {
        self.wallet(name);
        let Some(wallet) = self.wallets.get_mut(name) else { return Ok(()) };
        let claims = debt::fill(wallet, name, lot, &mut self.entry)?;
        self.repaid(name, claims)
    }

    /// Keeps what was paid off, to be noted with the orders and told.
    pub(super) fn repaid(&mut self, name: &WalletName, claims: Claims) -> Result<(), Refusal> {
        if !claims.is_empty() {
            let sum = self.untold.entry(name.clone()).or_default();
            *sum = sum.plus(debt::sum(&claims)).ok_or_else(|| overflow(name))?;
            self.claims.extend(claims);
        }
        Ok(())
    }

    /// Tells what was paid off since the last time.
    pub(super) fn tell_repaid(&mut self) -> Result<(), Refusal> {
        for (wallet, points) in std::mem::take(&mut self.untold) {
            let scale = self.scale(&wallet)?;
            let debt = text(self.wallet(&wallet).balances.debt, scale);
            let available = self.available(&wallet)?;
            self.bodies.push(ResultBody::Repaid { wallet, points: text(points, scale), debt, available });
        }
        Ok(())
    }

    pub(super) fn debit(&mut self, name: &WalletName, points: Points, to: Account) -> Result<Vec<Moved>, Refusal> {
        let moved = self.wallet(name).spend(points).map_err(|stuck| stuck.refuse(name))?;
        self.taken_out(name, &moved, to)?;
        for moved in &moved {
            self.entry.allocate(name, moved.lot, moved.points, None);
        }
        Ok(moved)
    }

    /// Postings and lot rows of points that left lots.
    pub(super) fn taken_out(&mut self, name: &WalletName, moved: &[Moved], to: Account) -> Result<(), Refusal> {
        for moved in moved {
            self.entry.line(moved.state.account(), name, -moved.points)?;
            self.entry.line(to, name, moved.points)?;
            self.touched(name, moved.lot, false);
        }
        Ok(())
    }

    /// Keeps the lot's latest image among the entry's rows.
    pub(super) fn touched(&mut self, name: &WalletName, sequence: i64, is_new: bool) {
        let Some(lot) = self.wallet(name).lot(sequence).cloned() else { return };
        self.entry.touched(name, &lot, is_new);
    }
}

impl State {
    pub(super) fn account(self) -> Account {
        match self {
            Self::Pending => Account::Pending,
            Self::Available => Account::Available,
            Self::Expired => Account::Expired,
        }
    }
}

impl Stuck {
    pub(super) fn refuse(self, wallet: &WalletName) -> Refusal {
        match self {
            Self::Overflow => overflow(wallet),
            Self::LotsMissing => {
                let detail =
                    format!("the lots of wallet `{wallet}` do not hold what its balance says; run `loyaltyctl audit`");
                Refusal::new(BuryReason::LedgerRefused, detail)
            }
        }
    }
}

/// A wallet's scale under a rule set.
pub(super) fn scale(ruleset: &Ruleset, wallet: &WalletName) -> Result<Scale, Refusal> {
    ruleset.wallet(Some(wallet)).map(|wallet| wallet.scale).ok_or_else(|| {
        let detail = format!("the programme has no wallet `{wallet}`; name one of `program.wallets`");
        Refusal::new(BuryReason::UnknownWallet, detail)
    })
}

pub(super) fn overflow(wallet: &WalletName) -> Refusal {
    let detail = format!("wallet `{wallet}` would hold more than {} units; correct the amount or the rule", i64::MAX);
    Refusal::new(BuryReason::Overflow, detail)
}

/// A decision that does not fit its event or the member's state: a fault of ours, never of the balance.
pub(super) fn unfit(detail: &str) -> Refusal {
    Refusal::new(BuryReason::LedgerRefused, detail)
}

pub(super) fn text(points: Points, scale: Scale) -> String {
    points.to_decimal(scale).to_string()
}

//! The changes of one event before they are certain, and the rows that they come to.

use std::collections::BTreeMap;

use contract::result::{ResultBody, ResultEvent};
use contract::{BuryReason, OrderId, Points, Refusal, Scale, WalletName};

use super::applied::{
    Account, Allocation, Applied, Entry, EntryKind, LotRow, OrderChange, Outcome, Parking, PostingLine,
};
use super::post::Posting;
use super::wallet::{Moved, State, Stuck, WalletState};
use super::{MemberState, OrderBook};
use crate::store::Identity;

/// Changes of one event before they are certain: wallets are copies, so that a refusal leaves the state as it was.
pub(super) struct Draft<'s, 'p> {
    pub(super) state: &'s mut MemberState,
    pub(super) posting: Posting<'p>,
    pub(super) wallets: BTreeMap<WalletName, WalletState>,
    pub(super) entry: Entry,
    pub(super) order: Option<OrderChange>,
    pub(super) order_book: Option<(OrderId, OrderBook)>,
    pub(super) bodies: Vec<ResultBody>,
    pub(super) parking: Parking,
}

impl<'s, 'p> Draft<'s, 'p> {
    pub(super) fn new(state: &'s mut MemberState, posting: Posting<'p>) -> Self {
        let entry = Entry {
            kind: EntryKind::Earn,
            order: posting.event.order().cloned(),
            postings: Vec::new(),
            balances: Vec::new(),
            lots: Vec::new(),
            allocations: Vec::new(),
            awards: Vec::new(),
        };
        Self {
            state,
            posting,
            wallets: BTreeMap::new(),
            entry,
            order: None,
            order_book: None,
            bodies: Vec::new(),
            parking: Parking::None,
        }
    }

    pub(super) fn finish(self, outcome: Outcome) -> Applied {
        let Self { state, posting, wallets, mut entry, order, order_book, bodies, mut parking } = self;
        let event = posting.event;
        if parking == Parking::None && state.unpark(event) {
            parking = Parking::Unpark;
        }
        entry.postings.retain(|line| !line.amount.is_zero());
        let moved = !entry.postings.is_empty() || !entry.allocations.is_empty();
        for (name, wallet) in wallets {
            if moved {
                entry.balances.push((name.clone(), wallet.balances, wallet.last_lot));
            }
            state.wallets.insert(name, wallet);
        }
        if let Some((id, book)) = order_book {
            state.orders.insert(id, book);
        }
        let results =
            bodies.into_iter().enumerate().map(|(n, body)| ResultEvent::of(posting.pipeline, event, n, body)).collect();
        Applied {
            identity: Identity::of(event),
            hash: posting.hash,
            member: event.member.clone(),
            occurred_at: event.occurred_at,
            ruleset: posting.ruleset_hash.clone(),
            outcome,
            results,
            entry: moved.then_some(entry),
            order,
            parking,
        }
    }

    /// The wallet, copied out of the state at first touch.
    pub(super) fn wallet(&mut self, name: &WalletName) -> &mut WalletState {
        let known = &self.state.wallets;
        self.wallets.entry(name.clone()).or_insert_with(|| known.get(name).cloned().unwrap_or_default())
    }

    pub(super) fn scale(&self, wallet: &WalletName) -> Result<Scale, Refusal> {
        let known = self.posting.ruleset.program.wallets.iter().find(|known| known.name == *wallet);
        known.map(|wallet| wallet.scale).ok_or_else(|| {
            let detail = format!("the programme has no wallet `{wallet}`; name one of `program.wallets`");
            Refusal::new(BuryReason::UnknownWallet, detail)
        })
    }

    /// The balance after, as the results say it.
    pub(super) fn available(&self, wallet: &WalletName) -> Result<String, Refusal> {
        let scale = self.scale(wallet)?;
        let known = self.wallets.get(wallet).or_else(|| self.state.wallets.get(wallet));
        Ok(text(known.map(|wallet| wallet.balances.available).unwrap_or_default(), scale))
    }

    pub(super) fn missing(&mut self, wallet: &WalletName, points: Points) -> Option<Points> {
        let missing = points.minus(self.wallet(wallet).balances.available)?;
        (missing.0 > 0).then_some(missing)
    }

    pub(super) fn credit(&mut self, name: &WalletName, points: Points, from: Account) -> Result<i64, Refusal> {
        let lot = self.wallet(name).earn(points).map_err(|stuck| stuck.refuse(name))?;
        self.line(from, name, -points.0)?;
        self.line(Account::Available, name, points.0)?;
        self.touched(name, lot, true);
        Ok(lot)
    }

    pub(super) fn debit(&mut self, name: &WalletName, points: Points, to: Account) -> Result<(), Refusal> {
        let moved = self.wallet(name).spend(points).map_err(|stuck| stuck.refuse(name))?;
        self.taken_out(name, &moved, to)?;
        for moved in moved {
            self.allocate(name, moved.lot, moved.points, None);
        }
        Ok(())
    }

    /// Postings and lot rows of points that left lots.
    pub(super) fn taken_out(&mut self, name: &WalletName, moved: &[Moved], to: Account) -> Result<(), Refusal> {
        for moved in moved {
            let from = match moved.state {
                State::Pending => Account::Pending,
                State::Available => Account::Available,
            };
            self.line(from, name, -moved.points)?;
            self.line(to, name, moved.points)?;
            self.touched(name, moved.lot, false);
        }
        Ok(())
    }

    pub(super) fn allocate(&mut self, wallet: &WalletName, lot: i64, points: i64, order: Option<&OrderId>) {
        let allocation = Allocation { wallet: wallet.clone(), lot, points: Points(points), order: order.cloned() };
        self.entry.allocations.push(allocation);
    }

    /// Adds to the entry's line of this wallet and account.
    pub(super) fn line(&mut self, account: Account, wallet: &WalletName, amount: i64) -> Result<(), Refusal> {
        let lines = &mut self.entry.postings;
        if let Some(line) = lines.iter_mut().find(|line| line.account == account && line.wallet == *wallet) {
            line.amount = line.amount.plus(Points(amount)).ok_or_else(|| overflow(wallet))?;
        } else {
            lines.push(PostingLine { account, wallet: wallet.clone(), amount: Points(amount) });
        }
        Ok(())
    }

    /// Keeps the lot's latest image among the entry's rows.
    pub(super) fn touched(&mut self, name: &WalletName, sequence: i64, is_new: bool) {
        let Some(lot) = self.wallet(name).lot(sequence).cloned() else { return };
        let rows = &mut self.entry.lots;
        match rows.iter_mut().find(|row| row.wallet == *name && row.lot.sequence == sequence) {
            Some(row) => row.lot = lot,
            None => rows.push(LotRow { wallet: name.clone(), lot, is_new }),
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

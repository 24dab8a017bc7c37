//! A member's books while a batch is decided: balances, lots, orders, parked refunds. Pure: no store, no clock.
//!
//! [`MemberState::post`] carries out what the rules decided, as far as the balance allows, and returns the rows that it
//! changed as a value. Nothing here reads a store, and nothing decides how many points an event is worth.

mod applied;
mod budget;
mod debt;
mod draft;
mod due;
mod erase;
mod hold;
mod idle;
mod member;
mod merge;
mod payment;
mod post;
mod refund;
mod reinstate;
mod reward;
mod tally;
mod tier;
mod transfer;
mod wallet;
mod warn;

use std::collections::{BTreeMap, BTreeSet};

use contract::decision::{Facts, HoldState, OrderState, Reads};
use contract::event::Event;
use contract::tally::Tally;
use contract::{HoldId, MemberId, OrderId, WalletName};

use crate::merge::Shared;

pub use applied::{
    Account, Allocation, Applied, Entry, EntryKind, HeldLot, HoldRow, LotRow, NewAward, OrderChange, Outcome, OwedLine,
    Parking, Payment, PostingLine,
};
pub(crate) use budget::add as add_budgets;
pub use debt::Owed;
pub use due::Settling;
pub use erase::{Erased, TurningAway};
pub(crate) use hold::HoldBook;
pub use idle::{EndedLots, IdleEnd, Idling};
pub use member::{Frozen, Standing};
pub use merge::{Both, Merged, Merging};
pub(crate) use payment::Payments;
pub(crate) use post::in_turn;
pub use post::{GivingUp, Posting};
pub use reward::{Granted, RewardChange, RewardRules, Rewarding};
pub use tally::{AwardChange, TallyRow};
pub(crate) use tally::{TalliedAward, Tallies};
pub(crate) use tier::TierBook;
pub use tier::{Counted, Counting, TierLine, TierRules, TiersWanted};
pub use transfer::{Carrying, Transiting};
pub use wallet::{Balances, Lot, WalletState};

/// One member, as far as it was loaded for a batch.
#[derive(Debug, Clone, Default)]
pub struct MemberState {
    pub(crate) wallets: BTreeMap<WalletName, WalletState>,
    pub(crate) orders: BTreeMap<OrderId, OrderBook>,
    pub(crate) parked: BTreeMap<OrderId, Vec<Event>>,
    pub(crate) holds: BTreeMap<HoldId, HoldBook>,
    /// What paid for orders, also for such whose purchase is still to come.
    pub(crate) payments: BTreeMap<OrderId, Payments>,
    /// What rules count over several events.
    pub(crate) tallies: Tallies,
    /// Their tiers, where the programme has any.
    pub(crate) tiers: TierBook,
    /// Whether only what was promised may leave.
    pub(crate) frozen: Option<Frozen>,
    /// Whether nothing happens under their name any more.
    pub(crate) erased: bool,
    /// What keeps them from becoming the member into whom they are to be merged.
    pub(crate) shared: Vec<(Shared, String)>,
    /// Other names of theirs, of those to whom the batch sends points.
    pub(crate) aliases: BTreeSet<MemberId>,
}

/// An order with what its refunds need to know of lots.
#[derive(Debug, Clone)]
pub(crate) struct OrderBook {
    pub(crate) state: OrderState,
    /// Lots that its awards made.
    pub(crate) lots: Vec<(WalletName, i64)>,
    /// What its refunds took from lots and did not give back, in the order in which it was taken; without what is owed.
    pub(crate) taken: Vec<Taken>,
}

/// Points that a refund, or a redemption or capture for an order, took from a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) wallet: WalletName,
    pub(crate) lot: i64,
    pub(crate) points: i64,
}

impl MemberState {
    /// The sums that an event reads, of somebody of whom nothing was counted before.
    pub(crate) fn count_from_nought(&mut self, reads: &Reads) {
        self.tallies.sums.extend(reads.tallies.iter().map(|key| (key.clone(), Tally::default())));
    }

    /// Since when the member is frozen, if they are.
    #[must_use]
    pub fn frozen(&self) -> Option<&Frozen> {
        self.frozen.as_ref()
    }

    /// What the rules may see of the member for an event that reads this.
    #[must_use]
    pub fn facts(&self, reads: &Reads) -> Facts<'_> {
        let order = reads.order.as_ref();
        Facts {
            order: order.and_then(|order| self.order(order)),
            hold: reads.hold.as_ref().and_then(|hold| self.hold(hold)),
            paid: order.and_then(|order| self.payments.get(order)).map(|payments| &payments.paid),
            rooms: None,
            is_awaited: false,
            tier: None,
            tallies: Some(&self.tallies.sums),
        }
    }

    /// A hold, if there ever was one of this name.
    #[must_use]
    pub fn hold(&self, hold: &HoldId) -> Option<&HoldState> {
        self.holds.get(hold).map(|book| &book.state)
    }

    /// An order, if its purchase came.
    #[must_use]
    pub fn order(&self, order: &OrderId) -> Option<&OrderState> {
        self.orders.get(order).map(|book| &book.state)
    }

    /// Refunds that wait for this order's purchase, in the order in which they are to be decided once it is posted.
    #[must_use]
    pub fn parked(&self, order: &OrderId) -> &[Event] {
        self.parked.get(order).map_or(&[], Vec::as_slice)
    }

    /// A wallet's balances; noughts when it was never used.
    #[must_use]
    pub fn balances(&self, wallet: &WalletName) -> Balances {
        self.wallets.get(wallet).map(|state| state.balances).unwrap_or_default()
    }

    /// A wallet's loaded lots, in burn order.
    #[must_use]
    pub fn lots(&self, wallet: &WalletName) -> &[Lot] {
        self.wallets.get(wallet).map_or(&[], |state| state.lots.as_slice())
    }
}

//! Points that end together, when the member did nothing for long enough: an activity puts off the end of all of them at once.
//!
//! Their end stands once, with the wallet, so that an activity of a member with ten thousand lots changes one row. It never comes nearer:
//! the order in which events are heard of does not matter, and a programme that shortens the time does so from the next activity on.

use contract::WalletName;
use contract::decision::Dates;
use jiff::Timestamp;

use super::MemberState;
use super::draft::Draft;
use super::hold::HoldBook;
use super::wallet::WalletState;

/// A wallet whose lots that idle have another end now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleEnd {
    /// Which wallet.
    pub wallet: WalletName,
    /// From when on they are gone.
    pub at: Timestamp,
    /// Lots that had ended before, at their own time: no activity brings them back.
    pub ended: Option<EndedLots>,
}

/// Lots that idled and whose end has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedLots {
    /// All that idled, up to this sequence.
    pub upto: i64,
    /// When they ended.
    pub at: Timestamp,
}

/// What moves the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moves {
    /// An activity.
    Activity,
    /// Points that came in by something else: they end with the others, if there is an end to come.
    NewLot,
}

impl WalletState {
    /// Something at a time would alone lead to this end; answers the lots that had ended by then, if any may have.
    fn idle_until(&mut self, (at, end): (Timestamp, Timestamp), moves: Moves) -> Option<EndedLots> {
        let Some(stands) = self.idle else {
            self.idle = Some(end);
            return None;
        };
        if stands > at {
            if moves == Moves::Activity && end > stands {
                self.idle = Some(end);
                self.in_burn_order();
            }
            return None;
        }
        for lot in self.lots.iter_mut().filter(|lot| lot.idles) {
            lot.idles = false;
        }
        self.idle = Some(end);
        Some(EndedLots { upto: self.last_lot, at: stands })
    }
}

impl Draft<'_, '_> {
    /// The event is an activity.
    pub(super) fn active(&mut self) {
        for (name, end) in self.posting.active {
            self.idle_until(name, *end, Moves::Activity);
        }
    }

    /// A lot is about to be made that ends with the wallet's others.
    pub(super) fn idles(&mut self, name: &WalletName, dates: Dates) {
        if let Some(end) = dates.expires.filter(|_| dates.idles) {
            self.idle_until(name, end, Moves::NewLot);
        }
    }

    fn idle_until(&mut self, name: &WalletName, end: Timestamp, moves: Moves) {
        let at = self.posting.event.occurred_at;
        if let Some(ended) = self.wallet(name).idle_until((at, end), moves) {
            self.ended.insert(name.clone(), ended);
        }
    }

    /// When points of these dates end, as things stand now.
    pub(super) fn ends(&mut self, name: &WalletName, dates: Dates) -> Option<Timestamp> {
        if dates.idles { self.wallet(name).idle } else { dates.expires }
    }
}

impl MemberState {
    /// Parts of holds stand in the order in which their lots burn, as they would be loaded.
    pub(super) fn holds_in_burn_order(&mut self, name: &WalletName) {
        let Some(wallet) = self.wallets.get(name) else { return };
        let place = |lot: i64| wallet.lots.iter().position(|known| known.sequence == lot).unwrap_or(usize::MAX);
        for HoldBook { lots, .. } in self.holds.values_mut().filter(|book| book.state.wallet == *name) {
            lots.sort_by_key(|held| place(held.lot));
        }
    }
}

//! Points that end together, when the member did nothing for long enough: an activity puts off the end of all of them at once.
//!
//! Their end stands once, with the wallet, so that an activity of a member with ten thousand lots changes one row. It never comes nearer:
//! the order in which events are heard of does not matter, and a programme that shortens the time does so from the next activity on.

use contract::WalletName;
use contract::decision::{Dates, IdlesUntil};
use jiff::Timestamp;

use super::MemberState;
use super::draft::Draft;
use super::hold::HoldBook;
use super::wallet::WalletState;

/// When the lots of a wallet end that idle, and what was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idling {
    /// From when on they are gone.
    pub ends: Timestamp,
    /// When the member is to be warned of this end; `None`: never.
    pub warns: Option<Timestamp>,
    /// Whether they were.
    pub warned: bool,
}

impl From<IdlesUntil> for Idling {
    fn from(IdlesUntil { end, warns }: IdlesUntil) -> Self {
        Self { ends: end, warns, warned: false }
    }
}

/// A wallet whose lots that idle have another end now, or whose end was warned of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleEnd {
    /// Which wallet.
    pub wallet: WalletName,
    /// The end as it stands now.
    pub idling: Idling,
    /// Lots that had ended before, at their own time: no activity brings them back.
    pub ended: Option<EndedLots>,
}

/// Lots that idled and whose end has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedLots {
    /// All that idled, later ones than this,
    pub after: i64,
    /// and up to this sequence.
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
    fn idle_until(&mut self, (at, until): (Timestamp, IdlesUntil), moves: Moves) -> Option<EndedLots> {
        let Some(stands) = self.idles_until() else {
            self.idle = Some(until.into());
            return None;
        };
        if stands > at {
            if moves == Moves::Activity && until.end > stands {
                // Another end, to be warned of anew.
                self.idle = Some(until.into());
                self.in_burn_order();
            }
            return None;
        }
        for lot in self.lots.iter_mut().filter(|lot| lot.idles) {
            lot.idles = false;
        }
        self.idle = Some(until.into());
        Some(EndedLots { after: 0, upto: self.last_lot, at: stands })
    }

    /// From when on the lots that idle are gone.
    pub(super) fn idles_until(&self) -> Option<Timestamp> {
        self.idle.map(|idle| idle.ends)
    }
}

impl Draft<'_, '_> {
    /// The event is an activity.
    pub(super) fn active(&mut self) {
        for (name, until) in self.posting.active {
            self.idle_until(name, *until, Moves::Activity);
        }
    }

    /// A lot is about to be made that ends with the wallet's others.
    pub(super) fn idles(&mut self, name: &WalletName, dates: Dates) {
        if let Some(end) = dates.expires.filter(|_| dates.idles) {
            self.idle_until(name, IdlesUntil { end, warns: dates.warns }, Moves::NewLot);
        }
    }

    fn idle_until(&mut self, name: &WalletName, until: IdlesUntil, moves: Moves) {
        let at = self.posting.event.occurred_at;
        if let Some(ended) = self.wallet(name).idle_until((at, until), moves) {
            self.ended.insert(name.clone(), ended);
        }
    }

    /// When points of these dates end, as things stand now.
    pub(super) fn ends(&mut self, name: &WalletName, dates: Dates) -> Option<Timestamp> {
        if dates.idles { self.wallet(name).idles_until() } else { dates.expires }
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

//! Transfers: points leave the sender, and arrive at the receiver or come back. Three entries at most, each of one member.

use std::collections::BTreeMap;

use contract::decision::{Dates, Decision};
use contract::event::Event;
use contract::result::{RejectReason, ResultBody};
use contract::ruleset::{Ruleset, RulesetHash};
use contract::{MemberId, PipelineName, Points, Refusal, WalletName};

use super::applied::{Account, Applied, EntryKind, Outcome};
use super::draft::{Draft, overflow, text, unfit};
use super::member::TurnedDown;
use super::post::Posting;
use super::{Balances, Lot, MemberState};
use crate::transit::{Transit, TransitKey, TransitPart};

/// What an event changes of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transiting {
    /// It is under way from now on.
    Sent {
        /// To whom.
        to: MemberId,
        /// Of which wallet.
        wallet: WalletName,
        /// How many.
        points: Points,
        /// What left each lot, in burn order.
        parts: Vec<TransitPart>,
    },
    /// It could not arrive, and is to come back.
    Refused(TransitKey),
    /// It has arrived.
    Arrived(TransitKey),
    /// It has come back.
    Returned(TransitKey),
}

/// A transfer that goes on.
#[derive(Debug, Clone, Copy)]
pub struct Carrying<'a> {
    /// Whose ledger.
    pub pipeline: &'a PipelineName,
    /// What is under way.
    pub transit: &'a Transit,
    /// As [`Transit::event`] gives it, but that its member is the one whom it touches by now.
    pub event: &'a Event,
    /// The rule set of the time when it was sent.
    pub ruleset_hash: &'a RulesetHash,
    /// The same, for the scales of its wallets.
    pub ruleset: &'a Ruleset,
}

impl MemberState {
    /// Lets points arrive, or turns them down, or lets them come back; and carries the state on.
    ///
    /// A [`Refusal`] says that the points do not fit where they go; the state is then as before.
    pub fn carry(&mut self, carrying: Carrying<'_>) -> Result<Applied, Refusal> {
        let Carrying { pipeline, transit, event, ruleset_hash, ruleset } = carrying;
        let sums = transit.parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.points.0));
        let points = Points(sums.filter(|sum| *sum > 0).ok_or_else(|| overflow(&transit.wallet))?);
        let decision = Decision::Transfer { to: transit.to.clone(), wallet: transit.wallet.clone(), points };
        // To be sent something is no activity.
        // The member whom it touches may be another one by now; the event stays what it was.
        let hash = transit.event().map_or_else(|_| event.content_hash(), |said| said.content_hash());
        let nothing = BTreeMap::new();
        let mut draft = Draft::new(
            self,
            Posting { pipeline, event, hash, decision: &decision, active: &nothing, ruleset_hash, ruleset },
        );
        let outcome = match transit.is_refused {
            false => draft.arrive(transit, points)?,
            true if draft.state.erased => draft.come_back_to_nobody(transit, points)?,
            true => draft.come_back(transit, points)?,
        };
        draft.tell_repaid()?;
        Ok(draft.finish(outcome))
    }
}

impl Draft<'_, '_> {
    pub(super) fn transfer(
        &mut self,
        to: &MemberId,
        (wallet, points): (&WalletName, Points),
    ) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::TransferOut;
        if points.0 <= 0 {
            return Err(unfit("a transfer must be of more than 0 points"));
        }
        let scale = self.scale(wallet)?;
        // What names one member twice is no event at all: of these, one name was another member's once.
        if *to == self.posting.event.member || self.state.aliases.contains(to) {
            let (points, available) = (text(points, scale), self.available(wallet)?);
            let (wallet, reason) = (wallet.clone(), RejectReason::SameMember);
            self.bodies.push(ResultBody::TransferRejected { wallet, points, available, missing: None, reason });
            return Ok(Outcome::Rejected);
        }
        if let Some(TurnedDown { points, available, missing, reason }) = self.turned_down(wallet, points)? {
            let wallet = wallet.clone();
            self.bodies.push(ResultBody::TransferRejected { wallet, points, available, missing, reason });
            return Ok(Outcome::Rejected);
        }
        self.debit(wallet, points, Account::Transit)?;
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::TransferSent { wallet: wallet.clone(), points: text(points, scale), available });
        self.transit = Some(Transiting::Sent { to: to.clone(), wallet: wallet.clone(), points, parts: Vec::new() });
        Ok(Outcome::Applied)
    }

    /// What is sent keeps the ends that its lots have once the event is posted, itself an activity or not.
    pub(super) fn send_off(&mut self) {
        let Some(Transiting::Sent { wallet, parts, .. }) = &mut self.transit else { return };
        let Some(from) = self.wallets.get(wallet) else { return };
        for allocation in self.entry.allocations.iter().filter(|allocation| allocation.wallet == *wallet) {
            if let Some(lot) = from.lot(allocation.lot) {
                let Lot { sequence, expires, idles, .. } = *lot;
                // Whether the sender was warned is the sender's matter.
                let warns = if idles { from.idle.and_then(|idle| idle.warns) } else { lot.warns };
                parts.push(TransitPart { lot: sequence, points: allocation.points, expires, idles, warns });
            }
        }
    }

    /// One lot for each end: points end at the receiver's when they would have ended at the sender's.
    fn arrive(&mut self, transit: &Transit, points: Points) -> Result<Outcome, Refusal> {
        let Transit { key, wallet, .. } = transit;
        let scale = self.scale(wallet)?;
        if let Some(reason) = self.turns_away(wallet, points) {
            let (wallet, points) = (wallet.clone(), text(points, scale));
            self.bodies.push(ResultBody::TransferRefused { wallet, points, reason });
            self.transit = Some(Transiting::Refused(*key));
            return Ok(Outcome::Rejected);
        }
        self.entry.kind = EntryKind::TransferIn;
        let mut lots: BTreeMap<(bool, Dates), i64> = BTreeMap::new();
        for part in &transit.parts {
            // The receiver is warned like the sender, but not of a time before they had them.
            let warns = part.warns.map(|at| at.max(transit.at));
            let dates = Dates { activates: None, expires: part.expires, idles: part.idles, warns };
            // Their sum fits, and none is below nought.
            *lots.entry((part.expires.is_none(), dates)).or_default() += part.points.0;
        }
        for ((_, dates), points) in lots {
            self.credit(wallet, (Points(points), dates), Account::Transit)?;
        }
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::TransferReceived {
            wallet: wallet.clone(),
            points: text(points, scale),
            available,
        });
        self.transit = Some(Transiting::Arrived(*key));
        Ok(Outcome::Applied)
    }

    /// Why points cannot arrive.
    fn turns_away(&mut self, wallet: &WalletName, points: Points) -> Option<RejectReason> {
        if self.state.erased {
            return Some(RejectReason::MemberErased);
        }
        if self.state.frozen.is_some() {
            return Some(RejectReason::MemberFrozen);
        }
        let Balances { pending, available, held, .. } = self.wallet(wallet).balances;
        let all = pending.plus(available).and_then(|sum| sum.plus(held)?.plus(points));
        all.is_none().then_some(RejectReason::WalletFull)
    }

    /// Into the lots that they left, whether the sender is frozen meanwhile or not.
    fn come_back(&mut self, transit: &Transit, points: Points) -> Result<Outcome, Refusal> {
        let Transit { key, wallet, .. } = transit;
        self.entry.kind = EntryKind::TransferBack;
        let scale = self.scale(wallet)?;
        for part in &transit.parts {
            let points = part.points.0;
            // They could be spent when they were sent; should they have ended since, that is due now.
            self.wallet(wallet).give_spent(part.lot, points).map_err(|stuck| stuck.refuse(wallet))?;
            self.entry.line(Account::Transit, wallet, -points)?;
            self.entry.line(Account::Available, wallet, points)?;
            self.entry.allocate(wallet, part.lot, -points, None);
            self.fill_debt(wallet, part.lot)?;
            self.touched(wallet, part.lot, false);
        }
        let available = self.available(wallet)?;
        self.bodies.push(ResultBody::TransferReturned {
            wallet: wallet.clone(),
            points: text(points, scale),
            available,
        });
        self.transit = Some(Transiting::Returned(*key));
        Ok(Outcome::Applied)
    }
}

//! A member who is erased: what they have is forfeited, and from then on nothing happens under their name.
//!
//! Forfeited points end, as those do that nobody spends in time; what is owed is waived. Who the member was is the store's to forget.

use contract::Refusal;
use contract::event::{ContentHash, Event, Kind, Word};
use contract::result::{RejectReason, ResultBody, ResultEvent};
use contract::ruleset::RulesetHash;
use contract::{PipelineName, Points, WalletName};
use jiff::Timestamp;

use super::applied::{Account, Applied, EntryKind, Outcome};
use super::draft::{Draft, overflow, text};
use super::member::Standing;
use super::wallet::Stuck;
use super::{MemberState, Transiting};
use crate::store::Identity;
use crate::transit::Transit;

/// When a member was erased, why, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// When it happened.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
}

/// An event of a member who was erased.
#[derive(Debug, Clone, Copy)]
pub struct TurningAway<'a> {
    /// Whose ledger.
    pub pipeline: &'a PipelineName,
    /// The event.
    pub event: &'a Event,
    /// Its content hash.
    pub hash: ContentHash,
    /// The rule set of its time; it decides nothing.
    pub ruleset_hash: &'a RulesetHash,
}

impl MemberState {
    /// Whether the member was erased: each further event is to be turned away.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.erased
    }

    /// Nothing is done with the event; who waits for an answer to it gets one.
    #[must_use]
    pub fn turn_away(&self, away: TurningAway<'_>) -> Applied {
        let TurningAway { pipeline, event, hash, ruleset_hash } = away;
        let asks = !matches!(
            event.kind,
            Kind::Purchase(_) | Kind::Refund(_) | Kind::Signup | Kind::Custom(_) | Kind::OfOrder(_)
        );
        let body = asks.then(|| ResultBody::RequestRejected {
            asked: event.type_name().to_owned(),
            reason: RejectReason::MemberErased,
        });
        let (identity, whose) = (Identity::of(event), (&event.member, event.occurred_at));
        Applied {
            results: body.into_iter().map(|body| ResultEvent::of(pipeline, event, 0, body)).collect(),
            ..Applied::nothing((identity, hash), whose, ruleset_hash, Outcome::Erased)
        }
    }
}

impl Draft<'_, '_> {
    /// Holds have ended before ([`MemberState::settle_last`]), so that what a wallet has is pending or available.
    pub(super) fn erase(&mut self, word: &Word) -> Result<Outcome, Refusal> {
        self.entry.kind = EntryKind::Erase;
        let names: Vec<WalletName> = self.state.wallets.keys().cloned().collect();
        for name in names {
            let points = self.forfeit(&name)?;
            let debt = self.waive_debt(&name)?;
            if points.is_zero() && debt.is_zero() {
                continue;
            }
            let scale = self.scale(&name)?;
            let debt = (!debt.is_zero()).then(|| text(debt, scale));
            self.bodies.push(ResultBody::Forfeited { wallet: name, points: text(points, scale), debt });
        }
        let (at, Word { reason, author }) = (self.posting.event.occurred_at, word.clone());
        self.bodies.push(ResultBody::Erased { reason: reason.clone(), author: author.clone() });
        self.standing = Some(Standing::Erased(Erased { at, reason, author }));
        Ok(Outcome::Applied)
    }

    /// Ends every lot; answers how many points that were.
    fn forfeit(&mut self, name: &WalletName) -> Result<Points, Refusal> {
        let open = |lot: &&super::Lot| !lot.pending.is_zero() || !lot.available.is_zero();
        let lots: Vec<i64> = self.wallet(name).lots.iter().filter(open).map(|lot| lot.sequence).collect();
        let mut all = Points::ZERO;
        for lot in lots {
            let [pending, available] = self.wallet(name).expire(lot).map_err(|stuck| stuck.refuse(name))?;
            let points = pending.plus(available).ok_or_else(|| overflow(name))?;
            self.entry.line(Account::Pending, name, -pending.0)?;
            self.entry.line(Account::Available, name, -available.0)?;
            self.entry.line(Account::Expired, name, points.0)?;
            self.entry.allocate(name, lot, points.0, None);
            self.touched(name, lot, false);
            all = all.plus(points).ok_or_else(|| overflow(name))?;
        }
        let left = self.wallet(name).balances;
        if left.pending.is_zero() && left.available.is_zero() && left.held.is_zero() {
            return Ok(all);
        }
        Err(Stuck::LotsMissing.refuse(name))
    }

    /// What the member owes is waived: fewer points were clawed back than it was said.
    fn waive_debt(&mut self, name: &WalletName) -> Result<Points, Refusal> {
        let wallet = self.wallet(name);
        let debt = std::mem::take(&mut wallet.balances.debt);
        wallet.owed.clear();
        self.entry.line(Account::Debt, name, debt.0)?;
        self.entry.line(Account::Clawed, name, -debt.0)?;
        Ok(debt)
    }

    /// Points that come back to one who was erased are forfeited on the way: they enter no lot any more.
    pub(super) fn come_back_to_nobody(&mut self, transit: &Transit, points: Points) -> Result<Outcome, Refusal> {
        let Transit { key, wallet, .. } = transit;
        self.entry.kind = EntryKind::TransferBack;
        self.entry.line(Account::Transit, wallet, -points.0)?;
        self.entry.line(Account::Expired, wallet, points.0)?;
        let scale = self.scale(wallet)?;
        let (wallet, points) = (wallet.clone(), text(points, scale));
        self.bodies.push(ResultBody::Forfeited { wallet, points, debt: None });
        self.transit = Some(Transiting::Returned(*key));
        Ok(Outcome::Applied)
    }
}

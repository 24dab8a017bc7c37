//! What is said of a member and not of their points: whether any of them may leave.
//!
//! A member who is frozen goes on to earn, and what refunds, ends and corrections ask for goes on as well; what was promised by a hold
//! before can be captured or released. Only new spending is turned down. What counts is the order in which the ledger hears of it: a
//! redemption that comes after the freeze is turned down whatever its own time, or an old date would be the way around it.

use contract::event::Word;
use contract::result::{RejectReason, ResultBody};
use contract::{Points, Refusal, WalletName};
use jiff::Timestamp;

use super::applied::Outcome;
use super::draft::{Draft, text};
use super::{Erased, MemberState, Merged};

/// Since when a member is frozen, why, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// When it happened.
    pub since: Timestamp,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
}

/// What an event changes of whether a member is frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The member is frozen from now on.
    Frozen(Frozen),
    /// The member is frozen no longer.
    Free,
    /// The member is forgotten.
    Erased(Erased),
    /// The member is another one.
    Merged(Merged),
}

/// Why points cannot leave, as it is told.
pub(super) struct TurnedDown {
    /// How many were asked for.
    pub(super) points: String,
    /// How many there are.
    pub(super) available: String,
    /// How many are missing, where that is the reason.
    pub(super) missing: Option<String>,
    pub(super) reason: RejectReason,
}

impl MemberState {
    pub(super) fn stand(&mut self, standing: &Standing) {
        self.frozen = match standing {
            Standing::Frozen(frozen) => Some(frozen.clone()),
            Standing::Free | Standing::Erased(_) | Standing::Merged(_) => None,
        };
        self.erased |= matches!(standing, Standing::Erased(_));
    }
}

impl Draft<'_, '_> {
    pub(super) fn freeze(&mut self, word: &Word) -> Outcome {
        if let Some(Frozen { since, .. }) = self.state.frozen {
            let reason = RejectReason::MemberFrozen;
            self.bodies.push(ResultBody::FreezeRejected { frozen_at: since, reason });
            return Outcome::Rejected;
        }
        let Word { reason, author } = word.clone();
        self.bodies.push(ResultBody::Frozen { reason: reason.clone(), author: author.clone() });
        self.standing = Some(Standing::Frozen(Frozen { since: self.posting.event.occurred_at, reason, author }));
        Outcome::Applied
    }

    pub(super) fn unfreeze(&mut self, word: &Word) -> Outcome {
        let Some(Frozen { since, .. }) = self.state.frozen else {
            self.bodies.push(ResultBody::UnfreezeRejected { reason: RejectReason::MemberNotFrozen });
            return Outcome::Rejected;
        };
        let Word { reason, author } = word.clone();
        self.bodies.push(ResultBody::Unfrozen { reason, author, frozen_at: since });
        self.standing = Some(Standing::Free);
        Outcome::Applied
    }

    /// Whether so many points may leave this wallet; if not, why.
    pub(super) fn turned_down(&mut self, wallet: &WalletName, points: Points) -> Result<Option<TurnedDown>, Refusal> {
        let (reason, missing) = match self.missing(wallet, points) {
            _ if self.state.frozen.is_some() => (RejectReason::MemberFrozen, None),
            Some(missing) => (RejectReason::InsufficientBalance, Some(missing)),
            None => return Ok(None),
        };
        let (scale, available) = (self.scale(wallet)?, self.available(wallet)?);
        let missing = missing.map(|missing| text(missing, scale));
        Ok(Some(TurnedDown { points: text(points, scale), available, missing, reason }))
    }
}

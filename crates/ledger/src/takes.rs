//! Which lots an event may consume.

use contract::event::{Event, Kind};
use contract::ruleset::Ruleset;
use contract::{MemberId, OrderId, Points, WalletName};

/// Which lots an event may consume: no more are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes {
    /// None: it only earns.
    Nothing,
    /// So many points of a wallet, in burn order.
    UpTo {
        /// Which wallet.
        wallet: WalletName,
        /// > 0.
        points: Points,
    },
    /// What an order was awarded, from wherever it lies.
    Refund {
        /// The refunded order.
        order: OrderId,
    },
    /// Whatever the member has, held or not.
    All,
    /// All that the member has, to give it to this one.
    Merge {
        /// To whom.
        into: MemberId,
    },
    /// The same, of the one who gets it. Of whom nobody has heard is not made by it.
    Merged,
    /// None, but what has ended of a wallet may be given back.
    Ended {
        /// Which wallet.
        wallet: WalletName,
    },
    /// None, but these lots get some back.
    Lots {
        /// Of which wallet.
        wallet: WalletName,
        /// Their sequences.
        lots: Vec<i64>,
    },
}

impl Takes {
    /// What an event can take under a rule set. Points that are finer than the wallet or beyond it take nothing: the rules refuse them.
    #[must_use]
    pub fn of(event: &Event, ruleset: &Ruleset) -> Self {
        let (wallet, points) = match &event.kind {
            Kind::Refund(refund) => return Self::Refund { order: refund.order.clone() },
            Kind::Redeem(redeem) => (redeem.wallet.as_ref(), redeem.points.get()),
            Kind::Hold(hold) => (hold.wallet.as_ref(), hold.points.get()),
            Kind::Transfer(transfer) => (transfer.wallet.as_ref(), transfer.points.get()),
            Kind::Erase(_) => return Self::All,
            Kind::Merge(merge) => return Self::Merge { into: merge.into.clone() },
            Kind::Reinstate(reinstate) => {
                let wallet = ruleset.wallet(reinstate.wallet.as_ref());
                return wallet.map_or(Self::Nothing, |wallet| Self::Ended { wallet: wallet.name.clone() });
            }
            Kind::Adjust(adjust) if adjust.points.is_sign_negative() => (adjust.wallet.as_ref(), -adjust.points),
            _ => return Self::Nothing,
        };
        let Some(wallet) = ruleset.wallet(wallet) else { return Self::Nothing };
        match Points::from_decimal(points, wallet.scale) {
            Some(points) => Self::UpTo { wallet: wallet.name.clone(), points },
            None => Self::Nothing,
        }
    }
}

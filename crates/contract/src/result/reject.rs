//! Why something was turned down.

use serde::{Deserialize, Serialize};

/// Why a request was turned down; it was decided all the same, and stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RejectReason {
    /// Fewer points are available than asked for.
    InsufficientBalance,
    /// The member is frozen: points of theirs come in, and none leave.
    MemberFrozen,
    /// The member was erased: nothing happens under their name any more.
    MemberErased,
    /// The member was merged into another one before; say it of that one.
    MemberMerged,
    /// Both names are the same member's by now.
    SameMember,
    /// Nothing is known of the member into whom another one was to be merged.
    UnknownMember,
    /// Both members have orders of the same name, so that a refund could mean either.
    SameOrders,
    /// A refund, or another activity of an order, waits in the name of the one for an order that the other has.
    RefundWaits,
    /// Both members had holds of the same name.
    SameHolds,
    /// Points that the member sent have neither arrived nor come back yet; ask again in a moment.
    TransferUnderWay,
    /// With these points the member would have more than a wallet can hold.
    WalletFull,
    /// The member is not frozen.
    MemberNotFrozen,
    /// The member has had a hold of this name before; give each its own.
    DuplicateHold,
    /// The member has never had a hold of this name.
    UnknownHold,
    /// The hold has fewer points than were asked for.
    MoreThanHeld,
    /// Fewer points of the member have ended than were to be given back.
    MoreThanExpired,
    /// The member has a higher tier.
    HigherTier,
    /// The hold has ended: a capture took what it had.
    HoldCaptured,
    /// The hold has ended: its points were set free.
    HoldReleased,
    /// The hold has ended: its time came.
    HoldExpired,
}

//! Results: events that we publish. Their ids follow from the identity of what caused them, so that a reader can drop doubles.

mod envelope;
mod event;
mod identity;
mod merge;
mod name;
mod part;
mod reinstate;
mod reject;
mod tier;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{BudgetName, EventType, HoldId, MemberId, OrderId, RewardName, RuleName, WalletName};

pub use envelope::CLOUD_EVENT_JSON;
pub use event::ResultEvent;
pub use merge::{MergeRejected, PointsMerged};
pub use part::{AwardPart, Cause};
pub use reinstate::{ReinstatementRejected, Restored};
pub use reject::RejectReason;
pub use tier::{Promoted, PromotionRejected, TierChange, TierReason};

/// What came out; all points are decimal strings at the wallet's scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all_fields = "camelCase")]
pub enum ResultBody {
    /// Points came in because of an activity.
    #[serde(rename = "points.earned")]
    Earned {
        /// Into which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
        /// The order, if it was a purchase.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
        /// From when on they can be spent, if not at once: until then `available` is without them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activates_at: Option<Timestamp>,
        /// The activity of the order with which they can be spent, if it comes before `activatesAt`, or where that is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activates_with: Option<EventType>,
        /// From when on they are gone, if ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// Which rules gave how much.
        awards: Vec<AwardPart>,
    },
    /// A rule gave less than it would have, or nothing, because its budget had no more.
    #[serde(rename = "budget.exhausted")]
    BudgetExhausted {
        /// Which budget.
        budget: BudgetName,
        /// Which rule.
        rule: RuleName,
        /// Into which wallet.
        wallet: WalletName,
        /// How many points it gave; "0": none.
        points: String,
        /// How many it would have given.
        wanted: String,
        /// The order, if it was a purchase.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<OrderId>,
    },
    /// Points that were pending can be spent now.
    #[serde(rename = "points.activated")]
    Activated {
        /// In which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
    },
    /// Points will end unless somebody spends them: a warning, which moves nothing.
    #[serde(rename = "points.expiring")]
    Expiring {
        /// In which wallet.
        wallet: WalletName,
        /// How many, those that still wait included and those that a hold has not.
        points: String,
        /// Balance, of all ends.
        available: String,
        /// From when on they are gone.
        expires_at: Timestamp,
        /// The last day on which they can be spent, in the programme's time zone.
        last_day: Date,
    },
    /// Points ended that nobody spent.
    #[serde(rename = "points.expired")]
    Expired {
        /// In which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
    },
    /// Points were taken back after a refund.
    #[serde(rename = "points.clawedback")]
    ClawedBack {
        /// From which wallet.
        wallet: WalletName,
        /// How many were taken now.
        points: String,
        /// How many could not be taken and will not be asked for again.
        waived: String,
        /// How many were due but had expired already, so that no others are taken for them; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired: Option<String>,
        /// How many could not be taken and are owed: the next points that can be spent pay for them; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owed: Option<String>,
        /// Balance after.
        available: String,
        /// The refunded order.
        order: OrderId,
    },
    /// Points that an earlier refund took were given back, because a later one left less due.
    #[serde(rename = "points.reinstated")]
    Reinstated {
        /// Into which wallet.
        wallet: WalletName,
        /// How many; "0" when less due only made less waived.
        points: String,
        /// How many of the points that were waived before are no longer due.
        waived: String,
        /// How many are no longer due, but have expired since they were earned; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired: Option<String>,
        /// How many are no longer due and were still owed, so that they are not any more; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owed: Option<String>,
        /// Balance after.
        available: String,
        /// The refunded order.
        order: OrderId,
    },
    /// Points that had paid for an order came back, because of its return.
    #[serde(rename = "points.returned")]
    Returned {
        /// Into which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
        /// The returned order.
        order: OrderId,
        /// Until when those can be spent whose own end would have come sooner; absent: there are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// Points that could have been spent from now on paid off what was owed instead.
    #[serde(rename = "debt.repaid")]
    Repaid {
        /// In which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Still owed after.
        debt: String,
        /// Balance after.
        available: String,
    },
    /// Points were spent.
    #[serde(rename = "redemption.accepted")]
    RedemptionAccepted {
        /// From which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
    },
    /// Points were turned into a reward by themselves.
    #[serde(rename = "reward.granted")]
    RewardGranted {
        /// What the member gets.
        reward: RewardName,
        /// From which wallet.
        wallet: WalletName,
        /// How many points it took.
        points: String,
        /// Balance after.
        available: String,
    },
    /// Points could not be spent.
    #[serde(rename = "redemption.rejected")]
    RedemptionRejected {
        /// From which wallet.
        wallet: WalletName,
        /// How many were asked for.
        points: String,
        /// Balance.
        available: String,
        /// How many are missing, what is owed included, if that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<String>,
        /// Why.
        reason: RejectReason,
    },
    /// Points were reserved.
    #[serde(rename = "hold.accepted")]
    HoldAccepted {
        /// Under which name.
        hold: HoldId,
        /// From which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after, without them.
        available: String,
        /// When the hold ends by itself, if ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// Points could not be reserved.
    #[serde(rename = "hold.rejected")]
    HoldRejected {
        /// Under which name.
        hold: HoldId,
        /// From which wallet.
        wallet: WalletName,
        /// How many were asked for.
        points: String,
        /// Balance.
        available: String,
        /// How many are missing, if that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<String>,
        /// Why.
        reason: RejectReason,
    },
    /// Reserved points were spent.
    #[serde(rename = "hold.captured")]
    HoldCaptured {
        /// Of which hold.
        hold: HoldId,
        /// Of which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// How many of the rest can be spent again; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        released: Option<String>,
        /// How many of the rest outlived their own time while they were held, and are gone; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired: Option<String>,
        /// How many the hold still has; "0": it has ended.
        held: String,
        /// Balance after.
        available: String,
    },
    /// A capture was turned down; the hold is as it was.
    #[serde(rename = "capture.rejected")]
    CaptureRejected {
        /// Of which hold.
        hold: HoldId,
        /// Of which wallet, if there is such a hold.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wallet: Option<WalletName>,
        /// How many were asked for; absent: all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        points: Option<String>,
        /// How many the hold has, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held: Option<String>,
        /// How many are missing, if that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<String>,
        /// Why.
        reason: RejectReason,
    },
    /// Reserved points were set free because somebody said so.
    #[serde(rename = "hold.released")]
    HoldReleased {
        /// Which hold.
        hold: HoldId,
        /// Of which wallet.
        wallet: WalletName,
        /// How many can be spent again.
        points: String,
        /// How many outlived their own time while they were held, and are gone; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired: Option<String>,
        /// Balance after.
        available: String,
    },
    /// A release was turned down.
    #[serde(rename = "release.rejected")]
    ReleaseRejected {
        /// Of which hold.
        hold: HoldId,
        /// Why.
        reason: RejectReason,
    },
    /// Reserved points were set free because the hold's time came.
    #[serde(rename = "hold.expired")]
    HoldExpired {
        /// Which hold.
        hold: HoldId,
        /// Of which wallet.
        wallet: WalletName,
        /// How many can be spent again.
        points: String,
        /// How many outlived their own time while they were held, and are gone; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expired: Option<String>,
        /// Balance after.
        available: String,
    },
    /// A person corrected the balance.
    #[serde(rename = "points.adjusted")]
    Adjusted {
        /// Which wallet.
        wallet: WalletName,
        /// Signed.
        points: String,
        /// Balance after.
        available: String,
        /// Why, as the author said.
        reason: String,
        /// Who.
        author: String,
        /// When they can be spent, if the author named a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activates_at: Option<Timestamp>,
        /// When they end, if the author named a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    /// A correction would have left a negative balance.
    #[serde(rename = "adjustment.rejected")]
    AdjustmentRejected {
        /// Which wallet.
        wallet: WalletName,
        /// Signed, as asked for.
        points: String,
        /// Balance.
        available: String,
        /// How many are missing, what is owed included.
        missing: String,
        /// Why.
        reason: RejectReason,
    },
    /// A person gave points back that had ended.
    #[serde(rename = "points.restored")]
    Restored(Restored),
    /// Fewer points had ended than were to be given back.
    #[serde(rename = "reinstatement.rejected")]
    ReinstatementRejected(ReinstatementRejected),
    /// Points are on their way to another member.
    #[serde(rename = "transfer.sent")]
    TransferSent {
        /// From which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
    },
    /// Points could not be sent to another member.
    #[serde(rename = "transfer.rejected")]
    TransferRejected {
        /// From which wallet.
        wallet: WalletName,
        /// How many were asked for.
        points: String,
        /// Balance.
        available: String,
        /// How many are missing, what is owed included, if that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<String>,
        /// Why.
        reason: RejectReason,
    },
    /// Points of another member came in.
    #[serde(rename = "transfer.received")]
    TransferReceived {
        /// Into which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
    },
    /// Points of another member could not come in, and go back.
    #[serde(rename = "transfer.refused")]
    TransferRefused {
        /// Into which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Why.
        reason: RejectReason,
    },
    /// Points that could not come in at the other member came back.
    #[serde(rename = "transfer.returned")]
    TransferReturned {
        /// Into which wallet.
        wallet: WalletName,
        /// How many.
        points: String,
        /// Balance after.
        available: String,
    },
    /// From now on no points of the member leave but those that were promised before.
    #[serde(rename = "member.frozen")]
    Frozen {
        /// Why, as the author said.
        reason: String,
        /// Who.
        author: String,
    },
    /// Points of the member may leave again.
    #[serde(rename = "member.unfrozen")]
    Unfrozen {
        /// Why, as the author said.
        reason: String,
        /// Who.
        author: String,
        /// Since when the member was frozen.
        frozen_at: Timestamp,
    },
    /// The member was frozen before, and stays so as it was said then.
    #[serde(rename = "freeze.rejected")]
    FreezeRejected {
        /// Since when the member is frozen.
        frozen_at: Timestamp,
        /// Why.
        reason: RejectReason,
    },
    /// The member was not frozen.
    #[serde(rename = "unfreeze.rejected")]
    UnfreezeRejected {
        /// Why.
        reason: RejectReason,
    },
    /// What a member had in a wallet is gone with them.
    #[serde(rename = "points.forfeited")]
    Forfeited {
        /// From which wallet.
        wallet: WalletName,
        /// How many, those that waited and those that could be spent.
        points: String,
        /// What they owed and what is waived now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        debt: Option<String>,
    },
    /// The member is forgotten.
    #[serde(rename = "member.erased")]
    Erased {
        /// Why, as the author said.
        reason: String,
        /// Who.
        author: String,
    },
    /// From now on the member is another one: what comes in their name is that one's.
    #[serde(rename = "member.merged")]
    Merged {
        /// Who has all of it.
        into: MemberId,
        /// Why, as the author said.
        reason: String,
        /// Who.
        author: String,
    },
    /// What a member had in a wallet who was merged into this one.
    #[serde(rename = "points.merged")]
    PointsMerged(PointsMerged),
    /// The member has another tier.
    #[serde(rename = "tier.changed")]
    TierChanged(TierChange),
    /// Somebody said which tier the member has.
    #[serde(rename = "member.promoted")]
    Promoted(Promoted),
    /// The member has a higher tier than the one that they were to have.
    #[serde(rename = "promotion.rejected")]
    PromotionRejected(PromotionRejected),
    /// Two members could not become one.
    #[serde(rename = "merge.rejected")]
    MergeRejected(MergeRejected),
    /// What was asked of a member who was erased before.
    #[serde(rename = "request.rejected")]
    RequestRejected {
        /// The type of the event.
        asked: String,
        /// Why.
        reason: RejectReason,
    },
}

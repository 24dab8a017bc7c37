//! What each result is called, on the exchange and in its envelope.

use super::ResultBody;

impl ResultBody {
    /// CloudEvents `type` and routing key at once.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Earned { .. } => "points.earned",
            Self::BudgetExhausted { .. } => "budget.exhausted",
            Self::Activated { .. } => "points.activated",
            Self::Expiring { .. } => "points.expiring",
            Self::Expired { .. } => "points.expired",
            Self::ClawedBack { .. } => "points.clawedback",
            Self::Reinstated { .. } => "points.reinstated",
            Self::Returned { .. } => "points.returned",
            Self::Repaid { .. } => "debt.repaid",
            Self::RedemptionAccepted { .. } => "redemption.accepted",
            Self::RewardGranted { .. } => "reward.granted",
            Self::RedemptionRejected { .. } => "redemption.rejected",
            Self::HoldAccepted { .. } => "hold.accepted",
            Self::HoldRejected { .. } => "hold.rejected",
            Self::HoldCaptured { .. } => "hold.captured",
            Self::CaptureRejected { .. } => "capture.rejected",
            Self::HoldReleased { .. } => "hold.released",
            Self::ReleaseRejected { .. } => "release.rejected",
            Self::HoldExpired { .. } => "hold.expired",
            Self::Adjusted { .. } => "points.adjusted",
            Self::AdjustmentRejected { .. } => "adjustment.rejected",
            Self::Restored(_) => "points.restored",
            Self::ReinstatementRejected(_) => "reinstatement.rejected",
            Self::TransferSent { .. } => "transfer.sent",
            Self::TransferRejected { .. } => "transfer.rejected",
            Self::TransferReceived { .. } => "transfer.received",
            Self::TransferRefused { .. } => "transfer.refused",
            Self::TransferReturned { .. } => "transfer.returned",
            Self::Frozen { .. } => "member.frozen",
            Self::Unfrozen { .. } => "member.unfrozen",
            Self::FreezeRejected { .. } => "freeze.rejected",
            Self::UnfreezeRejected { .. } => "unfreeze.rejected",
            Self::Forfeited { .. } => "points.forfeited",
            Self::Erased { .. } => "member.erased",
            Self::Merged { .. } => "member.merged",
            Self::PointsMerged(_) => "points.merged",
            Self::TierChanged(_) => "tier.changed",
            Self::MergeRejected { .. } => "merge.rejected",
            Self::RequestRejected { .. } => "request.rejected",
        }
    }
}

//! What each result is called, on the exchange and in its envelope.

use super::ResultBody;

impl ResultBody {
    /// All names, for whoever asks for one.
    pub const TYPES: [&str; 41] = [
        "points.earned",
        "budget.exhausted",
        "points.activated",
        "points.expiring",
        "points.expired",
        "points.clawedback",
        "points.reinstated",
        "points.returned",
        "debt.repaid",
        "redemption.accepted",
        "reward.granted",
        "redemption.rejected",
        "hold.accepted",
        "hold.rejected",
        "hold.captured",
        "capture.rejected",
        "hold.released",
        "release.rejected",
        "hold.expired",
        "points.adjusted",
        "adjustment.rejected",
        "points.restored",
        "reinstatement.rejected",
        "transfer.sent",
        "transfer.rejected",
        "transfer.received",
        "transfer.refused",
        "transfer.returned",
        "member.frozen",
        "member.unfrozen",
        "freeze.rejected",
        "unfreeze.rejected",
        "points.forfeited",
        "member.erased",
        "member.merged",
        "points.merged",
        "tier.changed",
        "member.promoted",
        "promotion.rejected",
        "merge.rejected",
        "request.rejected",
    ];

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
            Self::Promoted(_) => "member.promoted",
            Self::PromotionRejected(_) => "promotion.rejected",
            Self::MergeRejected(_) => "merge.rejected",
            Self::RequestRejected { .. } => "request.rejected",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ResultBody;

    #[test]
    fn every_result_has_its_name_among_all_of_them() {
        let arms: Vec<&str> =
            include_str!("name.rs").lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).collect();
        assert_eq!(arms, ResultBody::TYPES);
    }
}

//! Results in a few words: type, wallet, points, what is left or missing.

use contract::result::{MergeRejected, PointsMerged, ReinstatementRejected, Restored, ResultBody, ResultEvent};

#[expect(clippy::too_many_lines, reason = "a table with a line for each result")]
pub(crate) fn tell(result: &ResultEvent) -> String {
    match &result.body {
        ResultBody::Earned { wallet, points, available, .. } => format!("earned {points} {wallet}, {available}"),
        ResultBody::BudgetExhausted { budget, rule, points, wanted, .. } => {
            format!("budget {budget} gave {rule} {points} of {wanted}")
        }
        ResultBody::Activated { wallet, points, available } => format!("activated {points} {wallet}, {available}"),
        ResultBody::Expiring { wallet, points, available, last_day, .. } => {
            format!("expiring {points} {wallet} after {last_day}, {available}")
        }
        ResultBody::Expired { wallet, points, available } => format!("expired {points} {wallet}, {available}"),
        ResultBody::ClawedBack { wallet, points, waived, expired, owed, available, .. } => {
            let rest = some("expired", expired.as_deref()) + &some("owed", owed.as_deref());
            format!("clawed {points} {wallet}, waived {waived}{rest}, {available}")
        }
        ResultBody::Reinstated { wallet, points, waived, expired, owed, available, .. } => {
            let rest = some("expired", expired.as_deref()) + &some("no longer owed", owed.as_deref());
            format!("reinstated {points} {wallet}, unwaived {waived}{rest}, {available}")
        }
        ResultBody::Returned { wallet, points, available, expires_at, .. } => {
            let until = expires_at.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("returned {points} {wallet}{until}, {available}")
        }
        ResultBody::Repaid { wallet, points, debt, available } => {
            format!("repaid {points} {wallet}, owed {debt}, {available}")
        }
        ResultBody::RewardGranted { reward, points, available, .. } => {
            format!("reward {reward} for {points}, {available}")
        }
        ResultBody::RedemptionAccepted { wallet, points, available } => format!("spent {points} {wallet}, {available}"),
        ResultBody::RedemptionRejected { wallet, points, available, missing: Some(missing), .. } => {
            format!("rejected {points} {wallet}, {available}, missing {missing}")
        }
        ResultBody::RedemptionRejected { wallet, points, available, missing: None, reason } => {
            format!("rejected {points} {wallet}, {available}: {reason:?}")
        }
        ResultBody::TransferSent { wallet, points, available } => format!("sent {points} {wallet}, {available}"),
        ResultBody::TransferReceived { wallet, points, available } => {
            format!("received {points} {wallet}, {available}")
        }
        ResultBody::TransferReturned { wallet, points, available } => {
            format!("came back {points} {wallet}, {available}")
        }
        ResultBody::TransferRefused { wallet, points, reason } => format!("refused {points} {wallet}: {reason:?}"),
        ResultBody::TransferRejected { wallet, points, available, missing, reason } => {
            format!("not sent {points} {wallet}, {available}{}: {reason:?}", some("missing", missing.as_deref()))
        }
        ResultBody::Frozen { reason, author } => format!("frozen by {author}: {reason}"),
        ResultBody::Unfrozen { reason, author, frozen_at } => {
            format!("unfrozen by {author}: {reason} (since {frozen_at})")
        }
        ResultBody::FreezeRejected { frozen_at, .. } => format!("not frozen, is so since {frozen_at}"),
        ResultBody::UnfreezeRejected { .. } => "not unfrozen".to_owned(),
        ResultBody::Forfeited { wallet, points, debt } => {
            format!("forfeited {points} {wallet}{}", some("waived", debt.as_deref()))
        }
        ResultBody::Erased { reason, author } => format!("erased by {author}: {reason}"),
        ResultBody::Merged { into, reason, author } => format!("merged into {into} by {author}: {reason}"),
        ResultBody::TierChanged(change) => format!("tier {} in place of {}", change.to, change.from),
        ResultBody::PointsMerged(PointsMerged { wallet, points, pending, held, debt, available }) => {
            let pending = some("pending", pending.as_deref());
            let rest = some("held", held.as_deref()) + &some("owed", debt.as_deref());
            format!("joined {points} {wallet}{pending}{rest}, {available}")
        }
        ResultBody::Promoted(promoted) => format!("has {} by {}: {}", promoted.tier, promoted.author, promoted.reason),
        ResultBody::PromotionRejected(rejected) => format!("not {}, is {}", rejected.tier, rejected.has),
        ResultBody::MergeRejected(MergeRejected { reason, names }) => {
            let names = if names.is_empty() { String::new() } else { format!(" {}", names.join(", ")) };
            format!("not merged: {reason:?}{names}")
        }
        ResultBody::RequestRejected { asked, reason } => format!("no {asked}: {reason:?}"),
        ResultBody::Adjusted { wallet, points, available, .. } => format!("adjusted {points} {wallet}, {available}"),
        ResultBody::AdjustmentRejected { wallet, points, available, missing, .. } => {
            format!("not adjusted {points} {wallet}, {available}, missing {missing}")
        }
        ResultBody::Restored(Restored { wallet, points, available, .. }) => {
            format!("restored {points} {wallet}, {available}")
        }
        ResultBody::ReinstatementRejected(ReinstatementRejected { wallet, points, expired, missing, .. }) => {
            format!("not restored {points} {wallet}, expired {expired}, missing {missing}")
        }
        ResultBody::HoldAccepted { hold, points, available, .. } => format!("held {points} as {hold}, {available}"),
        ResultBody::HoldRejected { hold, points, available, missing, reason, .. } => {
            let missing = missing.as_ref().map(|points| format!(", missing {points}")).unwrap_or_default();
            format!("not held {points} as {hold}, {available}{missing}: {reason:?}")
        }
        ResultBody::HoldCaptured { hold, points, released, expired, held, available, .. } => {
            let (free, ended) = (some("freed", released.as_deref()), some("expired", expired.as_deref()));
            format!("captured {points} of {hold}, held {held}{free}{ended}, {available}")
        }
        ResultBody::CaptureRejected { hold, points, held, missing, reason, .. } => {
            let (points, held) = (points.as_deref().unwrap_or("all"), some("held", held.as_deref()));
            format!("not captured {points} of {hold}{held}{}: {reason:?}", some("missing", missing.as_deref()))
        }
        ResultBody::HoldReleased { hold, points, expired, available, .. } => {
            format!("released {points} of {hold}{}, {available}", some("expired", expired.as_deref()))
        }
        ResultBody::ReleaseRejected { hold, reason } => format!("not released {hold}: {reason:?}"),
        ResultBody::HoldExpired { hold, points, expired, available, .. } => {
            format!("timed out {points} of {hold}{}, {available}", some("expired", expired.as_deref()))
        }
    }
}

fn some(what: &str, points: Option<&str>) -> String {
    points.map(|points| format!(", {what} {points}")).unwrap_or_default()
}

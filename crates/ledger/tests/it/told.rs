//! Results in a few words: type, wallet, points, what is left or missing.

use contract::result::{ResultBody, ResultEvent};

pub(crate) fn tell(result: &ResultEvent) -> String {
    match &result.body {
        ResultBody::Earned { wallet, points, available, .. } => format!("earned {points} {wallet}, {available}"),
        ResultBody::Activated { wallet, points, available } => format!("activated {points} {wallet}, {available}"),
        ResultBody::Expired { wallet, points, available } => format!("expired {points} {wallet}, {available}"),
        ResultBody::ClawedBack { wallet, points, waived, expired, available, .. } => {
            let expired = expired.as_ref().map(|points| format!(", expired {points}")).unwrap_or_default();
            format!("clawed {points} {wallet}, waived {waived}{expired}, {available}")
        }
        ResultBody::Reinstated { wallet, points, waived, expired, available, .. } => {
            let expired = expired.as_ref().map(|points| format!(", expired {points}")).unwrap_or_default();
            format!("reinstated {points} {wallet}, unwaived {waived}{expired}, {available}")
        }
        ResultBody::RedemptionAccepted { wallet, points, available } => format!("spent {points} {wallet}, {available}"),
        ResultBody::RedemptionRejected { wallet, points, available, missing, .. } => {
            format!("rejected {points} {wallet}, {available}, missing {missing}")
        }
        ResultBody::Adjusted { wallet, points, available, .. } => format!("adjusted {points} {wallet}, {available}"),
        ResultBody::AdjustmentRejected { wallet, points, available, missing, .. } => {
            format!("not adjusted {points} {wallet}, {available}, missing {missing}")
        }
        ResultBody::HoldAccepted { hold, points, available, .. } => format!("held {points} as {hold}, {available}"),
        ResultBody::HoldRejected { hold, points, available, missing, reason, .. } => {
            let missing = missing.as_ref().map(|points| format!(", missing {points}")).unwrap_or_default();
            format!("not held {points} as {hold}, {available}{missing}: {reason:?}")
        }
        ResultBody::HoldCaptured { hold, points, released, expired, held, available, .. } => {
            let (free, ended) = (some("freed", released.as_ref()), some("expired", expired.as_ref()));
            format!("captured {points} of {hold}, held {held}{free}{ended}, {available}")
        }
        ResultBody::CaptureRejected { hold, points, held, missing, reason, .. } => {
            let (points, held) = (points.as_deref().unwrap_or("all"), some("held", held.as_ref()));
            format!("not captured {points} of {hold}{held}{}: {reason:?}", some("missing", missing.as_ref()))
        }
        ResultBody::HoldReleased { hold, points, expired, available, .. } => {
            format!("released {points} of {hold}{}, {available}", some("expired", expired.as_ref()))
        }
        ResultBody::ReleaseRejected { hold, reason } => format!("not released {hold}: {reason:?}"),
        ResultBody::HoldExpired { hold, points, expired, available, .. } => {
            format!("timed out {points} of {hold}{}, {available}", some("expired", expired.as_ref()))
        }
    }
}

fn some(what: &str, points: Option<&String>) -> String {
    points.map(|points| format!(", {what} {points}")).unwrap_or_default()
}

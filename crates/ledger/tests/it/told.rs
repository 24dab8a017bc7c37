//! Results in few words.

use contract::result::{ResultBody, ResultEvent};

pub(crate) fn tell(result: &ResultEvent) -> String {
    match &result.body {
        ResultBody::Earned { wallet, points, available, .. } => format!("earned {points} {wallet}, {available}"),
        ResultBody::Activated { wallet, points, available } => format!("activated {points} {wallet}, {available}"),
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
        ResultBody::RedemptionAccepted { wallet, points, available } => format!("spent {points} {wallet}, {available}"),
        ResultBody::RedemptionRejected { wallet, points, available, missing, .. } => {
            format!("rejected {points} {wallet}, {available}, missing {missing}")
        }
        ResultBody::Adjusted { wallet, points, available, .. } => format!("adjusted {points} {wallet}, {available}"),
        ResultBody::AdjustmentRejected { wallet, points, available, missing, .. } => {
            format!("not adjusted {points} {wallet}, {available}, missing {missing}")
        }
    }
}

fn some(what: &str, points: Option<&str>) -> String {
    points.map(|points| format!(", {what} {points}")).unwrap_or_default()
}

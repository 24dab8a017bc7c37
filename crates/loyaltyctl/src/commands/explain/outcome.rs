//! What became of an event, in a sentence.

use contract::event::{Event, Kind};
use contract::result::{RejectReason, ResultBody};
use ledger::book::Outcome;
use ledger::report::EventReport;

use super::moves;

/// What became of it.
pub(super) fn sentence(report: &EventReport) -> String {
    match report.outcome {
        Outcome::Applied if report.results.is_empty() && report.erased => {
            "applied; what was told of it is forgotten with its member".to_owned()
        }
        Outcome::Rejected if report.results.is_empty() => "turned down; why is forgotten with its member".to_owned(),
        Outcome::Applied if report.results.is_empty() => "applied; it moved no points".to_owned(),
        Outcome::Applied => format!("applied; {}", results(report)),
        Outcome::Rejected => format!("turned down; {}", results(report)),
        Outcome::Parked => match report.event.as_ref().and_then(Event::order) {
            Some(order) => format!("waits for the purchase of order `{order}`; it is applied as soon as that comes"),
            None => "waits for the purchase of its order".to_owned(),
        },
        Outcome::GivenUp => {
            "given up: the purchase of its order never came, or does not fit; it is with the buried messages".to_owned()
        }
        Outcome::Erased => "nothing was done with it: its member was erased".to_owned(),
    }
}

fn results(report: &EventReport) -> String {
    let sentences: Vec<String> = report.results.iter().map(|result| result_sentence(&result.body)).collect();
    sentences.join("; ")
}

fn result_sentence(body: &ResultBody) -> String {
    match body {
        ResultBody::Earned { wallet, points, available, activates_at, activates_with, .. } => {
            let at = activates_at.map(|at| format!("from {at} on"));
            let with = activates_with.as_ref().map(|with| format!("once the order is `{with}`"));
            let waits: Vec<String> = with.into_iter().chain(at).collect();
            let wait = if waits.is_empty() { String::new() } else { format!(" to be spent {}", waits.join(", or ")) };
            format!("{points} {wallet} earned{wait}, {available} available after it")
        }
        ResultBody::BudgetExhausted { budget, rule, wallet, points, wanted, .. } => {
            let gave = if points.trim_matches(['0', '.']).is_empty() {
                "nothing".to_owned()
            } else {
                format!("{points} {wallet}")
            };
            format!("rule `{rule}` gave {gave} in place of {wanted} {wallet}, because budget `{budget}` had no more")
        }
        ResultBody::Activated { wallet, points, available } => {
            format!("{points} {wallet} can be spent now, {available} available after it")
        }
        ResultBody::Expiring { wallet, points, available, expires_at, last_day } => {
            format!(
                "warned that {points} {wallet} end after {last_day} (at {expires_at}), {available} available, nothing moved"
            )
        }
        ResultBody::Expired { wallet, points, available } => {
            format!("{points} {wallet} ended unspent, {available} available after it")
        }
        ResultBody::ClawedBack { wallet, points, waived, expired, owed, available, order } => {
            let rest = not_taken(waived, owed.as_deref()) + &had_expired(expired.as_ref()).unwrap_or_default();
            format!("{points} {wallet} taken back for order `{order}`{rest}, {available} available after it")
        }
        ResultBody::Reinstated { wallet, points, expired, owed, available, order, .. } => {
            let owed = owed.as_deref().map(|points| format!(" ({points} are no longer owed)"));
            let rest = [owed, had_expired(expired.as_ref())].into_iter().flatten().collect::<String>();
            format!("{points} {wallet} given back for order `{order}`{rest}, {available} available after it")
        }
        ResultBody::Returned { wallet, points, available, order, expires_at } => {
            let until = expires_at.map(|at| format!(" (to be spent before {at}, if not longer)")).unwrap_or_default();
            format!(
                "{points} {wallet} that had paid for order `{order}` came back{until}, {available} available after it"
            )
        }
        ResultBody::Repaid { wallet, points, debt, available } => {
            format!("{points} {wallet} paid off what was owed, {debt} still owed and {available} available after it")
        }
        ResultBody::RewardGranted { reward, wallet, points, available } => {
            format!("reward `{reward}` given for {points} {wallet}, {available} available after it")
        }
        ResultBody::RedemptionAccepted { wallet, points, available } => {
            format!("{points} {wallet} spent, {available} available after it")
        }
        ResultBody::TransferRejected { wallet, points, available, missing: None, reason }
        | ResultBody::RedemptionRejected { wallet, points, available, missing: None, reason } => {
            format!("{points} {wallet} were asked for and {available} were available: {}", why(*reason))
        }
        ResultBody::RedemptionRejected { wallet, points, available, missing: Some(missing), .. }
        | ResultBody::TransferRejected { wallet, points, available, missing: Some(missing), .. }
        | ResultBody::AdjustmentRejected { wallet, points, available, missing, .. } => {
            format!("{points} {wallet} were asked for and {available} were available: {missing} are missing")
        }
        ResultBody::Adjusted { wallet, points, available, reason, author, activates_at, expires_at } => {
            let from = activates_at.map(|at| format!(", to be spent from {at} on")).unwrap_or_default();
            let until = expires_at.map(|at| format!(", until {at}")).unwrap_or_default();
            format!("{points} {wallet} corrected by {author} ({reason}){from}{until}, {available} available after it")
        }
        other => hold_sentence(other),
    }
}

/// What became of a hold; of anything else, see [`moves`].
fn hold_sentence(body: &ResultBody) -> String {
    match body {
        ResultBody::HoldAccepted { hold, wallet, points, available, expires_at } => {
            let until = expires_at.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("{points} {wallet} held{until} as `{hold}`, {available} available after it")
        }
        ResultBody::HoldRejected { hold, wallet, points, available, missing, reason } => match missing {
            Some(missing) => {
                format!("{points} {wallet} were to be held and {available} were available: {missing} are missing")
            }
            None => format!("{points} {wallet} were to be held as `{hold}`: {}", why(*reason)),
        },
        ResultBody::HoldCaptured { hold, wallet, points, released, expired, held, available } => {
            let (free, ended) =
                (aside(released.as_deref(), "free again"), aside(expired.as_deref(), "ended meanwhile"));
            let rest = aside(some(held), "still held");
            format!("{points} {wallet} of hold `{hold}` spent{free}{ended}{rest}, {available} available after it")
        }
        ResultBody::HoldReleased { hold, wallet, points, expired, available }
        | ResultBody::HoldExpired { hold, wallet, points, expired, available } => {
            let (time, ended) = (at_its_time(body), aside(expired.as_deref(), "ended meanwhile"));
            format!("{points} {wallet} of hold `{hold}` free again{time}{ended}, {available} available after it")
        }
        ResultBody::CaptureRejected { hold, points, held: Some(held), missing: Some(missing), .. } => {
            let points = points.as_deref().unwrap_or("all");
            format!("{points} of hold `{hold}` were asked for and it had {held}: {missing} are missing")
        }
        ResultBody::CaptureRejected { hold, reason, .. } | ResultBody::ReleaseRejected { hold, reason } => {
            format!("hold `{hold}`: {}", why(*reason))
        }
        other => moves::sentence(other),
    }
}

pub(in crate::commands) fn why(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::InsufficientBalance => "too few points",
        RejectReason::MemberFrozen => "the member was frozen",
        RejectReason::MemberErased => "the member was erased",
        RejectReason::MemberMerged => "the member was merged into another one before",
        RejectReason::SameMember => "the two names are one member's by now",
        RejectReason::UnknownMember => "nothing is known of the other member",
        RejectReason::SameOrders => "both members have orders of the same name",
        RejectReason::RefundWaits => "a refund in the name of the one waits for an order of the other",
        RejectReason::SameHolds => "both members had holds of the same name",
        RejectReason::TransferUnderWay => "points that the member sent have not arrived yet",
        RejectReason::WalletFull => "the member would have more points than a wallet can hold",
        RejectReason::MemberNotFrozen => "the member was not frozen",
        RejectReason::DuplicateHold => "the member has had a hold of this name before",
        RejectReason::UnknownHold => "the member has never had a hold of this name",
        RejectReason::MoreThanHeld => "it had fewer points",
        RejectReason::MoreThanExpired => "fewer points had ended",
        RejectReason::HigherTier => "the member has a higher tier",
        RejectReason::HoldCaptured => "it had ended, by a capture",
        RejectReason::HoldReleased => "it had ended, by a release",
        RejectReason::HoldExpired => "it had ended, at its time",
    }
}

fn at_its_time(body: &ResultBody) -> &'static str {
    if matches!(body, ResultBody::HoldExpired { .. }) { " at its time" } else { "" }
}

fn aside(points: Option<&str>, what: &str) -> String {
    points.map(|points| format!(", {points} {what}")).unwrap_or_default()
}

fn not_taken(waived: &str, owed: Option<&str>) -> String {
    let waived = some(waived).map(|points| format!(" ({points} could not be taken and were waived)"));
    let owed = owed.map(|points| format!(" ({points} could not be taken and are owed)"));
    waived.into_iter().chain(owed).collect()
}

fn had_expired(points: Option<&String>) -> Option<String> {
    points.map(|points| format!(" ({points} more had expired)"))
}

/// Points of any scale, if there are any.
fn some(points: &str) -> Option<&str> {
    points.contains(|digit: char| ('1'..='9').contains(&digit)).then_some(points)
}

/// What happened, as far as the ledger keeps it: purchases and waiting refunds are kept whole.
pub(super) fn happening(event: &Event) -> String {
    match &event.kind {
        Kind::Purchase(purchase) => {
            let lines = purchase.lines.len();
            let lines = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
            format!("order `{}` of {}, {lines}", purchase.order, purchase.amount)
        }
        Kind::Refund(refund) => {
            let what = match (&refund.amount, refund.lines.len()) {
                (Some(amount), 0) => amount.to_string(),
                (None, 0) => "the whole".to_owned(),
                (_, 1) => "1 line".to_owned(),
                (_, lines) => format!("{lines} lines"),
            };
            format!("{what} of order `{}` came back", refund.order)
        }
        _ => event.type_name().to_owned(),
    }
}

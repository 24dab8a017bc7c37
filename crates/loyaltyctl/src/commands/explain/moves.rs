//! What became of a transfer, of a freeze, or of points that were given back, in a sentence.

use contract::result::{
    MergeRejected, PointsMerged, Promoted, PromotionRejected, ReinstatementRejected, Restored, ResultBody, TierChange,
    TierReason,
};
use ledger::report::{MergeReport, TransferReport};

use super::outcome::why;

pub(super) fn sentence(body: &ResultBody) -> String {
    match body {
        ResultBody::TransferSent { wallet, points, available } => {
            format!("{points} {wallet} sent to another member, {available} available after it")
        }
        ResultBody::TransferReceived { wallet, points, available } => {
            format!("{points} {wallet} of another member came in, {available} available after it")
        }
        ResultBody::TransferReturned { wallet, points, available } => {
            format!("{points} {wallet} that could not come in came back, {available} available after it")
        }
        ResultBody::TransferRefused { wallet, points, reason } => {
            format!("{points} {wallet} of another member could not come in: {}", why(*reason))
        }
        ResultBody::Frozen { reason, author } => format!("frozen by {author} ({reason})"),
        ResultBody::Unfrozen { reason, author, frozen_at } => {
            format!("no longer frozen, as since {frozen_at}, by {author} ({reason})")
        }
        ResultBody::FreezeRejected { frozen_at, reason } => format!("{}, since {frozen_at}", why(*reason)),
        ResultBody::UnfreezeRejected { reason } | ResultBody::RequestRejected { reason, .. } => why(*reason).to_owned(),
        ResultBody::Forfeited { wallet, points, debt } => {
            let debt =
                debt.as_ref().map(|points| format!(", and {points} that were owed are waived")).unwrap_or_default();
            format!("{points} {wallet} forfeited{debt}")
        }
        ResultBody::Erased { reason, author } => format!("the member was erased by {author} ({reason})"),
        ResultBody::Merged { into, reason, author } => {
            format!("the member is `{into}` from then on, says {author} ({reason})")
        }
        ResultBody::PointsMerged(PointsMerged { wallet, points, pending, held, debt, available }) => {
            let more = [(pending, "that wait"), (held, "held"), (debt, "owed")];
            let more: String = more
                .iter()
                .filter_map(|(points, what)| points.as_ref().map(|points| format!(", {points} {what}")))
                .collect();
            format!("{points} {wallet}{more} of the member who was merged came in, {available} available after it")
        }
        ResultBody::TierChanged(change) => tier(change),
        ResultBody::Promoted(Promoted { tier, until, reason, author }) => {
            let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
            format!("tier {tier} brought along{until}, says {author} ({reason})")
        }
        ResultBody::PromotionRejected(PromotionRejected { tier, has, reason, .. }) => {
            format!("tier {tier} was to be brought along: {}, {has}", why(*reason))
        }
        ResultBody::MergeRejected(MergeRejected { reason, names }) => {
            let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            format!("{}{names}", why(*reason))
        }
        ResultBody::Restored(Restored { wallet, points, available, reason, author, expires_at }) => {
            let until = expires_at.map(|at| format!(", until {at}")).unwrap_or_default();
            format!(
                "{points} {wallet} that had ended given back by {author} ({reason}){until}, {available} available after it"
            )
        }
        ResultBody::ReinstatementRejected(ReinstatementRejected { wallet, points, expired, missing, .. }) => {
            format!("{points} {wallet} were to be given back and {expired} had ended: {missing} are missing")
        }
        other => other.type_name().to_owned(),
    }
}

fn tier(TierChange { from, to, since, until, reason }: &TierChange) -> String {
    let why = match reason {
        TierReason::Reached => "reached",
        TierReason::Kept => "kept",
        TierReason::Lowered => "its time was over",
        TierReason::Merged => "of the member who was merged",
        TierReason::Imported => "brought along",
    };
    let until = until.map_or_else(|| "for ever".to_owned(), |until| format!("until {until}"));
    format!("tier {to} in place of {from} since {since}, {until}: {why}")
}

/// Who became whom.
pub(super) fn merge(MergeReport { from, into }: &MergeReport) -> String {
    format!("{from} into {into}")
}

/// From whom, to whom, and how far it is.
pub(super) fn transfer(TransferReport { event, from, to, wallet, points, stage, .. }: &TransferReport) -> String {
    let stage = match stage.as_str() {
        "Arrived" => "has arrived",
        "Returned" => "could not arrive and came back",
        "Refused" => "could not arrive and is on its way back",
        _ => "is on its way",
    };
    format!("`{event}`, {points} {wallet} from {from} to {to}, {stage}")
}

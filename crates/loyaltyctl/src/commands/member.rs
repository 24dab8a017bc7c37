//! What is told of a member beside their points.

use contract::MemberId;
use ledger::LedgerError;
use ledger::report::{FrozenReport, MemberReport};

use crate::screen::Screen;
use crate::target::LedgerTarget;

/// What is known of the member; of an unknown one, nothing.
pub(super) async fn known(target: &LedgerTarget, member: &MemberId) -> Result<Option<MemberReport>, LedgerError> {
    target.ledger.member(&target.pipeline, member).await
}

/// A line for people where a member is frozen, and nothing where not.
pub(super) fn line(member: Option<&MemberReport>, screen: &Screen) -> String {
    let frozen = member.and_then(|member| member.frozen.as_ref());
    frozen.map(|frozen| screen.style.red(&format!("{}\n", sentence(frozen)))).unwrap_or_default()
}

/// Since when, by whom and why.
pub(super) fn sentence(FrozenReport { since, reason, author }: &FrozenReport) -> String {
    format!("frozen since {since} by {author}: {reason}")
}

//! What is told of a member beside their points.

use contract::MemberId;
use ledger::LedgerError;
use ledger::report::{ErasedReport, FrozenReport, MemberReport, MergedReport};

use crate::screen::Screen;
use crate::target::LedgerTarget;

/// What is known of the member; of an unknown one, nothing.
pub(super) async fn known(target: &LedgerTarget, member: &MemberId) -> Result<Option<MemberReport>, LedgerError> {
    target.ledger.member(&target.pipeline, member).await
}

/// A line for people where a member is frozen, forgotten or another one, and nothing where not.
pub(super) fn line(member: Option<&MemberReport>, screen: &Screen) -> String {
    let frozen = member.and_then(|member| member.frozen.as_ref()).map(sentence);
    let erased = member.and_then(|member| member.erased.as_ref()).map(gone);
    let merged = member.and_then(|member| member.merged.as_ref()).map(elsewhere);
    erased.or(merged).or(frozen).map(|sentence| screen.style.red(&format!("{sentence}\n"))).unwrap_or_default()
}

/// Why nothing can be said of a member, in a line: unknown (with what to do then), or forgotten.
pub(super) async fn stranger(target: &LedgerTarget, member: &MemberId, unknown: &str) -> Result<String, LedgerError> {
    let LedgerTarget { ledger, pipeline } = target;
    if ledger.was_erased(pipeline, member).await? {
        return Ok(format!(
            "member `{member}` was erased from pipeline `{pipeline}`: nothing is kept under this name, and what comes in it settles as `Erased`\n"
        ));
    }
    Ok(format!("member `{member}` is not known to pipeline `{pipeline}`{unknown}\n"))
}

/// When, by whom and why; what is left stands under a name that says nothing.
pub(super) fn gone(ErasedReport { at, reason, author }: &ErasedReport) -> String {
    if author.is_empty() {
        return "erased: what comes in the name of an erased member is put down here".to_owned();
    }
    format!("erased at {at} by {author}: {reason}")
}

/// Into whom, when, by whom and why.
pub(super) fn elsewhere(MergedReport { into, at, reason, author }: &MergedReport) -> String {
    format!("merged into `{into}` at {at} by {author}: {reason}; ask for that one")
}

/// Since when, by whom and why.
pub(super) fn sentence(FrozenReport { since, reason, author }: &FrozenReport) -> String {
    format!("frozen since {since} by {author}: {reason}")
}

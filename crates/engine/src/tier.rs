//! What an event counts for.

use contract::decision::Facts;
use contract::event::Event;
use contract::{PipelineName, Refusal};
use ledger::book::{Applied, Counting, MemberState, Posting, TierRules};
use rules::Compiled;

/// What the event may count for, before it is posted.
pub(crate) fn counting(
    event: &Event,
    (rules, tiers): (&Compiled, &TierRules),
    (state, facts): (&MemberState, Facts<'_>),
) -> Result<Option<Counting>, Refusal> {
    Ok(state.counting(event, (rules.hash(), tiers), rules.spends(event, facts)?))
}

/// Posts an event, and counts it. A refusal leaves the state as it was.
pub(crate) fn post(
    pipeline: &PipelineName,
    (posting, counting): (Posting<'_>, Option<Counting>),
    state: &mut MemberState,
) -> Result<Applied, Refusal> {
    let Some(counting) = counting else { return state.post(posting) };
    let mut after = state.clone();
    let mut posted = after.post(posting)?;
    after.count((pipeline, posting.event), counting, &mut posted)?;
    *state = after;
    Ok(posted)
}

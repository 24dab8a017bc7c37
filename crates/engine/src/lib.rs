//! The one engine, whatever feeds it: events in, outcomes out, each exactly once in effect.
//!
//! reads -> begin -> decide -> post -> commit. It knows neither broker nor cluster; the worker and `simulate` both stand on it.

mod apply;
mod carry;
mod desk;
mod due;
mod erased;
mod line;
mod merge;
mod misfits;
mod part;
mod recall;
mod rulebook;
mod tier;
mod transact;
mod turn;

pub use apply::{Engine, Settled};
pub use carry::{Carried, sends};
pub use due::DueSettled;
pub use line::{Batch, Line};
pub use rulebook::Rulebook;

use contract::ruleset::RulesetHash;

/// Why a batch could not be decided now. Nothing of it was kept; the same call may succeed later.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger said no.
    #[error("could not decide a batch")]
    Ledger(#[from] ledger::LedgerError),
    /// Nobody has applied a rule set yet.
    #[error(
        "could not decide a batch: the ledger has no rules for pipeline `{0}`; run `loyaltyctl up` or apply the resource"
    )]
    NoRules(contract::PipelineName),
    /// The ledger refused what is due for one member.
    #[error("could not settle what is due for one member (timer `{}`): {detail}; run `loyaltyctl audit`", .timer.id.as_str())]
    Due {
        /// Which one; it says nothing of the member but the number of their row.
        timer: ledger::Identity,
        /// Why.
        detail: String,
    },
    /// The ledger refused to let a transfer arrive, or come back.
    #[error("could not carry transfer `{}` further: {detail}; run `loyaltyctl audit`", .transfer.id.as_str())]
    Transit {
        /// The event that sent the points.
        transfer: ledger::Identity,
        /// Why.
        detail: String,
    },
    /// The timeline names a rule set that the ledger does not hold.
    #[error("could not find rule set `{0}` in the ledger, which the timeline names")]
    Missing(RulesetHash),
    /// A rule set that another version of the engine accepted.
    #[error(
        "could not compile rule set `{hash}` of the ledger: {problem}; run the version that wrote it, or apply the pipeline again"
    )]
    Uncompilable {
        /// Which one.
        hash: RulesetHash,
        /// The first error.
        problem: String,
    },
}

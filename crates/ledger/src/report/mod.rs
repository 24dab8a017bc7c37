//! What people ask a ledger: who has how much, and why. Amounts are decimals at their wallet's scale.

mod budgets;
mod explain;
mod holds;
mod liability;
mod member;
mod merge;
mod statement;
mod sums;
mod tallies;
mod tiers;
mod transfer;

use std::collections::BTreeMap;

use contract::decision::{AwardInputs, HoldStage};
use contract::event::Event;
use contract::program::Rule;
use contract::result::ResultEvent;
use contract::ruleset::RulesetHash;
use contract::{EventId, EventType, HoldId, MemberId, OrderId, RuleName, Source, WalletName};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::book::Outcome;

pub use budgets::BudgetReport;
pub(crate) use budgets::budgets;
pub(crate) use explain::{explain_event, explain_member};
pub use holds::{HoldMark, HoldPage};
pub use liability::{Expiring, LiabilityAsk, MONTHS_AHEAD, Until, WalletLiability};
pub use statement::{LotMark, LotPage, RuleShare, StatementAsk, StatementLine, StatementMark, StatementPage};

pub(crate) use holds::open_holds;
pub(crate) use liability::liability;
pub(crate) use member::{events_of, member};
pub(crate) use statement::{open_lots, statement};
pub(crate) use sums::{balance, best_members, totals};
pub use tallies::TallyReport;
pub(crate) use tallies::tallies;
pub(crate) use tiers::tiers;
pub use tiers::{CountedReport, TierReport, TiersReport};

/// By which of its two times an entry counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reckoning {
    /// When it happened. What comes late changes what was said of the past.
    #[default]
    Happened,
    /// When the ledger recorded it: what was said of the past stays as it was said.
    Recorded,
}

impl Reckoning {
    /// The column of an entry.
    fn column(self) -> &'static str {
        match self {
            Self::Happened => "effective_at",
            Self::Recorded => "recorded_at",
        }
    }
}

/// A member, without their points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberReport {
    /// When the ledger first heard of them.
    pub known_since: Timestamp,
    /// Why no points of theirs may leave, if so.
    pub frozen: Option<FrozenReport>,
    /// Why they were forgotten, if so; then this is what is left under a name that says nothing.
    pub erased: Option<ErasedReport>,
    /// Who they are by now, if they were found to be another one: what was theirs is that one's.
    pub merged: Option<MergedReport>,
}

/// Into whom a member was merged, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergedReport {
    /// Who has all of it.
    pub into: MemberId,
    /// When it happened.
    pub at: Timestamp,
    /// Why, as the author said.
    pub reason: String,
    /// Who.
    pub author: String,
}

/// The two members of a merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergeReport {
    /// Who is another one from then on.
    pub from: MemberId,
    /// Who had all of it then.
    pub into: MemberId,
}

/// Since when a member is frozen, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrozenReport {
    /// When it happened.
    pub since: Timestamp,
    /// Why, as the author said.
    pub reason: String,
    /// Who.
    pub author: String,
}

/// When a member was erased, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasedReport {
    /// When it happened.
    pub at: Timestamp,
    /// Why, as the author said.
    pub reason: String,
    /// Who.
    pub author: String,
}

/// One wallet of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// Which wallet.
    pub wallet: WalletName,
    /// Earned, not yet spendable.
    pub pending: Decimal,
    /// Spendable.
    pub available: Decimal,
    /// Reserved.
    pub held: Decimal,
    /// Owed.
    pub debt: Decimal,
    /// Lots that still hold something, in burn order.
    pub lots: Vec<LotReport>,
}

/// One lot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LotReport {
    /// Of which wallet.
    pub wallet: WalletName,
    /// 1, 2, ... within the member's wallet.
    pub sequence: i64,
    /// The entry that made it.
    pub entry: i64,
    /// As awarded.
    pub initial: Decimal,
    /// Still pending.
    pub pending: Decimal,
    /// Still available.
    pub available: Decimal,
    /// Held.
    pub held: Decimal,
    /// When its pending points can be spent, if they had to wait for a time.
    pub activates: Option<Timestamp>,
    /// What of their order its pending points wait for, if for anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<EventType>,
    /// When it is gone, if ever.
    pub expires: Option<Timestamp>,
}

/// A member at the top of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BestMember {
    /// Who.
    pub member: MemberId,
    /// With how much.
    pub available: Decimal,
}

/// Sums over a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Members of whom at least one event was not buried.
    pub members: i64,
    /// Events by what became of them.
    pub events: BTreeMap<String, i64>,
    /// Batches whose results are not confirmed yet.
    pub unpublished_batches: i64,
    /// By wallet.
    pub wallets: Vec<WalletTotals>,
}

/// A hold and what became of it: points = held + captured + released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HoldReport {
    /// Its name.
    pub hold: HoldId,
    /// Of which wallet.
    pub wallet: WalletName,
    /// Reserved at first.
    pub points: Decimal,
    /// Still reserved.
    pub held: Decimal,
    /// Spent.
    pub captured: Decimal,
    /// Set free, whether they could be spent again or had ended meanwhile.
    pub released: Decimal,
    /// `Open`, or how it ended.
    pub stage: HoldStage,
    /// When it began; where that entry was carried forward, a time by which it had.
    pub since: Timestamp,
    /// When it ends by itself, if ever.
    pub expires: Option<Timestamp>,
}

/// A transfer and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransferReport {
    /// The source of the event that sent it.
    pub source: Source,
    /// Its id.
    pub event: EventId,
    /// Who sent it.
    pub from: MemberId,
    /// Who is to have it.
    pub to: MemberId,
    /// Of which wallet.
    pub wallet: WalletName,
    /// How many points.
    pub points: Decimal,
    /// `InTransit`, `Refused` (and on its way back), `Arrived` or `Returned`.
    pub stage: String,
}

/// Sums over a wallet: earned + adjusted = pending + available + held - debt + spent + clawed + expired + transit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalletTotals {
    /// Which wallet.
    pub wallet: WalletName,
    /// Ever earned.
    pub earned: Decimal,
    /// Ever spent, net of what came back with returns.
    pub spent: Decimal,
    /// Taken back by refunds, net of what was given back.
    pub clawed: Decimal,
    /// Corrected by people, net.
    pub adjusted: Decimal,
    /// Ended before anybody spent them.
    pub expired: Decimal,
    /// Pending now.
    pub pending: Decimal,
    /// Available now.
    pub available: Decimal,
    /// Held now.
    pub held: Decimal,
    /// Owed by members now.
    pub debt: Decimal,
    /// On the way from one member to another now.
    pub transit: Decimal,
}

/// All that is known of one event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventReport {
    /// Who said it.
    pub source: Source,
    /// Its id.
    pub id: EventId,
    /// Whom it concerns.
    pub member: MemberId,
    /// Whether that is one who was erased: the name says nothing, and what happened is forgotten.
    pub erased: bool,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The rule set that decided.
    pub ruleset: RulesetHash,
    /// What became of it.
    pub outcome: Outcome,
    /// What was published.
    pub results: Vec<ResultEvent>,
    /// In which batch.
    pub batch: i64,
    /// Whether the broker confirmed the batch's results.
    pub published: bool,
    /// The purchase, as it was decided, or the parked refund.
    pub event: Option<Event>,
    /// Its moves.
    pub entry: Option<EntryReport>,
    /// Its moves are in the sums of all that was recorded before this time, and no longer told one by one.
    pub carried_forward: Option<Timestamp>,
    /// Later refunds of the purchase's order, oldest first.
    pub refunds: Vec<EntryReport>,
    /// The hold that its entry is about, as it stands now.
    pub hold: Option<HoldReport>,
    /// The other entries about this hold, oldest first.
    pub of_hold: Vec<EntryReport>,
    /// The transfer that it sent, let arrive or brought back.
    pub transfer: Option<TransferReport>,
    /// The two members whom it made one.
    pub merge: Option<MergeReport>,
}

/// One entry with all that hangs on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryReport {
    /// Number.
    pub id: i64,
    /// `Earn`, `Spend`, ...
    pub kind: String,
    /// The event's source.
    pub source: Source,
    /// The event's id.
    pub event: EventId,
    /// The order, if it is about one.
    pub order: Option<OrderId>,
    /// The hold, if it is about one.
    pub hold: Option<HoldId>,
    /// When it happened.
    pub effective_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The rule set that decided.
    pub ruleset: RulesetHash,
    /// Its lines; they sum to zero per wallet.
    pub postings: Vec<PostingReport>,
    /// Why, rule by rule.
    pub awards: Vec<AwardReport>,
    /// Lots that it made.
    pub lots: Vec<LotReport>,
    /// Lots that it took from (positive) or gave back into (negative).
    pub allocations: Vec<AllocationReport>,
}

/// One line of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostingReport {
    /// Account.
    pub account: String,
    /// Wallet.
    pub wallet: WalletName,
    /// Signed.
    pub amount: Decimal,
}

/// One award and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AwardReport {
    /// The rule.
    pub rule: RuleName,
    /// The wallet.
    pub wallet: WalletName,
    /// Given.
    pub awarded: Decimal,
    /// To be taken back by refunds so far.
    pub due: Decimal,
    /// Taken back.
    pub taken: Decimal,
    /// Could not be taken.
    pub waived: Decimal,
    /// The lot that it went into.
    pub lot: i64,
    /// The arithmetic.
    pub inputs: AwardInputs,
    /// The rule as it was written then.
    pub spec: Option<Rule>,
}

/// Points taken from a lot or given back into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AllocationReport {
    /// Wallet.
    pub wallet: WalletName,
    /// Sequence of the lot.
    pub lot: i64,
    /// Signed.
    pub amount: Decimal,
}

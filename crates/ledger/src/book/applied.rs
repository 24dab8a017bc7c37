//! What posting one event changed, as a value: the rows that a store will write, and nothing that it must work out itself.

use std::collections::BTreeMap;

use contract::decision::{AwardInputs, HoldState, OrderAward, Returned};
use contract::event::{ContentHash, Event};
use contract::result::ResultEvent;
use contract::ruleset::RulesetHash;
use contract::tally::TallyPart;
use contract::{BudgetName, HoldId, MemberId, OrderId, Points, Refusal, RuleName, TierName, WalletName};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::draft::overflow;
use super::idle::IdleEnd;
use super::member::Standing;
use super::reward::{Granted, RewardChange};
use super::tally::{AwardChange, TallyRow};
use super::tier::{Counted, TierLine};
use super::transfer::Transiting;
use super::wallet::{Balances, Lot};
use crate::store::Identity;

/// What became of an event; stands in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Its moves stand (there may be none).
    Applied,
    /// It was decided and turned down: too few points, or a hold that is not (or no longer) there.
    Rejected,
    /// A refund, or an activity of an order, that waits for its purchase.
    Parked,
    /// What was parked and whose purchase never came, or did not fit.
    GivenUp,
    /// Nothing was done with it: its member was erased.
    Erased,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Applied, Self::Rejected, Self::Parked, Self::GivenUp, Self::Erased];

    /// As it stands in the inbox.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "Applied",
            Self::Rejected => "Rejected",
            Self::Parked => "Parked",
            Self::GivenUp => "GivenUp",
            Self::Erased => "Erased",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// One event, posted to the member's state and ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Which event.
    pub identity: Identity,
    /// Its content.
    pub hash: ContentHash,
    /// Whom it concerns.
    pub member: MemberId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The rule set that decided.
    pub ruleset: RulesetHash,
    /// What became of it.
    pub outcome: Outcome,
    /// To be published.
    pub results: Vec<ResultEvent>,
    /// Its moves, if there are any.
    pub entry: Option<Entry>,
    /// What it changes of an order.
    pub order: Option<OrderChange>,
    /// Whether it is parked, or was.
    pub parking: Parking,
    /// Wallets of which the end by inactivity moved, or was warned of.
    pub idles: Vec<IdleEnd>,
    /// Lots that changed although nothing of them moved: the member was warned of their end, or what they waited for came when they had
    /// nothing left.
    pub unmoved: Vec<LotRow>,
    /// Wallets of which it changed when, and how many, automatic rewards are given.
    pub rewarding: Vec<RewardChange>,
    /// Sums over several events, as they stand after it.
    pub tallies: Vec<TallyRow>,
    /// Awards of such sums of which a refund took something.
    pub award_changes: Vec<AwardChange>,
    /// What it adds to what counts for tiers, or takes off.
    pub counted: Vec<Counted>,
    /// Lines that it adds to the history of the member's tiers.
    pub tiers: Vec<TierLine>,
    /// What it changes of whether the member is frozen.
    pub standing: Option<Standing>,
    /// What it changes of a transfer.
    pub transit: Option<Transiting>,
    /// How much it takes out of budgets, or gives back (below nought).
    pub budgets: BTreeMap<BudgetName, i64>,
}

impl Applied {
    /// What became of an event, with nothing that it changes yet.
    pub(super) fn nothing(
        (identity, hash): (Identity, ContentHash),
        (member, occurred_at): (&MemberId, Timestamp),
        ruleset: &RulesetHash,
        outcome: Outcome,
    ) -> Self {
        Self {
            identity,
            hash,
            member: member.clone(),
            occurred_at,
            ruleset: ruleset.clone(),
            outcome,
            results: Vec::new(),
            entry: None,
            order: None,
            parking: Parking::None,
            idles: Vec::new(),
            unmoved: Vec::new(),
            rewarding: Vec::new(),
            tallies: Vec::new(),
            award_changes: Vec::new(),
            counted: Vec::new(),
            tiers: Vec::new(),
            standing: None,
            transit: None,
            budgets: BTreeMap::new(),
        }
    }
}

/// One atomic transaction of one member; its postings sum to zero per wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub kind: EntryKind,
    /// The order that it is about.
    pub order: Option<OrderId>,
    /// Signed lines, none of them nought, one for each wallet and account; what comes back at once of a late redemption has its own.
    pub postings: Vec<PostingLine>,
    /// Balances after, of each wallet that was touched, with the sequence of its last lot.
    pub balances: Vec<(WalletName, Balances, i64)>,
    /// Lots after, of each that was made or touched.
    pub lots: Vec<LotRow>,
    /// What was taken from lots (positive) or given back into them (negative), in that order.
    pub allocations: Vec<Allocation>,
    /// Awards that it pays.
    pub awards: Vec<NewAward>,
    /// The hold that it is about, as it stands after.
    pub hold: Option<HoldRow>,
    /// What is owed after, of each order of which that changed.
    pub owed: Vec<OwedLine>,
    /// What paid for an order (positive) or came back with its return (negative), in that order.
    pub payments: Vec<Payment>,
    /// Rewards that it gives.
    pub granted: Vec<Granted>,
    /// Lines from here on are added to; those before it stand.
    lines_from: usize,
}

impl Entry {
    pub(super) fn new(kind: EntryKind, order: Option<OrderId>) -> Self {
        Self {
            kind,
            order,
            postings: Vec::new(),
            balances: Vec::new(),
            lots: Vec::new(),
            allocations: Vec::new(),
            awards: Vec::new(),
            hold: None,
            owed: Vec::new(),
            payments: Vec::new(),
            granted: Vec::new(),
            lines_from: 0,
        }
    }

    /// What moves from now on stands in lines of its own, so that both ways of a point can be seen.
    pub(super) fn apart(&mut self) {
        self.lines_from = self.postings.len();
    }

    /// Adds to the line of this wallet and account.
    pub(super) fn line(&mut self, account: Account, wallet: &WalletName, amount: i64) -> Result<(), Refusal> {
        let mut lines = self.postings.iter_mut().skip(self.lines_from);
        if let Some(line) = lines.find(|line| line.account == account && line.wallet == *wallet) {
            line.amount = line.amount.plus(Points(amount)).ok_or_else(|| overflow(wallet))?;
        } else {
            self.postings.push(PostingLine { account, wallet: wallet.clone(), amount: Points(amount) });
        }
        Ok(())
    }

    pub(super) fn allocate(&mut self, wallet: &WalletName, lot: i64, points: i64, order: Option<&OrderId>) {
        self.allocations.push(Allocation {
            wallet: wallet.clone(),
            lot,
            points: Points(points),
            order: order.cloned(),
            hold: None,
        });
    }

    /// Points of a hold that a capture takes out of a lot.
    pub(super) fn allocate_of(&mut self, hold: &HoldId, wallet: &WalletName, lot: i64, points: i64) {
        let (wallet, points) = (wallet.clone(), Points(points));
        self.allocations.push(Allocation { wallet, lot, points, order: None, hold: Some(hold.clone()) });
    }

    /// Keeps the lot's latest image among the rows.
    pub(super) fn touched(&mut self, name: &WalletName, lot: &Lot, is_new: bool) {
        let rows = &mut self.lots;
        match rows.iter_mut().find(|row| row.wallet == *name && row.lot.sequence == lot.sequence) {
            Some(row) => row.lot = lot.clone(),
            None => rows.push(LotRow { wallet: name.clone(), lot: lot.clone(), is_new }),
        }
    }
}

/// Kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EntryKind {
    /// Points in because of an activity.
    Earn,
    /// Points out for a reward.
    Spend,
    /// A refund took points back (and may have given others back).
    Clawback,
    /// A refund only gave points back: those that an earlier one took, or that had paid for the order.
    GiveBack,
    /// A person corrected the balance.
    Adjust,
    /// A person gave points back that had ended.
    Reinstate,
    /// Pending points became available at their time.
    Activate,
    /// Points were turned into rewards by themselves.
    Reward,
    /// Points ended at their time.
    Expire,
    /// Points were reserved.
    Hold,
    /// Reserved points were spent; with the last capture of a hold the rest is free again.
    Capture,
    /// Reserved points were set free because somebody said so.
    Release,
    /// Reserved points were set free because the hold's time came.
    TimeOut,
    /// Points left for another member.
    TransferOut,
    /// Points of another member came in.
    TransferIn,
    /// Points that could not come in at the other member came back.
    TransferBack,
    /// What a member had was forfeited, because they were to be forgotten.
    Erase,
    /// All that a member had left for the one that they were found to be.
    MergeOut,
    /// All that a member had came in who was found to be this one.
    MergeIn,
}

impl EntryKind {
    /// As it stands in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Earn => "Earn",
            Self::Spend => "Spend",
            Self::Clawback => "Clawback",
            Self::GiveBack => "GiveBack",
            Self::Adjust => "Adjust",
            Self::Reinstate => "Reinstate",
            Self::Activate => "Activate",
            Self::Reward => "Reward",
            Self::Expire => "Expire",
            Self::Hold => "Hold",
            Self::Capture => "Capture",
            Self::Release => "Release",
            Self::TimeOut => "TimeOut",
            Self::TransferOut => "TransferOut",
            Self::TransferIn => "TransferIn",
            Self::TransferBack => "TransferBack",
            Self::Erase => "Erase",
            Self::MergeOut => "MergeOut",
            Self::MergeIn => "MergeIn",
        }
    }
}

/// Accounts of the double entry. The first ones are the programme's (no running balance), the others the member's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Account {
    /// Where awards come from.
    Issued,
    /// Where spent points go.
    Redeemed,
    /// Where points go that a refund takes.
    Clawed,
    /// Corrections, both ways.
    Adjusted,
    /// Where points go that nobody spent in time.
    Expired,
    /// Points on their way from one member to another.
    Transit,
    /// Earned, not yet spendable.
    Pending,
    /// Spendable.
    Available,
    /// Reserved by a hold.
    Held,
    /// Owed; its balance is below nought.
    Debt,
}

impl Account {
    /// As it stands in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Redeemed => "redeemed",
            Self::Clawed => "clawed",
            Self::Adjusted => "adjusted",
            Self::Expired => "expired",
            Self::Transit => "transit",
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Held => "held",
            Self::Debt => "debt",
        }
    }
}

/// One signed line of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingLine {
    /// Which account.
    pub account: Account,
    /// Of which wallet.
    pub wallet: WalletName,
    /// Signed, not nought.
    pub amount: Points,
}

/// A lot as it stands after the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotRow {
    /// Whose.
    pub wallet: WalletName,
    /// The lot.
    pub lot: Lot,
    /// Whether this entry made it.
    pub is_new: bool,
}

/// Points taken from a lot (positive), or given back into it (negative).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Of which wallet.
    pub wallet: WalletName,
    /// Sequence of the lot.
    pub lot: i64,
    /// Signed.
    pub points: Points,
    /// The refunded order: what it took can be given back.
    pub order: Option<OrderId>,
    /// The hold whose points were spent.
    pub hold: Option<HoldId>,
}

/// A hold as it stands after the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// Its name.
    pub hold: HoldId,
    /// What became of it so far.
    pub state: HoldState,
    /// What it has of each lot, what burns first before the others; also of lots that it has nothing of any more.
    pub lots: Vec<HeldLot>,
}

/// A hold's part of a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLot {
    /// Sequence of the lot.
    pub lot: i64,
    /// Reserved at first, > 0.
    pub amount: Points,
    /// Still reserved.
    pub held: Points,
}

/// What the refunds of an order left to be paid off, as it stands after the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedLine {
    /// Of which wallet.
    pub wallet: WalletName,
    /// Of which order.
    pub order: OrderId,
    /// Its place among what is owed.
    pub sequence: i64,
    /// >= 0; nought: nothing any more.
    pub points: Points,
}

/// Points that paid for an order (positive), or came back with its return (negative).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Which order.
    pub order: OrderId,
    /// Of which wallet.
    pub wallet: WalletName,
    /// Sequence of the lot that they had come from.
    pub lot: i64,
    /// Signed.
    pub points: Points,
    /// The lot that they came back into: the same, or a new one that ends later.
    pub into: Option<i64>,
}

/// An award with the lot that it went into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAward {
    /// The rule that gave it.
    pub rule: RuleName,
    /// Into which wallet.
    pub wallet: WalletName,
    /// > 0.
    pub points: Points,
    /// Sequence of the lot.
    pub lot: i64,
    /// The arithmetic, and what it came out of.
    pub inputs: AwardInputs,
    /// On which day it counts for tiers, if it does.
    pub counts_on: Option<Date>,
}

/// What an event changes of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderChange {
    /// Its purchase came.
    Bought {
        /// Boxed: an order may have thousands of lines.
        purchase: Box<Event>,
        /// By the rules for members of which tier it was decided.
        tier: Option<TierName>,
        /// What it counts over several events.
        tallied: Vec<TallyPart>,
    },
    /// A refund came.
    Returned {
        /// Which order.
        order: OrderId,
        /// All returns so far.
        returned: Returned,
        /// Its awards after, in award order.
        awards: Vec<OrderAward>,
        /// What is left of it to count over several events.
        tallied: Vec<TallyPart>,
    },
}

/// Whether an event is parked, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parking {
    /// Neither.
    None,
    /// It waits from now on.
    Park(Box<Event>),
    /// It waited until now: its inbox row exists already.
    Unpark,
}

//! What the rules say about one event, as a value: the ledger posts it, `explain` prints it.

mod inputs;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::event::{Event, LineRef, Merge, Refund, Word};
use crate::result::RejectReason;
use crate::ruleset::RulesetHash;
use crate::tally::{Tally, TallyChange, TallyKey, TallyPart};
use crate::{BudgetName, EventType, HoldId, MemberId, OrderId, Points, RuleName, TierName, WalletName};

pub use inputs::{AwardInputs, Budgeted, Capped, Effect, LineInputs, Multiplier, Passed, Picked, Tallied};

/// How much each budget can still give, over all workers.
pub type Rooms = BTreeMap<BudgetName, Points>;

/// What deciding an event will need of its member, beyond balances and lots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// The order whose purchase, awards, returns and parked refunds are to be loaded.
    pub order: Option<OrderId>,
    /// The hold that is to be loaded, with what it has of each lot.
    pub hold: Option<HoldId>,
    /// The other member who is to be found, or made.
    pub recipient: Option<MemberId>,
    /// Whether it may move an end of points that idle which is to be warned of: all of those are loaded, where more of the member is decided.
    pub idles: bool,
    /// Budgets that it may take from or give back to. A refund names none: which its order took from is known once that is loaded.
    pub budgets: BTreeSet<BudgetName>,
    /// Sums over several events that it may add to; those of a refund's order are known once that is loaded.
    pub tallies: BTreeSet<TallyKey>,
}

/// What the rules may see of a member when they decide.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The order that the event names, as it stands; `None` when it never came.
    pub order: Option<&'a OrderState>,
    /// The hold that the event names, as it stands; `None` when there never was one.
    pub hold: Option<&'a HoldState>,
    /// What redemptions and captures spent on that order so far, by wallet, whatever came back since; its purchase may be still to come.
    pub paid: Option<&'a BTreeMap<WalletName, Points>>,
    /// How much the budgets can still give, and what is not named there nothing; `None` where there is no limit.
    pub rooms: Option<&'a Rooms>,
    /// Whether points of an order may wait for an event of its type, by any version of the rules.
    pub is_awaited: bool,
    /// The tier that the member had when the event happened, as recorded so far; `None`: the first one, or there are none.
    pub tier: Option<&'a TierName>,
    /// What rules count over several events: those of the event's rules, and of its order; `None` where nothing was counted before.
    pub tallies: Option<&'a BTreeMap<TallyKey, Tally>>,
}

/// What the rules say about one event. How much of it a member's balance allows is the ledger's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A purchase earned these awards (none is fine); the order is remembered for its refunds.
    Purchase {
        /// In the order of the rules, those over several events last.
        awards: Vec<Award>,
        /// What it counts over several events, whether that was worth an award or not.
        tallies: Vec<TallyChange>,
    },
    /// A sign-up or custom activity earned these awards; and the points of its order that waited for it can be spent.
    Activity {
        /// In the order of the rules, those over several events last.
        awards: Vec<Award>,
        /// What it counts over several events, whether that was worth an award or not.
        tallies: Vec<TallyChange>,
    },
    /// After this refund the order's returns stand so, and so much of its awards is due back.
    Refund {
        /// All returns of the order so far, this one included.
        returned: Returned,
        /// Due in all by wallet: `clamp(awarded - f(kept), 0, awarded)`, of each award that came out of a budget apart from the others; every
        /// wallet that the order's awards name.
        due: BTreeMap<WalletName, Points>,
        /// How much of that is due of each award that came out of a budget: no other rule makes up for it.
        of_budgets: BTreeMap<RuleName, Points>,
        /// What comes back of the points that had paid for the order; before anything is taken.
        gives_back: GiveBack,
        /// What changes of that which the order counts over several events.
        tallies: Vec<TallyChange>,
    },
    /// Spend these points if the balance has them.
    Redeem {
        /// From which wallet.
        wallet: WalletName,
        /// > 0.
        points: Points,
        /// What comes back at once, because the order that they pay for was returned before they were spent.
        gives_back: GiveBack,
    },
    /// Reserve these points if the balance has them.
    Hold {
        /// Under which name.
        hold: HoldId,
        /// From which wallet.
        wallet: WalletName,
        /// > 0.
        points: Points,
        /// When it ends by itself; `None`: never.
        expires: Option<Timestamp>,
    },
    /// Spend these points of an open hold.
    Capture {
        /// Of which.
        hold: HoldId,
        /// > 0, and no more than it has.
        points: Points,
        /// Whether the rest stays reserved; otherwise it is free again, and the hold has ended.
        keeps_rest: bool,
        /// What comes back at once, because the order that they pay for was returned before they were spent.
        gives_back: GiveBack,
    },
    /// Set free what an open hold has.
    Release {
        /// Which.
        hold: HoldId,
    },
    /// Turn down what was asked of a hold; nothing moves.
    Decline(Declined),
    /// Add (or take, when negative) these points.
    Adjust {
        /// Which wallet.
        wallet: WalletName,
        /// Not nought.
        points: Points,
        /// Of points that are added.
        dates: Dates,
    },
    /// Give these points back, if so many have ended.
    Reinstate {
        /// Which wallet.
        wallet: WalletName,
        /// > 0.
        points: Points,
        /// Of the lot that they come in as.
        dates: Dates,
    },
    /// Send these points to another member if the balance has them.
    Transfer {
        /// To whom.
        to: MemberId,
        /// Of which wallet.
        wallet: WalletName,
        /// > 0.
        points: Points,
    },
    /// The member has this tier from the event's time on, unless they have a higher one.
    Promote {
        /// Which; it is a level of the programme.
        tier: TierName,
        /// When it is reviewed; `None`: never.
        until: Option<Timestamp>,
    },
    /// Let no points of the member leave from now on, but those that were promised before.
    Freeze(Word),
    /// Let them leave again.
    Unfreeze(Word),
    /// Let all that the member has be forfeited, and forget who they are.
    Erase(Word),
    /// Let all that the member has be another one's. It is of two members: no posting of one carries it out.
    Merge(Merge),
    /// The purchase of the event's order has not come yet: keep the event until it does.
    Park {
        /// The order that is waited for.
        order: OrderId,
    },
}

/// Points that had paid for an order and come back to the member, because not all of it was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GiveBack {
    /// In all so far, by wallet: what was spent on the order without what pays for the kept part of it.
    pub points: BTreeMap<WalletName, Points>,
    /// They do not end before this; `None` where nothing comes back.
    pub until: Option<Timestamp>,
    /// When the member is to be warned of that end, for each wallet that warns.
    pub warns: BTreeMap<WalletName, Timestamp>,
}

/// What one rule gave for one event, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Award {
    /// The rule, of the rule set that decided.
    pub rule: RuleName,
    /// Into which wallet.
    pub wallet: WalletName,
    /// In units of the wallet's scale; > 0, but for an award whose budget has nothing left: it is only told.
    pub points: Points,
    /// When they can be spent and when they end.
    pub dates: Dates,
    /// The activity of their order that lets them be spent sooner than `dates.activates`, or at all where that is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<EventType>,
    /// The arithmetic, step by step.
    pub inputs: AwardInputs,
}

/// When points can be spent and when they end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dates {
    /// From when on they can be spent; `None`: at once.
    pub activates: Option<Timestamp>,
    /// From when on they are gone; `None`: never.
    pub expires: Option<Timestamp>,
    /// Whether they end with the wallet's other points, when the member was inactive for long enough. `expires` is then what this event
    /// alone would make of it: other activities may put it off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idles: bool,
    /// When the member is to be warned of `expires`, not before the event itself; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warns: Option<Timestamp>,
}

/// When points end together that idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdlesUntil {
    /// From when on they are gone.
    pub end: Timestamp,
    /// When the member is to be warned of it; `None`: never.
    pub warns: Option<Timestamp>,
}

/// Why what was asked of a hold cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declined {
    /// The hold that was named.
    pub hold: HoldId,
    /// Its wallet, or the one that it was to be of; `None` when there is no such hold, or the answer needs none.
    pub wallet: Option<WalletName>,
    /// How many points were asked for, where the wallet is known and a number was named.
    pub points: Option<Points>,
    /// How many are missing, where that is the reason.
    pub missing: Option<Points>,
    /// Why.
    pub reason: RejectReason,
}

/// A hold as the ledger remembers it: points = held + captured + released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldState {
    /// Of which wallet.
    pub wallet: WalletName,
    /// Reserved at first, > 0.
    pub points: Points,
    /// Still reserved; none once it has ended.
    pub held: Points,
    /// Spent.
    pub captured: Points,
    /// Set free, whether they could be spent again or had ended meanwhile.
    pub released: Points,
    /// When it ends by itself; `None`: never.
    pub expires: Option<Timestamp>,
    /// Whether it is open, or how it ended.
    pub stage: HoldStage,
}

/// Whether a hold is open, or how it ended. It ends once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HoldStage {
    /// It has points reserved.
    Open,
    /// A capture took the last of them, or set the rest free.
    Captured,
    /// A release set them free.
    Released,
    /// Its time came before either.
    TimedOut,
}

impl HoldStage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Captured, Self::Released, Self::TimedOut];

    /// As it stands in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Captured => "Captured",
            Self::Released => "Released",
            Self::TimedOut => "TimedOut",
        }
    }

    /// Reads what [`HoldStage::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

/// An order as the ledger remembers it for its refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderState {
    /// The purchase as it was decided.
    pub purchase: Event,
    /// The rule set that paid.
    pub ruleset: RulesetHash,
    /// The tier by which it was decided; `None`: the first one, or there were none.
    pub tier: Option<TierName>,
    /// What came back so far.
    pub returned: Returned,
    /// What was awarded and what became of it, in award order; without what was given for sums over several events.
    pub awards: Vec<OrderAward>,
    /// What it counts over several events, as far as it was kept.
    pub tallied: Vec<TallyPart>,
}

/// One award of an order and what refunds did to it: `taken + waived = due <= awarded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAward {
    /// The rule that gave it.
    pub rule: RuleName,
    /// Into which wallet.
    pub wallet: WalletName,
    /// Given by the purchase, > 0.
    pub awarded: Points,
    /// To be taken back by all refunds so far.
    pub due: Points,
    /// Taken back.
    pub taken: Points,
    /// What the policy could not take; never demanded again.
    pub waived: Points,
    /// What it came out of. What is taken back of it can be given again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetName>,
}

impl OrderAward {
    /// One of which nothing is due.
    #[must_use]
    pub fn paid(rule: &RuleName, wallet: &WalletName, awarded: Points) -> Self {
        let (due, taken, waived) = (Points::ZERO, Points::ZERO, Points::ZERO);
        Self { rule: rule.clone(), wallet: wallet.clone(), awarded, due, taken, waived, budget: None }
    }
}

/// All that came back of an order, summed up, so that neither order nor split of the refunds matters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Returned {
    /// The whole order came back.
    #[serde(default)]
    pub whole: bool,
    /// Money given back on the order as a whole, in minor units.
    #[serde(default)]
    pub amount_minor: i64,
    /// By line or sku; a list, because a JSON key is a string.
    #[serde(default)]
    pub lines: Vec<(LineRef, ReturnedLine)>,
}

/// What came back of one line (or of one sku).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnedLine {
    /// All of it.
    #[serde(default)]
    pub whole: bool,
    /// Pieces that came back without an amount named.
    #[serde(default)]
    pub quantity: Decimal,
    /// Pieces that came back with an amount named (they leave the line, their share of money is what was named).
    #[serde(default)]
    pub quantity_priced: Decimal,
    /// Money named, in minor units.
    #[serde(default)]
    pub amount_minor: i64,
}

impl Returned {
    /// These returns and one more refund; `None` when a sum leaves the range of an i64.
    #[must_use]
    pub fn and(&self, refund: &Refund) -> Option<Self> {
        let mut all = self.clone();
        if refund.lines.is_empty() && refund.amount.is_none() {
            all.whole = true;
        }
        if let Some(amount) = refund.amount {
            all.amount_minor = all.amount_minor.checked_add(amount.minor)?;
        }
        for line in &refund.lines {
            let at = match all.lines.binary_search_by(|(known, _)| known.cmp(&line.line)) {
                Ok(at) => at,
                Err(at) => {
                    all.lines.insert(at, (line.line.clone(), ReturnedLine::default()));
                    at
                }
            };
            let sum = &mut all.lines[at].1;
            match (line.quantity, line.amount) {
                (None, None) => sum.whole = true,
                (Some(quantity), None) => sum.quantity = sum.quantity.checked_add(quantity.get())?,
                (quantity, Some(amount)) => {
                    let pieces = quantity.map_or(Decimal::ZERO, crate::Quantity::get);
                    sum.quantity_priced = sum.quantity_priced.checked_add(pieces)?;
                    sum.amount_minor = sum.amount_minor.checked_add(amount.minor)?;
                }
            }
        }
        Some(all)
    }
}

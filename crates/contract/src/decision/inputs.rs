//! The arithmetic of an award, kept beside its points.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::program::{Base, Pick, Rounding};
use crate::tally::{Counts, TallyKey};
use crate::{BudgetName, GroupName, RuleName, WalletName};

/// The arithmetic of an award: `exact = base / amount * points * factor`, then rounded once where `rounding` says.
///
/// For `PerStep` only the whole steps of `base / amount` count; for `PerQuantity` `base` and `amount` are quantities of the lines. With several lines each has its own factor, and `exact` is
/// the sum of theirs; what has no end as a decimal is shown to 28 digits, but computed with as a ratio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AwardInputs {
    /// Which effect of the rule.
    pub effect: Effect,
    /// Money that the rule counted, in major units, or the quantity; 0 for a fixed bonus outside of bands.
    pub base: Decimal,
    /// Which money of a line that is, where it is another than what was paid.
    #[serde(default, skip_serializing_if = "Base::is_default")]
    pub counts: Base,
    /// Per how much of it; absent for a fixed bonus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_amount: Option<Decimal>,
    /// How many points for it (or the fixed bonus).
    pub points: Decimal,
    /// Multipliers that applied, in the order of the rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub multipliers: Vec<Multiplier>,
    /// Points before rounding.
    pub exact: Decimal,
    /// Where and how it was rounded; absent for a fixed bonus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// The lines that counted, when the order has more than one or rounding is by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineInputs>,
    /// From how much counted money on the rule gives this; absent for a rule without bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Decimal>,
    /// The most that the rule gives for one event; absent for a rule without `max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Capped>,
    /// What its group picked it over; absent for an award whose rule is in no group that picks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Picked>,
    /// What it came out of; absent for an award without a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budgeted>,
    /// What was counted over several events; absent for an award for one alone. `exact` is then what all of the sum is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tallied>,
}

impl AwardInputs {
    /// The sum for which an award of this rule into this wallet was given, if it is one over several events.
    #[must_use]
    pub fn tally_key(&self, rule: &RuleName, wallet: &WalletName) -> Option<TallyKey> {
        let Tallied { counts, since, .. } = self.tally.as_ref()?;
        Some(TallyKey { rule: rule.clone(), wallet: wallet.clone(), counts: *counts, since: *since })
    }
}

/// The sum over several events for which an award was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tallied {
    /// What is added up; `base` of the inputs is what the event added.
    pub counts: Counts,
    /// The first day of the time within which it is; absent: it never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// The sum with this event.
    pub sum: Decimal,
    /// What the member had for it before: given, and not taken back.
    pub before: Decimal,
}

impl AwardInputs {
    /// Of a fixed bonus of so many points.
    #[must_use]
    pub fn fixed(points: Decimal) -> Self {
        Self {
            effect: Effect::Fixed,
            base: Decimal::ZERO,
            counts: Base::default(),
            per_amount: None,
            points,
            multipliers: Vec::new(),
            exact: points,
            rounding: None,
            lines: Vec::new(),
            band: None,
            cap: None,
            group: None,
            budget: None,
            tally: None,
        }
    }
}

/// The most that a rule gives for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capped {
    /// How many points.
    pub max: Decimal,
    /// How many it would have been: the award is of fewer where this is more.
    pub wanted: Decimal,
}

/// An award that stands in the place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Picked {
    /// Which group.
    pub name: GroupName,
    /// How it picks: never `All`.
    pub pick: Pick,
    /// Those that it was picked over; of `First` nobody asked the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<Passed>,
}

/// What another rule of the group would have given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Which.
    pub rule: RuleName,
    /// How many points, before anybody looks at budgets.
    pub points: Decimal,
}

/// What an award came out of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budgeted {
    /// Which budget.
    pub name: BudgetName,
    /// How many points the rule gives by itself; the award is of fewer where the budget had no more.
    pub wanted: Decimal,
}

/// One line's part in an award.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineInputs {
    /// The line's id.
    pub line: String,
    /// Money that counted, in major units, or the quantity.
    pub base: Decimal,
    /// Product of the multipliers on this line.
    pub factor: Decimal,
    /// Points before rounding.
    pub exact: Decimal,
}

/// A multiplier that applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multiplier {
    /// The rule that multiplied.
    pub rule: RuleName,
    /// By how much.
    pub by: Decimal,
}

/// The kinds of earning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// In proportion to money.
    Per,
    /// For each full step of money.
    PerStep,
    /// In proportion to the quantity of the lines.
    PerQuantity,
    /// A fixed number.
    Fixed,
    /// For each full number of events or pieces.
    Every,
    /// For what was reached.
    Reaching,
}

//! What a rule gives: points for money, a number of them, or more of what others give.

use serde::{Deserialize, Serialize};

use super::{Every, Expiry, Mark, Over, Pending};
use crate::{BudgetName, Quantity, WalletName};

/// Most bands of one rule; each order is held against each.
pub const BANDS_MAX: usize = 16;

/// Points for an event: exactly one of `per`, `perStep`, `perQuantity`, `bands`, `fixed`, `every` and `reaching`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "[has(self.per), has(self.perStep), has(self.perQuantity), has(self.bands), has(self.fixed), has(self.every), has(self.reaching)].exists_one(given, given)",
        "message": "give exactly one of per, perStep, perQuantity, bands, fixed, every and reaching"
    },
    { "rule": "!(has(self.fixed) && has(self.rounding))", "message": "rounding has no effect on fixed; leave it out" },
    { "rule": "!(has(self.fixed) && has(self.base))", "message": "base has no effect on fixed, which counts no money; leave it out" },
    { "rule": "!(has(self.fixed) && has(self.max))", "message": "max has no effect on fixed; write the smaller number there" },
    {
        "rule": "has(self.over) ? !has(self.fixed) && !has(self.perQuantity) && !has(self.bands) : !has(self.every) && !has(self.reaching)",
        "message": "over goes with per, perStep, every and reaching, and the last two need it"
    },
    {
        "rule": "!has(self.over) || !has(self.budget)",
        "message": "a budget is for what one event earns, and over counts several; leave it out"
    },
    {
        "rule": "!has(self.reaching) || !has(self.max)",
        "message": "max has no effect on reaching, whose marks say how many points there are; leave it out"
    },
    {
        "rule": "!has(self.expiry) || !has(self.expiry.inactivity)",
        "message": "inactivity ends all points of a wallet together: say it there"
    }
])))]
pub struct Earn {
    /// Into which wallet.
    pub wallet: WalletName,
    /// In proportion to money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// For each full step of money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_step: Option<Per>,
    /// In proportion to the quantity of the lines: so many points for so many pieces, kilograms or litres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_quantity: Option<PerQuantity>,
    /// Another rate for larger orders: the last band whose `from` the counted money of the order reaches pays for all of it. Ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 16)))]
    pub bands: Vec<Band>,
    /// A fixed number; after multipliers, never multiplied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Quantity>,
    /// For each full number of events or pieces, counted over several events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// For what is reached, counted over several events; what each mark asks for is more than that of the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 32)))]
    pub reaching: Vec<Mark>,
    /// Counts all that happens to a member within this time together: what `per` gives is rounded once for all of it, and steps go on from one
    /// order to the next. An event gives what the sum is worth after it, without what was given before; a refund takes what the rest is not worth.
    /// Only for `per`, `perStep`, `every` and `reaching`, and what it gives does not count for tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// No more than so many points for one event, or with `over` for all of the time, > 0; after multipliers and rounding. Not for `fixed` and
    /// `reaching`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Quantity>,
    /// Which money of a line counts; what was paid for it, all of it, when absent. Not for `fixed`.
    #[serde(default, skip_serializing_if = "Base::is_default")]
    pub base: Base,
    /// Where and how to round; `Floor` at `Order` when absent. Not for `fixed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// The budget that these points come out of: what it has no room for any more is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetName>,
    /// In place of the wallet's `pending`, for these points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
    /// In place of the wallet's `expiry`, for these points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Expiry>,
}

/// So many points for so much money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Per {
    /// Money in major units, > 0.
    pub amount: Quantity,
    /// Points for it, > 0.
    pub points: Quantity,
}

/// So many points for so many pieces, kilograms or litres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PerQuantity {
    /// As the lines count it, > 0.
    pub quantity: Quantity,
    /// Points for it, > 0.
    pub points: Quantity,
}

/// What a rule gives for orders from some amount on: exactly one of `per`, `perStep`, `perQuantity` and `fixed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "[has(self.per), has(self.perStep), has(self.perQuantity), has(self.fixed)].exists_one(given, given)",
    "message": "give exactly one of per, perStep, perQuantity and fixed"
}])))]
pub struct Band {
    /// Counted money of the selected lines in major units, itself included.
    pub from: Quantity,
    /// In proportion to money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// For each full step of money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_step: Option<Per>,
    /// In proportion to the quantity of the lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_quantity: Option<PerQuantity>,
    /// A fixed number; never multiplied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Quantity>,
}

/// Which money of a line counts. `minimumOrder` goes by what was paid, whatever stands here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Base {
    /// Whether a line counts for what was paid for it, or for what it would have cost without its `discount`.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "After")))]
    pub discount: Discount,
    /// Whether a line's `tax` counts.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "Included")))]
    pub tax: Counted,
    /// Whether lines count that are the order's delivery (`isDelivery`).
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = "Included")))]
    pub delivery: Counted,
}

impl Base {
    /// Whether what was paid counts, all of it.
    // Absent from the stored form while it is so: rule sets of before keep their hash.
    #[must_use]
    pub fn is_default(&self) -> bool {
        is_default(self)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether money counts as it was after a discount or before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Discount {
    /// What was paid.
    #[default]
    After,
    /// What would have been paid without it.
    Before,
}

/// Whether a part of the money counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Counted {
    /// It counts.
    #[default]
    Included,
    /// It does not.
    Excluded,
}

/// The one rounding step of an award.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rounding {
    /// Which way.
    #[serde(default)]
    pub mode: RoundingMode,
    /// Of what.
    #[serde(default)]
    pub at: RoundingAt,
}

/// Which way to round to the wallet's scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RoundingMode {
    /// Down.
    #[default]
    Floor,
    /// Up.
    Ceiling,
    /// To the nearest, a half up.
    HalfUp,
    /// To the nearest, a half down.
    HalfDown,
    /// To the nearest, a half to the even neighbour.
    HalfEven,
}

/// What is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum RoundingAt {
    /// Each line, then summed.
    Line,
    /// The sum of the lines.
    #[default]
    Order,
}

/// Multiplies what the other rules give for the selected lines, but for what is `fixed`, and for full steps, stamps and marks over several events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Multiply {
    /// By how much; 0 takes the points of the selected lines away.
    pub by: Quantity,
    /// Only awards into this wallet; every wallet when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletName>,
}

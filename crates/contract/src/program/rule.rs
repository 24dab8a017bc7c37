//! A rule: when, on what, and what.

use serde::{Deserialize, Serialize};

use super::earn::{Earn, Multiply};
use super::is_false;
use super::valid::Valid;
use crate::{EventType, GroupName, Quantity, RuleName};

/// When (`on`, `valid`, `when`, `minimumOrder`), on what (`include`, `exclude`), and what (`earn` or `multiply`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.earn) != has(self.multiply)", "message": "give exactly one of earn and multiply"
}])))]
pub struct Rule {
    /// Unique in the rule set; stands in every award.
    pub name: RuleName,
    /// The event type that triggers it.
    // YAML 1.1, which clusters read, takes a bare `on` for a truth value and hands it on as this.
    #[serde(alias = "true")]
    pub on: EventType,
    /// When it holds; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<Valid>,
    /// A CEL condition over `event`, and `member.tier` where there are tiers; an error in it buries the event, it never counts as false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 4096)))]
    pub when: Option<String>,
    /// Only orders of at least this amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_order: Option<Quantity>,
    /// Only lines that one of these names; all lines when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Selector>,
    /// Not the lines that one of these names, even when included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Selector>,
    /// Points for the event. Exactly one of `earn` and `multiply`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earn: Option<Earn>,
    /// More points from the other rules of the same event, but for what is `fixed`, and for full steps, stamps and marks over several events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiply: Option<Multiply>,
    /// The group that it is one of; rules without one all count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// Rules with a higher one are asked before others, and their awards stand first; those of one priority in the order of the file.
    #[serde(default, skip_serializing_if = "is_nought")]
    #[cfg_attr(feature = "schema", schemars(range(min = -1000, max = 1000), extend("default" = 0)))]
    pub priority: i32,
    /// When this rule applied, the ones after it are not asked, whatever its group picks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stop_after: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_nought(number: &i32) -> bool {
    *number == 0
}

/// Lines of an order, by what they carry; a line matches when any of the lists names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Selector {
    /// Article numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 1000)))]
    pub skus: Vec<String>,
    /// Categories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 1000)))]
    pub categories: Vec<String>,
    /// Labels, in full (`color=red`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 1000)))]
    pub labels: Vec<String>,
    /// Brands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(max = 1000)))]
    pub brands: Vec<String>,
}

impl Selector {
    /// Its lists with their names, in the order in which they are told.
    #[must_use]
    pub fn lists(&self) -> [(&'static str, &[String]); 4] {
        [("skus", &self.skus), ("categories", &self.categories), ("labels", &self.labels), ("brands", &self.brands)]
    }
}

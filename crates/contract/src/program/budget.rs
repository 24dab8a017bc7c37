//! What a campaign may give in all.

use serde::{Deserialize, Serialize};

use crate::{BudgetName, Quantity, WalletName};

/// Most budgets of a programme; a refund looks at all of them.
pub const BUDGETS_MAX: usize = 32;

/// So many points that rules may give in all, for as long as the programme lives. What is changed counts from when it is applied, whatever
/// `validFrom` says: more is more room, less than was given is none, and takes nothing back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.wallet == oldSelf.wallet",
    "message": "a budget's wallet cannot change: what was given of it are points of the old one; add another budget"
}])))]
pub struct Budget {
    /// Unique in the programme.
    pub name: BudgetName,
    /// Into which wallet its rules give.
    pub wallet: WalletName,
    /// How many points in all, > 0. What refunds take back can be given again.
    pub points: Quantity,
}

//! What a merge tells of the member who has all of it from then on.

use serde::{Deserialize, Serialize};

use super::RejectReason;
use crate::WalletName;

/// What a member had in a wallet who was merged into this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PointsMerged {
    /// Into which wallet.
    pub wallet: WalletName,
    /// How many could be spent.
    pub points: String,
    /// How many wait; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// How many are held; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// How many were owed; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt: Option<String>,
    /// Balance after.
    pub available: String,
}

/// Two members could not become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRejected {
    /// Why.
    pub reason: RejectReason,
    /// What both have, by name, if that is the reason; the first ones of many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

//! What became of points that had ended and were to be given back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RejectReason;
use crate::WalletName;

/// Points that had ended and can be spent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// Into which wallet.
    pub wallet: WalletName,
    /// How many.
    pub points: String,
    /// Balance after.
    pub available: String,
    /// Why, as the author said.
    pub reason: String,
    /// Who.
    pub author: String,
    /// When they end again, if the author named a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Fewer points had ended than were to be given back; nothing moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReinstatementRejected {
    /// Into which wallet.
    pub wallet: WalletName,
    /// How many were asked for.
    pub points: String,
    /// How many have ended and were neither given back nor taken for a refund since.
    pub expired: String,
    /// How many are missing.
    pub missing: String,
    /// Balance.
    pub available: String,
    /// Why.
    pub reason: RejectReason,
}

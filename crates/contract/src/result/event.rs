//! A result as a whole.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, ResultBody};
use crate::MemberId;

/// One result as the ledger stores it and the worker publishes it, the same every time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultEvent {
    /// Message id on the broker and `id` of the CloudEvent: 32 hex digits.
    pub id: String,
    /// When the cause happened.
    pub time: Timestamp,
    /// Whom it concerns.
    pub member: MemberId,
    /// The event that caused it.
    pub cause: Cause,
    /// What came out.
    #[serde(flatten)]
    pub body: ResultBody,
}

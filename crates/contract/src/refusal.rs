//! Why a message cannot be applied, ever: the reasons with which it is buried.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Closed set: header of the buried message, metric label and filter of `loyaltyctl dlq` at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum BuryReason {
    /// The body is not JSON.
    NotJson,
    /// The body is the beginning of a JSON text.
    Truncated,
    /// A field holds another JSON type than it must.
    WrongType,
    /// A field holds a value that it may not.
    BadValue,
    /// A field that must be there is not.
    MissingField,
    /// An amount or a quantity is below nought.
    NegativeAmount,
    /// An amount is in another currency than the programme's.
    ForeignCurrency,
    /// The event's type is neither built in nor named by any source.
    UnknownEventType,
    /// The source may not say this type.
    TypeNotAllowed,
    /// The message came by no exchange and routing key of any source.
    UnknownSource,
    /// The body is larger than an event may be.
    TooLarge,
    /// The event is older than `maxLateness`.
    TooLate,
    /// The event is more than five minutes in the future.
    InTheFuture,
    /// The same identity with other content.
    IdentityClash,
    /// The order was already paid for by another event.
    DuplicateOrder,
    /// A refund of a line that its order does not have.
    UnknownLine,
    /// A refund whose purchase did not come within `maxLateness`.
    PurchaseNeverCame,
    /// The programme has no such wallet.
    UnknownWallet,
    /// A rule could not be evaluated on this event.
    RuleFailed,
    /// The sum is larger than a wallet can hold.
    Overflow,
    /// The ledger refused what the event would post.
    LedgerRefused,
    /// It was being decided whenever a worker died.
    CrashedWorker,
}

impl BuryReason {
    /// Every reason, in declaration order; the metric has one series for each from the start.
    pub const ALL: [Self; 22] = [
        Self::NotJson,
        Self::Truncated,
        Self::WrongType,
        Self::BadValue,
        Self::MissingField,
        Self::NegativeAmount,
        Self::ForeignCurrency,
        Self::UnknownEventType,
        Self::TypeNotAllowed,
        Self::UnknownSource,
        Self::TooLarge,
        Self::TooLate,
        Self::InTheFuture,
        Self::IdentityClash,
        Self::DuplicateOrder,
        Self::UnknownLine,
        Self::PurchaseNeverCame,
        Self::UnknownWallet,
        Self::RuleFailed,
        Self::Overflow,
        Self::LedgerRefused,
        Self::CrashedWorker,
    ];

    /// The name as it stands in headers, metrics and filters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "NotJson",
            Self::Truncated => "Truncated",
            Self::WrongType => "WrongType",
            Self::BadValue => "BadValue",
            Self::MissingField => "MissingField",
            Self::NegativeAmount => "NegativeAmount",
            Self::ForeignCurrency => "ForeignCurrency",
            Self::UnknownEventType => "UnknownEventType",
            Self::TypeNotAllowed => "TypeNotAllowed",
            Self::UnknownSource => "UnknownSource",
            Self::TooLarge => "TooLarge",
            Self::TooLate => "TooLate",
            Self::InTheFuture => "InTheFuture",
            Self::IdentityClash => "IdentityClash",
            Self::DuplicateOrder => "DuplicateOrder",
            Self::UnknownLine => "UnknownLine",
            Self::PurchaseNeverCame => "PurchaseNeverCame",
            Self::UnknownWallet => "UnknownWallet",
            Self::RuleFailed => "RuleFailed",
            Self::Overflow => "Overflow",
            Self::LedgerRefused => "LedgerRefused",
            Self::CrashedWorker => "CrashedWorker",
        }
    }
}

impl fmt::Display for BuryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message that is at fault itself: the reason, and a sentence that names the field and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// One of the closed set.
    pub reason: BuryReason,
    /// What is wrong and what to do, for a person; carries no payload beyond the field at fault.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its sentence.
    #[must_use]
    pub fn new(reason: BuryReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

//! Events: things that happened, parsed once. What stands here is well-formed; only time, state and rules can still refuse it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{EventId, EventType, HoldId, MemberId, Money, OrderId, Quantity, Source, TierName, WalletName};

/// A thing that happened to one member.
///
/// Its stored form is what the ledger keeps and what [`ContentHash`] is of: a new field must be absent from it when it says
/// nothing, or every event that is known would become another one.
///
/// Identity is the pipeline, `source` and `id`; the same identity with other content is a clash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Who said it.
    pub source: Source,
    /// The event's own id.
    pub id: EventId,
    /// When it happened; rules are those of this time.
    pub occurred_at: Timestamp,
    /// Whom it happened to.
    pub member: MemberId,
    /// Where it happened (`store`, `web`, ...), if the producer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The producer's own attributes, for conditions; object keys are sorted on every level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, serde_json::Value>,
    /// What happened.
    pub kind: Kind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// An order was paid for.
    Purchase(Purchase),
    /// An order, or a part of it, was returned.
    Refund(Refund),
    /// Points are to be spent on a reward.
    Redeem(Redeem),
    /// Points are to be reserved, to be spent or set free later.
    Hold(Hold),
    /// Of what a hold has reserved, all or a part is to be spent.
    Capture(Capture),
    /// What a hold has reserved is to be free again.
    Release(Release),
    /// A person corrects a balance.
    Adjust(Adjust),
    /// A person gives points back that had ended.
    Reinstate(Reinstate),
    /// Points are to go to another member.
    Transfer(Transfer),
    /// A person says which tier a member has, as another system knew it.
    Promote(Promote),
    /// A person stops a member's points from leaving.
    Freeze(Word),
    /// A person lets them leave again.
    Unfreeze(Word),
    /// A person has the member forgotten: what they have is forfeited, and nothing is kept of who they are.
    Erase(Word),
    /// A person has found that the member is another one: from now on all that is theirs is that one's.
    Merge(Merge),
    /// A member joined.
    Signup,
    /// Any other activity that a source may say and a rule can name.
    Custom(EventType),
    /// The same, about an order: points of the order may wait for it.
    OfOrder(OfOrder),
}

/// An order that was paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Unique among the member's orders.
    pub order: OrderId,
    /// What was paid, >= 0; the sum of the lines.
    pub amount: Money,
    /// At least one; an order that came without lines is one line without a sku.
    pub lines: Vec<Line>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Unique within the order; the line's number from 1 unless the producer names it.
    pub id: String,
    /// Article number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Pieces or weight, > 0.
    pub quantity: Quantity,
    /// What was paid for the whole line, >= 0.
    pub amount: Money,
    /// What had been taken off before it was paid, > 0; together with `amount` it fits an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<Money>,
    /// How much of `amount` is tax, > 0 and no more than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
    /// Whether it is the delivery of the others.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_delivery: bool,
    /// Category of the article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Who made the article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Labels of the article, such as `color=red`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl Line {
    /// A line of which no more is known.
    #[must_use]
    pub fn plain(id: impl Into<String>, quantity: Quantity, amount: Money) -> Self {
        Self {
            id: id.into(),
            sku: None,
            quantity,
            amount,
            discount: None,
            tax: None,
            is_delivery: false,
            category: None,
            brand: None,
            labels: Vec::new(),
        }
    }
}

/// The return of an order: the whole of it when neither lines nor an amount are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The order that is returned.
    pub order: OrderId,
    /// Lines that came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<RefundLine>,
    /// Money given back on the order as a whole, >= 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// One line that came back: the whole line when neither quantity nor amount is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    /// Which line.
    pub line: LineRef,
    /// Pieces that came back, > 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// Money given back, >= 0; without it the share of the quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
}

/// How a refund names a line of its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LineRef {
    /// By the line's id.
    Id(String),
    /// By article: all lines of that sku, in their order.
    Sku(String),
}

/// Points to be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeem {
    /// From which wallet; the programme's first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletName>,
    /// How many, > 0, as a decimal number of points.
    pub points: Quantity,
    /// The order that they pay for: when it is returned, they come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}

/// An activity that is about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfOrder {
    /// What happened.
    pub name: EventType,
    /// To which of the member's orders.
    pub order: OrderId,
}

/// Points to be reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Unique among the member's holds, also those that have ended.
    pub hold: HoldId,
    /// From which wallet; the programme's first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletName>,
    /// How many, > 0, as a decimal number of points.
    pub points: Quantity,
    /// When it ends by itself, after the event's own time; `None`: what the programme says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// Reserved points to be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Of which hold.
    pub hold: HoldId,
    /// How many, > 0; all that it still has when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Quantity>,
    /// Whether the rest stays reserved for another capture; otherwise it is free again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keeps_rest: bool,
    /// The order that they pay for: when it is returned, they come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Reserved points to be free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Of which hold.
    pub hold: HoldId,
}

/// A correction by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjust {
    /// Which wallet; the programme's first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletName>,
    /// Points to add, or to take when negative; not nought.
    pub points: Decimal,
    /// Why; an audit asks for it.
    pub reason: String,
    /// Who; an audit asks for it.
    pub author: String,
    /// When points that are added can be spent, after the event's own time; `None`: at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activates: Option<Timestamp>,
    /// When points that are added end, after the event's own time; `None`: as the programme says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// Points that had ended and are to be there again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reinstate {
    /// Which wallet; the programme's first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletName>,
    /// How many, > 0, as a decimal number of points.
    pub points: Quantity,
    /// Why; an audit asks for it.
    pub reason: String,
    /// Who; an audit asks for it.
    pub author: String,
    /// When they end again, after the event's own time; `None`: as the programme says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// Points for another member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Who is to have them.
    pub to: MemberId,
    /// From which wallet, and into the same one; the programme's first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletName>,
    /// How many, > 0, as a decimal number of points.
    pub points: Quantity,
}

/// A tier that a member brings along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promote {
    /// Which; the member has it since the event's own time.
    pub tier: TierName,
    /// When it is reviewed, after the event's own time; `None`: as the programme says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why; an audit asks for it.
    pub reason: String,
    /// Who; an audit asks for it.
    pub author: String,
}

/// What a person says of a member, not of their points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Why; an audit asks for it.
    pub reason: String,
    /// Who; an audit asks for it.
    pub author: String,
}

/// Two members are one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Who has all of it from now on.
    pub into: MemberId,
    /// Why; an audit asks for it.
    pub reason: String,
    /// Who says so; an audit asks for it.
    pub author: String,
}

/// SHA-256 of an event's canonical form: equal for the same content whatever the producer's spacing or order of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl Event {
    /// The type as it stands in messages and in a rule's `on`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match &self.kind {
            Kind::Purchase(_) => "purchase",
            Kind::Refund(_) => "refund",
            Kind::Redeem(_) => "redeem",
            Kind::Hold(_) => "hold",
            Kind::Capture(_) => "capture",
            Kind::Release(_) => "release",
            Kind::Adjust(_) => "adjust",
            Kind::Reinstate(_) => "reinstate",
            Kind::Transfer(_) => "transfer",
            Kind::Promote(_) => "promote",
            Kind::Freeze(_) => "freeze",
            Kind::Unfreeze(_) => "unfreeze",
            Kind::Erase(_) => "erase",
            Kind::Merge(_) => "merge",
            Kind::Signup => "signup",
            Kind::Custom(name) | Kind::OfOrder(OfOrder { name, .. }) => name.as_str(),
        }
    }

    /// The order that the event is about, if any.
    #[must_use]
    pub fn order(&self) -> Option<&OrderId> {
        match &self.kind {
            Kind::Purchase(purchase) => Some(&purchase.order),
            Kind::Refund(refund) => Some(&refund.order),
            Kind::Redeem(redeem) => redeem.order.as_ref(),
            Kind::Capture(capture) => capture.order.as_ref(),
            Kind::OfOrder(of) => Some(&of.order),
            _ => None,
        }
    }

    /// The hold that the event is about, if any.
    #[must_use]
    pub fn hold(&self) -> Option<&HoldId> {
        match &self.kind {
            Kind::Hold(hold) => Some(&hold.hold),
            Kind::Capture(capture) => Some(&capture.hold),
            Kind::Release(release) => Some(&release.hold),
            _ => None,
        }
    }

    /// The other member that the event is about, if any.
    #[must_use]
    pub fn recipient(&self) -> Option<&MemberId> {
        match &self.kind {
            Kind::Transfer(transfer) => Some(&transfer.to),
            _ => None,
        }
    }

    /// The hash that tells a redelivery from a clash.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        // Every field serializes: maps have string keys. At once, because hashing each little piece costs more than the copy.
        ContentHash(Sha256::digest(serde_json::to_vec(self).unwrap_or_default()).into())
    }
}

/// Event types that the product itself understands; others are custom activities.
pub const BUILT_IN_TYPES: [&str; 15] = [
    "purchase",
    "refund",
    "redeem",
    "hold",
    "capture",
    "release",
    "adjust",
    "reinstate",
    "transfer",
    "promote",
    "freeze",
    "unfreeze",
    "erase",
    "merge",
    "signup",
];

/// The source of the moves that are due at a time (activation, expiry, the end of a hold). No producer may use it.
pub const DUE_SOURCE: &str = "loyalty.due";

/// What the source of a transfer's arrival begins with; the transfer's own source follows. No producer may use such a source.
pub const TRANSFER_SOURCE: &str = "loyalty.transfer/";

/// What the source of what arrives by a merge begins with; the merge's own source follows. No producer may use such a source.
pub const MERGE_SOURCE: &str = "loyalty.merge/";

/// What the id of an arrival ends with, after the own id of the transfer or merge.
pub const ARRIVES: &str = "/in";

/// What the id of a transfer's way back ends with, when it could not arrive.
pub const COMES_BACK: &str = "/back";

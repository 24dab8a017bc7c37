//! What a condition may see, and of which type it is.
//!
//! Amounts are whole minor units. A quantity is a decimal, which CEL does not have: it is given in whole
//! thousandths (`quantityMilli`), and is not there when it is finer than that, so that a condition that reads
//! it fails rather than computes with something else.

use std::fmt;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int,
    /// Only as a literal, to be compared with a field of `event.data`.
    Double,
    Text,
    Time,
    Span,
    Null,
    List(Box<Type>),
    /// The event itself.
    Event,
    /// A line of a purchase.
    Line,
    /// The member whom the event concerns.
    Member,
    /// The name of a tier.
    Tier,
    /// What clocks show in the programme's time zone when the event happened.
    Local,
    /// The name of a day of the week.
    Weekday,
    /// `event.data`: any fields.
    Data,
    /// The same, where the programme declares them.
    Declared,
    /// Whatever the producer sent.
    Any,
}

impl fmt::Display for Type {
    /// With its article.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "a bool",
            Self::Int => "an int",
            Self::Double => "a double",
            Self::Text => "a string",
            Self::Time => "a timestamp",
            Self::Span => "a duration",
            Self::Null => "null",
            Self::List(_) => "a list",
            Self::Event => "the event",
            Self::Line => "a line",
            Self::Member => "the member",
            Self::Tier => "a tier's name",
            Self::Local => "the local time",
            Self::Weekday => "a day of the week",
            Self::Data => "a map",
            Self::Declared => "the activity's data",
            Self::Any => "a value of `event.data`",
        })
    }
}

impl Type {
    /// Whether a value of the one can stand where one of the other does; what a producer sends may be anything.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _)
            | (_, Self::Any)
            | (Self::Tier | Self::Weekday, Self::Text)
            | (Self::Text, Self::Tier | Self::Weekday) => true,
            (Self::List(a), Self::List(b)) => a.goes_with(b),
            (a, b) => a == b,
        }
    }
}

/// Fields of every event, in the order in which they are told.
const ALWAYS: [(&str, Type); 8] = [
    ("id", Type::Text),
    ("source", Type::Text),
    ("type", Type::Text),
    ("member", Type::Text),
    // Empty when the event does not say it.
    ("channel", Type::Text),
    ("occurredAt", Type::Time),
    ("local", Type::Local),
    ("data", Type::Data),
];

const OF_PURCHASE: [(&str, Type); 3] = [("order", Type::Text), ("amountMinor", Type::Int), ("currency", Type::Text)];

/// Month and day count from 1; `date` is a text such as `2026-12-31`, in whose order days follow each other.
const OF_LOCAL: [(&str, Type); 7] = [
    ("year", Type::Int),
    ("month", Type::Int),
    ("day", Type::Int),
    ("weekday", Type::Weekday),
    ("hour", Type::Int),
    ("minute", Type::Int),
    ("date", Type::Text),
];

const LINES: &str = "lines";

/// `sku`, `category` and `brand` are empty when the line does not say them.
const OF_LINE: [(&str, Type); 9] = [
    ("line", Type::Text),
    ("sku", Type::Text),
    ("quantityMilli", Type::Int),
    ("amountMinor", Type::Int),
    // 0 when the line does not say them.
    ("discountMinor", Type::Int),
    ("taxMinor", Type::Int),
    ("isDelivery", Type::Bool),
    ("category", Type::Text),
    ("brand", Type::Text),
];

const LABELS: &str = "labels";

/// A field of the event; `purchase` also has those of an order.
pub(crate) fn event_field(name: &str, purchase: bool) -> Option<Type> {
    if purchase && name == LINES {
        return Some(Type::List(Box::new(Type::Line)));
    }
    let of_purchase = OF_PURCHASE.iter().filter(|_| purchase);
    find(ALWAYS.iter().chain(of_purchase), name)
}

/// The event's fields, for a person.
pub(crate) fn event_fields(purchase: bool) -> Vec<&'static str> {
    let of_purchase = OF_PURCHASE.iter().map(|(name, _)| *name).chain([LINES]).filter(|_| purchase);
    ALWAYS.iter().map(|(name, _)| *name).chain(of_purchase).collect()
}

/// A field of a line.
pub(crate) fn line_field(name: &str) -> Option<Type> {
    if name == LABELS {
        return Some(Type::List(Box::new(Type::Text)));
    }
    find(OF_LINE.iter(), name)
}

/// A part of the local time.
pub(crate) fn local_field(name: &str) -> Option<Type> {
    find(OF_LOCAL.iter(), name)
}

/// The parts of the local time, for a person.
pub(crate) fn local_fields() -> Vec<&'static str> {
    OF_LOCAL.iter().map(|(name, _)| *name).collect()
}

/// A line's fields, for a person.
pub(crate) fn line_fields() -> Vec<&'static str> {
    OF_LINE.iter().map(|(name, _)| *name).chain([LABELS]).collect()
}

fn find<'a>(fields: impl IntoIterator<Item = &'a (&'a str, Type)>, name: &str) -> Option<Type> {
    fields.into_iter().find(|(field, _)| *field == name).map(|(_, found)| found.clone())
}

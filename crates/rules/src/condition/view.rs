//! An event, its lines and its `data` as CEL values that look their fields up when they are asked.
//!
//! Nothing is copied but what a condition reads. A map has no order here and cannot be walked over: the
//! evaluator's own maps can, in an order that differs from run to run.

use std::collections::BTreeMap;
use std::sync::Arc;

use cel::common::traits::{Container, Indexer, Sizer};
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelNull, CelString, CelUInt, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};
use cel::{ExecutionError, Value};
use contract::event::{Kind, Line, Purchase};
use contract::program::Weekday;
use jiff::Timestamp;
use jiff::civil::DateTime;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value as Json};

use super::scope::Seen;
use crate::activity::Declared;

/// Something with fields.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    Event(Seen<'a>),
    Line(&'a Line),
    /// What clocks show.
    Local(DateTime),
    /// With their tier.
    Member(&'a str),
    Data(&'a BTreeMap<String, Json>, Option<&'a Declared>),
    Object(&'a Map<String, Json>),
}

type Boxed<'a> = Box<dyn Val + 'a>;

impl<'a> View<'a> {
    fn field(self, name: &str) -> Option<Boxed<'a>> {
        match self {
            Self::Event(seen) => event_field(seen, name),
            Self::Line(line) => line_field(line, name),
            Self::Local(local) => local_field(local, name),
            Self::Member(tier) => (name == "tier").then(|| text(tier)),
            Self::Data(fields, declared) => {
                let minor = declared.and_then(|declared| declared.minor(name, fields));
                minor.map(int).or_else(|| fields.get(name).map(json))
            }
            Self::Object(fields) => fields.get(name).map(json),
        }
    }

    /// Fields that a producer named, if he did.
    fn named(self) -> Option<Vec<(&'a str, &'a Json)>> {
        match self {
            Self::Data(fields, _) => Some(fields.iter().map(|(name, value)| (name.as_str(), value)).collect()),
            Self::Object(fields) => Some(fields.iter().map(|(name, value)| (name.as_str(), value)).collect()),
            Self::Event(_) | Self::Line(_) | Self::Local(_) | Self::Member(_) => None,
        }
    }

    fn missing(name: &dyn Val) -> ExecutionError {
        match name.downcast_ref::<CelString<'_>>() {
            Some(name) => ExecutionError::NoSuchKey(Arc::new(name.inner().to_owned())),
            None => not_a_name(name),
        }
    }
}

fn not_a_name(value: &dyn Val) -> ExecutionError {
    ExecutionError::UnexpectedType { got: value.get_type().name().to_owned(), want: "string".to_owned() }
}

fn event_field<'a>(Seen { event, zone, declared }: Seen<'a>, name: &str) -> Option<Boxed<'a>> {
    Some(match name {
        "id" => text(event.id.as_str()),
        "source" => text(event.source.as_str()),
        "type" => text(event.type_name()),
        "member" => text(event.member.as_str()),
        "channel" => text(event.channel.as_deref().unwrap_or_default()),
        "occurredAt" => time(event.occurred_at)?,
        "local" => Box::new(View::Local(event.occurred_at.to_zoned(zone.clone()).datetime())),
        "data" => Box::new(View::Data(&event.data, declared)),
        _ => match &event.kind {
            Kind::Purchase(purchase) => purchase_field(purchase, name)?,
            _ => return None,
        },
    })
}

fn local_field<'a>(local: DateTime, name: &str) -> Option<Boxed<'a>> {
    Some(match name {
        "year" => int(local.year().into()),
        "month" => int(local.month().into()),
        "day" => int(local.day().into()),
        "hour" => int(local.hour().into()),
        "minute" => int(local.minute().into()),
        "weekday" => text(Weekday::of(local.date()).as_str()),
        "date" => Box::new(CelString::from(local.date().to_string())),
        _ => return None,
    })
}

fn purchase_field<'a>(purchase: &'a Purchase, name: &str) -> Option<Boxed<'a>> {
    Some(match name {
        "order" => text(purchase.order.as_str()),
        "amountMinor" => int(purchase.amount.minor),
        "currency" => text(purchase.amount.currency.as_str()),
        "lines" => list(purchase.lines.iter().map(|line| Box::new(View::Line(line)) as Boxed<'a>)),
        _ => return None,
    })
}

fn line_field<'a>(line: &'a Line, name: &str) -> Option<Boxed<'a>> {
    Some(match name {
        "line" => text(&line.id),
        "sku" => text(line.sku.as_deref().unwrap_or_default()),
        "quantityMilli" => int(milli(line.quantity.get())?),
        "amountMinor" => int(line.amount.minor),
        "discountMinor" => int(line.discount.map_or(0, |discount| discount.minor)),
        "taxMinor" => int(line.tax.map_or(0, |tax| tax.minor)),
        "isDelivery" => Box::new(CelBool::from(line.is_delivery)),
        "category" => text(line.category.as_deref().unwrap_or_default()),
        "brand" => text(line.brand.as_deref().unwrap_or_default()),
        "labels" => list(line.labels.iter().map(|label| text(label))),
        _ => return None,
    })
}

/// Whole thousandths, or nothing for what is finer or too large.
fn milli(quantity: Decimal) -> Option<i64> {
    let thousandths = quantity.checked_mul(Decimal::ONE_THOUSAND)?;
    if thousandths.is_integer() { thousandths.to_i64() } else { None }
}

/// In UTC; `None` before the year 1, which CEL does not know.
fn time<'a>(at: Timestamp) -> Option<Boxed<'a>> {
    at.to_string().parse().ok().map(Value::Timestamp)?.try_into().ok()
}

/// Whole numbers are ints (a `uint` would not go with one); others are doubles, to be compared only.
fn json(value: &Json) -> Boxed<'_> {
    match value {
        Json::Null => Box::new(CelNull),
        Json::Bool(value) => Box::new(CelBool::from(*value)),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => int(number),
            (None, Some(number)) => Box::new(CelUInt::from(number)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Json::String(value) => text(value),
        Json::Array(items) => list(items.iter().map(json)),
        Json::Object(fields) => Box::new(View::Object(fields)),
    }
}

fn text(value: &str) -> Boxed<'_> {
    Box::new(CelString::from(value))
}

fn int<'a>(value: i64) -> Boxed<'a> {
    Box::new(CelInt::from(value))
}

fn list<'a>(items: impl Iterator<Item = Boxed<'a>>) -> Boxed<'a> {
    Box::new(CelList::from(items.collect::<Vec<_>>()))
}

impl Val for View<'_> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    /// Field by field; an event and a line are equal to nothing, and the checker lets nobody ask.
    fn equals(&self, other: &dyn Val) -> bool {
        let (Some(fields), Some(other_size), Some(other)) =
            (self.named(), other.as_sizer().map(Sizer::size), other.as_indexer())
        else {
            return false;
        };
        self.size() == other_size
            && fields.iter().all(|(name, value)| {
                other.get(text(name).as_ref()).is_ok_and(|of_other| json(value).equals(of_other.as_ref()))
            })
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Indexer for View<'_> {
    fn get<'b, 'v>(&'b self, name: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        let field = name.downcast_ref::<CelString<'_>>().and_then(|name| self.field(name.inner()));
        field.map(|field| CowVal::Owned(field as Box<dyn Val + 'v>)).ok_or_else(|| Self::missing(name))
    }

    fn steal<'v>(self: Box<Self>, name: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(name).map(CowVal::into_owned)
    }
}

impl Container for View<'_> {
    fn contains(&self, name: &dyn Val) -> Result<bool, ExecutionError> {
        let name = name.downcast_ref::<CelString<'_>>().ok_or_else(|| not_a_name(name))?;
        Ok(self.field(name.inner()).is_some())
    }
}

impl Sizer for View<'_> {
    fn size(&self) -> CelInt {
        let fields = match self {
            Self::Data(fields, _) => fields.len(),
            Self::Object(fields) => fields.len(),
            Self::Event(_) | Self::Line(_) | Self::Local(_) | Self::Member(_) => 0,
        };
        CelInt::from(i64::try_from(fields).unwrap_or(i64::MAX))
    }
}

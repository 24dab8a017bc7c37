//! Earning over several events: points of a month that are rounded together, stamps, every tenth purchase, milestones.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::RoundUpTo;
use crate::Quantity;
use crate::calendar;

/// Most marks of one rule; the schema of the resource says the same.
pub const MARKS_MAX: usize = 32;

/// The time within which a member's events are added up, by days of the programme's time zone. An event belongs to the one in which it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Over {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// Half a year.
    HalfYear,
    /// A year.
    Year,
    /// All of the member's time: what is left of one card goes on to the next.
    Ever,
}

impl Over {
    /// The first day of the time that a day belongs to; `None` where it has none.
    #[must_use]
    pub fn first_day(self, day: Date) -> Option<Date> {
        let part = match self {
            Self::Ever => return None,
            Self::Day => return Some(day),
            Self::Week => {
                let gone = i64::from(day.weekday().to_monday_zero_offset());
                // The calendar's first week is as long as it is.
                return Some(day.checked_sub(jiff::Span::new().days(gone)).unwrap_or(Date::MIN));
            }
            Self::Month => RoundUpTo::Month,
            Self::Quarter => RoundUpTo::Quarter,
            Self::HalfYear => RoundUpTo::HalfYear,
            Self::Year => RoundUpTo::Year,
        };
        Some(calendar::first_day(part, day))
    }
}

/// Points for each full number of events or pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.events) != has(self.quantity)", "message": "give exactly one of events and quantity"
}])))]
pub struct Every {
    /// For so many events to which the rule applies: every tenth purchase. At least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub events: Option<u32>,
    /// For so many pieces of the lines that the rule counts: the stamps of a card. More than 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// How many points each time, > 0.
    pub points: Quantity,
}

/// Points once so much is reached; each mark gives its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "[has(self.amount), has(self.quantity), has(self.events)].exists_one(given, given)",
    "message": "give exactly one of amount, quantity and events"
}])))]
pub struct Mark {
    /// So much money of the lines that the rule counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Quantity>,
    /// So many pieces of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// So many events to which the rule applies. At least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub events: Option<u32>,
    /// How many points for it, > 0.
    pub points: Quantity,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_belongs_to_a_time() {
        let day = "2024-05-16".parse().unwrap();
        for (over, first) in [
            (Over::Day, Some("2024-05-16")),
            (Over::Week, Some("2024-05-13")),
            (Over::Month, Some("2024-05-01")),
            (Over::Quarter, Some("2024-04-01")),
            (Over::HalfYear, Some("2024-01-01")),
            (Over::Year, Some("2024-01-01")),
            (Over::Ever, None),
        ] {
            assert_eq!(over.first_day(day), first.map(|first| first.parse().unwrap()), "{over:?}");
        }
        assert_eq!(Over::Week.first_day(Date::MIN), Some(Date::MIN));
    }
}

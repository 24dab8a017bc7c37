//! When a rule holds.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::time_of_day::TimeOfDay;
use crate::yearly::YearDay;

/// Most windows of hours of one rule.
pub const HOURS_MAX: usize = 8;

/// Most days of the year of one rule.
pub const VALID_DATES_MAX: usize = 64;

/// When a rule holds, by `occurredAt` and in the programme's time zone: within all that is given. A refund goes by the time of its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.from) || has(self.until) || has(self.weekdays) || has(self.hours) || has(self.dates)",
    "message": "give at least one of from, until, weekdays, hours and dates"
}])))]
pub struct Valid {
    /// The first moment: a date such as `2026-12-01` (its beginning), with a time of day as `2026-12-01T18:00`, or with an offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// The first moment at which it holds no more; written as `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// Only on these days of the week.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 7), extend("x-kubernetes-list-type" = "set")))]
    pub weekdays: Vec<Weekday>,
    /// Only at these times of day, as clocks show them: an hour that summer time skips never comes, one that it repeats comes twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 8)))]
    pub hours: Vec<Hours>,
    /// Only on these days of every year, such as `11-11`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    pub dates: Vec<YearDay>,
}

/// A part of the day. One that goes over midnight belongs to the day on which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.from != self.until", "message": "from and until are the same; leave hours out for the whole day"
}])))]
pub struct Hours {
    /// Its first minute, such as `17:00`.
    pub from: TimeOfDay,
    /// The minute at which it is over; before `from`: on the day after. Midnight is `00:00`.
    pub until: TimeOfDay,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Weekday {
    /// The first by ISO 8601.
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The last.
    Sunday,
}

impl Weekday {
    /// From Monday on.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// That of a date.
    #[must_use]
    pub fn of(day: jiff::civil::Date) -> Self {
        match day.weekday() {
            jiff::civil::Weekday::Monday => Self::Monday,
            jiff::civil::Weekday::Tuesday => Self::Tuesday,
            jiff::civil::Weekday::Wednesday => Self::Wednesday,
            jiff::civil::Weekday::Thursday => Self::Thursday,
            jiff::civil::Weekday::Friday => Self::Friday,
            jiff::civil::Weekday::Saturday => Self::Saturday,
            jiff::civil::Weekday::Sunday => Self::Sunday,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "Monday",
            Self::Tuesday => "Tuesday",
            Self::Wednesday => "Wednesday",
            Self::Thursday => "Thursday",
            Self::Friday => "Friday",
            Self::Saturday => "Saturday",
            Self::Sunday => "Sunday",
        }
    }
}

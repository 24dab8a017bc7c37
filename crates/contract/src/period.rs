//! Calendar times as they are written in YAML: a whole number and one unit (`14d`, `12mo`, `2y`).
//!
//! Unlike a [`crate::span::Span`] it has no length in seconds: a month is as long as the calendar says, and a day as the time zone.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::calendar;

/// A number of days, months or years of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    count: u32,
    unit: CalendarUnit,
}

/// What a [`Period`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    /// Days.
    Day,
    /// Months: the same day of a later month, or its last day where it has fewer.
    Month,
    /// Years of twelve months.
    Year,
}

/// A text that is not a calendar time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a calendar time; write a whole number and one of `d`, `mo`, `y`, at most 100 years, such as `12mo`"
)]
pub struct PeriodError(String);

impl CalendarUnit {
    const ALL: [Self; 3] = [Self::Day, Self::Month, Self::Year];

    fn as_str(self) -> &'static str {
        match self {
            Self::Day => "d",
            Self::Month => "mo",
            Self::Year => "y",
        }
    }

    /// A hundred years: longer than a programme, and far from the calendar's end.
    fn count_max(self) -> u32 {
        match self {
            Self::Day => 36_500,
            Self::Month => 1200,
            Self::Year => 100,
        }
    }
}

impl Period {
    /// A number of days.
    #[must_use]
    pub const fn days(count: u32) -> Self {
        Self { count, unit: CalendarUnit::Day }
    }

    /// Reads `12mo`.
    pub fn parse(text: &str) -> Result<Self, PeriodError> {
        let fail = || PeriodError(text.chars().take(40).collect());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, rest) = text.split_at_checked(digits).ok_or_else(fail)?;
        let unit = CalendarUnit::ALL.into_iter().find(|unit| unit.as_str() == rest).ok_or_else(fail)?;
        let count = count.parse().ok().filter(|count| *count <= unit.count_max()).ok_or_else(fail)?;
        Ok(Self { count, unit })
    }

    /// How many.
    #[must_use]
    pub fn count(self) -> u32 {
        self.count
    }

    /// Of what.
    #[must_use]
    pub fn unit(self) -> CalendarUnit {
        self.unit
    }

    /// Whether it is no time at all.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.count == 0
    }

    /// The time that is so long before another one, by the calendar in UTC; `None`: before all times.
    #[must_use]
    pub fn before(self, at: Timestamp) -> Option<Timestamp> {
        at.to_zoned(TimeZone::UTC).checked_sub(calendar::span(self)).ok().map(|then| then.timestamp())
    }

    /// The fewest days that it can take, whatever the month that it begins in.
    #[must_use]
    pub fn days_min(self) -> u32 {
        match self.unit {
            CalendarUnit::Day => self.count,
            CalendarUnit::Month => self.count / 12 * 365 + self.count % 12 * 28,
            CalendarUnit::Year => self.count * 365,
        }
    }

    /// At least the most days that it can take.
    #[must_use]
    pub fn days_max(self) -> u32 {
        match self.unit {
            CalendarUnit::Day => self.count,
            CalendarUnit::Month => self.count * 31,
            CalendarUnit::Year => self.count * 366,
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit.as_str())
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;
    fn try_from(text: String) -> Result<Self, PeriodError> {
        Self::parse(&text)
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 7, "pattern": "^[0-9]{1,5}(d|mo|y)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::Period;

    #[test]
    fn a_period_before_a_time_is_counted_by_the_calendar() {
        for (period, at, then) in [
            ("90d", "2026-03-31T12:00:00Z", Some("2025-12-31T12:00:00Z")),
            ("1mo", "2026-03-31T12:00:00Z", Some("2026-02-28T12:00:00Z")),
            ("2y", "2024-02-29T00:00:00Z", Some("2022-02-28T00:00:00Z")),
            ("0d", "2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z")),
            ("100y", "-009990-01-01T00:00:00Z", None),
        ] {
            let before = Period::parse(period).unwrap().before(at.parse().unwrap());
            assert_eq!(before, then.map(|then| then.parse().unwrap()), "{period} before {at}");
        }
    }

    #[test]
    fn a_period_is_a_number_and_a_unit_of_the_calendar() {
        for text in ["0d", "14d", "12mo", "2y", "36500d", "1200mo", "100y"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
        for bad in
            ["", "d", "12", "-1d", "1.5mo", "12 mo", "12m", "1w", "101y", "1201mo", "36501d", "99999999999d", "1é"]
        {
            assert!(Period::parse(bad).is_err(), "{bad}");
        }
    }
}

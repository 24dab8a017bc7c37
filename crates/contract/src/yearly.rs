//! A day of every year as it is written in YAML: month and day (`12-31`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A day of every year. `02-29` is the last day of February in a year that has no 29th.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearDay {
    month: i8,
    day: i8,
}

/// A text that is not a day of the year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day of the year; write month and day with two digits each, such as `12-31`")]
pub struct YearDayError(String);

impl YearDay {
    /// Reads `12-31`.
    pub fn parse(text: &str) -> Result<Self, YearDayError> {
        let fail = || YearDayError(text.chars().take(40).collect());
        let two = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok());
        let (month, day) = text.split_once('-').ok_or_else(fail)?;
        let month = two(month).flatten().ok_or_else(fail)?;
        let day = two(day).flatten().ok_or_else(fail)?;
        let last = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(fail()),
        };
        if (1..=last).contains(&day) { Ok(Self { month, day }) } else { Err(fail()) }
    }

    /// 1 to 12.
    #[must_use]
    pub fn month(self) -> i8 {
        self.month
    }

    /// 1 to the last day that the month can have.
    #[must_use]
    pub fn day(self) -> i8 {
        self.day
    }
}

impl fmt::Display for YearDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl TryFrom<String> for YearDay {
    type Error = YearDayError;
    fn try_from(text: String) -> Result<Self, YearDayError> {
        Self::parse(&text)
    }
}

impl From<YearDay> for String {
    fn from(day: YearDay) -> Self {
        day.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for YearDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "YearDay".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "maxLength": 5, "pattern": "^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::YearDay;

    #[test]
    fn a_day_of_the_year_is_a_month_and_a_day_that_it_can_have() {
        for text in ["01-01", "02-29", "04-30", "12-31"] {
            assert_eq!(YearDay::parse(text).unwrap().to_string(), text);
        }
        for bad in
            ["", "-", "1-1", "00-10", "13-01", "02-30", "04-31", "12-32", "12-00", "12-31-01", "31.12", "+1-01", "é-01"]
        {
            assert!(YearDay::parse(bad).is_err(), "{bad}");
        }
    }
}

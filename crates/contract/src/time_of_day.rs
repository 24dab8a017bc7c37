//! A time of day as it is written in YAML: hours and minutes (`17:00`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a clock shows: 00:00 to 23:59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minute: u16,
}

/// A text that is not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a time of day; write hours and minutes with two digits each, \"00:00\" to \"23:59\"; midnight is \"00:00\""
)]
pub struct TimeOfDayError(String);

impl TimeOfDay {
    /// Reads `17:00`.
    pub fn parse(text: &str) -> Result<Self, TimeOfDayError> {
        let fail = || TimeOfDayError(text.chars().take(40).collect());
        let two = |part: &str, below: u16| -> Option<u16> {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|number| plain && *number < below)
        };
        let (hour, minute) = text.split_once(':').ok_or_else(fail)?;
        let (hour, minute) = two(hour, 24).zip(two(minute, 60)).ok_or_else(fail)?;
        Ok(Self { minute: hour * 60 + minute })
    }

    /// Minutes that a clock shows since midnight: 0 to 1439.
    #[must_use]
    pub fn minute(self) -> u16 {
        self.minute
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = TimeOfDayError;
    fn try_from(text: String) -> Result<Self, TimeOfDayError> {
        Self::parse(&text)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 5, "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" })
    }
}

#[cfg(test)]
mod tests {
    use super::TimeOfDay;

    #[test]
    fn a_time_of_day_is_what_a_clock_shows() {
        for (text, minute) in [("00:00", 0), ("17:00", 1020), ("23:59", 1439)] {
            let time = TimeOfDay::parse(text).unwrap();
            assert_eq!((time.minute(), time.to_string().as_str()), (minute, text));
        }
        for bad in ["", ":", "17", "7:00", "24:00", "17:60", "17:00:00", "+7:00", "17.00", "5pm", "1é:00"] {
            assert!(TimeOfDay::parse(bad).is_err(), "{bad}");
        }
    }
}

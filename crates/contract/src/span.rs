//! Lengths of time as they are written in YAML: a whole number and one unit (`30s`, `15m`, `12h`, `30d`).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time; whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    count: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

/// A text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time; write a whole number and one of `s`, `m`, `h`, `d`, such as `30d`")]
pub struct SpanError(String);

impl Span {
    /// A number of days (of 24 hours).
    #[must_use]
    pub const fn days(count: u32) -> Self {
        Self { count, unit: Unit::Day }
    }

    /// A number of seconds.
    #[must_use]
    pub const fn of_seconds(count: u32) -> Self {
        Self { count, unit: Unit::Second }
    }

    /// Reads `30d`.
    pub fn parse(text: &str) -> Result<Self, SpanError> {
        let fail = || SpanError(text.chars().take(40).collect());
        let (count, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(fail)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            "d" => Unit::Day,
            _ => return Err(fail()),
        };
        let plain = count.bytes().all(|b| b.is_ascii_digit()) && count.len() <= 6;
        let count = plain.then(|| count.parse().ok()).flatten().ok_or_else(fail)?;
        Ok(Self { count, unit })
    }

    /// As seconds; a day has 24 hours.
    #[must_use]
    pub fn seconds(self) -> u64 {
        let unit = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
            Unit::Day => 86_400,
        };
        u64::from(self.count) * unit
    }

    /// As a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.seconds())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => 's',
            Unit::Minute => 'm',
            Unit::Hour => 'h',
            Unit::Day => 'd',
        };
        write!(f, "{}{unit}", self.count)
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;
    fn try_from(text: String) -> Result<Self, SpanError> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "maxLength": 7, "pattern": "^[0-9]{1,6}[smhd]$" })
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        for (text, seconds) in [("30s", 30), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("0s", 0)] {
            assert_eq!(Span::parse(text).unwrap().seconds(), seconds, "{text}");
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "d", "30", "-1d", "1.5h", "30 d", "1w", "9999999s", "1é"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }
}

//! A point in time as a programme writes it: with an offset, or as clocks show it in the programme's time zone.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// The same everywhere.
    Exact(Timestamp),
    /// As clocks show it; a date alone is its beginning.
    Local(DateTime),
}

/// A text that is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a point in time; write a date such as `2026-12-01`, with a time of day as `2026-12-01T18:00`, or with an offset as \
     `2026-12-01T18:00:00Z`"
)]
pub struct MomentError(String);

impl Moment {
    /// Reads `2026-12-01`, `2026-12-01T18:00`, `2026-12-01T18:00:00Z`; years have four digits.
    pub fn parse(text: &str) -> Result<Self, MomentError> {
        let fail = || MomentError(text.chars().take(40).collect());
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(&b));
        let four_digits = text.bytes().take_while(u8::is_ascii_digit).count() == 4;
        if !plain || !four_digits {
            return Err(fail());
        }
        let (_, time) = text.split_once('T').unwrap_or((text, ""));
        if time.contains(['Z', '+', '-']) {
            return text.parse().map(Self::Exact).map_err(|_| fail());
        }
        text.parse().map(Self::Local).map_err(|_| fail())
    }

    /// When it is in a time zone. A time that clocks skip is as much later as they skip, of one that they show twice the first is meant.
    /// Fails at the calendar's ends.
    pub fn at(self, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
        match self {
            Self::Exact(at) => Ok(at),
            Self::Local(local) => Ok(local.to_zoned(zone.clone())?.timestamp()),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(at) => at.fmt(f),
            Self::Local(local) if local.time() == Time::midnight() => local.date().fmt(f),
            Self::Local(local) => local.fmt(f),
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = MomentError;
    fn try_from(text: String) -> Result<Self, MomentError> {
        Self::parse(&text)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "maxLength": 40,
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_has_an_offset_or_is_of_the_programmes_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let table = [
            ("2026-12-01", "2026-12-01", "2026-11-30T23:00:00Z"),
            ("2026-12-01T00:00", "2026-12-01", "2026-11-30T23:00:00Z"),
            ("2026-12-01T18:00", "2026-12-01T18:00:00", "2026-12-01T17:00:00Z"),
            ("2026-12-01T18:00:00Z", "2026-12-01T18:00:00Z", "2026-12-01T18:00:00Z"),
            ("2026-12-01T18:00:00.5-05:00", "2026-12-01T23:00:00.5Z", "2026-12-01T23:00:00.5Z"),
            // Skipped, and shown twice.
            ("2026-03-29T02:30", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
            ("2026-10-25T02:30", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),
        ];
        for (text, written, at) in table {
            let moment = Moment::parse(text).unwrap();
            assert_eq!((moment.to_string().as_str(), moment.at(&berlin).unwrap().to_string().as_str()), (written, at));
            assert_eq!(Moment::parse(&moment.to_string()), Ok(moment), "{text}");
        }
        for bad in [
            "",
            "tomorrow",
            "2026",
            "2026-12",
            "2026-13-01",
            "2026-12-01T25:00",
            "2026-12-01 18:00",
            "2026-12-01T18:00[Europe/Berlin]",
            "-002026-12-01",
            "20261201",
            "1.12.2026",
        ] {
            assert!(Moment::parse(bad).is_err(), "{bad}");
        }
    }
}

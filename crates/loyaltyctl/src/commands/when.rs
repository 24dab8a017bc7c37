//! Times as a person writes them: `2026-12-31`, `2026-12-31T12:00:00Z`, or, for what is recent, `25h`.

use contract::span::Span;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::edge::Halt;
use crate::target::LedgerTarget;

/// Whose days and months are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ZoneArgs {
    /// Time zone of dates and months, such as `Europe/Moscow` [default: the programme's]
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

/// A text that is no time.
#[derive(Debug, thiserror::Error)]
pub(super) enum WhenError {
    #[error(
        "could not use `{option} {text}`: write a date such as `2026-12-31`, or a time such as `2026-12-31T12:00:00Z`"
    )]
    Time { option: &'static str, text: String },
    #[error(
        "could not use `--since {text}`: write a date, a time such as `2026-12-31T12:00:00Z`, or how long ago, such as `25h` or `2d`"
    )]
    Since { text: String },
    #[error("could not use `--time-zone {zone}`: name one of the IANA time zones, such as `Europe/Moscow`")]
    Zone { zone: String, source: jiff::Error },
    #[error("could not use the programme's time zone `{zone}`; name one with `--time-zone`")]
    OfProgram { zone: String, source: jiff::Error },
}

impl ZoneArgs {
    /// The one that is named, else the programme's as it stands now. From the data that this program carries, as the rules take
    /// theirs: a day must not differ between two machines.
    pub(super) async fn zone(&self, target: &LedgerTarget) -> Result<TimeZone, Halt> {
        let zones = TimeZoneDatabase::bundled();
        if let Some(zone) = &self.time_zone {
            return Ok(zones.get(zone).map_err(|source| WhenError::Zone { zone: zone.clone(), source })?);
        }
        let zone = target.ruleset().await?.program.time_zone;
        Ok(zones.get(&zone).map_err(|source| WhenError::OfProgram { zone, source })?)
    }
}

/// The first moment of a day, or a time.
pub(super) fn first(option: &'static str, text: &str, zone: &TimeZone) -> Result<Timestamp, WhenError> {
    let wrong = || WhenError::Time { option, text: text.to_owned() };
    match text.parse::<Date>() {
        Ok(date) if !text.contains(':') => start(date, zone).ok_or_else(wrong),
        _ => text.parse().map_err(|_| wrong()),
    }
}

/// The last moment of a day, or a time.
pub(super) fn last(option: &'static str, text: &str, zone: &TimeZone) -> Result<Timestamp, WhenError> {
    let wrong = || WhenError::Time { option, text: text.to_owned() };
    match text.parse::<Date>() {
        Ok(date) if !text.contains(':') => {
            let next = date.checked_add(1.day()).ok().and_then(|next| start(next, zone));
            next.and_then(|next| next.checked_sub(1.microsecond()).ok()).ok_or_else(wrong)
        }
        _ => text.parse().map_err(|_| wrong()),
    }
}

/// A date, a time, or the whole second that is so long before `now`.
pub(super) fn since(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, WhenError> {
    let ago = Span::parse(text).ok().and_then(|span| i64::try_from(span.seconds()).ok());
    if let Some(seconds) = ago {
        let second = now.as_second().checked_sub(seconds).and_then(|second| Timestamp::from_second(second).ok());
        return second.ok_or_else(|| WhenError::Since { text: text.to_owned() });
    }
    first("--since", text, zone).map_err(|_| WhenError::Since { text: text.to_owned() })
}

fn start(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    date.to_zoned(zone.clone()).ok().map(|start| start.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_whole_day_of_its_zone_and_a_time_is_itself() {
        let moscow = TimeZone::get("Europe/Moscow").unwrap();
        let said = |found: Result<Timestamp, WhenError>| found.unwrap().to_string();
        assert_eq!(said(first("--from", "2026-12-31", &TimeZone::UTC)), "2026-12-31T00:00:00Z");
        assert_eq!(said(first("--from", "2026-12-31", &moscow)), "2026-12-30T21:00:00Z");
        assert_eq!(said(last("--to", "2026-12-31", &moscow)), "2026-12-31T20:59:59.999999Z");
        for at in ["2026-12-31T12:00:00Z", "2026-12-31T15:00:00+03:00"] {
            assert_eq!(said(first("--from", at, &moscow)), "2026-12-31T12:00:00Z");
            assert_eq!(said(last("--to", at, &moscow)), "2026-12-31T12:00:00Z");
        }
        let now = "2026-12-31T12:00:00Z".parse().unwrap();
        assert_eq!(said(since("25h", &moscow, now)), "2026-12-30T11:00:00Z");
        assert_eq!(said(since("2026-12-30", &moscow, now)), "2026-12-29T21:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_told_with_an_example() {
        for text in ["", "yesterday", "2026-13-01", "2026-12-31T12:00", "12"] {
            let error = first("--from", text, &TimeZone::UTC).unwrap_err().to_string();
            assert!(error.contains("2026-12-31T12:00:00Z"), "{error}");
            assert!(since(text, &TimeZone::UTC, Timestamp::now()).unwrap_err().to_string().contains("25h"));
        }
    }
}

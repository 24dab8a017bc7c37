//! Levels that members reach by what they do, and keep for a time.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::RoundUpTo;
use crate::calendar;
use crate::{EventType, Period, Quantity, TierName, WalletName, YearDay};

/// Most levels of a programme.
pub const TIERS_MAX: usize = 16;

/// Levels, what counts for them, in which time, and how long they stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "oldSelf.levels.all(old, self.levels.exists(new, new.name == old.name))",
        "message": "a level cannot be removed: members have it; make it harder to reach instead"
    },
    {
        "rule": "!has(self.downgrade) || self.downgrade == 'ToDue' || has(self.validity)",
        "message": "downgrade goes with validity: without it no level ends, and one that had an end is kept at its review"
    },
])))]
pub struct Tiers {
    /// From low to high. Everybody has the first one, which has no `reach`, until they reach another.
    #[cfg_attr(
        feature = "schema",
        schemars(
            length(min = 1, max = 16),
            extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
        )
    )]
    pub levels: Vec<Level>,
    /// Whose points count; those of the first wallet when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Qualifying>,
    /// What is a visit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visits: Option<Visits>,
    /// The time in which it counts.
    pub window: Window,
    /// How long a level stays once it was reached; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// What becomes of a level whose time is over.
    #[serde(default, skip_serializing_if = "is_to_due")]
    pub downgrade: Downgrade,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_to_due(downgrade: &Downgrade) -> bool {
    *downgrade == Downgrade::ToDue
}

/// One level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Level {
    /// Unique among the levels.
    pub name: TierName,
    /// What has to count for it; the first level has none, all others have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

/// What has to count for a level: any of those that are named is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [{
    "rule": "has(self.points) || has(self.spend) || has(self.visits)", "message": "give points, spend or visits, or several of them"
}])))]
pub struct Reach {
    /// So many points earned, > 0; whether they were spent since does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<Quantity>,
    /// So much money paid for orders, in major units, > 0; returns are taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<Quantity>,
    /// So many visits, > 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1_000_000)))]
    pub visits: Option<u32>,
}

/// Whose points count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Qualifying {
    /// Of this wallet; it may be one of its own that nobody can spend. It cannot change.
    pub wallet: WalletName,
}

/// What is a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Visits {
    /// Types of the events each of which is one, such as `visit` and `purchase`. One that is turned down is none.
    #[cfg_attr(
        feature = "schema",
        schemars(length(min = 1, max = 32), extend("x-kubernetes-list-type" = "set"))
    )]
    pub activities: Vec<EventType>,
}

/// The time in which something counts; exactly one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "[has(self.calendar), has(self.rolling), has(self.sinceStart), has(self.forEver)].exists_one(given, given)",
        "message": "give exactly one of calendar, rolling, sinceStart and forEver"
    },
    { "rule": "!has(self.sinceStart) || self.sinceStart", "message": "sinceStart can only be true; leave it out" },
    { "rule": "!has(self.forEver) || self.forEver", "message": "forEver can only be true; leave it out" },
])))]
pub struct Window {
    /// The month, quarter, half or year of the calendar that the day belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<RoundUpTo>,
    /// So long, up to and with the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<Period>,
    /// Since the level was reached, or last reviewed: from the next day on, or from the day with which it began.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub since_start: bool,
    /// All time.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub for_ever: bool,
}

/// How long a level stays, from the day on which what counts was enough, to the end of the day that this leads to: so long, then put off to the
/// last day of `roundUpTo`, then to the next of `onDates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Validity {
    /// So long; `0d` is no time of its own.
    pub r#for: Period,
    /// Put off to the last day of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_up_to: Option<RoundUpTo>,
    /// Put off to the next of these days, such as `02-29`, the last of every February.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 24)))]
    pub on_dates: Vec<YearDay>,
}

/// What a review does when what counts no longer is enough.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Downgrade {
    /// Down to the level for which it is enough.
    #[default]
    ToDue,
    /// One level down.
    OneLevel,
    /// Nothing: the level stays, for another such time.
    Never,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Measure {
    /// Points earned, in units of the wallet's scale.
    Points,
    /// Money paid for orders, in minor units.
    Spend,
    /// Visits.
    Visits,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Points, Self::Spend, Self::Visits];

    /// As it stands in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Spend => "spend",
            Self::Visits => "visits",
        }
    }

    /// Reads what [`Measure::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == text)
    }
}

impl Window {
    /// The first day that counts on a day; `None`: all before it do. `began` is when the member's level was reached or last reviewed.
    #[must_use]
    pub fn first_day(&self, day: Date, began: Option<Timestamp>, zone: &TimeZone) -> Option<Date> {
        if let Some(part) = self.calendar {
            return Some(calendar::first_day(part, day));
        }
        if let Some(period) = self.rolling {
            // The calendar's beginning is before all events.
            return day.checked_sub(calendar::span(period)).and_then(Date::tomorrow).ok();
        }
        let began = began.filter(|_| self.since_start)?;
        let first = calendar::day_of(began, zone);
        let is_whole = first.to_zoned(zone.clone()).is_ok_and(|begins| begins.timestamp() == began);
        if is_whole { Some(first) } else { first.tomorrow().ok() }
    }

    /// At least the most days that it can have; `None`: there is no such number.
    #[must_use]
    pub fn days_max(&self) -> Option<u32> {
        let year = 366;
        self.calendar.map(|_| year).or_else(|| self.rolling.map(Period::days_max))
    }
}

impl Validity {
    /// The last day of a level that was reached on a day. Fails at the calendar's end (the year 9999).
    pub fn last_day(&self, reached: Date) -> Result<Date, jiff::Error> {
        let day = reached.checked_add(calendar::span(self.r#for))?;
        let day = self.round_up_to.map_or(day, |part| calendar::last_day(part, day));
        Ok(calendar::next_of(&self.on_dates, day)?.unwrap_or(day))
    }

    /// At least the most days that it can take.
    #[must_use]
    pub fn days_max(&self) -> u32 {
        let year = 366;
        let rounded = if self.round_up_to.is_some() { year } else { 0 };
        let put_off = if self.on_dates.is_empty() { 0 } else { year };
        self.r#for.days_max().saturating_add(rounded).saturating_add(put_off)
    }
}

/// Why a level cannot be given to a member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ungiven {
    /// There is no such level.
    #[error("is no level of the programme; it has `{}`", levels.join("`, `"))]
    Unknown {
        /// Those that there are.
        levels: Vec<String>,
    },
    /// An end of the first level.
    #[error("is the end of a level that everybody has and that does not end; leave it out")]
    EndOfFirst,
    /// An end, where levels have none.
    #[error("is an end, but levels of the programme hold for ever; leave it out")]
    EndForEver,
    /// The end that the programme gives is beyond the calendar.
    #[error("would be beyond the calendar; name an earlier end")]
    Beyond,
}

impl Tiers {
    /// When a level that a member has since a time is reviewed: at the end that is named, else as for one that was reached then. `None`: never.
    pub fn given(
        &self,
        (level, since): (&TierName, Timestamp),
        until: Option<Timestamp>,
        zone: &TimeZone,
    ) -> Result<Option<Timestamp>, Ungiven> {
        let known = || self.levels.iter().map(|level| level.name.to_string()).collect();
        let height = self.height(level).ok_or_else(|| Ungiven::Unknown { levels: known() })?;
        match (&self.validity, until) {
            (_, Some(_)) if height == 0 => Err(Ungiven::EndOfFirst),
            (None, Some(_)) => Err(Ungiven::EndForEver),
            (Some(_), Some(until)) => Ok(Some(until)),
            (Some(validity), None) if height > 0 => {
                let last = validity.last_day(calendar::day_of(since, zone));
                last.and_then(|last| calendar::end_of(last, zone)).map(Some).map_err(|_| Ungiven::Beyond)
            }
            (_, None) => Ok(None),
        }
    }

    /// How high a level is, the first one 0; `None`: there is no such level.
    #[must_use]
    pub fn height(&self, name: &TierName) -> Option<usize> {
        self.levels.iter().position(|level| level.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn validity(json: &str) -> Validity {
        serde_json::from_str(json).unwrap()
    }

    /// "To the end of February of the second year after": Hyatt, 2018.
    #[test]
    fn hyatt_a_level_reached_in_may_2018_stays_until_the_end_of_february_2020() {
        let hyatt = validity(r#"{"for":"1y","roundUpTo":"Year","onDates":["02-29"]}"#);
        for (reached, last) in [
            ("2018-01-01", "2020-02-29"),
            ("2018-05-17", "2020-02-29"),
            ("2018-12-31", "2020-02-29"),
            ("2019-01-01", "2021-02-28"),
        ] {
            assert_eq!(hyatt.last_day(day(reached)).unwrap(), day(last), "{reached}");
        }
    }

    /// For the rest of the year and the next: Sephora, 2018.
    #[test]
    fn sephora_a_level_reached_in_january_2022_stays_until_the_end_of_2023() {
        let sephora = validity(r#"{"for":"1y","roundUpTo":"Year"}"#);
        assert_eq!(sephora.last_day(day("2022-01-15")).unwrap(), day("2023-12-31"));
        assert_eq!(sephora.last_day(day("2022-12-31")).unwrap(), day("2023-12-31"));
    }

    #[test]
    fn a_window_has_a_first_day() {
        let zone = TimeZone::UTC;
        let began = Some("2021-08-03T10:00:00Z".parse().unwrap());
        let midnight = Some("2021-08-03T00:00:00Z".parse().unwrap());
        for (json, began, first) in [
            (r#"{"calendar":"Month"}"#, began, Some("2022-05-01")),
            (r#"{"calendar":"Quarter"}"#, began, Some("2022-04-01")),
            (r#"{"calendar":"HalfYear"}"#, began, Some("2022-01-01")),
            (r#"{"calendar":"Year"}"#, began, Some("2022-01-01")),
            (r#"{"rolling":"12mo"}"#, began, Some("2021-06-01")),
            (r#"{"rolling":"30d"}"#, began, Some("2022-05-02")),
            (r#"{"sinceStart":true}"#, began, Some("2021-08-04")),
            (r#"{"sinceStart":true}"#, midnight, Some("2021-08-03")),
            (r#"{"sinceStart":true}"#, None, None),
            (r#"{"forEver":true}"#, began, None),
        ] {
            let window: Window = serde_json::from_str(json).unwrap();
            assert_eq!(window.first_day(day("2022-05-31"), began, &zone), first.map(day), "{json}");
        }
    }
}

//! When a rule holds: what is wrong with it as it is written, and whether a time is within.

use contract::Moment;
use contract::calendar::is_one_of;
use contract::program::{HOURS_MAX, Hours, VALID_DATES_MAX, Valid, Weekday};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use crate::check::Faults;

/// `valid`, ready to be asked.
#[derive(Debug)]
pub(crate) struct Times {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    rest: Valid,
}

/// What a rule's `valid` says, or `None` after telling what is wrong with it.
pub(crate) fn parse(path: &str, valid: &Valid, zone: &TimeZone, faults: &mut Faults) -> Option<Times> {
    let path = format!("{path}.valid");
    if *valid == Valid::default() {
        faults.add(path, "says nothing; give `from`, `until`, `weekdays`, `hours` or `dates`, or leave it out");
        return None;
    }
    lists(&path, valid, faults);
    let from = moment(&format!("{path}.from"), valid.from, zone, faults)?;
    let until = moment(&format!("{path}.until"), valid.until, zone, faults)?;
    if let Some((from, until)) = from.zip(until).filter(|(from, until)| until <= from) {
        let problem =
            format!("is {until}, not after `from` ({from}), so that the rule would never hold; name a later one");
        faults.add(format!("{path}.until"), problem);
    }
    Some(Times { from, until, rest: valid.clone() })
}

/// `Some(None)` for one that is not given.
#[expect(clippy::option_option, reason = "a fault is something else than nothing")]
fn moment(path: &str, moment: Option<Moment>, zone: &TimeZone, faults: &mut Faults) -> Option<Option<Timestamp>> {
    let at = moment.map(|moment| moment.at(zone)).transpose();
    if at.is_err() {
        faults.add(path, "lies beyond the calendar; name a time before the year 9999");
    }
    at.ok()
}

fn lists(path: &str, valid: &Valid, faults: &mut Faults) {
    for (list, count, max) in [("hours", valid.hours.len(), HOURS_MAX), ("dates", valid.dates.len(), VALID_DATES_MAX)] {
        if count > max {
            faults.add(format!("{path}.{list}"), format!("has {count} entries; at most {max} are allowed"));
        }
    }
    for (at, day) in valid.weekdays.iter().enumerate() {
        if valid.weekdays[..at].contains(day) {
            faults.add(format!("{path}.weekdays[{at}]"), format!("is `{}` a second time; remove it", day.as_str()));
        }
    }
    for (at, Hours { from, until }) in valid.hours.iter().enumerate() {
        if from == until {
            let problem = format!("ends at {until}, when it begins; leave `hours` out for the whole day");
            faults.add(format!("{path}.hours[{at}]"), problem);
        }
    }
}

impl Times {
    /// Whether this time is within all that is given. Times of day are what clocks show in the zone.
    pub(crate) fn cover(&self, at: Timestamp, zone: &TimeZone) -> bool {
        if self.from.is_some_and(|from| at < from) || self.until.is_some_and(|until| at >= until) {
            return false;
        }
        let Valid { weekdays, hours, dates, .. } = &self.rest;
        if weekdays.is_empty() && hours.is_empty() && dates.is_empty() {
            return true;
        }
        let local = at.to_zoned(zone.clone()).datetime();
        match hours.as_slice() {
            [] => self.on(Some(local.date())),
            hours => hours.iter().any(|window| began(*window, local).is_some_and(|day| self.on(day))),
        }
    }

    /// Whether it is one of the days; what began before the calendar did, began on none.
    fn on(&self, day: Option<Date>) -> bool {
        let Valid { weekdays, dates, .. } = &self.rest;
        day.is_some_and(|day| {
            (weekdays.is_empty() || weekdays.contains(&Weekday::of(day))) && (dates.is_empty() || is_one_of(dates, day))
        })
    }
}

/// On which day the window began that this time is in; the outer `None`: it is in none.
#[expect(clippy::option_option, reason = "the calendar's first day has none before it")]
fn began(Hours { from, until }: Hours, local: DateTime) -> Option<Option<civil::Date>> {
    let shown = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    let (begun, over) = (shown >= from.minute(), shown >= until.minute());
    if from < until {
        return (begun && !over).then(|| Some(local.date()));
    }
    if begun { Some(Some(local.date())) } else { (!over).then(|| local.date().yesterday().ok()) }
}

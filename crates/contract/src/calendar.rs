//! Days of the calendar as programmes name them: so much later, the last day of a part of the year, the next of some days.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::period::{CalendarUnit, Period};
use crate::program::RoundUpTo;
use crate::yearly::YearDay;

/// A calendar time as the calendar counts it: in months, the 31st of January and one month is the last day of February.
#[must_use]
pub fn span(period: Period) -> Span {
    let count = i64::from(period.count());
    match period.unit() {
        CalendarUnit::Day => Span::new().days(count),
        CalendarUnit::Month => Span::new().months(count),
        CalendarUnit::Year => Span::new().years(count),
    }
}

fn months(part: RoundUpTo) -> i8 {
    match part {
        RoundUpTo::Month => 1,
        RoundUpTo::Quarter => 3,
        RoundUpTo::HalfYear => 6,
        RoundUpTo::Year => 12,
    }
}

/// The first day of the part of the calendar that a day belongs to.
#[must_use]
pub fn first_day(part: RoundUpTo, day: Date) -> Date {
    let months = months(part);
    date(day.year(), (day.month() - 1) / months * months + 1, 1)
}

/// Its last day.
#[must_use]
pub fn last_day(part: RoundUpTo, day: Date) -> Date {
    let months = months(part);
    // The last month of the part: 1..=12 again.
    let month = (day.month() + months - 1) / months * months;
    date(day.year(), month, 1).last_of_month()
}

/// The first of these days of the year that is not before this one; `None` where none is named. Fails at the calendar's end (the year 9999).
pub fn next_of(days: &[YearDay], from: Date) -> Result<Option<Date>, jiff::Error> {
    let mut first: Option<Date> = None;
    for named in days {
        let mut day = in_year(*named, from.year())?;
        if day < from {
            day = in_year(*named, from.year() + 1)?;
        }
        first = Some(first.map_or(day, |first| first.min(day)));
    }
    Ok(first)
}

/// Whether this is one of these days of the year.
#[must_use]
pub fn is_one_of(days: &[YearDay], day: Date) -> bool {
    days.iter().any(|named| in_year(*named, day.year()).is_ok_and(|named| named == day))
}

/// The 29th of February is the 28th in a year that has none.
fn in_year(named: YearDay, year: i16) -> Result<Date, jiff::Error> {
    let month = Date::new(year, named.month(), 1)?;
    Date::new(year, named.month(), named.day().min(month.days_in_month()))
}

/// When a day is over in a time zone. Fails at the calendar's end.
pub fn end_of(day: Date, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    Ok(day.tomorrow()?.to_zoned(zone.clone())?.timestamp())
}

/// The day of a time in a time zone.
#[must_use]
pub fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

/// Days are numbered from here.
const FIRST: Date = date(1970, 1, 1);

/// How many days after the first of January 1970.
#[must_use]
pub fn number_of(day: Date) -> i32 {
    day.since(FIRST).map_or(0, |span| span.get_days())
}

/// Reads what [`number_of`] wrote; `None` beyond the calendar.
#[must_use]
pub fn numbered(day: i32) -> Option<Date> {
    FIRST.checked_add(Span::new().try_days(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_numbers() {
        let days =
            [(date(1970, 1, 1), 0), (date(1969, 12, 31), -1), (date(2024, 2, 29), 19_782), (Date::MIN, -4_371_587)];
        for (day, number) in days {
            assert_eq!((number_of(day), numbered(number)), (number, Some(day)), "{day}");
        }
        assert_eq!(numbered(i32::MAX), None);
    }
}

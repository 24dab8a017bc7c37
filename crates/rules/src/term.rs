//! When earned points can be spent and when they end: calendar arithmetic in the programme's time zone.

use contract::decision::Dates;
use contract::period::CalendarUnit;
use contract::program::{Earn, Expiry, Pending, RoundUpTo, Wallet};
use contract::ruleset::Ruleset;
use contract::{BuryReason, Period, Refusal};
use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

use crate::check::Faults;
use crate::suggest::did_you_mean;

/// `pending` and `expiry` of a wallet, or of one rule's points.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Terms {
    pub(crate) pending: Option<Pending>,
    pub(crate) expiry: Option<Expiry>,
}

impl Terms {
    /// What the rule says, and where it is silent what the wallet says.
    pub(crate) fn of(earn: &Earn, wallet: &Wallet) -> Self {
        Self { pending: earn.pending.or(wallet.pending), expiry: earn.expiry.or(wallet.expiry) }
    }

    /// Dates of points that are earned at this time. Refused when they lie beyond the calendar (the year 9999).
    pub(crate) fn dates(self, at: Timestamp, zone: &TimeZone) -> Result<Dates, Refusal> {
        let beyond = |_| {
            let detail =
                format!("points earned at {at} would wait or last until after the year 9999; check `occurredAt`");
            Refusal::new(BuryReason::Overflow, detail)
        };
        let activates = self.pending.filter(|pending| !pending.r#for.is_zero());
        let activates = activates.map(|pending| activation(pending, at, zone)).transpose().map_err(beyond)?;
        let expires = self.expiry.map(|expiry| end(expiry, at, zone)).transpose().map_err(beyond)?;
        Ok(Dates { activates, expires })
    }
}

/// The same time of day so much later; where the clock skips it, as much later as it skips.
fn activation(pending: Pending, at: Timestamp, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    Ok(at.to_zoned(zone.clone()).checked_add(span(pending.r#for))?.timestamp())
}

/// The end of the last day on which the points can be spent.
fn end(expiry: Expiry, at: Timestamp, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    let day = at.to_zoned(zone.clone()).date().checked_add(span(expiry.after))?;
    let last = expiry.round_up_to.map_or(day, |part| last_day(part, day));
    Ok(last.tomorrow()?.to_zoned(zone.clone())?.timestamp())
}

/// In months, the 31st of January and one month is the last day of February.
fn span(period: Period) -> Span {
    let count = i64::from(period.count());
    match period.unit() {
        CalendarUnit::Day => Span::new().days(count),
        CalendarUnit::Month => Span::new().months(count),
        CalendarUnit::Year => Span::new().years(count),
    }
}

fn last_day(part: RoundUpTo, day: Date) -> Date {
    let months = match part {
        RoundUpTo::Month => 1,
        RoundUpTo::Quarter => 3,
        RoundUpTo::HalfYear => 6,
        RoundUpTo::Year => 12,
    };
    // The last month of the part: 1..=12 again.
    let month = (day.month() + months - 1) / months * months;
    date(day.year(), month, 1).last_of_month()
}

/// The time zone of a programme. Always of the data that this program carries: workers on two machines must not differ.
pub(crate) fn zone(ruleset: &Ruleset, faults: &mut Faults) -> TimeZone {
    let name = &ruleset.program.time_zone;
    let zones = TimeZoneDatabase::bundled();
    zones.get(name).unwrap_or_else(|_| {
        let known: Vec<String> = zones.available().map(|known| known.to_string()).collect();
        let near = did_you_mean(name, known.iter().map(String::as_str));
        let near =
            if near.is_empty() { "; write its IANA name, such as `Europe/Moscow` or `UTC`".to_owned() } else { near };
        faults.add("spec.program.timeZone", format!("`{name}` is not a time zone{near}"));
        TimeZone::UTC
    })
}

/// Most days by which rounding up puts an end off.
fn rounding_days_max(part: RoundUpTo) -> u32 {
    match part {
        RoundUpTo::Month => 30,
        RoundUpTo::Quarter => 91,
        RoundUpTo::HalfYear => 183,
        RoundUpTo::Year => 365,
    }
}

/// Points that always end before anybody can spend them are a mistake.
pub(crate) fn check(path: &str, terms: Terms, faults: &mut Faults) {
    let (Some(pending), Some(expiry)) = (terms.pending, terms.expiry) else { return };
    let rounding = expiry.round_up_to.map_or(0, rounding_days_max);
    if pending.r#for.days_min() > expiry.after.days_max().saturating_add(rounding) {
        let problem = format!(
            "ends points {} after they were earned, before their wait of {} is over; make it longer, or `pending` shorter",
            expiry.after, pending.r#for
        );
        faults.add(format!("{path}.expiry"), problem);
    }
}

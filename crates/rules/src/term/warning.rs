//! When a member is warned that points are about to end.

use contract::Refusal;
use contract::period::Period;
use contract::program::Expiry;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Terms, beyond, put_off_days_max, sampled, span};
use crate::check::Faults;

/// So long before the end, by the calendar; at once where that has passed when the points come in.
pub(crate) fn warning(
    expiry: Option<&Expiry>,
    (at, end): (Timestamp, Timestamp),
    zone: &TimeZone,
) -> Result<Option<Timestamp>, Refusal> {
    let Some(before) = expiry.and_then(|expiry| expiry.warn_before) else { return Ok(None) };
    let warns = end.to_zoned(zone.clone()).checked_sub(span(before)).map_err(|_| beyond(at))?.timestamp();
    Ok(Some(warns.max(at)))
}

/// What is wrong with `warnBefore` where it is written.
pub(super) fn shape(path: &str, expiry: &Expiry, faults: &mut Faults) {
    let Some(before) = expiry.warn_before else { return };
    let path = format!("{path}.warnBefore");
    if before.is_zero() {
        faults.add(&path, "is no time at all; give at least `1d`, or remove it");
    }
    if expiry.so_long().is_none() && expiry.on_dates.is_empty() {
        let problem = if expiry.never {
            "has no end to warn of, as these points never end; remove it, or `never`"
        } else {
            "has no end to warn of; give `after`, such as `12mo`, or `onDates`, or `inactivity`"
        };
        return faults.add(&path, problem);
    }
    if is_too_long(before, expiry) {
        let life = match expiry.so_long().filter(|life| !life.is_zero()) {
            Some(life) if expiry.on_dates.is_empty() => format!("the {life} that points live"),
            _ => "any points live".to_owned(),
        };
        let problem =
            format!("is `{before}`, not shorter than {life}; make it shorter, so that there is time to spend them");
        faults.add(&path, problem);
    }
}

/// Whether it is not shorter than the longest that points can live: they would all be warned of when they come in.
fn is_too_long(before: Period, expiry: &Expiry) -> bool {
    let life = expiry.so_long().map_or(0, Period::days_min).saturating_add(put_off_days_max(expiry));
    before.days_max() >= life || (!expiry.on_dates.is_empty() && always_at_once(expiry))
}

fn always_at_once(expiry: &Expiry) -> bool {
    let terms = Terms::ending(Some(expiry.clone()));
    sampled()
        .all(|at| terms.dates(at, &TimeZone::UTC).ok().and_then(|dates| dates.warns).is_some_and(|warns| warns <= at))
}

//! When earned points can be spent and when they end: calendar arithmetic in the programme's time zone.

use std::collections::BTreeMap;

use contract::calendar::{end_of, last_day, next_of, span};
use contract::decision::{Dates, IdlesUntil};
use contract::program::{Earn, Expiry, Pending, RoundUpTo, Wallet};
use contract::ruleset::Ruleset;
use contract::{BuryReason, Period, Refusal, WalletName, YearDay};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::check::Faults;
use crate::suggest::did_you_mean;

pub(crate) mod idle;
pub(crate) mod until;
mod warning;

pub(crate) use warning::warning;

/// Most days of one list of dates; the schema of the resource says the same.
const DATES_MAX: usize = 24;

/// Most days from one day to the same day of the next year.
const DATE_DAYS_MAX: u32 = 366;

/// `pending` and `expiry` of a wallet, or of one rule's points.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) pending: Option<Pending>,
    pub(crate) expiry: Option<Expiry>,
}

impl Terms {
    /// What the rule says, and where it is silent what the wallet says.
    pub(crate) fn of(earn: &Earn, wallet: &Wallet) -> Self {
        let pending = earn.pending.clone().or_else(|| wallet.pending.clone());
        Self { pending, expiry: earn.expiry.clone().or_else(|| wallet.expiry.clone()) }
    }

    /// Points that can be spent at once and end as these say.
    pub(crate) fn ending(expiry: Option<Expiry>) -> Self {
        Self { pending: None, expiry }
    }

    /// Dates of points that are earned at this time. Refused when they lie beyond the calendar (the year 9999).
    pub(crate) fn dates(&self, at: Timestamp, zone: &TimeZone) -> Result<Dates, Refusal> {
        let beyond = |_| beyond(at);
        let pending = self.pending.as_ref().filter(|pending| waits_for_time(pending));
        let activates = pending.map(|pending| activation(pending, at, zone)).transpose().map_err(beyond)?;
        let expiry = self.expiry.as_ref().filter(|expiry| !expiry.never);
        let expires = expiry.map(|expiry| end(expiry, at, zone)).transpose().map_err(beyond)?;
        let warns = expires.map(|end| warning(expiry, (at, end), zone)).transpose()?.flatten();
        Ok(Dates { activates, expires, idles: expiry.is_some_and(|expiry| expiry.inactivity.is_some()), warns })
    }
}

/// When a wallet's points end if this event is the member's last activity, for each wallet in which its type is one.
pub(crate) fn active(
    wallets: &[Wallet],
    (event_type, at): (&str, Timestamp),
    zone: &TimeZone,
) -> Result<BTreeMap<WalletName, IdlesUntil>, Refusal> {
    let mut ends = BTreeMap::new();
    for wallet in wallets {
        let Some(expiry) = &wallet.expiry else { continue };
        if is_activity(expiry, event_type) {
            let end = end(expiry, at, zone).map_err(|_| beyond(at))?;
            let warns = warning(Some(expiry), (at, end), zone)?;
            ends.insert(wallet.name.clone(), IdlesUntil { end, warns });
        }
    }
    Ok(ends)
}

/// Whether an event of this type puts off an end that is warned of.
pub(crate) fn warns(wallets: &[Wallet], event_type: &str) -> bool {
    let warning =
        wallets.iter().filter_map(|wallet| wallet.expiry.as_ref()).filter(|expiry| expiry.warn_before.is_some());
    warning.into_iter().any(|expiry| is_activity(expiry, event_type))
}

fn is_activity(expiry: &Expiry, event_type: &str) -> bool {
    let mut activities = expiry.inactivity.iter().flat_map(|inactivity| &inactivity.activities);
    activities.any(|activity| activity.as_str() == event_type)
}

fn beyond(at: Timestamp) -> Refusal {
    let detail = format!("points earned at {at} would wait or last until after the year 9999; check `occurredAt`");
    Refusal::new(BuryReason::Overflow, detail)
}

/// Whether points wait at all.
pub(crate) fn waits(pending: &Pending) -> bool {
    pending.until.is_some() || waits_for_time(pending)
}

/// Whether their wait ends by itself.
fn waits_for_time(pending: &Pending) -> bool {
    !pending.on_dates.is_empty() || pending.r#for.is_some_and(|time| !time.is_zero())
}

/// The same time of day so much later (where the clock skips it, as much later as it skips), and then the beginning of a day if some
/// are named.
fn activation(pending: &Pending, at: Timestamp, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    let waited = match pending.r#for {
        Some(time) => at.to_zoned(zone.clone()).checked_add(span(time))?.timestamp(),
        None => at,
    };
    let mut day = waited.to_zoned(zone.clone()).date();
    while let Some(named) = next_of(&pending.on_dates, day)? {
        let begins = named.to_zoned(zone.clone())?.timestamp();
        if begins >= waited {
            return Ok(begins);
        }
        // It had begun already.
        day = named.tomorrow()?;
    }
    Ok(waited)
}

/// The end of the last day on which the points can be spent.
fn end(expiry: &Expiry, at: Timestamp, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    let day = at.to_zoned(zone.clone()).date();
    let day = expiry.so_long().map_or(Ok(day), |after| day.checked_add(span(after)))?;
    let day = expiry.round_up_to.map_or(day, |part| last_day(part, day));
    end_of(next_of(&expiry.on_dates, day)?.unwrap_or(day), zone)
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

/// Most days by which anything puts an end off.
fn put_off_days_max(expiry: &Expiry) -> u32 {
    if expiry.on_dates.is_empty() { expiry.round_up_to.map_or(0, rounding_days_max) } else { DATE_DAYS_MAX }
}

/// Who says an expiry: by inactivity ends a whole wallet, never one rule's points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Wallet,
    Rule,
}

/// What is wrong with `pending` and `expiry` where they are written, each on its own.
pub(crate) fn shape(path: &str, (pending, expiry): (Option<&Pending>, Option<&Expiry>), of: Of, faults: &mut Faults) {
    if let Some(pending) = pending {
        if pending.r#for.is_none() && pending.on_dates.is_empty() && pending.until.is_none() {
            let problem =
                "names no time; give `for`, such as `14d`, or `onDates`, or an activity of the order as `until`";
            faults.add(format!("{path}.pending"), problem);
        }
        until::shape(&format!("{path}.pending"), pending, faults);
        dates(&format!("{path}.pending.onDates"), &pending.on_dates, faults);
    }
    let Some(expiry) = expiry else { return };
    let path = format!("{path}.expiry");
    warning::shape(&path, expiry, faults);
    let dated = expiry.after.is_some() || !expiry.on_dates.is_empty();
    match (dated, expiry.never, expiry.inactivity.is_some()) {
        (false, false, false) if expiry.warn_before.is_none() => faults
            .add(&path, "names no end; give `after`, such as `12mo`, or `onDates`, or `inactivity`, or `never: true`"),
        (false, true, false) if of == Of::Wallet && expiry.round_up_to.is_none() => {
            faults.add(format!("{path}.never"), "is what a wallet without `expiry` has anyway; remove `expiry`");
        }
        (true, _, true) | (_, true, true) => {
            faults.add(format!("{path}.inactivity"), "stands beside another end; remove it, or the other");
        }
        (true, true, false) => {
            faults.add(format!("{path}.never"), "stands beside an end; remove it, or `after` and `onDates`");
        }
        _ => {}
    }
    if expiry.round_up_to.is_some() && !expiry.on_dates.is_empty() {
        let problem = "stands beside `onDates`, which put the end off themselves; remove one of them";
        faults.add(format!("{path}.roundUpTo"), problem);
    } else if expiry.round_up_to.is_some() && expiry.so_long().is_none() {
        faults.add(format!("{path}.roundUpTo"), "has nothing to put off; give `after`, or remove it");
    }
    if let Some(inactivity) = &expiry.inactivity {
        idle::shape(&format!("{path}.inactivity"), inactivity, of, faults);
    }
    dates(&format!("{path}.onDates"), &expiry.on_dates, faults);
}

pub(crate) fn dates(path: &str, days: &[YearDay], faults: &mut Faults) {
    if days.len() > DATES_MAX {
        faults.add(path, format!("has {} days; at most {DATES_MAX} are allowed", days.len()));
    }
    for (index, day) in days.iter().enumerate() {
        if days[..index].contains(day) {
            faults.add(format!("{path}[{index}]"), format!("`{day}` is named before; remove it"));
        }
    }
}

/// Points that always end before anybody can spend them are a mistake.
pub(crate) fn check(path: &str, terms: &Terms, faults: &mut Faults) {
    let (Some(pending), Some(expiry)) = (&terms.pending, &terms.expiry) else { return };
    if expiry.never {
        return;
    }
    let put_off = put_off_days_max(expiry);
    let lasts = expiry.so_long().map_or(0, Period::days_max).saturating_add(put_off);
    let path = format!("{path}.expiry");
    match pending.r#for {
        Some(wait) if wait.days_min() > lasts => {
            let problem = format!(
                "ends points {} after they were earned, before their wait of {wait} is over; make it longer, or `pending` shorter",
                expiry.so_long().map_or_else(|| format!("at most {put_off}d"), |after| after.to_string())
            );
            faults.add(path, problem);
        }
        _ if always_ends_first(terms) => {
            faults.add(path, "ends points before their wait is over, on whatever day they were earned; make it longer, or `pending` shorter");
        }
        _ => {}
    }
}

/// Noon of 2024-01-01 in UTC.
const SAMPLED_FROM_S: i64 = 1_704_110_400;
/// Four years, one of them a leap year.
const SAMPLED_DAYS: i64 = 4 * 365 + 1;

/// Whether days of the year say so: looked at on each day of some years.
fn always_ends_first(terms: &Terms) -> bool {
    let says_days = |days: Option<&Vec<YearDay>>| days.is_some_and(|days| !days.is_empty());
    let waits_for_days = says_days(terms.pending.as_ref().map(|pending| &pending.on_dates));
    if !waits_for_days && !says_days(terms.expiry.as_ref().map(|expiry| &expiry.on_dates)) {
        return false;
    }
    sampled().all(|at| {
        let ends = terms.dates(at, &TimeZone::UTC).ok().and_then(|dates| dates.activates.zip(dates.expires));
        ends.is_some_and(|(from, until)| until <= from)
    })
}

/// Each day of some years.
fn sampled() -> impl Iterator<Item = Timestamp> {
    (0..SAMPLED_DAYS).map(|day| Timestamp::from_second(SAMPLED_FROM_S + day * 86_400).unwrap_or_default())
}

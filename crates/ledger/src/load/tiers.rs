//! Tiers: how far back a batch has to look for what counts, and for which tier its members had.

use std::collections::{BTreeMap, HashMap, HashSet};

use contract::MemberId;
use contract::calendar::{day_of, number_of, numbered};
use contract::program::Measure;
use contract::result::TierReason;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Books, ParkedRow, wholly};
use crate::book::{MemberState, TierLine};
use crate::error::LedgerError;
use crate::rows::{Loaded, MemberKey};
use crate::store::BatchRequest;
use crate::takes::Takes;
use crate::{sql, stored};

/// Days that time zones are apart, and one more.
const SLACK_DAYS: i32 = 2;

/// A line of a member's history; the rows of a member come in recorded order.
#[derive(Debug)]
pub(crate) struct StoredTier {
    pub(crate) member: MemberKey,
    pub(crate) level: String,
    pub(crate) since: Timestamp,
    pub(crate) until: Option<Timestamp>,
    pub(crate) reason: String,
}

/// What counts on a day.
#[derive(Debug)]
pub(crate) struct StoredCounted {
    pub(crate) member: MemberKey,
    pub(crate) measure: String,
    pub(crate) day: i32,
    pub(crate) amount: i64,
}

/// From when on the history of each member is needed: their first event of the batch, what waits for it and what it takes back included.
pub(crate) fn tiers_from(
    request: &BatchRequest,
    loaded: &Loaded,
    (books, waiting): (&Books, &[ParkedRow]),
) -> Result<BTreeMap<MemberKey, Timestamp>, LedgerError> {
    let mut from: BTreeMap<MemberKey, Timestamp> = BTreeMap::new();
    if request.tiers.is_none() {
        return Ok(from);
    }
    let mut refunding = HashSet::new();
    for want in &request.wanted {
        let Some(member) = loaded.members.get(&want.member) else { continue };
        let first = from.entry(*member).or_insert(want.at);
        *first = want.at.min(*first);
        if let Takes::Refund { order } = &want.takes {
            refunding.insert((*member, order.as_str()));
        }
    }
    let ids: HashMap<MemberKey, &MemberId> = loaded.own_names().map(|(id, key)| (*key, id)).collect();
    let purchases = books.purchases.iter().filter(|row| refunding.contains(&(row.member, row.order.as_str())));
    let events =
        waiting.iter().map(|row| (row.member, &row.event)).chain(purchases.map(|row| (row.member, &row.event)));
    for (member, event) in events {
        let (Some(id), Some(first)) = (ids.get(&member), from.get_mut(&member)) else { continue };
        *first = stored::event("purchase.event", event, id)?.occurred_at.min(*first);
    }
    Ok(from)
}

/// The number of the first day of which it matters what counts, for each member; a review that was missed looks back from its own time, and a
/// merge at all.
pub(crate) fn first_days(
    request: &BatchRequest,
    loaded: &Loaded,
    (mut from, history): (BTreeMap<MemberKey, Timestamp>, &[StoredTier]),
) -> Vec<(MemberKey, i32)> {
    let Some(wanted) = request.tiers else { return Vec::new() };
    for row in history {
        if let (Some(first), Some(until)) = (from.get_mut(&row.member), row.until) {
            *first = until.min(*first);
        }
    }
    let whole = wholly(request, &loaded.members);
    let first = |(member, at): (MemberKey, Timestamp)| {
        let days = wanted.days.filter(|_| !whole.contains(&member)).and_then(|days| i32::try_from(days).ok());
        let day = days.map_or(i32::MIN, |days| number_of(day_of(at, &TimeZone::UTC)) - SLACK_DAYS - days);
        (member, day)
    };
    from.into_iter().map(first).collect()
}

pub(super) fn put(
    (history, counted): (Vec<StoredTier>, Vec<StoredCounted>),
    states: &mut HashMap<MemberKey, MemberState>,
) -> Result<(), LedgerError> {
    for row in history {
        let reason = TierReason::parse(&row.reason).ok_or_else(|| unknown("tier_history.reason", &row.reason))?;
        let level = sql::id("tier_history.level", &row.level)?;
        let line = TierLine { level, since: row.since, until: row.until, reason };
        states.entry(row.member).or_default().tiers.history.push(line);
    }
    for row in counted {
        let measure = Measure::parse(&row.measure).ok_or_else(|| unknown("qualifying.measure", &row.measure))?;
        let day = numbered(row.day).ok_or_else(|| unknown("qualifying.day", &row.day.to_string()))?;
        states.entry(row.member).or_default().tiers.counted.insert((measure, day), row.amount);
    }
    Ok(())
}

fn unknown(what: &str, text: &str) -> LedgerError {
    LedgerError::unreadable(what, format!("`{text}` is not known"))
}

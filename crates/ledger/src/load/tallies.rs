//! Sums over several events: which of them a batch needs, and where also the awards that were given for them.

use std::collections::{BTreeMap, HashMap, HashSet};

use contract::Points;
use contract::decision::OrderAward;
use contract::tally::{Tally, TallyKey, TallyPart};

use super::{Books, ParkedRow, PurchaseRow};
use crate::book::{MemberState, TalliedAward};
use crate::error::LedgerError;
use crate::rows::{Loaded, MemberKey};
use crate::sql;
use crate::store::BatchRequest;
use crate::takes::Takes;

/// Sums that a batch needs; `true`: with their awards, as a refund may take of them.
pub(crate) type TalliesWanted = BTreeMap<(MemberKey, TallyKey), bool>;

/// A sum and what became of its awards.
#[derive(Debug)]
pub(crate) struct StoredTally {
    pub(crate) member: MemberKey,
    pub(crate) rule: String,
    pub(crate) wallet: String,
    pub(crate) counted: String,
    /// sum, awarded, due, taken, waived
    pub(crate) numbers: [i64; 5],
}

/// An award for a sum; those of a sum come in the order in which they were given.
#[derive(Debug)]
pub(crate) struct StoredTalliedAward {
    pub(crate) member: MemberKey,
    pub(crate) rule: String,
    pub(crate) wallet: String,
    pub(crate) counted: String,
    pub(crate) order: String,
    pub(crate) lot: i64,
    /// awarded, due, taken, waived
    pub(crate) points: [i64; 4],
}

/// Sums that the batch's events may add to, and those in which its refunded orders count.
pub(crate) fn tallies(
    request: &BatchRequest,
    loaded: &Loaded,
    (purchases, waiting): (&[PurchaseRow], &[ParkedRow]),
) -> Result<TalliesWanted, LedgerError> {
    let mut keys = TalliesWanted::new();
    let mut returning: HashSet<MemberKey> = waiting.iter().map(|row| row.member).collect();
    for want in &request.wanted {
        let Some(member) = loaded.members.get(&want.member) else { continue };
        if matches!(want.takes, Takes::Refund { .. }) {
            returning.insert(*member);
        }
        keys.extend(want.reads.tallies.iter().map(|key| ((*member, key.clone()), false)));
    }
    for row in purchases {
        keys.extend(parts(row.tallied.as_deref())?.into_iter().map(|part| ((row.member, part.key), false)));
    }
    for ((member, _), has_awards) in &mut keys {
        *has_awards = returning.contains(member);
    }
    Ok(keys)
}

/// What an order counts in sums, as it was stored.
pub(super) fn parts(text: Option<&str>) -> Result<Vec<TallyPart>, LedgerError> {
    text.map_or_else(|| Ok(Vec::new()), |text| sql::json("purchase.tallied", text))
}

/// Puts them to their members; what nobody counted before begins at nought.
pub(super) fn put(
    (wanted, sums, awards): (TalliesWanted, Vec<StoredTally>, Vec<StoredTalliedAward>),
    states: &mut HashMap<MemberKey, MemberState>,
) -> Result<(), LedgerError> {
    for (member, key) in wanted.into_keys() {
        states.entry(member).or_default().tallies.sums.insert(key, Tally::default());
    }
    for row in sums {
        let key = key("tally", (&row.rule, &row.wallet, &row.counted))?;
        let [sum, points @ ..] = row.numbers;
        let [awarded, due, taken, waived] = points.map(Points);
        states.entry(row.member).or_default().tallies.sums.insert(key, Tally { sum, awarded, due, taken, waived });
    }
    for row in awards {
        let key = key("award", (&row.rule, &row.wallet, &row.counted))?;
        let order = sql::id("award.order_id", &row.order)?;
        let [awarded, due, taken, waived] = row.points.map(Points);
        let paid = OrderAward::paid(&key.rule, &key.wallet, awarded);
        let award = TalliedAward { order, lot: row.lot, award: OrderAward { due, taken, waived, ..paid } };
        states.entry(row.member).or_default().tallies.awards.entry(key).or_default().push(award);
    }
    Ok(())
}

fn key(table: &str, (rule, wallet, counted): (&str, &str, &str)) -> Result<TallyKey, LedgerError> {
    let (rule, wallet) = (sql::id(&format!("{table}.rule"), rule)?, sql::id(&format!("{table}.wallet"), wallet)?);
    TallyKey::read(rule, wallet, counted)
        .ok_or_else(|| LedgerError::unreadable(format!("{table}.counted"), format!("`{counted}` is not known")))
}

/// The lots of awards that refunds may take of, and how many points in all of each wallet.
pub(super) fn lots(books: &Books) -> impl Iterator<Item = (MemberKey, &str, i64, i64)> {
    // What was waived may be deserved again by now, and then be due once more.
    let left = |row: &StoredTalliedAward| row.points[0].saturating_sub(row.points[2]);
    books.tally_awards.iter().map(move |row| (row.member, row.wallet.as_str(), row.lot, left(row)))
}

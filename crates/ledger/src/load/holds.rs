//! Holds: which are to be loaded, and how their rows become a member's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contract::decision::{HoldStage, HoldState};
use contract::{HoldId, MemberId, Points, WalletName};
use jiff::Timestamp;

use crate::book::{HeldLot, HoldBook, MemberState};
use crate::error::LedgerError;
use crate::load::Books;
use crate::rows::MemberKey;
use crate::sql;
use crate::store::BatchRequest;

/// What a hold has of one lot, with the hold.
#[derive(Debug)]
pub(crate) struct StoredHold {
    pub(crate) member: MemberKey,
    pub(crate) hold: String,
    pub(crate) wallet: String,
    /// points, held, captured, released
    pub(crate) points: [i64; 4],
    pub(crate) stage: String,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) lot: i64,
    pub(crate) lot_amount: i64,
    pub(crate) lot_held: i64,
}

/// Which holds a batch names, by member.
pub(crate) fn holds(request: &BatchRequest, members: &HashMap<MemberId, MemberKey>) -> BTreeSet<(MemberKey, HoldId)> {
    let named = request.wanted.iter().filter_map(|want| Some((*members.get(&want.member)?, want.reads.hold.clone()?)));
    named.collect()
}

/// Whether a hold's time may have come: then the lots that it has points of are among those of which something is due.
pub(crate) fn may_hold(books: &Books) -> bool {
    books.due.iter().any(|due| due.lot.held.0 > 0)
}

/// Gives each member their holds; the wallets are there already.
pub(super) fn put(rows: Vec<StoredHold>, states: &mut HashMap<MemberKey, MemberState>) -> Result<(), LedgerError> {
    let mut parts: BTreeMap<(MemberKey, String), BTreeMap<i64, StoredHold>> = BTreeMap::new();
    for row in rows {
        parts.entry((row.member, row.hold.clone())).or_default().insert(row.lot, row);
    }
    for ((member, name), parts) in parts {
        let hold: HoldId = sql::id("hold.hold_id", &name)?;
        let Some(state) = parts.values().next().map(state).transpose()? else { continue };
        let lot =
            |part: &StoredHold| HeldLot { lot: part.lot, amount: Points(part.lot_amount), held: Points(part.lot_held) };
        let mut lots: Vec<HeldLot> = parts.values().map(lot).collect();
        let member = states.entry(member).or_default();
        in_burn_order(&mut lots, member, &state.wallet);
        member.holds.insert(hold, HoldBook { state, lots });
    }
    Ok(())
}

fn state(row: &StoredHold) -> Result<HoldState, LedgerError> {
    let [points, held, captured, released] = row.points.map(Points);
    let stage = HoldStage::parse(&row.stage)
        .ok_or_else(|| LedgerError::unreadable("hold.stage", format!("`{}` is not known", row.stage)))?;
    let wallet = sql::id("hold.wallet", &row.wallet)?;
    Ok(HoldState { wallet, points, held, captured, released, expires: row.expires, stage })
}

/// The wallet's lots stand in burn order; lots that were not loaded are those of which the hold has nothing any more.
fn in_burn_order(lots: &mut [HeldLot], member: &MemberState, wallet: &WalletName) {
    let places: HashMap<i64, usize> =
        member.lots(wallet).iter().enumerate().map(|(place, lot)| (lot.sequence, place)).collect();
    lots.sort_by_key(|held| places.get(&held.lot).copied().unwrap_or(usize::MAX));
}

//! From loaded rows to the members' state: pure, the same for every store. Also which rows are to be loaded at all.

mod ended;
mod holds;
mod idle;
mod known;
mod merge;
mod orders;
mod rewards;
mod tallies;
mod tiers;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use contract::{MemberId, OrderId, WalletName};
use jiff::Timestamp;

use crate::book::{Balances, Idling, Lot, MemberState, Owed, Taken, WalletState, in_turn};
use crate::error::LedgerError;
use crate::rows::{Loaded, MemberKey};
use crate::sql;
use crate::store::{BatchRequest, Identity, Wanted};
use crate::stored;
use crate::takes::Takes;

use orders::{OrderParts, replay};

pub(crate) use ended::ended;
pub(crate) use holds::{StoredHold, holds, may_hold};
pub(crate) use idle::idlers;
pub(crate) use known::{Known, answers, recalled, said_again};
pub(crate) use merge::{leavers, strangers};
pub(crate) use rewards::{StoredCounter, rewarded};
pub(crate) use tallies::{StoredTalliedAward, StoredTally, TalliesWanted, tallies};
pub(crate) use tiers::{StoredCounted, StoredTier, first_days, tiers_from};

/// Lots of a first page: most redemptions end within it. Each lot more is paid for by every member who has that many.
const PAGE_FIRST: i64 = 12;

/// Each next page is so many times larger, so that 10,000 small lots are seven questions.
const PAGE_GROWTH: i64 = 3;

/// What of a batch is to be decided, and so needs its members' books: not what comes in the name of one who was erased, nor what the inbox knows already, but for a purchase for which
/// something still waits (it did not fit, and whoever was to bury it died before that).
pub(crate) fn undecided<'a>(
    request: &'a BatchRequest,
    Loaded { members, erased, .. }: &Loaded,
    (known, waiting): (&HashMap<Identity, Known>, &[ParkedRow]),
) -> Cow<'a, BatchRequest> {
    if known.is_empty() && erased.is_empty() {
        return Cow::Borrowed(request);
    }
    let waiting: HashSet<(MemberKey, &str)> = waiting.iter().map(|row| (row.member, row.order.as_str())).collect();
    let is_waited_for = |want: &Wanted| {
        let key = want.reads.order.as_ref().zip(members.get(&want.member));
        key.is_some_and(|(order, member)| waiting.contains(&(*member, order.as_str())))
    };
    let is_decided = |want: &Wanted| known.contains_key(&want.identity) && !is_waited_for(want);
    let stays = |want: &&Wanted| !erased.contains(&want.member) && !is_decided(want);
    let wanted = request.wanted.iter().filter(stays).cloned().collect();
    let (pipeline, rewards, budgets) = (request.pipeline.clone(), request.rewards.clone(), request.budgets.clone());
    Cow::Owned(BatchRequest { pipeline, wanted, rewards, budgets, tiers: request.tiers })
}

/// Whom a batch concerns.
pub(crate) fn members(request: &BatchRequest, members: &HashMap<MemberId, MemberKey>) -> BTreeSet<MemberKey> {
    request.wanted.iter().filter_map(|want| members.get(&want.member).copied()).collect()
}

/// Which orders a batch needs, by member.
pub(crate) fn orders(request: &BatchRequest, members: &HashMap<MemberId, MemberKey>) -> BTreeSet<(MemberKey, OrderId)> {
    let mut orders = BTreeSet::new();
    for want in &request.wanted {
        let Some(member) = members.get(&want.member) else { continue };
        let taken = match &want.takes {
            Takes::Refund { order } => Some(order),
            _ => None,
        };
        orders.extend(want.reads.order.iter().chain(taken).map(|order| (*member, order.clone())));
    }
    orders
}

#[derive(Debug)]
pub(crate) struct BalanceRow {
    pub(crate) member: MemberKey,
    pub(crate) wallet: String,
    pub(crate) balances: Balances,
    pub(crate) last_lot: i64,
    /// When its lots that idle end.
    pub(crate) idle: Option<Idling>,
    /// When its next automatic reward is due.
    pub(crate) reward: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct StoredLot {
    pub(crate) member: MemberKey,
    pub(crate) wallet: String,
    /// Without the activity that it waits for.
    pub(crate) lot: Lot,
    pub(crate) waits_for: Option<String>,
}

#[derive(Debug)]
pub(crate) struct PurchaseRow {
    pub(crate) member: MemberKey,
    pub(crate) order: String,
    pub(crate) event: String,
    pub(crate) ruleset: String,
    pub(crate) tier: Option<String>,
    pub(crate) returned: Option<String>,
    pub(crate) entry: Option<i64>,
    pub(crate) tallied: Option<String>,
}

/// Rows of one entry come in their order.
#[derive(Debug)]
pub(crate) struct StoredAward {
    pub(crate) member: MemberKey,
    pub(crate) entry: i64,
    pub(crate) rule: String,
    pub(crate) wallet: String,
    pub(crate) lot: i64,
    /// awarded, due, taken, waived
    pub(crate) points: [i64; 4],
    pub(crate) budget: Option<String>,
}

/// What refunds of an order took from lots and gave back into them, in that order; or what redemptions and captures for it took, and its
/// returns gave back.
#[derive(Debug)]
pub(crate) struct StoredAllocation {
    pub(crate) member: MemberKey,
    pub(crate) order: String,
    pub(crate) wallet: String,
    pub(crate) lot: i64,
    pub(crate) amount: i64,
}

#[derive(Debug)]
pub(crate) struct ParkedRow {
    pub(crate) member: MemberKey,
    pub(crate) order: String,
    pub(crate) event: String,
}

/// What the refunds of an order left to be paid off; > 0.
#[derive(Debug)]
pub(crate) struct StoredOwed {
    pub(crate) member: MemberKey,
    pub(crate) wallet: String,
    pub(crate) order: String,
    pub(crate) sequence: i64,
    pub(crate) points: i64,
}

/// Everything but lots that deciding a batch needs.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) balances: Vec<BalanceRow>,
    pub(crate) purchases: Vec<PurchaseRow>,
    pub(crate) awards: Vec<StoredAward>,
    pub(crate) allocations: Vec<StoredAllocation>,
    pub(crate) parked: Vec<ParkedRow>,
    /// Of members who owe something.
    pub(crate) owed: Vec<StoredOwed>,
    /// Of orders that are returned or paid for in the batch.
    pub(crate) payments: Vec<StoredAllocation>,
    /// Lots of which something is due; one of which two things are due may stand twice.
    pub(crate) due: Vec<StoredLot>,
    /// The last day of each wallet on which automatic rewards were given, where any may be.
    pub(crate) counters: Vec<StoredCounter>,
    /// What keeps members from being merged: whom, the kind, the name.
    pub(crate) shared: Vec<(MemberKey, String, String)>,
    /// Parts of the holds that are named, or whose time has come; one that is both stands twice.
    pub(crate) holds: Vec<StoredHold>,
    /// Sums over several events, with the awards of which a refund may take.
    pub(crate) tally_keys: TalliesWanted,
    pub(crate) tallies: Vec<StoredTally>,
    pub(crate) tally_awards: Vec<StoredTalliedAward>,
    /// Where the programme has tiers.
    pub(crate) tiers: Vec<StoredTier>,
    pub(crate) counted: Vec<StoredCounted>,
}

/// Lots of one wallet that are to be loaded in burn order until they hold so many points.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) member: MemberKey,
    pub(crate) wallet: WalletName,
    points: i64,
    /// Only lots that idle, or only others; both in wallets that have a time for the former: which burn first is not in their rows.
    pub(crate) idles: Option<bool>,
    pub(crate) offset: i64,
    pub(crate) limit: i64,
}

impl Wish {
    /// After a page: whether another one is needed.
    pub(crate) fn goes_on(&mut self, page: &[i64]) -> bool {
        let found = page.iter().fold(0_i64, |sum, points| sum.saturating_add(*points));
        self.points = self.points.saturating_sub(found);
        let was_full = i64::try_from(page.len()).unwrap_or(i64::MAX) >= self.limit;
        self.offset = self.offset.saturating_add(self.limit);
        self.limit = self.limit.saturating_mul(PAGE_GROWTH);
        was_full && self.points > 0
    }
}

/// By when each member's due lots are needed: by their last event of the batch.
pub(crate) fn due_by(request: &BatchRequest, members: &HashMap<MemberId, MemberKey>) -> BTreeMap<MemberKey, Timestamp> {
    let mut by = BTreeMap::new();
    for want in &request.wanted {
        let Some(member) = members.get(&want.member) else { continue };
        by.entry(*member).and_modify(|by| *by = want.at.max(*by)).or_insert(want.at);
    }
    by
}

/// The same, with what waits for a purchase of the batch: each is decided at its own time.
pub(crate) fn due_until(
    request: &BatchRequest,
    loaded: &Loaded,
    waiting: &[ParkedRow],
) -> Result<BTreeMap<MemberKey, Timestamp>, LedgerError> {
    let mut by = due_by(request, &loaded.members);
    let ids: HashMap<MemberKey, &MemberId> = loaded.own_names().map(|(id, key)| (*key, id)).collect();
    for row in waiting {
        let (Some(id), Some(by)) = (ids.get(&row.member), by.get_mut(&row.member)) else { continue };
        *by = stored::event("parked.event", &row.event, id)?.occurred_at.max(*by);
    }
    Ok(by)
}

/// Members who owe something.
pub(crate) fn debtors(balances: &[BalanceRow]) -> BTreeSet<MemberKey> {
    balances.iter().filter(|row| !row.balances.debt.is_zero()).map(|row| row.member).collect()
}

/// Orders of which it matters what paid for them: those that are returned or paid for in this batch, or for whose purchase a refund
/// waits.
pub(crate) fn paid_orders(
    request: &BatchRequest,
    members: &HashMap<MemberId, MemberKey>,
    waiting: &[ParkedRow],
) -> Result<BTreeSet<(MemberKey, OrderId)>, LedgerError> {
    let mut orders = BTreeSet::new();
    for want in &request.wanted {
        let order = match &want.takes {
            Takes::Refund { order } => Some(order),
            // What a capture spends was taken before, by its hold.
            _ if want.reads.hold.is_some() => want.reads.order.as_ref(),
            Takes::UpTo { .. } => want.reads.order.as_ref(),
            _ => None,
        };
        let member = members.get(&want.member);
        orders.extend(member.zip(order).map(|(member, order)| (*member, order.clone())));
    }
    for row in waiting {
        orders.insert((row.member, sql::id("parked.order_id", &row.order)?));
    }
    Ok(orders)
}

/// The lots that the batch can consume: as many points as all its redemptions ask for and all its refunded orders were awarded.
///
/// An order that is bought within the batch needs none: its own lot holds what its refund can take, or a redemption of the
/// batch took it in the place of a loaded one.
pub(crate) fn wishes(request: &BatchRequest, loaded: &Loaded, books: &Books) -> Result<Vec<Wish>, LedgerError> {
    let mut sums: BTreeMap<(MemberKey, WalletName), i64> = BTreeMap::new();
    let mut add = |member: MemberKey, wallet: WalletName, points: i64| {
        let sum = sums.entry((member, wallet)).or_default();
        *sum = sum.saturating_add(points.max(0));
    };
    let mut refunded = BTreeSet::new();
    for want in &request.wanted {
        let Some(member) = loaded.members.get(&want.member) else { continue };
        match &want.takes {
            Takes::UpTo { wallet, points } => add(*member, wallet.clone(), points.0),
            Takes::Refund { order } => {
                let entry = loaded.orders.get(&(*member, order.clone())).copied().flatten();
                refunded.extend(entry.map(|entry| (*member, entry)));
            }
            _ => {}
        }
    }
    for award in books.awards.iter().filter(|award| refunded.contains(&(award.member, award.entry))) {
        add(award.member, sql::id("award.wallet", &award.wallet)?, award.points[0]);
    }
    for (member, wallet, available) in rewards::spendable(request, books) {
        add(member, wallet, available);
    }
    for (member, wallet, _, points) in tallies::lots(books) {
        add(member, sql::id("award.wallet", wallet)?, points);
    }
    // What ends within the batch burns first, and is not there any more for what comes later.
    for lot in &books.due {
        if let Some(sum) = sums.get_mut(&(lot.member, sql::id("lot.wallet", &lot.wallet)?)) {
            *sum = if *sum > 0 { sum.saturating_add(lot.lot.available.0) } else { 0 };
        }
    }
    let mut idle = BTreeSet::new();
    for row in books.balances.iter().filter(|row| row.idle.is_some()) {
        idle.insert((row.member, sql::id("balance.wallet", &row.wallet)?));
    }
    let mut wishes = Vec::with_capacity(sums.len());
    for (key, points) in sums.into_iter().filter(|(_, points)| *points > 0) {
        let kinds: &[Option<bool>] = if idle.contains(&key) { &[Some(false), Some(true)] } else { &[None] };
        for idles in kinds.iter().copied() {
            let (member, wallet) = key.clone();
            wishes.push(Wish { member, wallet, points, idles, offset: 0, limit: PAGE_FIRST });
        }
    }
    Ok(wishes)
}

/// Members of whom all is needed that they have.
pub(crate) fn wholly(request: &BatchRequest, members: &HashMap<MemberId, MemberKey>) -> BTreeSet<MemberKey> {
    let is_all = |want: &&Wanted| matches!(want.takes, Takes::All | Takes::Merge { .. } | Takes::Merged);
    let whole = request.wanted.iter().filter(is_all);
    whole.filter_map(|want| members.get(&want.member).copied()).collect()
}

/// Members to whom the batch may send points.
pub(crate) fn recipients(request: &BatchRequest) -> BTreeSet<&MemberId> {
    request.wanted.iter().filter_map(|want| want.reads.recipient.as_ref()).collect()
}

/// Lots that refunded orders made or took from, or that paid for them, those that holds have points of, and those that get some back,
/// wherever they stand in burn order.
pub(crate) fn named_lots(
    request: &BatchRequest,
    loaded: &Loaded,
    books: &Books,
) -> Result<BTreeSet<(MemberKey, WalletName, i64)>, LedgerError> {
    let mut lots = BTreeSet::new();
    for want in &request.wanted {
        let (Some(member), Takes::Lots { wallet, lots: named }) = (loaded.members.get(&want.member), &want.takes)
        else {
            continue;
        };
        lots.extend(named.iter().map(|lot| (*member, wallet.clone(), *lot)));
    }
    for award in &books.awards {
        lots.insert((award.member, sql::id("award.wallet", &award.wallet)?, award.lot));
    }
    for allocation in books.allocations.iter().chain(&books.payments) {
        lots.insert((allocation.member, sql::id("allocation.wallet", &allocation.wallet)?, allocation.lot));
    }
    for (member, wallet, lot, _) in tallies::lots(books) {
        lots.insert((member, sql::id("award.wallet", wallet)?, lot));
    }
    for part in books.holds.iter().filter(|part| part.lot_held > 0) {
        lots.insert((part.member, sql::id("hold.wallet", &part.wallet)?, part.lot));
    }
    Ok(lots)
}

/// Puts the members together.
pub(crate) fn states(
    loaded: &Loaded,
    books: Books,
    lots: Vec<StoredLot>,
) -> Result<HashMap<MemberId, MemberState>, LedgerError> {
    let mut states: HashMap<MemberKey, MemberState> = HashMap::new();
    let mut by_wallet: HashMap<(MemberKey, String), Vec<Lot>> = HashMap::new();
    for StoredLot { member, wallet, mut lot, waits_for } in books.due.into_iter().chain(lots) {
        lot.until = waits_for.map(|activity| sql::id("lot.waits_for", &activity)).transpose()?;
        by_wallet.entry((member, wallet)).or_default().push(lot);
    }
    let mut owed = owed(books.owed)?;
    for row in books.balances {
        let name: WalletName = sql::id("balance.wallet", &row.wallet)?;
        let owed = owed.remove(&(row.member, name.clone())).unwrap_or_default();
        let lots = by_wallet.remove(&(row.member, row.wallet)).unwrap_or_default();
        let rewards = rewards::rewarding(&books.counters, (row.member, &name), row.reward);
        let wallet =
            WalletState { owed, rewards, ..WalletState::from_rows((row.balances, row.last_lot), row.idle, lots) };
        states.entry(row.member).or_default().wallets.insert(name, wallet);
    }
    holds::put(books.holds, &mut states)?;
    tiers::put((books.tiers, books.counted), &mut states)?;
    tallies::put((books.tally_keys, books.tallies, books.tally_awards), &mut states)?;
    let ids: HashMap<MemberKey, &MemberId> = loaded.own_names().map(|(id, key)| (*key, id)).collect();
    let mut parts = OrderParts::of(books.awards, books.allocations)?;
    for row in books.purchases {
        let order: OrderId = sql::id("purchase.order_id", &row.order)?;
        let member = row.member;
        let Some(id) = ids.get(&member) else { continue };
        let book = parts.order(row, id)?;
        states.entry(member).or_default().orders.insert(order, book);
    }
    for row in books.payments {
        let order: OrderId = sql::id("payment.order_id", &row.order)?;
        let taken = Taken { wallet: sql::id("payment.wallet", &row.wallet)?, lot: row.lot, points: row.amount };
        let payments = states.entry(row.member).or_default().payments.entry(order).or_default();
        if row.amount > 0 {
            payments
                .spend(taken)
                .ok_or_else(|| LedgerError::unreadable("payment.points", "they add up to too much"))?;
        } else {
            replay(&mut payments.left, taken);
        }
    }
    for row in books.parked {
        let Some(id) = ids.get(&row.member) else { continue };
        let event = stored::event("parked.event", &row.event, id)?;
        if let Some(order) = event.order().cloned() {
            states.entry(row.member).or_default().parked.entry(order).or_default().push(event);
        }
    }
    for state in states.values_mut() {
        for waiting in state.parked.values_mut() {
            in_turn(waiting);
        }
    }
    merge::put(books.shared, loaded, &mut states)?;
    for (key, frozen) in &loaded.frozen {
        states.entry(*key).or_default().frozen = Some(frozen.clone());
    }
    let mut state = |(id, key): (&MemberId, &MemberKey)| {
        if loaded.erased.contains(id) {
            // Several names may stand for the same nobody.
            return (id.clone(), MemberState { erased: true, ..MemberState::default() });
        }
        (id.clone(), states.remove(key).unwrap_or_default())
    };
    Ok(loaded.own_names().map(&mut state).collect())
}

/// What is owed, by wallet, oldest first.
fn owed(rows: Vec<StoredOwed>) -> Result<HashMap<(MemberKey, WalletName), Vec<Owed>>, LedgerError> {
    let mut owed: HashMap<_, Vec<Owed>> = HashMap::new();
    for row in rows {
        let (wallet, order) = (sql::id("owed.wallet", &row.wallet)?, sql::id("owed.order_id", &row.order)?);
        let of_wallet = owed.entry((row.member, wallet)).or_default();
        of_wallet.push(Owed { order, sequence: row.sequence, points: row.points });
    }
    for of_wallet in owed.values_mut() {
        of_wallet.sort_by_key(|owed| owed.sequence);
    }
    Ok(owed)
}

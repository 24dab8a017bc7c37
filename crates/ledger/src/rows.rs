//! From the changes of a batch to the rows that are written once each: pure, the same for every store, in key order.
//!
//! A lot that three redemptions of one batch touched is one row here, and an order that was bought and refunded within the
//! batch is inserted as it stands at the end.

mod loaded;
mod orders;
mod rewards;
mod standing;
mod tallies;
mod tiers;
mod transfers;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use contract::decision::{HoldStage, OrderAward};
use contract::{BudgetName, HoldId, MemberId, OrderId, PipelineName, Points, WalletName};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::book::{
    Account, Allocation, Applied, Balances, EndedLots, Entry, EntryKind, Erased, HoldRow, IdleEnd, Idling, LotRow,
    Outcome, OwedLine, Parking, Payment, Standing, Transiting, add_budgets,
};
use crate::error::LedgerError;
use crate::merge::MergeRow;
use crate::store::{BatchId, Committed, Identity};
use crate::stored;

pub(crate) use loaded::Loaded;
use orders::{PurchaseRow, ReturnRow};

/// Buckets over which a distributed database may spread the members.
const BUCKETS: u16 = 1024;

/// Entries of a batch are numbered within these bits.
pub(crate) const ENTRY_BITS: u32 = 16;

/// The key of a member's rows within a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MemberKey {
    pub(crate) bucket: i16,
    pub(crate) number: i64,
}

/// The first two bytes of SHA-256(pipeline, 0, member), modulo the buckets.
pub(crate) fn bucket(pipeline: &PipelineName, member: &MemberId) -> i16 {
    let mut hasher = Sha256::new();
    hasher.update(pipeline.as_str().as_bytes());
    hasher.update([0]);
    hasher.update(member.as_str().as_bytes());
    let digest = hasher.finalize();
    let bucket = u16::from_be_bytes([digest[0], digest[1]]) % BUCKETS;
    i16::try_from(bucket).unwrap_or_default()
}

/// All rows of a batch.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) inbox: Vec<InboxRow>,
    /// Events that were given up before: their rows of then go.
    pub(crate) again: BTreeSet<Identity>,
    /// Rows of parked events that are decided now.
    pub(crate) unparked: Vec<InboxRow>,
    pub(crate) entries: Vec<EntryRow>,
    pub(crate) postings: Vec<PostingRow>,
    pub(crate) balances: BTreeMap<(MemberKey, WalletName), (Balances, i64)>,
    pub(crate) new_lots: BTreeMap<(MemberKey, WalletName, i64), (i64, LotRow)>,
    pub(crate) lots: BTreeMap<(MemberKey, WalletName, i64), LotRow>,
    pub(crate) allocations: Vec<AllocationRow>,
    pub(crate) awards: Vec<AwardRow>,
    pub(crate) owed: BTreeMap<(MemberKey, WalletName, OrderId), OwedLine>,
    pub(crate) payments: Vec<PaymentRow>,
    pub(crate) award_changes: BTreeMap<(MemberKey, i64, i16), OrderAward>,
    pub(crate) purchases: BTreeMap<(MemberKey, OrderId), PurchaseRow>,
    pub(crate) returns: BTreeMap<(MemberKey, OrderId), ReturnRow>,
    pub(crate) parked: BTreeMap<(MemberKey, OrderId, Identity), String>,
    pub(crate) holds: BTreeMap<(MemberKey, HoldId), HeldRow>,
    /// When lots that idle end.
    pub(crate) idles: BTreeMap<(MemberKey, WalletName), Idling>,
    /// Lots that do not idle any more.
    pub(crate) ended: Vec<EndedRow>,
    /// Members whose next due time may have changed.
    pub(crate) due: BTreeSet<MemberKey>,
    /// Members who were frozen or set free, as they stand after the batch.
    pub(crate) standing: BTreeMap<MemberKey, Standing>,
    /// Members who are to be forgotten once all else is written.
    pub(crate) erased: BTreeMap<MemberKey, (MemberId, Erased)>,
    /// Members who become another one, before all else is written.
    pub(crate) merges: Vec<MergeRow>,
    pub(crate) transfers: transfers::Transfers,
    pub(crate) rewards: rewards::Rewards,
    pub(crate) tallies: tallies::Tallies,
    pub(crate) tiers: tiers::Tiers,
    /// What is taken out of budgets, or given back.
    pub(crate) budgets: BTreeMap<BudgetName, i64>,
    pub(crate) has_results: bool,
}

#[derive(Debug)]
pub(crate) struct InboxRow {
    pub(crate) identity: Identity,
    /// Empty where only the member tells a redelivery from a clash: a hash over a name can be guessed.
    pub(crate) hash: Vec<u8>,
    pub(crate) member: MemberKey,
    pub(crate) occurred_at: jiff::Timestamp,
    pub(crate) ruleset: String,
    pub(crate) outcome: Outcome,
    /// `None`: no results.
    pub(crate) results: Option<String>,
    /// Place within the batch, so that results are published in the order in which they were decided.
    pub(crate) position: i32,
    pub(crate) entry: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct EntryRow {
    pub(crate) member: MemberKey,
    pub(crate) id: i64,
    pub(crate) kind: EntryKind,
    pub(crate) identity: Identity,
    pub(crate) order: Option<OrderId>,
    pub(crate) hold: Option<HoldId>,
    pub(crate) effective_at: jiff::Timestamp,
    pub(crate) ruleset: String,
}

#[derive(Debug)]
pub(crate) struct PostingRow {
    pub(crate) member: MemberKey,
    pub(crate) entry: i64,
    pub(crate) n: i16,
    pub(crate) account: Account,
    pub(crate) wallet: WalletName,
    pub(crate) amount: Points,
}

#[derive(Debug)]
pub(crate) struct AllocationRow {
    pub(crate) member: MemberKey,
    pub(crate) entry: i64,
    pub(crate) n: i32,
    pub(crate) allocation: Allocation,
}

#[derive(Debug)]
pub(crate) struct PaymentRow {
    pub(crate) member: MemberKey,
    pub(crate) entry: i64,
    pub(crate) n: i32,
    pub(crate) payment: Payment,
}

impl PaymentRow {
    fn key(&self) -> (MemberKey, &OrderId, i64, i32) {
        (self.member, &self.payment.order, self.entry, self.n)
    }
}

#[derive(Debug)]
pub(crate) struct AwardRow {
    pub(crate) member: MemberKey,
    pub(crate) entry: i64,
    pub(crate) n: i16,
    pub(crate) order: Option<OrderId>,
    pub(crate) ruleset: String,
    pub(crate) lot: i64,
    pub(crate) inputs: String,
    pub(crate) award: OrderAward,
    /// What is added up, if it is for a sum over several events.
    pub(crate) counted: Option<String>,
    pub(crate) counts_on: Option<i32>,
}

/// A hold as it stands after the batch.
#[derive(Debug)]
pub(crate) struct HeldRow {
    pub(crate) row: HoldRow,
    /// The first entry of this batch about it: the one that made it, if it is new.
    pub(crate) entry: i64,
    /// The entry that ended it.
    pub(crate) ended: Option<i64>,
}

/// Lots of a wallet that idled and have ended; no two rows mean the same one.
#[derive(Debug)]
pub(crate) struct EndedRow {
    pub(crate) member: MemberKey,
    pub(crate) wallet: WalletName,
    /// Later ones than this.
    pub(crate) after: i64,
    pub(crate) upto: i64,
    pub(crate) at: jiff::Timestamp,
}

/// Whether an identity was decided twice in this batch, but for a parked event that is let in.
///
/// Three events of one identity, the first of them refused, can bring a caller to it. In halves they stand in different
/// batches, and the inbox answers.
///
/// A batch that has more to write than entries can be numbered (members of whom years of moves were due) is refused too.
pub(crate) fn refuse_doubles(applied: &[Applied]) -> Option<Committed> {
    if applied.len() > 1 << ENTRY_BITS {
        return Some(Committed::Refused { detail: "more is due than one batch can hold".to_owned() });
    }
    let mut seen = HashSet::new();
    let decided = applied.iter().filter(|applied| applied.parking != Parking::Unpark);
    let doubled = decided.map(|applied| &applied.identity).any(|identity| !seen.insert(identity));
    doubled.then(|| Committed::Refused { detail: "one identity was decided twice in a batch".to_owned() })
}

impl Rows {
    /// Folds the changes of a batch.
    pub(crate) fn of(
        (applied, reviewed): (Vec<Applied>, &[MemberId]),
        batch: BatchId,
        loaded: &Loaded,
    ) -> Result<Self, LedgerError> {
        let due = reviewed.iter().filter_map(|member| loaded.members.get(member).copied()).collect();
        let mut rows = Self { due, ..Self::default() };
        for (n, applied) in applied.into_iter().enumerate() {
            let numbered = i32::try_from(n).ok().filter(|n| *n < 1 << ENTRY_BITS);
            let position = numbered.ok_or_else(|| LedgerError::unreadable("batch", "it has too many events"))?;
            let first = batch.0.checked_shl(ENTRY_BITS).filter(|first| first >> ENTRY_BITS == batch.0);
            let first = first.ok_or_else(|| LedgerError::unreadable("batch.id", "it is out of range"))?;
            let member = loaded.members.get(&applied.member).copied();
            let member = member.ok_or_else(|| LedgerError::unreadable("member", "it is not of this batch"))?;
            let member = match applied.transit {
                // Whoever was erased since the transfer was looked up is nobody by now; what comes back is still theirs.
                Some(Transiting::Returned(key)) if loaded.erased.contains(&applied.member) => key.sender,
                _ => member,
            };
            let at = At { member, entry: first + i64::from(position), position };
            rows.push(at, applied, loaded)?;
        }
        rows.sort();
        Ok(rows)
    }

    fn push(&mut self, at: At, applied: Applied, loaded: &Loaded) -> Result<(), LedgerError> {
        let Applied {
            identity,
            hash,
            member,
            occurred_at,
            ruleset,
            outcome,
            results,
            entry,
            order,
            parking,
            standing,
            transit,
            idles,
            unmoved,
            rewarding,
            counted,
            tiers,
            tallies,
            award_changes,
            budgets,
            ..
        } = applied;
        add_budgets(&mut self.budgets, &budgets);
        self.aside(at, (idles, unmoved, rewarding));
        self.tiers(at, &identity, (counted, tiers));
        // An event of theirs has their name in its hash, and what was under way may have it still.
        let is_erased = outcome == Outcome::Erased || loaded.erased.contains(&member);
        self.stands(at.member, (member, standing), loaded)?;
        self.has_results |= !results.is_empty();
        let mut awards = self.awards.len()..self.awards.len();
        let entry_id = entry.as_ref().map(|_| at.entry);
        if let Some(entry) = entry {
            let hold = entry.hold.as_ref().map(|row| row.hold.clone());
            self.entries.push(EntryRow {
                member: at.member,
                id: at.entry,
                kind: entry.kind,
                identity: identity.clone(),
                order: entry.order.clone(),
                hold,
                effective_at: occurred_at,
                ruleset: ruleset.0.clone(),
            });
            self.entry(at, entry, &ruleset.0)?;
            awards.end = self.awards.len();
        }
        if let Some(transit) = transit {
            self.transfers.push(transit, (at, entry_id), (&identity, occurred_at), loaded)?;
        }
        self.tallies(at, (tallies, award_changes));
        if let Some(order) = order {
            self.order(at, order, (&ruleset.0, (entry_id, awards)), loaded)?;
        }
        self.again.extend(loaded.again.get(&identity).cloned());
        let results = (!results.is_empty()).then(|| stored::results_text(results)).transpose()?;
        let row = InboxRow {
            identity,
            hash: if is_erased { Vec::new() } else { hash.0.to_vec() },
            member: at.member,
            occurred_at,
            ruleset: ruleset.0,
            outcome,
            results,
            position: at.position,
            entry: entry_id,
        };
        self.inbox(row, parking)
    }

    fn entry(&mut self, at: At, entry: Entry, ruleset: &str) -> Result<(), LedgerError> {
        for (n, line) in (0_i16..).zip(entry.postings) {
            let (account, wallet, amount) = (line.account, line.wallet, line.amount);
            self.postings.push(PostingRow { member: at.member, entry: at.entry, n, account, wallet, amount });
        }
        for (wallet, balances, last_lot) in entry.balances {
            self.balances.insert((at.member, wallet), (balances, last_lot));
        }
        for row in entry.lots {
            self.lot(at, row);
        }
        if let Some(row) = entry.hold {
            self.hold(at, row);
        }
        for (n, allocation) in (0_i32..).zip(entry.allocations) {
            self.allocations.push(AllocationRow { member: at.member, entry: at.entry, n, allocation });
        }
        for owed in entry.owed {
            self.owed.insert((at.member, owed.wallet.clone(), owed.order.clone()), owed);
        }
        for (n, payment) in (0_i32..).zip(entry.payments) {
            self.payments.push(PaymentRow { member: at.member, entry: at.entry, n, payment });
        }
        self.rewards.granted(at, entry.granted);
        for (n, award) in (0_i16..).zip(entry.awards) {
            let inputs = to_json(&award.inputs)?;
            let counted = award.inputs.tally_key(&award.rule, &award.wallet).map(|key| key.counted());
            let budget = award.inputs.budget.as_ref().map(|budget| budget.name.clone());
            let paid = OrderAward { budget, ..OrderAward::paid(&award.rule, &award.wallet, award.points) };
            self.awards.push(AwardRow {
                member: at.member,
                entry: at.entry,
                n,
                order: entry.order.clone(),
                ruleset: ruleset.to_owned(),
                lot: award.lot,
                inputs,
                award: paid,
                counted,
                counts_on: award.counts_on.map(contract::calendar::number_of),
            });
        }
        Ok(())
    }

    fn lot(&mut self, at: At, row: LotRow) {
        let key = (at.member, row.wallet.clone(), row.lot.sequence);
        if row.lot.activates.is_some() || row.lot.expires.is_some() {
            self.due.insert(at.member);
        }
        if row.is_new {
            self.new_lots.insert(key, (at.entry, row));
        } else if let Some((_, new)) = self.new_lots.get_mut(&key) {
            new.lot = row.lot;
        } else {
            self.lots.insert(key, row);
        }
    }

    fn idle(&mut self, member: MemberKey, IdleEnd { wallet, idling, ended }: IdleEnd) {
        self.due.insert(member);
        if let Some(EndedLots { after: from, upto, at }) = ended {
            let of_wallet = |row: &&EndedRow| row.member == member && row.wallet == wallet;
            let after = self.ended.iter().rev().find(of_wallet).map_or(0, |row| row.upto).max(from);
            self.ended.push(EndedRow { member, wallet: wallet.clone(), after, upto, at });
        }
        self.idles.insert((member, wallet), idling);
    }

    fn hold(&mut self, at: At, row: HoldRow) {
        if row.state.expires.is_some() {
            self.due.insert(at.member);
        }
        let ended = (row.state.stage != HoldStage::Open).then_some(at.entry);
        let key = (at.member, row.hold.clone());
        let entry = self.holds.get(&key).map_or(at.entry, |earlier| earlier.entry);
        self.holds.insert(key, HeldRow { row, entry, ended });
    }

    fn inbox(&mut self, row: InboxRow, parking: Parking) -> Result<(), LedgerError> {
        match parking {
            Parking::Park(event) => {
                if let Some(order) = event.order() {
                    let key = (row.member, order.clone(), row.identity.clone());
                    self.parked.insert(key, stored::event_text(&event)?);
                }
                self.inbox.push(row);
            }
            Parking::Unpark => self.unpark(row),
            Parking::None => self.inbox.push(row),
        }
        Ok(())
    }

    /// An event that was parked in this same batch keeps its one inbox row; another one's row stands in the store.
    fn unpark(&mut self, row: InboxRow) {
        let is_this = |key: &(MemberKey, OrderId, Identity)| key.0 == row.member && key.2 == row.identity;
        let key = self.parked.keys().find(|key| is_this(key)).cloned();
        if let Some(key) = key {
            self.parked.remove(&key);
            if let Some(first) = self.inbox.iter_mut().find(|first| first.identity == row.identity) {
                // It came before, perhaps in another name of its member's.
                let hash = if row.hash.is_empty() { Vec::new() } else { std::mem::take(&mut first.hash) };
                *first = InboxRow { hash, ..row };
            }
            return;
        }
        self.unparked.push(row);
    }

    /// Rows in key order: indexes are then written from left to right, and two workers meet in the same order.
    fn sort(&mut self) {
        self.inbox.sort_by(|a, b| a.identity.cmp(&b.identity));
        self.unparked.sort_by(|a, b| a.identity.cmp(&b.identity));
        self.entries.sort_by_key(|row| (row.member, row.id));
        self.postings.sort_by_key(|row| (row.member, row.entry, row.n));
        self.allocations.sort_by_key(|row| (row.member, row.entry, row.n));
        self.awards.sort_by_key(|row| (row.member, row.entry, row.n));
        self.payments.sort_by(|a, b| a.key().cmp(&b.key()));
        self.tiers.lines.sort_by_key(|row| (row.member, row.id, row.n));
    }
}

/// Where a change belongs.
#[derive(Debug, Clone, Copy)]
struct At {
    member: MemberKey,
    entry: i64,
    position: i32,
}

fn to_json<T: Serialize>(value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|e| LedgerError::unreadable("what is to be written", e))
}

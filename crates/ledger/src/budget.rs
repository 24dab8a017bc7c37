//! Budgets that any number of workers share: pure, the same for every store. Which of a batch's points come out of this worker's own slice,
//! and for which the pool is to be asked.
//!
//! A batch sees how much is left over all slices and the pool (`Pot::room`), so that what an event is given does not depend on which worker
//! decides it. Where the worker's own slice has the points, the commit writes that one row. Otherwise it locks the pool's row, last of all
//! locks, recalls the slices of all others if the pool has too little, and takes a new slice; all of that stands or falls with the batch.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use contract::decision::Rooms;
use contract::{BudgetName, Points, WalletName};

use crate::error::LedgerError;

/// A new slice has this part of what is left: the fewer points, the smaller, so that near the end little lies with others.
pub(crate) const SLICE_PART: i64 = 16;

/// With more slices than this those of others are recalled, whether the pool has points or not: workers that are gone leave theirs behind, and
/// each batch reads them all.
pub(crate) const SLICES_MAX: i64 = 64;

/// A budget of which a batch may take or give back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetWanted {
    /// Which.
    pub name: BudgetName,
    /// Of which wallet.
    pub wallet: WalletName,
    /// How much may be given of it in all.
    pub limit: Points,
}

/// What stands of a budget: noughts when nothing was given yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stands {
    /// Of slices that were recalled.
    pub(crate) pool_used: i64,
    pub(crate) granted: i64,
    /// Of all slices that stand.
    pub(crate) slices_used: i64,
    /// Epoch and unused part of this worker's own slice.
    pub(crate) own: Option<(i64, i64)>,
}

/// A budget as a batch found it.
#[derive(Debug, Clone)]
pub(crate) struct Pot {
    pub(crate) wallet: WalletName,
    pub(crate) limit: i64,
    /// What can still be given of it, wherever it lies; below nought where the limit was lowered.
    pub(crate) room: i64,
    own: Option<(i64, i64)>,
}

pub(crate) type Pots = BTreeMap<BudgetName, Pot>;

/// A change of what is used of a budget.
#[derive(Debug, Clone)]
pub(crate) struct Taking {
    pub(crate) name: BudgetName,
    pub(crate) wallet: WalletName,
    pub(crate) limit: i64,
    /// Below nought: refunds gave back more than was given.
    pub(crate) points: i64,
    /// Of the own slice, which has them; `None`: the pool is to be asked.
    pub(crate) epoch: Option<i64>,
}

impl Pot {
    pub(crate) fn of(wanted: &BudgetWanted, stands: Stands) -> Self {
        let limit = wanted.limit.0;
        let used = stands.pool_used.saturating_add(stands.slices_used);
        // The slices hold more than the rules allow any more: none may be used before that is put right.
        let is_overdrawn = stands.pool_used.saturating_add(stands.granted) > limit;
        let own = stands.own.filter(|_| !is_overdrawn);
        Self { wallet: wanted.wallet.clone(), limit, room: limit.saturating_sub(used), own }
    }
}

/// What the rules see of the budgets.
pub(crate) fn rooms(pots: &Pots) -> Rooms {
    pots.iter().map(|(name, pot)| (name.clone(), Points(pot.room))).collect()
}

/// What a batch takes, by name: the order in which its rows are locked.
pub(crate) fn takings(uses: &BTreeMap<BudgetName, i64>, pots: &Pots) -> Result<Vec<Taking>, LedgerError> {
    let taking = |(name, points): (&BudgetName, &i64)| {
        let pot = pots.get(name).ok_or_else(|| LedgerError::unreadable("budget", "it is not of this batch"))?;
        let epoch = pot.own.filter(|(_, room)| points <= room).map(|(epoch, _)| epoch);
        let (name, wallet) = (name.clone(), pot.wallet.clone());
        Ok(Taking { name, wallet, limit: pot.limit, points: *points, epoch })
    };
    uses.iter().filter(|(_, points)| **points != 0).map(taking).collect()
}

/// Names this worker among the owners of slices, until it ends.
pub(crate) fn owner() -> String {
    // Each state has keys of its own, random for each process.
    let part = |n: u8| RandomState::new().hash_one(n);
    format!("{:016x}{:016x}", part(0), part(1))
}

//! Sums over several events, and the awards that were given for them.
//!
//! An award for a sum is not its order's alone: the refund of another order that counts in the sum may take it back. What is taken is taken
//! of the returned order's own award first, then of the latest, each as if its own order had been returned.

use std::collections::BTreeMap;

use contract::decision::OrderAward;
use contract::tally::{Tally, TallyChange, TallyKey, TallyPart};
use contract::{OrderId, Points, Refusal};

use super::Taken;
use super::applied::EntryKind;
use super::draft::{Draft, overflow, unfit};
use super::refund::Taking;

/// Sums of a member, as far as they were loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tallies {
    pub(crate) sums: BTreeMap<TallyKey, Tally>,
    /// Their awards in the order in which they were given; only where a refund may take of them.
    pub(crate) awards: BTreeMap<TallyKey, Vec<TalliedAward>>,
}

/// An award for a sum.
#[derive(Debug, Clone)]
pub(crate) struct TalliedAward {
    /// The order with which it was given; each gives one at most.
    pub(crate) order: OrderId,
    /// Sequence of its lot.
    pub(crate) lot: i64,
    pub(crate) award: OrderAward,
}

/// A sum as it stands after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyRow {
    /// Which.
    pub key: TallyKey,
    /// What it is, and what became of its awards.
    pub tally: Tally,
}

/// An award for a sum as it stands after a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwardChange {
    /// The order with which it was given.
    pub order: OrderId,
    /// The award, with the rule that gave it.
    pub award: OrderAward,
}

/// What an event changes of sums.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    pub(super) rows: Vec<TallyRow>,
    pub(super) changes: Vec<AwardChange>,
    /// Awards after, of each sum of which they changed.
    awards: Vec<(TallyKey, Vec<TalliedAward>)>,
}

impl Tallies {
    pub(super) fn carry_on(&mut self, tallied: &mut Tallied) {
        self.sums.extend(tallied.rows.iter().map(|row| (row.key.clone(), row.tally)));
        self.awards.extend(std::mem::take(&mut tallied.awards));
    }
}

impl Draft<'_, '_> {
    /// Adds what the event counts; what it earned by that is an award already.
    pub(super) fn tally(&mut self, changes: &[TallyChange], order: Option<&OrderId>) -> Result<(), Refusal> {
        for TallyChange { part: TallyPart { key, .. }, sum, worth } in changes {
            let before = self.state.tallies.sums.get(key).copied().unwrap_or_default();
            let tally = before.given(*worth).ok_or_else(|| overflow(&key.wallet))?;
            let award = self
                .entry
                .awards
                .iter()
                .find(|award| award.inputs.tally_key(&award.rule, &award.wallet).as_ref() == Some(key));
            let awarded = award.map(|award| award.points).unwrap_or_default();
            if before.fresh(*worth) != awarded {
                return Err(unfit("an award for a sum must be what its worth grew by"));
            }
            if let (Some(award), Some(order)) = (award, order) {
                let mut awards = self.state.tallies.awards.get(key).cloned().unwrap_or_default();
                let paid = OrderAward::paid(&award.rule, &award.wallet, award.points);
                awards.push(TalliedAward { order: order.clone(), lot: award.lot, award: paid });
                self.tallied.awards.push((key.clone(), awards));
            }
            self.tallied.rows.push(TallyRow { key: key.clone(), tally: Tally { sum: *sum, ..tally } });
        }
        Ok(())
    }

    /// Takes what is left of the sums down to what the order goes on to count, and takes back what they are not worth any more.
    pub(super) fn untally(&mut self, changes: &[TallyChange], order: &OrderId) -> Result<(), Refusal> {
        for TallyChange { part: TallyPart { key, .. }, sum, worth } in changes {
            let mut tally = self.state.tallies.sums.get(key).copied().unwrap_or_default();
            let more = tally.more_due(*worth);
            if more.is_zero() {
                // What is deserved again comes with the next event that counts.
                tally = tally.forgiven(*worth);
            } else {
                tally = self.take_of_sum((key, more), tally, order)?;
            }
            self.tallied.rows.push(TallyRow { key: key.clone(), tally: Tally { sum: *sum, ..tally } });
        }
        Ok(())
    }

    /// So many more points are due of a sum's awards: first of what the returned order brought, and may still have pending or have let expire,
    /// then of the latest.
    fn take_of_sum(
        &mut self,
        (key, more): (&TallyKey, Points),
        mut tally: Tally,
        of: &OrderId,
    ) -> Result<Tally, Refusal> {
        self.entry.kind = EntryKind::Clawback;
        let wallet = &key.wallet;
        let before = self.state.tallies.awards.get(key).cloned().unwrap_or_default();
        let mut awards = before.clone();
        forgive(&mut awards, tally.waived);
        let (mut missing, mut all) = (more.0, Taking::default());
        let mut turns: Vec<usize> = (0..awards.len()).rev().collect();
        turns.sort_by_key(|at| awards[*at].order != *of);
        for at in turns {
            let TalliedAward { order, lot, award } = &mut awards[at];
            let points = missing.min(award.awarded.0 - award.due.0);
            if points <= 0 {
                continue;
            }
            missing -= points;
            let taking = self.take((wallet, Points(points)), &[*lot], order)?;
            award.due.0 += points;
            award.taken.0 += taking.all();
            award.waived.0 += taking.waived;
            self.claims.extend(taking.moved.into_iter().map(|taken: Taken| (order.clone(), taken)));
            all.taken += taking.taken;
            all.expired += taking.expired;
            all.owed += taking.owed;
            all.waived += taking.waived;
        }
        if missing > 0 {
            return Err(unfit("the awards of a sum do not hold what it says; run `loyaltyctl audit`"));
        }
        tally.due.0 += more.0;
        tally.taken.0 += all.all();
        tally.waived.0 += all.waived;
        let changed = awards.iter().zip(&before).filter(|(after, before)| after.award != before.award);
        let changed = changed.map(|(of, _)| AwardChange { order: of.order.clone(), award: of.award.clone() });
        self.tallied.changes.extend(changed);
        self.tallied.awards.push((key.clone(), awards));
        self.tell_taken(wallet, &all, of)?;
        Ok(tally)
    }
}

/// What was waived of the awards and has been deserved again since is waived no longer: only so many points still are.
fn forgive(awards: &mut [TalliedAward], waived: Points) {
    let all: i64 = awards.iter().map(|of| of.award.waived.0).sum();
    let mut again = all.saturating_sub(waived.0);
    for TalliedAward { award, .. } in awards {
        let points = again.min(award.waived.0);
        award.waived.0 -= points;
        award.due.0 -= points;
        again -= points;
    }
}

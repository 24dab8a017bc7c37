//! Orders, put together from their rows.

use std::collections::HashMap;

use contract::decision::{OrderAward, OrderState, Returned};
use contract::ruleset::RulesetHash;
use contract::{MemberId, Points};

use super::{PurchaseRow, StoredAllocation, StoredAward};
use crate::book::{OrderBook, Taken};
use crate::error::LedgerError;
use crate::rows::MemberKey;
use crate::{sql, stored};

/// Awards and allocations, by what they belong to.
pub(super) struct OrderParts {
    awards: HashMap<(MemberKey, i64), Vec<(OrderAward, i64)>>,
    taken: HashMap<(MemberKey, String), Vec<Taken>>,
}

impl OrderParts {
    pub(super) fn of(awards: Vec<StoredAward>, allocations: Vec<StoredAllocation>) -> Result<Self, LedgerError> {
        let mut parts = Self { awards: HashMap::new(), taken: HashMap::new() };
        for row in awards {
            let [awarded, due, taken, waived] = row.points.map(Points);
            let rule = sql::id("award.rule", &row.rule)?;
            let wallet = sql::id("award.wallet", &row.wallet)?;
            let budget = row.budget.as_deref().map(|name| sql::id("award.budget", name)).transpose()?;
            let award = OrderAward { rule, wallet, awarded, due, taken, waived, budget };
            parts.awards.entry((row.member, row.entry)).or_default().push((award, row.lot));
        }
        for row in allocations {
            let wallet = sql::id("allocation.wallet", &row.wallet)?;
            let stack = parts.taken.entry((row.member, row.order)).or_default();
            replay(stack, Taken { wallet, lot: row.lot, points: row.amount });
        }
        Ok(parts)
    }

    pub(super) fn order(&mut self, row: PurchaseRow, member: &MemberId) -> Result<OrderBook, LedgerError> {
        let awards = row.entry.and_then(|entry| self.awards.remove(&(row.member, entry))).unwrap_or_default();
        let lots = awards.iter().map(|(award, lot)| (award.wallet.clone(), *lot)).collect();
        let returned = match &row.returned {
            Some(text) => sql::json("purchase.returned", text)?,
            None => Returned::default(),
        };
        let state = OrderState {
            purchase: stored::event("purchase.event", &row.event, member)?,
            ruleset: RulesetHash(row.ruleset),
            tier: row.tier.as_deref().map(|tier| sql::id("purchase.tier", tier)).transpose()?,
            returned,
            awards: awards.into_iter().map(|(award, _)| award).collect(),
            tallied: super::tallies::parts(row.tallied.as_deref())?,
        };
        let taken = self.taken.remove(&(row.member, row.order)).unwrap_or_default();
        Ok(OrderBook { state, lots, taken })
    }
}

/// Repeats what the allocation did: what is given back leaves the last take from that lot.
pub(super) fn replay(stack: &mut Vec<Taken>, row: Taken) {
    if row.points > 0 {
        stack.push(row);
        return;
    }
    let mut given = row.points.saturating_neg();
    while given > 0 {
        let is_it = |taken: &Taken| taken.wallet == row.wallet && taken.lot == row.lot;
        let Some(at) = stack.iter().rposition(is_it) else { return };
        let points = stack[at].points.min(given);
        stack[at].points -= points;
        given -= points;
        if stack[at].points <= 0 {
            stack.remove(at);
        }
    }
}

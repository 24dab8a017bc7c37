//! Rows of sums over several events, and of the awards for them that refunds changed.

use std::collections::BTreeMap;

use contract::decision::OrderAward;
use contract::tally::{Tally, TallyKey};
use contract::{OrderId, RuleName};

use super::{At, MemberKey, Rows};
use crate::book::{AwardChange, TallyRow};

#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) sums: BTreeMap<(MemberKey, TallyKey), Tally>,
    /// Awards that stand in the store; an order has one of a rule.
    pub(crate) awards: BTreeMap<(MemberKey, OrderId, RuleName), OrderAward>,
}

impl Rows {
    pub(super) fn tallies(&mut self, at: At, (sums, changes): (Vec<TallyRow>, Vec<AwardChange>)) {
        self.tallies.sums.extend(sums.into_iter().map(|row| ((at.member, row.key), row.tally)));
        for AwardChange { order, award } in changes {
            let is_it = |row: &&mut super::AwardRow| {
                row.member == at.member
                    && row.counted.is_some()
                    && row.order.as_ref() == Some(&order)
                    && row.award.rule == award.rule
            };
            match self.awards.iter_mut().find(is_it) {
                Some(row) => row.award = award,
                None => {
                    self.tallies.awards.insert((at.member, order, award.rule.clone()), award);
                }
            }
        }
    }
}

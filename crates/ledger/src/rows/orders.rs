//! Rows of orders: what was bought, and what came back of it.

use std::ops::Range;

use contract::TierName;
use contract::tally::TallyPart;

use super::{At, Loaded, Rows, to_json};
use crate::book::OrderChange;
use crate::error::LedgerError;
use crate::stored;

#[derive(Debug)]
pub(crate) struct PurchaseRow {
    pub(crate) event: String,
    pub(crate) ruleset: String,
    pub(crate) tier: Option<TierName>,
    /// `None`: nothing came back.
    pub(crate) returned: Option<String>,
    pub(crate) entry: Option<i64>,
    /// `None`: it counts in no sum over several events.
    pub(crate) tallied: Option<String>,
    /// Where its awards stand among the new ones.
    awards: Range<usize>,
}

/// An order that stands in the store, after a refund.
#[derive(Debug)]
pub(crate) struct ReturnRow {
    pub(crate) returned: String,
    pub(crate) tallied: Option<String>,
}

impl Rows {
    /// What an event changes of an order: `entry` and `awards` are its own, if it earned anything.
    pub(super) fn order(
        &mut self,
        at: At,
        change: OrderChange,
        (ruleset, (entry, awards)): (&str, (Option<i64>, Range<usize>)),
        loaded: &Loaded,
    ) -> Result<(), LedgerError> {
        let (order, returned, awards, tallied) = match change {
            OrderChange::Bought { purchase, tier, tallied } => {
                let Some(order) = purchase.order().cloned() else { return Ok(()) };
                let (event, ruleset) = (stored::event_text(&purchase)?, ruleset.to_owned());
                let tallied = parts(&tallied)?;
                let row = PurchaseRow { event, ruleset, tier, returned: None, entry, tallied, awards };
                self.purchases.insert((at.member, order), row);
                return Ok(());
            }
            OrderChange::Returned { order, returned, awards, tallied } => (order, returned, awards, tallied),
        };
        let (returned, tallied) = (to_json(&returned)?, parts(&tallied)?);
        let key = (at.member, order);
        if let Some(bought) = self.purchases.get_mut(&key) {
            (bought.returned, bought.tallied) = (Some(returned), tallied);
            let rows = self.awards.get_mut(bought.awards.clone()).unwrap_or_default();
            for (row, award) in rows.iter_mut().zip(awards) {
                row.award = award;
            }
            return Ok(());
        }
        if let Some(entry) = loaded.orders.get(&key).copied().flatten() {
            for (n, award) in (0_i16..).zip(awards) {
                self.award_changes.insert((at.member, entry, n), award);
            }
        }
        self.returns.insert(key, ReturnRow { returned, tallied });
        Ok(())
    }
}

fn parts(tallied: &[TallyPart]) -> Result<Option<String>, LedgerError> {
    (!tallied.is_empty()).then(|| to_json(&tallied)).transpose()
}

//! What an event takes out of budgets, or gives back to them, and what is told where one had no more.

use std::collections::BTreeMap;

use contract::decision::{Award, OrderAward};
use contract::result::ResultBody;
use contract::{BudgetName, OrderId, Points, Refusal, RuleName};

use super::draft::{Draft, overflow, text};

impl Draft<'_, '_> {
    /// Notes what the awards take, and tells of which there was less than the rule gives.
    pub(super) fn take_of_budgets(&mut self, awards: &[Award], order: Option<&OrderId>) -> Result<(), Refusal> {
        for award in awards {
            let Some(budget) = &award.inputs.budget else { continue };
            let scale = self.scale(&award.wallet)?;
            let used = self.budgets.entry(budget.name.clone()).or_default();
            *used = used.checked_add(award.points.0).ok_or_else(|| overflow(&award.wallet))?;
            let wanted = Points::from_decimal(budget.wanted, scale).ok_or_else(|| overflow(&award.wallet))?;
            if award.points < wanted {
                self.bodies.push(ResultBody::BudgetExhausted {
                    budget: budget.name.clone(),
                    rule: award.rule.clone(),
                    wallet: award.wallet.clone(),
                    points: text(award.points, scale),
                    wanted: text(wanted, scale),
                    order: order.cloned(),
                });
            }
        }
        Ok(())
    }

    /// Notes what a refund gives back to budgets: what it took of their awards. What was waived stays used.
    pub(super) fn give_back_to_budgets(&mut self, before: &[OrderAward], after: &[OrderAward]) {
        for (before, after) in before.iter().zip(after) {
            if let Some(budget) = &after.budget {
                *self.budgets.entry(budget.clone()).or_default() += before.taken.0 - after.taken.0;
            }
        }
    }
}

/// What is due of an award that came out of a budget.
pub(super) fn due_of(award: &OrderAward, of_budgets: &BTreeMap<RuleName, Points>) -> Option<i64> {
    let due = award.budget.as_ref().and_then(|_| of_budgets.get(&award.rule))?;
    Some(due.0.clamp(0, award.awarded.0.max(0)))
}

/// What several events of a batch take together.
pub(crate) fn add(sums: &mut BTreeMap<BudgetName, i64>, uses: &BTreeMap<BudgetName, i64>) {
    for (name, points) in uses {
        let sum = sums.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*points);
    }
}

//! What is left of the programme's budgets.

use std::collections::BTreeMap;

use contract::program::Budget;
use contract::{BudgetName, PipelineName, WalletName};
use rust_decimal::Decimal;
use serde::Serialize;

use super::sums::Scales;
use crate::error::LedgerError;
use crate::sql::{Row, Sql};
use crate::timeline;

/// A budget and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetReport {
    /// Its name.
    pub budget: BudgetName,
    /// Of which wallet.
    pub wallet: WalletName,
    /// How much may be given in all, as it was said last; no rules may name it any more.
    pub limit: Decimal,
    /// Given, less what refunds gave back.
    pub used: Decimal,
    /// Can still be given; none where the limit was lowered below what is used.
    pub left: Decimal,
    /// Of what is left, what lies with workers: any other worker may have it when nothing else is left.
    pub in_slices: Decimal,
    /// How many workers' slices that is, of workers that are gone too.
    pub slices: i64,
}

pub(crate) async fn budgets(store: &dyn Sql, pipeline: &PipelineName) -> Result<Vec<BudgetReport>, LedgerError> {
    let scales = Scales::load(store, pipeline).await?;
    let mut said: BTreeMap<BudgetName, Budget> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for line in timeline::lines(store, pipeline).await?.into_iter().rev() {
        if !seen.insert(line.hash.clone()) {
            continue;
        }
        let ruleset = timeline::ruleset(store, &line.hash).await?;
        for budget in ruleset.into_iter().flat_map(|ruleset| ruleset.program.budgets) {
            said.entry(budget.name.clone()).or_insert(budget);
        }
    }
    let sql = "select b.name, cast(b.used + coalesce(sum(s.used), 0) as text), cast(coalesce(sum(s.granted - s.used), 0) as text),
         cast(count(s.owner) as text)
         from budget b left join slice s on s.pipeline = b.pipeline and s.budget = b.name
         where b.pipeline = $1 group by b.name, b.used";
    let stands: BTreeMap<BudgetName, Row> = store
        .ask(sql, &[pipeline.as_str().into()])
        .await?
        .into_iter()
        .map(|row| Ok((row.id(0)?, row)))
        .collect::<Result<_, LedgerError>>()?;
    let report = |budget: Budget| {
        let wallet = budget.wallet;
        let row = stands.get(&budget.name);
        let points = |at| row.map_or(Ok(Decimal::ZERO), |row| scales.points(&wallet, row, at));
        let (used, in_slices) = (points(1)?, points(2)?);
        let limit = budget.points.get();
        let left = (limit - used).max(Decimal::ZERO);
        let slices = row.map_or(Ok(0), |row| row.int(3))?;
        Ok(BudgetReport { budget: budget.name, wallet, limit, used, left, in_slices: in_slices.min(left), slices })
    };
    said.into_values().map(report).collect()
}

//! What is left of budgets.

use rusqlite::{OptionalExtension, params};

use super::Begin;
use crate::budget::{BudgetWanted, Pot, Pots, Stands};

impl Begin<'_> {
    pub(super) fn pots(&self, wanted: &[BudgetWanted], owner: &str) -> rusqlite::Result<Pots> {
        wanted.iter().map(|wanted| Ok((wanted.name.clone(), Pot::of(wanted, self.stands(wanted, owner)?)))).collect()
    }

    fn stands(&self, wanted: &BudgetWanted, owner: &str) -> rusqlite::Result<Stands> {
        let of = params![self.pipeline, wanted.name.as_str()];
        let mut pool =
            self.connection.prepare_cached("select used, granted from budget where pipeline = ?1 and name = ?2")?;
        let pool: Option<(i64, i64)> = pool.query_row(of, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((pool_used, granted)) = pool else { return Ok(Stands::default()) };
        let mut slices = self
            .connection
            .prepare_cached("select owner = ?3, epoch, granted, used from slice where pipeline = ?1 and budget = ?2")?;
        let mut stands = Stands { pool_used, granted, ..Stands::default() };
        let mut rows = slices.query(params![self.pipeline, wanted.name.as_str(), owner])?;
        while let Some(row) = rows.next()? {
            let (is_own, epoch, granted, used): (bool, i64, i64, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            stands.slices_used = stands.slices_used.saturating_add(used);
            if is_own {
                stands.own = Some((epoch, granted.saturating_sub(used)));
            }
        }
        Ok(stands)
    }
}

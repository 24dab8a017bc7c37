//! What is left of budgets.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::{Open, prepare};
use crate::budget::{BudgetWanted, Pot, Pots, Stands};
use crate::error::LedgerError;

/// One statement, one snapshot: a slice that is recalled meanwhile is counted once.
const BUDGETS: &str = "select b.used, b.granted, s.used, s.epoch, s.unused
    from unnest($2::text[]) with ordinality as w(name, n)
    left join lateral (select used, granted from budget where pipeline = $1 and name = w.name offset 0) b on true
    cross join lateral (
        select coalesce(sum(used), 0)::bigint as used, max(epoch) filter (where owner = $3) as epoch,
            max(granted - used) filter (where owner = $3) as unused
        from slice where pipeline = $1 and budget = w.name
    ) s order by w.n";

/// One round trip, where the batch may use any.
pub(super) async fn pots(open: &Open, wanted: &[BudgetWanted]) -> Result<Pots, LedgerError> {
    if wanted.is_empty() {
        return Ok(Pots::new());
    }
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
    let client = open.client()?;
    let (pipeline, owner) = (open.pipeline.as_str(), &*open.owner);
    let loaded = async {
        let [statement] = prepare(client, [BUDGETS]).await?;
        let args: [&(dyn ToSql + Sync); 3] = [&pipeline, &names, &owner];
        client.query(&statement, &args).await?.iter().map(read).collect::<Result<Vec<_>, Error>>()
    };
    let stands = loaded.await.map_err(|e| open.fail(e))?;
    Ok(wanted.iter().zip(stands).map(|(wanted, stands)| (wanted.name.clone(), Pot::of(wanted, stands))).collect())
}

fn read(row: &Row) -> Result<Stands, Error> {
    let pool = |at: usize| Ok::<i64, Error>(row.try_get::<_, Option<i64>>(at)?.unwrap_or_default());
    let own = row.try_get::<_, Option<i64>>(3)?.zip(row.try_get(4)?);
    Ok(Stands { pool_used: pool(0)?, granted: pool(1)?, slices_used: row.try_get(2)?, own })
}

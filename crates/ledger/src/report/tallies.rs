//! What rules count of a member over several events.

use contract::tally::{Counts, TallyKey, whole};
use contract::{MemberId, PipelineName, RuleName, WalletName};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::sums::{Scales, find_member};
use crate::error::LedgerError;
use crate::sql::{Row, Sql};

/// A sum over several events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TallyReport {
    /// The rule that counts.
    pub rule: RuleName,
    /// Where its points go.
    pub wallet: WalletName,
    /// What it adds up.
    pub counts: Counts,
    /// The first day of the time within which it is; `None`: it never ends.
    pub since: Option<Date>,
    /// What was counted, and kept: money in major units, pieces or events.
    pub sum: Decimal,
    /// Points that were given for it and not taken back.
    pub given: Decimal,
}

/// By rule, the latest time first; none for an unknown member.
pub(crate) async fn tallies(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<Vec<TallyReport>, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else { return Ok(Vec::new()) };
    let scales = Scales::load(store, pipeline).await?;
    let sums = "select rule, wallet, counted, cast(sum as text), cast(awarded - taken as text) from tally
         where pipeline = $1 and bucket = $2 and member = $3 order by rule, wallet, counted desc";
    let rows = store.ask(sums, &[pipeline.as_str().into(), bucket.into(), number.into()]).await?;
    rows.iter().map(|row| report(&scales, row)).collect()
}

fn report(scales: &Scales, row: &Row) -> Result<TallyReport, LedgerError> {
    let counted = row.text(2)?;
    let unknown = || LedgerError::unreadable("tally.counted", format!("`{counted}` is not known"));
    let TallyKey { rule, wallet, counts, since } =
        TallyKey::read(row.id(0)?, row.id(1)?, counted).ok_or_else(unknown)?;
    let given = scales.points(&wallet, row, 4)?;
    Ok(TallyReport { rule, wallet, counts, since, sum: whole(row.int(3)?), given })
}

//! Holds: which are open, and what became of one.

use std::collections::BTreeMap;

use contract::decision::HoldStage;
use contract::{HoldId, MemberId, PipelineName, WalletName};

use super::sums::{Scales, find_member, four};
use super::{HoldReport, LiabilityAsk};
use crate::error::LedgerError;
use crate::sql::{Arg, Row, Sql};

/// Holds of one page.
const HOLDS_PER_PAGE: usize = 1000;

/// How far the open holds were read. The default is their beginning.
#[derive(Debug, Clone, Default)]
pub struct HoldMark {
    entry: i64,
}

/// Some open holds, oldest first.
#[derive(Debug, Clone)]
pub struct HoldPage {
    /// The holds.
    pub holds: Vec<HoldReport>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<HoldMark>,
}

/// What [`report`] reads, of a hold `h` and the entry `b` that it began with, or the last one that carries such forward.
const COLUMNS: &str = "h.hold_id, h.wallet, cast(h.points as text), cast(h.held as text), cast(h.captured as text),
     cast(h.released as text), h.stage, cast(micros(coalesce(b.effective_at, (
         select max(c.effective_at) from entry c where c.pipeline = h.pipeline and c.bucket = h.bucket and c.member = h.member
             and c.kind = 'CarriedForward' and h.entry <= c.id))) as text), cast(micros(h.expires_at) as text),
     cast(h.entry as text)
     from hold h
     left join entry b on b.pipeline = h.pipeline and b.bucket = h.bucket and b.member = h.member and b.id = h.entry";

/// A member who is unknown has none.
pub(crate) async fn open_holds(
    store: &dyn Sql,
    (pipeline, member): (&PipelineName, &MemberId),
    wallet: Option<&WalletName>,
    after: &HoldMark,
) -> Result<HoldPage, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else {
        return Ok(HoldPage { holds: Vec::new(), next: None });
    };
    let scales = Scales::load(store, pipeline).await?;
    let only = if wallet.is_some() { "and h.wallet = $6" } else { "" };
    let sql = format!(
        "select {COLUMNS} where h.pipeline = $1 and h.bucket = $2 and h.member = $3 and h.held > 0 and h.entry > $4 {only}
         order by h.entry limit $5"
    );
    let mut args: Vec<Arg> = vec![pipeline.as_str().into(), bucket.into(), number.into()];
    args.extend([after.entry.into(), HOLDS_PER_PAGE.into()]);
    args.extend(wallet.map(|wallet| Arg::from(wallet.as_str())));
    let rows = store.ask(&sql, &args).await?;
    let holds: Vec<HoldReport> = rows.iter().map(|row| report(&scales, row)).collect::<Result<_, _>>()?;
    let last = rows.last().map(|row| row.int(9)).transpose()?;
    let next = last.filter(|_| rows.len() == HOLDS_PER_PAGE).map(|entry| HoldMark { entry });
    Ok(HoldPage { holds, next })
}

/// One hold of a member; `key` is pipeline, bucket and member.
pub(super) async fn hold(
    store: &dyn Sql,
    scales: &Scales,
    key: &[Arg],
    hold: &HoldId,
) -> Result<Option<HoldReport>, LedgerError> {
    let sql = format!("select {COLUMNS} where h.pipeline = $1 and h.bucket = $2 and h.member = $3 and h.hold_id = $4");
    let rows = store.ask(&sql, &[key, &[hold.as_str().into()]].concat()).await?;
    rows.first().map(|row| report(scales, row)).transpose()
}

/// How many are open at a time, by wallet.
pub(super) async fn counts(
    store: &dyn Sql,
    pipeline: &PipelineName,
    ask: &LiabilityAsk,
) -> Result<BTreeMap<WalletName, i64>, LedgerError> {
    let which = match ask.at {
        None => "h.held > 0".to_owned(),
        Some(at) => {
            let column = ask.by.column();
            let at = at.as_microsecond();
            format!("(b.id is null or micros(b.{column}) <= {at}) and (h.ended is null or micros(e.{column}) > {at})")
        }
    };
    let sql = format!(
        "select h.wallet, cast(count(*) as text) from hold h
         left join entry b on b.pipeline = h.pipeline and b.bucket = h.bucket and b.member = h.member and b.id = h.entry
         left join entry e on e.pipeline = h.pipeline and e.bucket = h.bucket and e.member = h.member and e.id = h.ended
         where h.pipeline = $1 and {which} group by h.wallet"
    );
    let rows = store.sweep(&sql, &[pipeline.as_str().into()]).await?;
    rows.iter().map(|row| Ok((row.id(0)?, row.int(1)?))).collect()
}

fn report(scales: &Scales, row: &Row) -> Result<HoldReport, LedgerError> {
    let wallet: WalletName = row.id(1)?;
    let [points, held, captured, released] = four(scales, &wallet, row, 2)?;
    let stage = row.text(6)?;
    let stage = HoldStage::parse(stage)
        .ok_or_else(|| LedgerError::unreadable("hold.stage", format!("`{stage}` is not known")))?;
    let (since, expires) = (row.time(7)?, row.maybe_time(8)?);
    Ok(HoldReport { hold: row.id(0)?, wallet, points, held, captured, released, stage, since, expires })
}

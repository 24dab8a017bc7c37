//! Who has how much.

use std::collections::BTreeMap;

use contract::{MemberId, PipelineName, Points, Scale, WalletName};
use rust_decimal::Decimal;

use super::{Balance, BestMember, LotReport, Totals, WalletTotals};
use crate::error::LedgerError;
use crate::sql::{Arg, Row, Sql};
use crate::timeline;

/// Scales of the wallets, by the latest rule set; a used wallet never changes its scale.
pub(super) struct Scales(BTreeMap<WalletName, Scale>);

impl Scales {
    pub(super) async fn load(store: &dyn Sql, pipeline: &PipelineName) -> Result<Self, LedgerError> {
        let lines = timeline::lines(store, pipeline).await?;
        let Some(last) = lines.last() else { return Ok(Self(BTreeMap::new())) };
        let ruleset = timeline::ruleset(store, &last.hash).await?;
        let wallets = ruleset.map(|ruleset| ruleset.program.wallets).unwrap_or_default();
        Ok(Self(wallets.into_iter().map(|wallet| (wallet.name, wallet.scale)).collect()))
    }

    pub(super) fn points(&self, wallet: &WalletName, row: &Row, column: usize) -> Result<Decimal, LedgerError> {
        self.units(wallet, row.parse(column)?)
    }

    /// A sum over all members may be beyond an i64 of units.
    pub(super) fn units(&self, wallet: &WalletName, units: i128) -> Result<Decimal, LedgerError> {
        let scale = self.0.get(wallet).copied().unwrap_or_default();
        match i64::try_from(units) {
            Ok(units) => Ok(Points(units).to_decimal(scale)),
            Err(_) => Decimal::try_from_i128_with_scale(units, scale.digits())
                .map_err(|e| LedgerError::unreadable("a sum", e)),
        }
    }
}

/// A member's key: bucket and number.
pub(super) type Member = (i64, i64);

pub(super) async fn find_member(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<Option<Member>, LedgerError> {
    let rows = store
        .ask(
            "select cast(bucket as text), cast(number as text) from member
             where pipeline = $1 and bucket in ($2, 0) and external_id = $3",
            &[pipeline.as_str().into(), bucket(pipeline, member), member.as_str().into()],
        )
        .await?;
    rows.first().map(|row| Ok((row.int(0)?, row.int(1)?))).transpose()
}

fn bucket(pipeline: &PipelineName, member: &MemberId) -> Arg {
    Arg::Int(i64::from(crate::rows::bucket(pipeline, member)))
}

pub(crate) async fn balance(
    store: &dyn Sql,
    pipeline: &PipelineName,
    member: &MemberId,
) -> Result<Option<Vec<Balance>>, LedgerError> {
    let Some((bucket, number)) = find_member(store, pipeline, member).await? else { return Ok(None) };
    let scales = Scales::load(store, pipeline).await?;
    let key = [pipeline.as_str().into(), bucket.into(), number.into()];
    let lots = lots(store, &scales, &key, "(pending > 0 or available > 0 or held > 0)").await?;
    let rows = store
        .ask(
            "select wallet, cast(pending as text), cast(available as text), cast(held as text), cast(debt as text)
             from balance where pipeline = $1 and bucket = $2 and member = $3 order by wallet",
            &key,
        )
        .await?;
    let read = |row: &Row| {
        let wallet: WalletName = row.id(0)?;
        let lots = lots.iter().filter(|lot| lot.wallet == wallet).cloned().collect();
        let [pending, available, held, debt] = four(&scales, &wallet, row, 1)?;
        Ok(Balance { wallet, pending, available, held, debt, lots })
    };
    rows.iter().map(read).collect::<Result<_, _>>().map(Some)
}

pub(super) fn four(scales: &Scales, wallet: &WalletName, row: &Row, first: usize) -> Result<[Decimal; 4], LedgerError> {
    let at = |n| scales.points(wallet, row, first + n);
    Ok([at(0)?, at(1)?, at(2)?, at(3)?])
}

/// When a lot `l` ends, in microseconds: one that idles does so with its wallet.
macro_rules! lot_ends {
    () => {
        "micros(case when l.idles = true then (select b.idle_at from balance b where b.pipeline = l.pipeline
             and b.bucket = l.bucket and b.member = l.member and b.wallet = l.wallet) else l.expires_at end)"
    };
}

/// What [`lot`] reads, of a lot `l`.
pub(super) const LOT_COLUMNS: &str = concat!(
    "wallet, cast(sequence as text), cast(entry as text), cast(initial as text), cast(pending as text),
     cast(available as text), cast(held as text), cast(micros(activates_at) as text), cast(",
    lot_ends!(),
    " as text), waits_for"
);

/// Burn order within a wallet, of a lot `l`: what never expires comes last.
pub(super) const LOT_ORDER: &str =
    concat!("case when ", lot_ends!(), " is null then 1 else 0 end, coalesce(", lot_ends!(), ", 0), l.sequence");

pub(super) fn lot(scales: &Scales, row: &Row) -> Result<LotReport, LedgerError> {
    let wallet: WalletName = row.id(0)?;
    let [initial, pending, available, held] = four(scales, &wallet, row, 3)?;
    let (sequence, entry) = (row.int(1)?, row.int(2)?);
    let (activates, expires) = (row.maybe_time(7)?, row.maybe_time(8)?);
    let until = row.maybe(9).map(|_| row.id(9)).transpose()?;
    Ok(LotReport { wallet, sequence, entry, initial, pending, available, held, activates, until, expires })
}

/// A member's lots that fit a condition, in burn order.
pub(super) async fn lots(
    store: &dyn Sql,
    scales: &Scales,
    key: &[Arg],
    which: &str,
) -> Result<Vec<LotReport>, LedgerError> {
    let sql = format!(
        "select {LOT_COLUMNS} from lot l where pipeline = $1 and bucket = $2 and member = $3 and {which}
         order by l.wallet, {LOT_ORDER}"
    );
    store.ask(&sql, key).await?.iter().map(|row| lot(scales, row)).collect()
}

pub(crate) async fn best_members(
    store: &dyn Sql,
    pipeline: &PipelineName,
    wallet: &WalletName,
    limit: usize,
) -> Result<Vec<BestMember>, LedgerError> {
    let scales = Scales::load(store, pipeline).await?;
    let rows = store
        .ask(
            "select m.external_id, cast(b.available as text) from balance b
             join member m on m.pipeline = b.pipeline and m.bucket = b.bucket and m.number = b.member
             where b.pipeline = $1 and b.wallet = $2 and m.erased_at is null and m.merged_number is null order by b.available desc, m.external_id limit $3",
            &[pipeline.as_str().into(), wallet.as_str().into(), limit.into()],
        )
        .await?;
    let read = |row: &Row| Ok(BestMember { member: row.id(0)?, available: scales.points(wallet, row, 1)? });
    rows.iter().map(read).collect()
}

pub(crate) async fn totals(store: &dyn Sql, pipeline: &PipelineName) -> Result<Totals, LedgerError> {
    let scales = Scales::load(store, pipeline).await?;
    let key = [pipeline.as_str().into()];
    let count = async |sql: &str| {
        let rows = store.ask(sql, &key).await?;
        rows.first().map_or(Ok(0), |row| row.int(0))
    };
    let members =
        count("select cast(count(*) as text) from (
                  select bucket, member from inbox where pipeline = $1 and outcome <> 'Erased'
                  union select bucket, member from balance where pipeline = $1
              ) x
             where not exists (select 1 from member m where m.pipeline = $1 and m.bucket = x.bucket and m.number = x.member and m.merged_number is not null)")
            .await?;
    let unpublished_batches =
        count("select cast(count(*) as text) from batch where pipeline = $1 and published_at is null").await?;
    let events = store
        .ask(
            // What was due, or arrived, is no event that anybody sent.
            "select outcome, cast(count(*) as text) from inbox where pipeline = $1 and source <> 'loyalty.due'
             and source not like 'loyalty.transfer/%' and source not like 'loyalty.merge/%' group by outcome",
            &key,
        )
        .await?;
    let events =
        events.iter().map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?))).collect::<Result<_, LedgerError>>()?;
    let wallets = store
        .ask(
            "select wallet,
             cast(-sum(case when account = 'issued' then amount else 0 end) as text),
             cast(sum(case when account = 'redeemed' then amount else 0 end) as text),
             cast(sum(case when account = 'clawed' then amount else 0 end) as text),
             cast(-sum(case when account = 'adjusted' then amount else 0 end) as text),
             cast(sum(case when account = 'pending' then amount else 0 end) as text),
             cast(sum(case when account = 'available' then amount else 0 end) as text),
             cast(sum(case when account = 'expired' then amount else 0 end) as text),
             cast(sum(case when account = 'held' then amount else 0 end) as text),
             cast(-sum(case when account = 'debt' then amount else 0 end) as text),
             cast(sum(case when account = 'transit' then amount else 0 end) as text)
             from posting where pipeline = $1 group by wallet order by wallet",
            &key,
        )
        .await?;
    let read = |row: &Row| {
        let wallet: WalletName = row.id(0)?;
        let [earned, spent, clawed, adjusted] = four(&scales, &wallet, row, 1)?;
        let (pending, available) = (scales.points(&wallet, row, 5)?, scales.points(&wallet, row, 6)?);
        let (expired, held) = (scales.points(&wallet, row, 7)?, scales.points(&wallet, row, 8)?);
        let (debt, transit) = (scales.points(&wallet, row, 9)?, scales.points(&wallet, row, 10)?);
        Ok(WalletTotals { wallet, earned, spent, clawed, adjusted, expired, pending, available, held, debt, transit })
    };
    let wallets = wallets.iter().map(read).collect::<Result<_, LedgerError>>()?;
    Ok(Totals { members, events, unpublished_batches, wallets })
}

//! A member's account as a bank would print it: every line with the balance after it, and the lots that are still open.
//!
//! Read in pages that follow the key, so that a member with a hundred thousand entries costs as much memory as one with ten.

use std::collections::{BTreeMap, HashMap};

use contract::result::{Restored, ResultBody, ResultEvent};
use contract::{EventId, HoldId, MemberId, OrderId, PipelineName, RuleName, Source, WalletName};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::merge::{along, merge};
use super::sums::{LOT_COLUMNS, LOT_ORDER, Member, Scales, find_member, lot};
use super::transfer::transfer;
use super::{LotReport, Reckoning};
use crate::carry::CARRIED_KIND;
use crate::error::LedgerError;
use crate::sql::{Arg, Row, Sql};

/// Entries of one page: some thousand rows at most, whatever the member has.
const ENTRIES_PER_PAGE: usize = 500;

/// Lots of one page.
const LOTS_PER_PAGE: usize = 1000;

/// Which lines of a member's account.
#[derive(Debug, Clone, Default)]
pub struct StatementAsk {
    /// Only this wallet.
    pub wallet: Option<WalletName>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Not after this time.
    pub to: Option<Timestamp>,
    /// By which time.
    pub by: Reckoning,
}

impl StatementAsk {
    fn wants(&self, wallet: &WalletName, head: &Head) -> bool {
        let at = match self.by {
            Reckoning::Happened => head.at,
            Reckoning::Recorded => head.recorded_at,
        };
        self.wallet.as_ref().is_none_or(|wanted| wanted == wallet)
            && self.from.is_none_or(|from| from <= at)
            && self.to.is_none_or(|to| at <= to)
    }
}

/// How far a statement was read, with the balances there. The default is its beginning.
#[derive(Debug, Clone, Default)]
pub struct StatementMark {
    entry: i64,
    balances: BTreeMap<(WalletName, String), i128>,
}

/// Some lines, in the order in which they were recorded; there may be none in the middle of a statement that was narrowed.
#[derive(Debug, Clone)]
pub struct StatementPage {
    /// Oldest first.
    pub lines: Vec<StatementLine>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<StatementMark>,
}

/// One posting to an account of the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementLine {
    /// When it happened.
    pub at: Timestamp,
    /// When it was recorded; lines stand in this order.
    pub recorded_at: Timestamp,
    /// Who said the event.
    pub source: Source,
    /// The event's id.
    pub event: EventId,
    /// `Earn`, `Spend`, ...
    pub kind: String,
    /// The order, if it is about one.
    pub order: Option<OrderId>,
    /// The hold, if it is about one.
    pub hold: Option<HoldId>,
    /// The other member, if points came from one or went to one.
    pub other: Option<MemberId>,
    /// What each rule gave to this wallet.
    pub rules: Vec<RuleShare>,
    /// Why a person corrected the balance.
    pub reason: Option<String>,
    /// Who did.
    pub author: Option<String>,
    /// Which wallet.
    pub wallet: WalletName,
    /// `pending`, `available`, `held` or `debt`.
    pub state: String,
    /// Signed.
    pub amount: Decimal,
    /// Of this wallet and state, after this line; debt is negative.
    pub balance: Decimal,
}

/// What one rule gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleShare {
    /// The rule.
    pub rule: RuleName,
    /// Points.
    pub awarded: Decimal,
}

/// How far the open lots were read. The default is their beginning.
#[derive(Debug, Clone, Default)]
pub struct LotMark {
    wallet: String,
    never: i64,
    expires: i64,
    sequence: i64,
}

/// Some lots that still hold something, by wallet and in burn order.
#[derive(Debug, Clone)]
pub struct LotPage {
    /// The lots.
    pub lots: Vec<LotReport>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<LotMark>,
}

/// What the lines of one entry have in common.
struct Head {
    at: Timestamp,
    recorded_at: Timestamp,
    source: Source,
    event: EventId,
    kind: String,
    order: Option<OrderId>,
    hold: Option<HoldId>,
    other: Option<MemberId>,
    note: Option<(String, String)>,
    rules: Vec<(WalletName, RuleShare)>,
}

/// `None`: the member is unknown.
pub(crate) async fn statement(
    store: &dyn Sql,
    (pipeline, member): (&PipelineName, &MemberId),
    ask: &StatementAsk,
    after: &StatementMark,
) -> Result<Option<StatementPage>, LedgerError> {
    let Some(number) = find_member(store, pipeline, member).await? else { return Ok(None) };
    let scales = Scales::load(store, pipeline).await?;
    let key = key(pipeline, number);
    let along = along(store, &key).await?;
    let read = Read { store, scales: &scales, pipeline, member, along, key };
    read.page(ask, after.clone()).await.map(Some)
}

fn key(pipeline: &PipelineName, (bucket, number): Member) -> [Arg; 3] {
    [pipeline.as_str().into(), bucket.into(), number.into()]
}

struct Read<'a> {
    store: &'a dyn Sql,
    scales: &'a Scales,
    pipeline: &'a PipelineName,
    member: &'a MemberId,
    /// Where rows stand that go along with a merge.
    along: Vec<Arg>,
    key: [Arg; 3],
}

impl Read<'_> {
    async fn page(&self, ask: &StatementAsk, mut mark: StatementMark) -> Result<StatementPage, LedgerError> {
        let entries = self.entries(mark.entry).await?;
        let Some((last, _)) = entries.last() else { return Ok(StatementPage { lines: Vec::new(), next: None }) };
        let (after, last, is_full) = (mark.entry, *last, entries.len() == ENTRIES_PER_PAGE);
        let mut heads: HashMap<i64, Head> = entries.into_iter().collect();
        for row in self.within("rule, wallet, cast(awarded as text)", "award", (&self.along, after, last)).await? {
            let wallet: WalletName = row.id(2)?;
            let share = RuleShare { rule: row.id(1)?, awarded: self.scales.points(&wallet, &row, 3)? };
            // The sums of a member have the number of the last entry in them, and so have its awards.
            if let Some(head) = heads.get_mut(&row.int(0)?).filter(|head| head.kind != CARRIED_KIND) {
                head.rules.push((wallet, share));
            }
        }
        let mut lines = Vec::new();
        for row in self.within("account, wallet, cast(amount as text)", "posting", (&self.key, after, last)).await? {
            let (state, wallet): (&str, WalletName) = (row.text(1)?, row.id(2)?);
            if !OWN_ACCOUNTS.contains(&state) {
                continue;
            }
            let balance = mark.balances.entry((wallet.clone(), state.to_owned())).or_default();
            *balance += row.parse::<i128>(3)?;
            // A posting without its entry is the audit's matter.
            let Some(head) = heads.get(&row.int(0)?).filter(|head| ask.wants(&wallet, head)) else { continue };
            let (amount, balance) = (self.scales.points(&wallet, &row, 3)?, self.scales.units(&wallet, *balance)?);
            lines.push(head.line((wallet, state), amount, balance));
        }
        mark.entry = last;
        Ok(StatementPage { lines, next: is_full.then_some(mark) })
    }

    async fn entries(&self, after: i64) -> Result<Vec<(i64, Head)>, LedgerError> {
        let sql = "select cast(id as text), kind, source, event_id, order_id, cast(micros(effective_at) as text),
             cast(micros(recorded_at) as text), hold_id from entry e
             where pipeline = $1 and bucket = $2 and member = $3 and from_member is null and id > $4 order by e.id limit $5";
        let args = [&self.key[..], &[after.into(), ENTRIES_PER_PAGE.into()]].concat();
        let mut entries = Vec::new();
        for row in self.store.ask(sql, &args).await? {
            entries.push((row.int(0)?, self.head(&row).await?));
        }
        Ok(entries)
    }

    async fn head(&self, row: &Row) -> Result<Head, LedgerError> {
        let (kind, source, event): (_, Source, EventId) = (row.text(1)?.to_owned(), row.id(2)?, row.id(3)?);
        let note =
            if matches!(kind.as_str(), "Adjust" | "Reinstate") { self.note(&source, &event).await? } else { None };
        let other = match kind.as_str() {
            "MergeOut" => merge(self.store, self.pipeline, (&source, &event)).await?.map(|merge| merge.into),
            "MergeIn" => merge(self.store, self.pipeline, (&source, &event)).await?.map(|merge| merge.from),
            kind if kind.starts_with("Transfer") => self.other(&source, &event).await?,
            _ => None,
        };
        let order = row.maybe(4).map(|_| row.id(4)).transpose()?;
        let hold = row.maybe(7).map(|_| row.id(7)).transpose()?;
        let (at, recorded_at) = (row.time(5)?, row.time(6)?);
        Ok(Head { at, recorded_at, source, event, kind, order, hold, other, note, rules: Vec::new() })
    }

    async fn other(&self, source: &Source, event: &EventId) -> Result<Option<MemberId>, LedgerError> {
        let transfer = transfer(self.store, self.scales, self.pipeline, (source, event)).await?;
        Ok(transfer.map(|transfer| if transfer.from == *self.member { transfer.to } else { transfer.from }))
    }

    /// Reason and author of a correction stand in what was published of it.
    async fn note(&self, source: &Source, event: &EventId) -> Result<Option<(String, String)>, LedgerError> {
        let sql = "select results from inbox where pipeline = $1 and source = $2 and event_id = $3";
        let rows = self.store.ask(sql, &[self.key[0].clone(), source.as_str().into(), event.as_str().into()]).await?;
        let Some(row) = rows.first().filter(|row| row.maybe(0).is_some()) else { return Ok(None) };
        let results = crate::stored::results("inbox.results", row.text(0)?, self.member)?;
        Ok(results.into_iter().find_map(|result: ResultEvent| match result.body {
            ResultBody::Adjusted { reason, author, .. } | ResultBody::Restored(Restored { reason, author, .. }) => {
                Some((reason, author))
            }
            _ => None,
        }))
    }

    /// Rows of the entries after one and up to another; the entry is column 0.
    async fn within(
        &self,
        columns: &str,
        table: &str,
        (key, after, last): (&[Arg], i64, i64),
    ) -> Result<Vec<Row>, LedgerError> {
        let sql = format!(
            "select cast(entry as text), {columns} from {table} x where pipeline = $1 and bucket = $2 and member = $3
             and entry > $4 and entry <= $5 order by x.entry, x.n"
        );
        self.store.ask(&sql, &[key, &[after.into(), last.into()]].concat()).await
    }
}

/// Accounts of a member; the others are the programme's.
pub(super) const OWN_ACCOUNTS: [&str; 4] = ["pending", "available", "held", "debt"];

impl Head {
    fn line(&self, (wallet, state): (WalletName, &str), amount: Decimal, balance: Decimal) -> StatementLine {
        let rules = self.rules.iter().filter(|(of, _)| *of == wallet).map(|(_, share)| share.clone()).collect();
        let (reason, author) = self.note.clone().unzip();
        StatementLine {
            at: self.at,
            recorded_at: self.recorded_at,
            source: self.source.clone(),
            event: self.event.clone(),
            kind: self.kind.clone(),
            order: self.order.clone(),
            hold: self.hold.clone(),
            other: self.other.clone(),
            rules,
            reason,
            author,
            wallet,
            state: state.to_owned(),
            amount,
            balance,
        }
    }
}

/// A member who is unknown has none.
pub(crate) async fn open_lots(
    store: &dyn Sql,
    (pipeline, member): (&PipelineName, &MemberId),
    wallet: Option<&WalletName>,
    after: &LotMark,
) -> Result<LotPage, LedgerError> {
    let Some(number) = find_member(store, pipeline, member).await? else {
        return Ok(LotPage { lots: Vec::new(), next: None });
    };
    let scales = Scales::load(store, pipeline).await?;
    let only = if wallet.is_some() { "and wallet = $9" } else { "" };
    let sql = format!(
        "select {LOT_COLUMNS} from lot l
         where pipeline = $1 and bucket = $2 and member = $3 and (pending > 0 or available > 0 or held > 0) {only}
         and (l.wallet, {LOT_ORDER}) > ($4, $5, $6, $7) order by l.wallet, {LOT_ORDER} limit $8"
    );
    let LotMark { wallet: from, never, expires, sequence } = after;
    let mark = [from.as_str().into(), (*never).into(), (*expires).into(), (*sequence).into(), LOTS_PER_PAGE.into()];
    let mut args = [&key(pipeline, number)[..], &mark[..]].concat();
    args.extend(wallet.map(|wallet| Arg::from(wallet.as_str())));
    let rows = store.ask(&sql, &args).await?;
    let lots: Vec<LotReport> = rows.iter().map(|row| lot(&scales, row)).collect::<Result<_, _>>()?;
    let next = lots.last().filter(|_| lots.len() == LOTS_PER_PAGE).map(|lot| LotMark {
        wallet: lot.wallet.to_string(),
        never: i64::from(lot.expires.is_none()),
        expires: lot.expires.map_or(0, Timestamp::as_microsecond),
        sequence: lot.sequence,
    });
    Ok(LotPage { lots, next })
}

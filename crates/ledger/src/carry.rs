//! What entries of long ago become: one entry a member that carries their sums forward.
//!
//! Of each kind of row the sums that something still asks for: postings by account, allocations by lot, and those of an order as they
//! lie upon each other, because the next return gives back from the top. The entry takes the number of the last one that it sums, so
//! that a reference to an entry that is gone names one up to it, and numbers stay unique. Which rows that are, and where the sums go,
//! is the store's matter; awards, lots, holds and transfers stay as they are.
//!
//! Members who were merged keep sums of their own, as they keep their entries. With the one whom they became these stand once more, without
//! postings, and with what came along of what they sum: whether a merge comes before or after makes no difference.

use contract::PipelineName;
use jiff::Timestamp;

use crate::audit::{claiming, expiring};
use crate::error::LedgerError;
use crate::sql::Sql;

/// The kind of an entry that carries sums forward.
pub const CARRIED_KIND: &str = "CarriedForward";

/// What stands where another entry names its event's source: it is of none.
pub(crate) const CARRIED_SOURCE: &str = "loyalty.carried";

/// What may be carried forward.
#[derive(Debug, Clone)]
pub struct CarryAsk {
    /// Whose entries.
    pub pipeline: PipelineName,
    /// Only what was recorded before. Whole months: what was recorded in the month of this time stays.
    pub before: Timestamp,
    /// Nothing is done, only counted.
    pub dry_run: bool,
}

/// What was carried forward, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CarryReport {
    /// Everything recorded before, if there was anything.
    pub before: Option<Timestamp>,
    /// Entries that are summed.
    pub entries: i64,
    /// Members whose entries these were: so many entries are left of them.
    pub members: i64,
    /// Bytes of the tables that are read anew, indexes included; other pipelines' rows may stand there too.
    pub bytes: i64,
    /// Bytes of what stands in their place; unknown before it is done.
    pub bytes_after: Option<i64>,
}

/// How far the entries of a pipeline are carried forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CarriedForward {
    /// All of them were recorded before.
    pub recorded_before: Timestamp,
    /// None of them happened later.
    pub happened_until: Timestamp,
}

/// `None`: nothing is.
pub(crate) async fn carried_forward(
    store: &dyn Sql,
    pipeline: &PipelineName,
) -> Result<Option<CarriedForward>, LedgerError> {
    let sql = "select cast(micros(recorded_before) as text), cast(micros(happened_until) as text) from retention
        where pipeline = $1";
    let rows = store.ask(sql, &[pipeline.as_str().into()]).await?;
    let read =
        |row: &crate::sql::Row| Ok(CarriedForward { recorded_before: row.time(0)?, happened_until: row.time(1)? });
    rows.first().map(read).transpose()
}

/// Notes how far it is; `$2` is the end of the range, `$3` when the last entry in it happened.
pub(crate) const NOTE: &str = "insert into retention (pipeline, recorded_before, happened_until)
    values ($1, at_micros($2), at_micros($3)) on conflict (pipeline) do update set
    recorded_before = case when retention.recorded_before > excluded.recorded_before then retention.recorded_before
        else excluded.recorded_before end,
    happened_until = case when retention.happened_until > excluded.happened_until then retention.happened_until
        else excluded.happened_until end";

/// Entries `x` that may be summed: of the pipeline `$1`, recorded before `$2`, numbered before `$3`. A transaction that began in one month
/// and wrote in the next may have a later number than one that is of the next month; it stays, so that the sums always come first.
pub(crate) const SUMMED: &str = "x.pipeline = $1 and x.recorded_at < at_micros($2) and x.id < $3";

/// The smallest number that is not summed for its time; `$2` as in [`SUMMED`].
pub(crate) const EDGE: &str =
    "select coalesce(min(id), 9223372036854775807) from entry where pipeline = $1 and recorded_at >= at_micros($2)";

/// How much there is to do: entries, members, when the last of them happened, and how many are no sums. What stands once more is not counted.
pub(crate) fn counted() -> String {
    format!(
        "select count(case when x.from_member is null then 1 end), count(distinct case when x.from_member is null then x.member end),
             micros(max(x.effective_at)), count(case when x.kind <> '{CARRIED_KIND}' then 1 end)
         from entry x where {SUMMED}"
    )
}

/// The statements that fill the tables with the sums.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums<'a> {
    /// More conditions on the entries `x`, beside [`SUMMED`].
    pub(crate) of: &'a str,
    /// What every table's name ends with where the sums go.
    pub(crate) into: &'a str,
    /// A condition on the postings or allocations `p` that every store can follow; empty where they have no time.
    pub(crate) also: &'a str,
    /// Whether postings and allocations have a time of their own.
    pub(crate) timed: bool,
}

impl Sums<'_> {
    pub(crate) fn entries(&self) -> String {
        let Self { of, into, .. } = self;
        format!(
            "insert into entry{into} (pipeline, bucket, member, id, kind, source, event_id, effective_at, recorded_at, ruleset)
             select s.pipeline, s.bucket, s.member, s.id, '{CARRIED_KIND}', '{CARRIED_SOURCE}', 'carried-forward', s.happened,
                 s.recorded, s.ruleset
             from (
                 select x.pipeline, x.bucket, x.member, x.id, x.ruleset, max(x.id) over w as last,
                     max(x.effective_at) over w as happened, max(x.recorded_at) over w as recorded
                 from entry x where {SUMMED} and x.from_member is null {of} window w as (partition by x.bucket, x.member)
             ) s where s.id = s.last"
        )
    }

    /// Where entries of one who was merged stand once more, their sums do; after [`Self::entries`], whose rows these repeat.
    pub(crate) fn repeated(&self) -> String {
        let Self { of, into, .. } = self;
        format!(
            "insert into entry{into} (pipeline, bucket, member, id, kind, source, event_id, effective_at, recorded_at, ruleset,
                 from_bucket, from_member)
             select c.pipeline, s.bucket, s.member, c.id, c.kind, c.source, c.event_id, c.effective_at, c.recorded_at, c.ruleset,
                 c.bucket, c.member
             from (
                 select distinct x.bucket, x.member, x.from_bucket, x.from_member from entry x
                 where {SUMMED} and x.from_member is not null {of}
             ) s join entry{into} c on c.pipeline = $1 and c.bucket = s.from_bucket and c.member = s.from_member
                 and c.kind = '{CARRIED_KIND}' and c.from_member is null"
        )
    }

    /// What was redeemed is told apart by what asks for it (payments of orders, rewards, the rest), and what was in transit by whether a
    /// merge moved it.
    pub(crate) fn postings(&self) -> String {
        let Self { of, into, also, .. } = self;
        let (time, times) = self.time();
        format!(
            "insert into posting{into} (pipeline, bucket, member, entry, n, account, wallet, amount, part{time})
             select c.pipeline, c.bucket, c.member, c.id, cast(row_number() over (
                     partition by c.bucket, c.member order by y.wallet, y.account, y.part) as smallint),
                 y.account, y.wallet, y.amount, y.part{times}
             from (
                 select z.bucket, z.member, z.account, z.wallet, z.part, cast(sum(z.amount) as bigint) as amount from (
                     select p.bucket, p.member, p.account, p.wallet, p.amount, case
                         when p.account = 'redeemed' then coalesce(p.part, case when x.kind = 'Reward' then 'Reward'
                             when x.order_id is not null then 'Order' end)
                         when p.account = 'transit' then coalesce(p.part, case when x.kind in ('MergeOut', 'MergeIn') then 'Merge' end)
                         end as part
                     from entry x join posting p on p.pipeline = x.pipeline and p.bucket = x.bucket and p.member = x.member
                         and p.entry = x.id {also}
                     where {SUMMED} {of}
                 ) z group by z.bucket, z.member, z.account, z.wallet, z.part having sum(z.amount) <> 0
             ) y join entry{into} c on c.pipeline = $1 and c.bucket = y.bucket and c.member = y.member and c.kind = '{CARRIED_KIND}'
                 and c.from_member is null"
        )
    }

    /// Of an order's takes from a lot only that is left which no later return gave back: what of each is still there is the least that
    /// the sum comes down to from there on, less what lay below it. `whose` tells the sums at one member apart.
    /// Of what expiry took that is left apart which paid for orders and was claimed there: payments say no longer of which kind their entry was.
    pub(crate) fn allocations(&self) -> String {
        let Self { of, into, also, .. } = self;
        let (time, times) = self.time();
        let (expiring, claiming) = (expiring!(), claiming!());
        format!(
            "insert into allocation{into} (pipeline, bucket, member, entry, n, wallet, lot, amount, order_id, hold_id, part{time})
             with z as (
                 select p.bucket, p.member, coalesce(x.from_member, x.member) as whose, p.entry, p.n, p.wallet, p.lot, p.amount,
                     p.order_id, p.hold_id, coalesce(p.part, case when p.order_id is null and p.hold_id is null
                         and (x.kind in ({expiring}) or (x.kind = 'Reinstate' and p.amount < 0)) then 'Expired' end) as part
                 from entry x join allocation p on p.pipeline = x.pipeline and p.bucket = x.bucket and p.member = x.member
                     and p.entry = x.id {also}
                 where {SUMMED} {of}
                 union all select p.bucket, p.member, coalesce(x.from_member, x.member), p.entry, 0, p.wallet, p.lot, p.points * t.sign,
                     cast(null as text), cast(null as text), t.part
                 from entry x join payment p on p.pipeline = x.pipeline and p.bucket = x.bucket and p.member = x.member
                     and p.entry = x.id and p.into_lot = p.lot and x.kind in ({claiming})
                 cross join (select 1 as sign, cast(null as text) as part union all select -1, 'Expired') t
                 where {SUMMED} {of}
             ), tall as (
                 select bucket, member, whose, entry, n, wallet, lot, amount, order_id, sum(amount) over (
                     partition by bucket, member, order_id, wallet, lot order by entry, n rows unbounded preceding) as height
                 from z where order_id is not null
             ), low as (
                 select bucket, member, whose, entry, n, wallet, lot, amount, order_id, min(height) over (
                     partition by bucket, member, order_id, wallet, lot order by entry, n
                     rows between current row and unbounded following) - (height - amount) as rest
                 from tall
             ), y as (
                 select bucket, member, whose, 0 as entry, 0 as n, wallet, lot, cast(sum(amount) as bigint) as amount,
                     cast(null as text) as order_id, hold_id, part
                 from z where order_id is null group by bucket, member, whose, wallet, lot, hold_id, part having sum(amount) <> 0
                 union all select bucket, member, whose, entry, n, wallet, lot, cast(rest as bigint), order_id, cast(null as text),
                     cast(null as text)
                 from low where amount > 0 and rest > 0
             )
             select c.pipeline, c.bucket, c.member, c.id, cast(row_number() over (
                     partition by c.bucket, c.member, c.id order by y.entry, y.n, y.wallet, y.lot, y.hold_id, y.part) as integer),
                 y.wallet, y.lot, y.amount, y.order_id, y.hold_id, y.part{times}
             from y join entry{into} c on c.pipeline = $1 and c.bucket = y.bucket and c.member = y.member and c.kind = '{CARRIED_KIND}'
                 and coalesce(c.from_member, c.member) = y.whose"
        )
    }

    fn time(&self) -> (&'static str, &'static str) {
        if self.timed { (", recorded_at", ", c.recorded_at") } else { ("", "") }
    }
}

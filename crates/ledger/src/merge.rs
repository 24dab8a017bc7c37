//! Two members who are one person: what the one has becomes the other's.
//!
//! The points go by entries, one of each member, through transit and within one transaction. Everything that says where points came from
//! or what they went for (lots, awards, orders, holds, ...) goes along with its rows; lots are numbered on behind those that are there.
//! Entries and postings stay where they are. An entry that such rows name stands at the other member once more, without postings.

use contract::decision::Reads;
use contract::event::{ARRIVES, Event, Kind, MERGE_SOURCE, Merge};
use contract::{EventId, EventType, MemberId, Source};
use jiff::Timestamp;

use crate::error::LedgerError;
use crate::rows::MemberKey;
use crate::store::{Identity, Wanted};
use crate::takes::Takes;

/// A merge, with what arrives by it as an event of the one member whom that touches: `{event}/in`.
#[derive(Debug)]
pub struct Merger<'a> {
    /// The event that says so; of the member who leaves.
    pub event: &'a Event,
    /// What it says.
    pub merge: &'a Merge,
    /// Its content says no more than its identity.
    pub arrival: Event,
}

impl<'a> Merger<'a> {
    /// `None` for any other event.
    #[must_use]
    pub fn of(event: &'a Event) -> Option<Result<Self, LedgerError>> {
        let Kind::Merge(merge) = &event.kind else { return None };
        Some(arrival(event, &merge.into).map(|arrival| Self { event, merge, arrival }))
    }

    /// What it needs of the member into whom the other one is merged; beside what the event itself needs.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            identity: Identity::of(&self.arrival),
            hash: self.arrival.content_hash(),
            member: self.merge.into.clone(),
            reads: Reads::default(),
            takes: Takes::Merged,
            at: self.arrival.occurred_at,
        }
    }
}

fn wrong(e: contract::id::IdError) -> LedgerError {
    LedgerError::unreadable("the identity of a merge", e)
}

/// Under which identity that arrives which leaves by a merge.
pub(crate) fn arrival_of(merge: &Identity) -> Result<Identity, LedgerError> {
    let source = Source::parse(&format!("{MERGE_SOURCE}{}", merge.source)).map_err(wrong)?;
    Ok(Identity { source, id: EventId::parse(&format!("{}{ARRIVES}", merge.id)).map_err(wrong)? })
}

fn arrival(event: &Event, into: &MemberId) -> Result<Event, LedgerError> {
    let Identity { source, id } = arrival_of(&Identity::of(event))?;
    Ok(Event {
        source,
        id,
        occurred_at: event.occurred_at,
        member: into.clone(),
        channel: None,
        data: std::collections::BTreeMap::new(),
        kind: Kind::Custom(EventType::parse("merge").map_err(wrong)?),
    })
}

/// Events in runs that may be one batch each: a merge changes what rows of two members are called, so it is alone in its batch.
pub fn runs(events: &[Event]) -> impl Iterator<Item = &[Event]> {
    let is_merge = |event: &Event| matches!(event.kind, Kind::Merge(_));
    events.chunk_by(move |before, after| !is_merge(before) && !is_merge(after))
}

/// Rows of a member who becomes another one.
#[derive(Debug)]
pub(crate) struct MergeRow {
    pub(crate) from: MemberKey,
    pub(crate) into: MemberKey,
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
    pub(crate) author: String,
}

/// What both members have of one kind, which must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shared {
    Order,
    /// Not shared, but apart: a refund at the one waits for an order of the other.
    Parked,
    Hold,
    /// Not shared, but on its way: a transfer that the member sent.
    Transfer,
}

impl Shared {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [("order", Self::Order), ("parked", Self::Parked), ("hold", Self::Hold), ("transfer", Self::Transfer)]
            .into_iter()
            .find_map(|(name, kind)| (name == text).then_some(kind))
    }
}

/// Rows `$table` of the member who leaves (`$2`, `$3`).
macro_rules! theirs {
    ($table:literal) => {
        concat!(" from ", $table, " where pipeline = $1 and bucket = $2 and member = $3")
    };
}

/// Names of a kind that stand at the other member (`$4`, `$5`) as well.
macro_rules! also {
    ($table:literal, $name:literal) => {
        concat!(
            "exists (select 1 from ",
            $table,
            " y where y.pipeline = $1 and y.bucket = $4 and y.member = $5 and y.",
            $name,
            " = x.",
            $name,
            ")"
        )
    };
}

/// Names that one answer tells: whoever asked cannot settle more of them at once, and a result is a message with an end.
pub(crate) const NAMES_MAX: i64 = 10;

/// Why two members cannot become one, as kind and name; the first ones, as many as the last argument says. Refunds that wait at both may
/// be of one order: each has an identity of its own, and its purchase is still to come. What paid for it may be there.
pub(crate) const SHARED: &str = concat!(
    "select z.kind, z.name from (
        select 'order' as kind, x.order_id as name from (
            select order_id",
    theirs!("purchase"),
    " union select order_id",
    theirs!("payment"),
    "
        ) x where ",
    also!("purchase", "order_id"),
    " or ",
    also!("payment", "order_id"),
    "
        union all select distinct 'parked', x.order_id from (select order_id",
    theirs!("parked"),
    ") x where ",
    also!("purchase", "order_id"),
    "
        union all select distinct 'parked', x.order_id from (select order_id",
    theirs!("purchase"),
    ") x where ",
    also!("parked", "order_id"),
    "
        union all select 'hold', x.hold_id from hold x where x.pipeline = $1 and x.bucket = $2 and x.member = $3 and ",
    also!("hold", "hold_id"),
    "
        union all select 'transfer', event_id",
    theirs!("transfer"),
    " and ended is null
    ) z order by z.kind, z.name limit $6"
);

/// The last lot of a wallet of the other member: theirs are numbered on behind it.
macro_rules! behind {
    ($wallet:literal) => {
        concat!(
            "coalesce((select b.last_lot from balance b where b.pipeline = $1 and b.bucket = $4 and b.member = $5 and b.wallet = ",
            $wallet, "), 0)"
        )
    };
}

/// Gives rows to the other member.
macro_rules! give {
    ($table:literal) => {
        give!($table, "")
    };
    ($table:literal, $more:expr) => {
        concat!(
            "update ",
            $table,
            " set bucket = $4, member = $5",
            $more,
            " where pipeline = $1 and bucket = $2 and member = $3"
        )
    };
}

/// What goes along, in this order and before anything else of the batch is written; before it the rows of the inbox of what waits, which each
/// store reaches by key in its own way. Arguments are the pipeline, bucket and number of the
/// one, and bucket and number of the other; whichever a statement names.
pub(crate) const MOVES: [&str; 23] = [
    concat!(
        "insert into entry (pipeline, bucket, member, id, kind, source, event_id, order_id, effective_at, recorded_at, ruleset, hold_id,
            from_bucket, from_member)
         select pipeline, $4, $5, id, kind, source, event_id, order_id, effective_at, recorded_at, ruleset, hold_id,
            coalesce(from_bucket, bucket), coalesce(from_member, member)", theirs!("entry")
    ),
    give!("lot", concat!(", sequence = sequence + ", behind!("lot.wallet"))),
    give!("allocation", concat!(", lot = lot + ", behind!("allocation.wallet"))),
    give!("award", concat!(", lot = lot + ", behind!("award.wallet"))),
    give!("payment", concat!(", lot = lot + ", behind!("payment.wallet"), ", into_lot = into_lot + ", behind!("payment.wallet"))),
    give!("hold_lot", concat!(", lot = lot + ", behind!("(select h.wallet from hold h where h.pipeline = $1 and h.bucket = $2
        and h.member = $3 and h.hold_id = hold_lot.hold_id)"))),
    give!("hold"),
    give!("purchase"),
    give!("parked"),
    // In two steps: rows that have gone already would count.
    "update owed set sequence = sequence + coalesce((select max(o.sequence) from owed o where o.pipeline = $1 and o.bucket = $4
        and o.member = $5 and o.wallet = owed.wallet and o.points > 0), 0) where pipeline = $1 and bucket = $2 and member = $3",
    give!("owed"),
    give!("reward"),
    // They have what counted of both; whose lines those were is said with them, as they are no part of the other's own history.
    concat!(
        "insert into qualifying (pipeline, bucket, member, measure, day, amount)
         select pipeline, $4, $5, measure, day, amount", theirs!("qualifying"), "
         on conflict (pipeline, bucket, member, day, measure) do update set amount = qualifying.amount + excluded.amount"
    ),
    "delete from qualifying where pipeline = $1 and bucket = $2 and member = $3",
    concat!(
        "insert into tally (pipeline, bucket, member, rule, wallet, counted, sum, awarded, due, taken, waived)
         select pipeline, $4, $5, rule, wallet, counted, sum, awarded, due, taken, waived", theirs!("tally"), "
         on conflict (pipeline, bucket, member, rule, wallet, counted) do update set sum = tally.sum + excluded.sum,
             awarded = tally.awarded + excluded.awarded, due = tally.due + excluded.due,
             taken = tally.taken + excluded.taken, waived = tally.waived + excluded.waived"
    ),
    "delete from tally where pipeline = $1 and bucket = $2 and member = $3",
    give!("tier_history", ", from_bucket = coalesce(from_bucket, bucket), from_member = coalesce(from_member, member)"),
    // Both had their day: what was given stays so, and no more is.
    concat!(
        "insert into counter (pipeline, bucket, member, scope, key, window_start, used, most)
         select pipeline, $4, $5, scope, key, window_start, used, most", theirs!("counter"), "
         on conflict (pipeline, bucket, member, scope, key, window_start) do update set used = counter.used + excluded.used,
            most = case when counter.used + excluded.used > counter.most then counter.used + excluded.used else counter.most end"
    ),
    "delete from counter where pipeline = $1 and bucket = $2 and member = $3",
    concat!(
        "insert into balance (pipeline, bucket, member, wallet, pending, available, held, debt, last_lot)
         select pipeline, $4, $5, wallet, 0, 0, 0, 0, last_lot", theirs!("balance"), "
         on conflict (pipeline, bucket, member, wallet) do update set last_lot = balance.last_lot + excluded.last_lot"
    ),
    "update balance set idle_at = null, idle_warns_at = null, reward_at = null where pipeline = $1 and bucket = $2 and member = $3",
    "update member set merged_bucket = $4, merged_number = $5 where pipeline = $1 and merged_bucket = $2 and merged_number = $3",
    "update member set merged_bucket = $4, merged_number = $5, tier = null, tier_since = null, tier_until = null
        where pipeline = $1 and bucket = $2 and number = $3",
];

/// When, why and by whom; arguments are the pipeline, bucket, number, and those three.
pub(crate) const SAID: &str = "update member set merged_at = $4, merged_reason = $5, merged_by = $6
    where pipeline = $1 and bucket = $2 and number = $3";

/// How many of the five arguments a statement names: those up to the last one.
pub(crate) fn args_of(sql: &str) -> usize {
    if sql.contains("$5") { 5 } else { 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_is_of_one_member_and_names_its_arguments() {
        for sql in MOVES.iter().chain(&[SHARED]) {
            for n in 1..=args_of(sql) {
                assert!(sql.contains(&format!("${n}")), "${n}: {sql}");
            }
        }
    }
}

//! Members who were merged: nothing is left to them, and all that they had arrived.

use super::Check;

/// Tables whose rows say of whom they are in the columns `bucket` and `member`, and go along.
macro_rules! left {
    ($table:literal, $what:literal) => {
        concat!(
            "select m.external_id, '",
            $what,
            "' as what from {",
            $table,
            "} x join member m on m.pipeline = x.pipeline and m.bucket = x.bucket
                 and m.number = x.member and m.merged_number is not null where x.pipeline = $1"
        )
    };
}

pub(super) const CHECKS: [Check; 5] = [
    Check {
        invariant: 2,
        name: "to a member who was merged nothing is left",
        sql: concat!(
            "select distinct 'member ' || z.external_id, 'who was merged still has ' || z.what from (",
            left!("balance", "points, or a time at which something is due"),
            " and (x.pending <> 0 or x.available <> 0 or x.held <> 0 or x.debt <> 0 or x.idle_at is not null or x.reward_at is not null)
             union all ", left!("lot", "lots"), " union all ", left!("allocation", "allocations"), " union all ", left!("award", "awards"),
            " union all ", left!("purchase", "purchases"), " union all ", left!("hold", "holds"), " union all ", left!("hold_lot", "parts of holds"),
            " union all ", left!("owed", "debts"), " union all ", left!("payment", "payments"), " union all ", left!("counter", "counters"),
            " union all ", left!("reward", "rewards"), " union all ", left!("parked", "refunds that wait"),
            " union all ", left!("qualifying", "what counts for tiers"), " union all ", left!("tally", "a sum over several events"), " union all ", left!("tier_history", "a history of tiers"), ") z order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "a member who was merged is one who is there, was not merged, and whose fate they share",
        sql: "select 'member ' || x.external_id, case when t.number is null then 'merged into nobody' when t.merged_number is not null
                  then 'merged into one who was merged' when x.merged_at is null then 'merged at no time'
                  else 'erased without the one whom they were merged into, or the other way round' end
              from {member} x left join member t on t.pipeline = x.pipeline and t.bucket = x.merged_bucket and t.number = x.merged_number
              where x.pipeline = $1 and x.merged_number is not null and (t.number is null or t.merged_number is not null
                  or x.merged_at is null or (x.erased_at is null) <> (t.erased_at is null)) order by 1, 2 limit $2",
    },
    Check {
        invariant: 4,
        name: "an entry that went along with a merge is the same where its postings are",
        sql: concat!(
            "select 'entry ' || cast(x.id as text) || ",
            of_member!(),
            ", 'it is not the one of event ' || x.event_id || ' whose postings it names' from {entry} x
             left join entry e on e.pipeline = x.pipeline and e.bucket = x.from_bucket and e.member = x.from_member and e.id = x.id
                 and e.kind = x.kind and e.source = x.source and e.event_id = x.event_id and e.recorded_at = x.recorded_at
                 and e.effective_at = x.effective_at
             left join member m on m.pipeline = x.pipeline and m.bucket = x.from_bucket and m.number = x.from_member
             where x.pipeline = $1 and x.from_member is not null and (e.id is null or m.merged_number is null) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "what left a lot belongs to an entry, which went along with it",
        sql: concat!(
            "select 'lot ' || cast(x.lot as text) || ' of wallet ' || x.wallet || ",
            of_member!(),
            ", cast(x.amount as text) || ' left it by entry ' || cast(x.entry as text) || ', which is not there' from {allocation} x
             left join entry e on e.pipeline = x.pipeline and e.bucket = x.bucket and e.member = x.member and e.id = x.entry
             where x.pipeline = $1 and e.id is null order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 11,
        name: "what left by a merge arrived by it",
        // Of what is carried forward: what is left of all the merges by which one member became who they are by now.
        sql: "select 'merge ' || max(x.event_id) || ', wallet ' || x.wallet, 'left - arrived = ' || cast(sum(x.amount) as text) from (
                  select case when e.kind = 'CarriedForward' then 0 else e.id / 65536 end as batch, e.event_id, p.wallet, p.amount,
                      case when e.kind = 'CarriedForward' then coalesce(m.merged_number, m.number) end as person
                  from {posting} p join entry e on e.pipeline = p.pipeline
                      and e.bucket = p.bucket and e.member = p.member and e.id = p.entry
                      and (e.kind in ('MergeOut', 'MergeIn') or p.part = 'Merge')
                  join member m on m.pipeline = p.pipeline and m.bucket = p.bucket and m.number = p.member
                  where p.pipeline = $1 and p.account = 'transit'
              ) x group by x.batch, x.wallet, x.person having sum(x.amount) <> 0 order by 1, 2 limit $2",
    },
];

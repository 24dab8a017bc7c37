//! Tiers: what each member has is what their history says, and what counts is what their awards are worth.

use super::Check;

pub(super) const CHECKS: [Check; 5] = [
    Check {
        invariant: 10,
        name: "a member has the tier of the last line of their history",
        sql: "select 'member ' || m.external_id, 'has ' || coalesce(m.tier, 'the first tier') || ', and their history ends with ' ||
                  coalesce(h.level, 'nothing') || case when m.tier = h.level then ', at other times' else '' end
              from {member} m left join (
                  select l.bucket, l.member, l.level, l.since, l.until from {tier_history} l where l.pipeline = $1
                      and l.from_member is null and not exists (select 1 from tier_history n where n.pipeline = l.pipeline
                          and n.bucket = l.bucket and n.member = l.member and n.from_member is null
                          and (n.id > l.id or (n.id = l.id and n.n > l.n)))
              ) h on h.bucket = m.bucket and h.member = m.number
              where m.pipeline = $1 and (coalesce(m.tier, '') <> coalesce(h.level, '')
                  or coalesce(micros(m.tier_since), 0) <> coalesce(micros(h.since), 0)
                  or coalesce(micros(m.tier_until), 0) <> coalesce(micros(h.until), 0)) order by 1, 2 limit $2",
    },
    Check {
        invariant: 10,
        name: "the lines of a history follow each other",
        sql: concat!(
            "select 'tier ' || x.level || ', line ' || cast(x.id as text) || ",
            of_member!(),
            ", case when x.since < x.before then 'begins before the line before it' else 'begins after that one has ended' end from (
                select h.bucket, h.member, h.id, h.level, h.since,
                    lag(h.since) over (partition by h.bucket, h.member order by h.id, h.n) as before,
                    lag(h.until) over (partition by h.bucket, h.member order by h.id, h.n) as ended
                from {tier_history} h where h.pipeline = $1 and h.from_member is null
             ) x where x.since < x.before or x.since > x.ended order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 10,
        name: "the points that count on a day are what its awards got and refunds did not ask for",
        sql: concat!(
            "select 'day ' || cast(x.day as text) || ",
            of_member!(),
            ", 'counted - awards = ' || cast(sum(x.amount) as text) from (
                select bucket, member, day, amount from {qualifying} q where pipeline = $1 and measure = 'points'
                union all select bucket, member, counts_on, due - awarded from {award} a
                    where pipeline = $1 and counts_on is not null
             ) x group by x.bucket, x.member, x.day having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 10,
        name: "on no day less than nothing counts",
        sql: concat!(
            "select x.measure || ' of day ' || cast(x.day as text) || ",
            of_member!(),
            ", cast(x.amount as text) from {qualifying} x where x.pipeline = $1 and x.amount < 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "of an erased member no tier is kept, and nothing that counts for one",
        sql: "select distinct 'member ' || m.external_id, 'erased, and ' || x.what || ' is kept' from (
                  select bucket, member, 'what counted' as what from {qualifying} q where pipeline = $1
                  union all select bucket, member, 'a tier' from {tier_history} h where pipeline = $1
              ) x join member m on m.pipeline = $1 and m.bucket = x.bucket and m.number = x.member and m.erased_at is not null
              order by 1, 2 limit $2",
    },
];

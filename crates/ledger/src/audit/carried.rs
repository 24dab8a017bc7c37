//! Sums that stand for entries of long ago.

use super::Check;

pub(super) const CHECKS: [Check; 2] = [
    Check {
        invariant: 4,
        name: "what is carried forward comes first of a member's entries, is there once, and is of the time that the ledger says",
        sql: concat!(
            "select 'entry ' || cast(x.id as text) || ",
            of_member!(),
            ", 'carried forward, recorded at ' || cast(x.recorded_at as text) from {entry} x
             left join retention r on r.pipeline = x.pipeline
             where x.pipeline = $1 and x.kind = 'CarriedForward' and (r.pipeline is null or x.recorded_at >= r.recorded_before
                 or x.effective_at > r.happened_until or x.source <> 'loyalty.carried'
                 or exists (select 1 from entry e where e.pipeline = x.pipeline and e.bucket = x.bucket and e.member = x.member
                     and coalesce(e.from_member, e.member) = coalesce(x.from_member, x.member)
                     and (e.id < x.id or (e.id > x.id and e.kind = 'CarriedForward')))) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 11,
        name: "what is carried forward of points in transit is what its transfers moved",
        sql: concat!(
            "select 'wallet ' || x.wallet || ",
            of_member!(),
            ", 'in transit - transfers = ' || cast(sum(x.amount) as text) from (
                select p.bucket, p.member, p.wallet, p.amount from {posting} p
                    join entry e on e.pipeline = p.pipeline and e.bucket = p.bucket and e.member = p.member
                        and e.id = p.entry and e.kind = 'CarriedForward'
                    where p.pipeline = $1 and p.account = 'transit' and p.part is null
                union all select x.bucket, x.member, x.wallet, -x.points from {transfer} x",
            own_carried!(),
            "where x.pipeline = $1 and x.entry <= c.id
                union all select x.bucket, x.member, x.wallet, t.points from {balance} x
                    join transfer t on t.pipeline = x.pipeline and t.wallet = x.wallet
                        and x.bucket = case t.stage when 'Arrived' then t.to_bucket else t.bucket end
                        and x.member = case t.stage when 'Arrived' then t.to_member else t.member end",
            own_carried!(),
            "where x.pipeline = $1 and t.ended <= c.id
             ) x group by x.bucket, x.member, x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
];

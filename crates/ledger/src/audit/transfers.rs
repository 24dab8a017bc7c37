//! What is under way from one member to another: transit = transfers that have neither arrived nor come back.

use super::Check;

pub(super) const CHECKS: [Check; 2] = [
    Check {
        invariant: 11,
        name: "a transfer left its sender whole, and arrived or came back whole, or is in transit",
        sql: concat!(
            "select 'transfer ' || x.event_id || ' of ' || x.source || ",
            of_member!(),
            ", 'it is ' || x.stage || ', of ' || cast(x.points as text) || ' of wallet ' || x.wallet || ' left ' ||
                 cast(coalesce(o.amount, 0) as text) || ' and ended ' || cast(coalesce(-i.amount, 0) as text)
             from {transfer} x
             left join posting o on o.pipeline = x.pipeline and o.bucket = x.bucket and o.member = x.member
                 and o.entry = x.entry and o.wallet = x.wallet and o.account = 'transit'
             left join posting i on i.pipeline = x.pipeline and i.entry = x.ended and i.wallet = x.wallet and i.account = 'transit'
                 and i.bucket = case x.stage when 'Arrived' then x.to_bucket else x.bucket end
                 and i.member = case x.stage when 'Arrived' then x.to_member else x.member end
             left join (select bucket, member, id from entry where pipeline = $1 and kind = 'CarriedForward' and from_member is null) d
                 on d.bucket = case x.stage when 'Arrived' then x.to_bucket else x.bucket end
                 and d.member = case x.stage when 'Arrived' then x.to_member else x.member end",
            own_carried!(),
            "where x.pipeline = $1 and ((coalesce(o.amount, 0) <> x.points and not coalesce(x.entry <= c.id, false))
                 or not coalesce(x.ended <= d.id, false) and coalesce(i.amount, 0) <> case when x.stage in ('Arrived', 'Returned') then -x.points else 0 end)
             order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 11,
        name: "what is in transit belongs to a transfer",
        sql: concat!(
            "select 'entry ' || cast(x.entry as text) || ', wallet ' || x.wallet || ",
            of_member!(),
            ", cast(x.amount as text) || ' into transit, of ' || coalesce('a transfer of ' || cast(e.points as text), 'no transfer')
             from {posting} x
             left join transfer s on s.pipeline = x.pipeline and s.bucket = x.bucket and s.member = x.member
                 and s.entry = x.entry
             left join transfer e on e.pipeline = x.pipeline and e.ended = x.entry
             left join entry m on m.pipeline = x.pipeline and m.bucket = x.bucket and m.member = x.member and m.id = x.entry
             where x.pipeline = $1 and x.account = 'transit' and s.entry is null
                 and coalesce(m.kind, '') not in ('MergeOut', 'MergeIn', 'CarriedForward') and not coalesce(x.amount = -e.points, false)
             order by 1, 2 limit $2"
        ),
    },
];

//! Points that paid for orders: what is noted of them is what moved.

use super::Check;

pub(super) const CHECKS: [Check; 2] = [
    Check {
        invariant: 9,
        name: "what was spent on an order, net of what came back, is what its payments say",
        sql: concat!(
            "select 'entry ' || cast(x.entry as text) || ', wallet ' || x.wallet || ",
            of_member!(),
            ", 'redeemed - payments = ' || cast(sum(x.amount) as text) from (
                select p.bucket, p.member, p.entry, p.wallet, p.amount from {posting} p
                    join entry e on e.pipeline = p.pipeline and e.bucket = p.bucket and e.member = p.member
                        and e.id = p.entry and (e.order_id is not null or p.part = 'Order')
                    where p.pipeline = $1 and p.account = 'redeemed'
                union all select x.bucket, x.member, case when x.entry <= c.id then c.id else x.entry end, x.wallet, -x.points
                    from {payment} x",
            carried!(),
            "where x.pipeline = $1
             ) x group by x.bucket, x.member, x.entry, x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 9,
        name: "no more comes back of an order than was paid for it",
        sql: concat!(
            "select 'order ' || x.order_id || ', lot ' || cast(x.lot as text) || ' of wallet ' || x.wallet || ",
            of_member!(),
            ", 'left ' || cast(sum(x.points) as text) from {payment} x where x.pipeline = $1
             group by x.bucket, x.member, x.order_id, x.wallet, x.lot having sum(x.points) < 0 order by 1, 2 limit $2"
        ),
    },
];

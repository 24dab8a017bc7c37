//! Points that paid for orders: what is noted of them is what moved.

use super::Check;

pub(super) const CHECKS: [Check; 2] = [
    Check {
        invariant: 9,
        name: "what was spent on an order, net of what came back, is what its payments say",
        sql: concat!(
            "select 'entry ' || cast(x.entry as text) || ', wallet ' || x.wallet || ",
            of_some_member!(),
            ", 'redeemed - payments = ' || cast(x.amount as text) from (
                select y.entry, y.wallet, max(y.member) as member, sum(y.amount) as amount from (
                select p.bucket, p.member, p.entry, p.wallet, p.amount from {posting} p
                    join entry e on e.pipeline = p.pipeline and e.bucket = p.bucket and e.member = p.member
                        and e.id = p.entry and e.order_id is not null
                    where p.pipeline = $1 and p.account = 'redeemed'
                union all select bucket, member, entry, wallet, -points from {payment} p where pipeline = $1
                ) y group by y.entry, y.wallet having sum(y.amount) <> 0
             ) x order by 1, 2 limit $2"
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

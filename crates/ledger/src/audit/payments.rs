//! Points that paid for orders: what is noted of them is what moved.

use super::Check;

pub(super) const CHECKS: [Check; 2] = [
    Check {
        invariant: 9,
        name: "what was spent on an order, net of what came back, is what its payments say",
        sql: noted!("payment", "e.order_id is not null or p.part = 'Order'", "redeemed - payments"),
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

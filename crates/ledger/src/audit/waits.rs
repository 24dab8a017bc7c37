//! Points that wait: something is to end it.

use super::Check;

pub(super) const CHECKS: [Check; 1] = [Check {
    invariant: 3,
    name: "a lot with pending points waits for a time or for an activity of its order",
    sql: concat!(
        "select 'lot ' || cast(x.sequence as text) || ' of wallet ' || x.wallet || ",
        of_member!(),
        ", cast(x.pending as text) || ' pending for ever' from {lot} x where x.pipeline = $1 and x.pending > 0
         and x.activates_at is null and x.waits_for is null order by 1, 2 limit $2"
    ),
}];

//! Rewards that points are turned into by themselves: no more a day than the rules allow.

use super::Check;

pub(super) const CHECKS: [Check; 3] = [
    Check {
        invariant: 7,
        name: "no more of a limit was used than its window allows",
        sql: concat!(
            "select x.scope || 's of wallet ' || x.key || ",
            of_member!(),
            ", 'used ' || cast(x.used as text) || ' of ' || cast(x.most as text)
             from {counter} x where x.pipeline = $1 and (x.used > x.most or x.used <= 0) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 7,
        name: "what was counted of a day are the automatic rewards that were given on it",
        sql: concat!(
            "select 'rewards of wallet ' || x.wallet || ",
            of_member!(),
            ", 'counted - given = ' || cast(sum(x.amount) as text) from (
                select bucket, member, key as wallet, window_start, used as amount from {counter} c
                    where pipeline = $1 and scope = 'reward'
                union all select bucket, member, wallet, window_start, -1 from {reward} r where pipeline = $1
             ) x group by x.bucket, x.member, x.wallet, x.window_start having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 7,
        name: "automatic rewards take the points that they cost",
        sql: noted!("reward", "e.kind = 'Reward' or p.part = 'Reward'", "redeemed - rewards"),
    },
];

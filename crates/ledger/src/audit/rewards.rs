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
        sql: concat!(
            "select 'entry ' || cast(x.entry as text) || ', wallet ' || x.wallet || ",
            of_member!(),
            ", 'redeemed - rewards = ' || cast(sum(x.amount) as text) from (
                select p.bucket, p.member, p.entry, p.wallet, p.amount from {posting} p
                    join entry e on e.pipeline = p.pipeline and e.bucket = p.bucket and e.member = p.member
                        and e.id = p.entry and (e.kind = 'Reward' or p.part = 'Reward')
                    where p.pipeline = $1 and p.account = 'redeemed'
                union all select x.bucket, x.member, case when x.entry <= c.id then c.id else x.entry end, x.wallet, -x.points
                    from {reward} x",
            carried!(),
            "where x.pipeline = $1
             ) x group by x.bucket, x.member, x.entry, x.wallet having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
];

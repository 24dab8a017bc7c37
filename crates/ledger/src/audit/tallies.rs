//! Sums over several events: what became of their awards is what the sums say.

use super::Check;

pub(super) const CHECKS: [Check; 3] = [
    Check {
        invariant: 5,
        // What was waived and is deserved again is waived no longer: of the sum at once, of its awards with the next refund.
        name: "what was given for a sum over several events, and taken back, is what its awards say",
        sql: concat!(
            "select 'rule ' || x.rule || ', wallet ' || x.wallet || ', ' || x.counted || ",
            of_member!(),
            ", 'sum - awards: awarded ' || cast(sum(x.awarded) as text) || ', taken ' || cast(sum(x.taken) as text) ||
                 ', waived ' || cast(sum(x.waived) as text) from (
                select bucket, member, rule, wallet, counted, awarded, taken, waived from {tally} t where pipeline = $1
                union all select bucket, member, rule, wallet, counted, -awarded, -taken, -waived from {award} a
                    where pipeline = $1 and counted is not null
             ) x group by x.bucket, x.member, x.rule, x.wallet, x.counted
             having sum(x.awarded) <> 0 or sum(x.taken) <> 0 or sum(x.waived) > 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 5,
        name: "of a sum over several events, taken + waived = due <= awarded",
        sql: concat!(
            "select 'rule ' || x.rule || ', wallet ' || x.wallet || ', ' || x.counted || ",
            of_member!(),
            ", 'awarded ' || cast(x.awarded as text) || ', due ' || cast(x.due as text) || ', taken ' ||
                 cast(x.taken as text) || ', waived ' || cast(x.waived as text)
             from {tally} x where x.pipeline = $1 and (x.taken + x.waived <> x.due or x.due > x.awarded or x.due < 0
                 or x.taken < 0 or x.waived < 0) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "of an erased member no sum over several events is kept",
        sql: "select distinct 'member ' || m.external_id, 'erased, and what rule ' || x.rule || ' counts is kept'
              from {tally} x join member m on m.pipeline = x.pipeline and m.bucket = x.bucket and m.number = x.member
                  and m.erased_at is not null
              where x.pipeline = $1 order by 1, 2 limit $2",
    },
];

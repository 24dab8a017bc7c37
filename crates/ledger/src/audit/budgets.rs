//! Budgets: no more was given of any than it ever had, whoever gave it. These look at all members, as a budget is of none.

use super::Check;

pub(super) const CHECKS: [Check; 4] = [
    Check {
        invariant: 7,
        name: "no more of a slice of a budget was used than it was granted",
        sql: "select 'budget ' || x.budget || ', slice of ' || x.owner, 'used ' || cast(x.used as text) || ' of ' || cast(x.granted as text)
              from {slice} x where x.pipeline = $1 and (x.used > x.granted or x.granted < 0) order by 1, 2 limit $2",
    },
    Check {
        invariant: 7,
        name: "what a budget granted is what its slices have, and with what was used before no more than it ever had",
        sql: "select 'budget ' || x.name, 'granted ' || cast(sum(x.granted) as text) || ', its slices have ' || cast(sum(x.slices) as text) ||
                  ', used before ' || cast(sum(x.used) as text) || ', allowed ' || cast(sum(x.allowed) as text) from (
                select name, granted, 0 as slices, used, allowed from {budget} b where pipeline = $1
                union all select budget, 0, granted, 0, 0 from {slice} s where pipeline = $1
              ) x group by x.name having sum(x.granted) <> sum(x.slices) or sum(x.used) + sum(x.granted) > sum(x.allowed)
              order by 1, 2 limit $2",
    },
    Check {
        invariant: 7,
        name: "what was used of a budget is what its awards got and refunds did not give back",
        sql: "select 'budget ' || x.name, 'used - awards = ' || cast(sum(x.amount) as text) from (
                select name, used as amount from {budget} b where pipeline = $1
                union all select budget, used from {slice} s where pipeline = $1
                union all select budget, freed - awarded from award a where pipeline = $1 and budget is not null
              ) x group by x.name having sum(x.amount) <> 0 order by 1, 2 limit $2",
    },
    Check {
        invariant: 7,
        name: "what refunds gave back to a budget is what they took of its award",
        sql: concat!(
            "select 'award of rule ' || x.rule || ', entry ' || cast(x.entry as text) || ",
            of_member!(),
            ", 'taken ' || cast(x.taken as text) || ', given back ' || cast(x.freed as text) || ' to budget ' ||
                 coalesce(x.budget, 'none')
             from {award} x join member m on m.pipeline = x.pipeline and m.bucket = x.bucket and m.number = x.member
             where x.pipeline = $1 and (x.freed < 0 or x.freed > x.awarded
                 or (x.budget is null and x.freed <> 0)
                 or (x.budget is not null and (x.freed < x.taken or (x.freed > x.taken and m.erased_at is null))))
             order by 1, 2 limit $2"
        ),
    },
];

//! Members who were erased: nothing is left to them, and nothing that says who they were.

use super::Check;

/// Rows `x` of members who were erased.
macro_rules! of_erased {
    ($table:literal) => {
        concat!(
            " from {",
            $table,
            "} x join member m on m.pipeline = x.pipeline and m.bucket = x.bucket and m.number = x.member
                 and m.erased_at is not null where x.pipeline = $1 "
        )
    };
}

pub(super) const CHECKS: [Check; 7] = [
    Check {
        invariant: 2,
        name: "an erased member has nothing and owes nothing",
        sql: concat!(
            "select 'wallet ' || x.wallet || ' of member ' || m.external_id, 'pending ' || cast(x.pending as text) || ', available ' ||
                 cast(x.available as text) || ', held ' || cast(x.held as text) || ', debt ' || cast(x.debt as text)",
            of_erased!("balance"),
            "and (x.pending <> 0 or x.available <> 0 or x.held <> 0 or x.debt <> 0) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "of an erased member no input is kept",
        sql: concat!(
            "select 'order ' || x.order_id || ' of member ' || m.external_id, 'its purchase is kept'",
            of_erased!("purchase"),
            "order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "of what an erased member had done no results are kept, no hash, and nothing waits",
        sql: concat!(
            "select 'event ' || x.event_id || ' of ' || x.source || ' of member ' || m.external_id, 'its outcome is ' || x.outcome ||
                 case when x.results is null then '' else ', with results' end ||
                 case when length(x.hash) = 0 then '' else ', with a hash' end",
            of_erased!("inbox"),
            "and (x.outcome = 'Parked' or (length(x.hash) > 0 and (x.outcome = 'Erased' or x.batch <= coalesce(m.erased_in, 0)))
                or (x.results is not null and x.outcome <> 'Erased' and x.batch < coalesce(m.erased_in, 0))) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "only in the name of an erased member an event settles as erased",
        sql: concat!(
            "select 'event ' || x.event_id || ' of ' || x.source || ",
            of_member!(),
            ", 'its outcome is Erased' from {inbox} x
             left join member m on m.pipeline = x.pipeline and m.bucket = x.bucket and m.number = x.member
             where x.pipeline = $1 and x.outcome = 'Erased' and m.erased_at is null order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "of awards to an erased member no arithmetic is kept",
        sql: concat!(
            "select 'award of rule ' || x.rule || ', entry ' || cast(x.entry as text) || ' of member ' || m.external_id, 'its inputs are kept'",
            of_erased!("award"),
            "and (x.inputs like '%\"lines\"%' or x.inputs not like '%\"base\":\"0\"%') order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "an erased member has a name that says nothing, and no word is kept of them but why they were erased",
        sql: "select 'member ' || cast(x.number as text), 'erased, and still told by a name, a freeze or a merge' from {member} x
              where x.pipeline = $1 and x.erased_at is not null and (x.external_id not like 'erased-%' or length(x.external_id) <> 39
                  or x.frozen_at is not null or x.frozen_reason is not null or x.frozen_by is not null or x.merged_reason is not null
                  or x.merged_by is not null) order by 1, 2 limit $2",
    },
    Check {
        invariant: 4,
        name: "each erased member left a tombstone",
        sql: "select 'tombstones', cast(x.tombstones as text) || ', but ' || cast(x.members as text) || ' members were erased' from (
                  select (select count(*) from tombstone where pipeline = $1) as tombstones,
                      (select count(*) from member where pipeline = $1 and erased_in is not null) as members
              ) x where x.tombstones <> x.members and exists (select 1 from {member} e where e.pipeline = $1 and e.erased_in is not null)
              order by 1, 2 limit $2",
    },
];

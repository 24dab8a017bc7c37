//! Events and their entries: one inbox row, one entry set.

use super::Check;
use crate::forget::forgettable;

/// An event that is forgotten and comes again in the name of one who was erased is turned away, with a row that has no entry.
pub(super) const CHECKS: [Check; 4] = [
    Check {
        invariant: 4,
        name: "an entry belongs to the one inbox row of its event",
        sql: concat!(
            "select 'entry ' || cast(x.id as text) || ",
            of_member!(),
            ", 'event ' || x.event_id || ' of ' || x.source || ' names ' || coalesce('entry ' || cast(i.entry as text), 'none')
             from {entry} x left join inbox i on i.pipeline = x.pipeline and i.source = x.source and i.event_id = x.event_id
             left join forgotten f on f.pipeline = x.pipeline and x.effective_at < f.happened_before
                 and x.recorded_at < f.happened_before and ",
            forgettable!("x.source"),
            "where x.pipeline = $1 and x.from_member is null and x.kind <> 'CarriedForward'
                 and (i.entry is null or i.entry <> x.id or i.member <> x.member)
                 and (f.pipeline is null or i.outcome <> 'Erased') order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 4,
        name: "an event has at most one entry set",
        sql: "select 'event ' || event_id || ' of ' || source, cast(count(*) as text) || ' entries'
              from {entry} e where pipeline = $1 and from_member is null and kind <> 'CarriedForward'
              group by source, event_id having count(*) > 1 order by 1, 2 limit $2",
    },
    Check {
        invariant: 4,
        name: "an inbox row's entry is there, with its postings",
        sql: "select 'event ' || i.event_id || ' of ' || i.source, 'entry ' || cast(i.entry as text) || ' is missing or has no postings'
              from {inbox} i where i.pipeline = $1 and i.entry is not null and not exists (
                  select 1 from entry e join posting p on p.pipeline = e.pipeline and p.bucket = e.bucket
                      and p.member = e.member and p.entry = e.id
                  where e.pipeline = i.pipeline and e.bucket = i.bucket and e.member = i.member and e.id = i.entry
              ) and not exists (
                  select 1 from entry c where c.pipeline = i.pipeline and c.bucket = i.bucket and c.member = i.member
                      and c.kind = 'CarriedForward' and c.from_member is null and i.entry <= c.id
              ) order by 1, 2 limit $2",
    },
    Check {
        invariant: 4,
        name: "an event is parked in the inbox if and only if it waits",
        sql: "select 'event ' || i.event_id || ' of ' || i.source, 'its outcome is ' || i.outcome || ', but it does ' ||
                  case when p.event_id is null then 'not ' else '' end || 'wait'
              from {inbox} i left join parked p on p.pipeline = i.pipeline and p.source = i.source and p.event_id = i.event_id
              where i.pipeline = $1
                  and ((i.outcome = 'Parked' and p.event_id is null) or (i.outcome <> 'Parked' and p.event_id is not null))
              order by 1, 2 limit $2",
    },
];

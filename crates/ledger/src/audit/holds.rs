//! What is reserved: held = sum of open holds, and a hold ends once.

use super::Check;

pub(super) const CHECKS: [Check; 5] = [
    Check {
        invariant: 8,
        name: "what is held of a lot is what open holds have of it",
        sql: concat!(
            "select 'lot ' || cast(x.lot as text) || ' of wallet ' || x.wallet || ",
            of_member!(),
            ", 'held - holds = ' || cast(sum(x.amount) as text) from (
                select bucket, member, wallet, sequence as lot, held as amount from {lot} l where pipeline = $1
                union all select p.bucket, p.member, h.wallet, p.lot, -p.held from {hold_lot} p
                    join hold h on h.pipeline = p.pipeline and h.bucket = p.bucket and h.member = p.member
                        and h.hold_id = p.hold_id and h.stage = 'Open'
                    where p.pipeline = $1
             ) x group by x.bucket, x.member, x.wallet, x.lot having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 8,
        name: "a hold is what it has, what was captured and what was set free, and so are its parts",
        sql: concat!(
            "select 'hold ' || x.hold_id || ",
            of_member!(),
            ", 'points ' || cast(x.points as text) || ', held ' || cast(x.held as text) || ', captured ' ||
                 cast(x.captured as text) || ', released ' || cast(x.released as text) || '; of lots ' ||
                 cast(coalesce(p.amount, 0) as text) || ', held ' || cast(coalesce(p.held, 0) as text)
             from {hold} x left join (
                 select bucket, member, hold_id, sum(amount) as amount, sum(held) as held from {hold_lot} l
                 where pipeline = $1 group by bucket, member, hold_id
             ) p on p.bucket = x.bucket and p.member = x.member and p.hold_id = x.hold_id
             where x.pipeline = $1 and (x.points <> x.held + x.captured + x.released or x.points <> coalesce(p.amount, 0)
                 or x.held <> coalesce(p.held, 0)) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 8,
        name: "what was captured of a hold left its lots in captures",
        sql: concat!(
            "select 'hold ' || x.hold_id || ",
            of_member!(),
            ", 'captured - allocations = ' || cast(sum(x.amount) as text) from (
                select bucket, member, hold_id, captured as amount from {hold} h where pipeline = $1
                union all select a.bucket, a.member, a.hold_id, -a.amount from {allocation} a
                    where a.pipeline = $1 and a.hold_id is not null
             ) x group by x.bucket, x.member, x.hold_id having sum(x.amount) <> 0 order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 8,
        name: "a hold begins with its entry, and is open or has ended with one",
        sql: concat!(
            "select 'hold ' || x.hold_id || ",
            of_member!(),
            ", 'it is ' || x.stage || ', holds ' || cast(x.held as text) || ', began with ' || coalesce(b.kind, 'nothing') ||
                 ' and ended with ' || coalesce(e.kind, 'nothing')
             from {hold} x
             left join entry b on b.pipeline = x.pipeline and b.bucket = x.bucket and b.member = x.member
                 and b.id = x.entry and b.hold_id = x.hold_id
             left join entry e on e.pipeline = x.pipeline and e.bucket = x.bucket and e.member = x.member
                 and e.id = x.ended and e.hold_id = x.hold_id",
            carried!(),
            "where x.pipeline = $1 and ((coalesce(b.kind, '') <> 'Hold' and not coalesce(x.entry <= c.id, false))
                 or (x.stage = 'Open') <> (x.held > 0) or (x.stage = 'Open') <> (x.ended is null)
                 or not coalesce(x.ended <= c.id, false) and coalesce(e.kind, '') <> case x.stage when 'Captured' then 'Capture' when 'Released' then 'Release'
                     when 'TimedOut' then 'TimeOut' else '' end) order by 1, 2 limit $2"
        ),
    },
    Check {
        invariant: 8,
        name: "an entry about a hold comes between its beginning and its end",
        sql: concat!(
            "select 'entry ' || cast(x.id as text) || ",
            of_member!(),
            ", x.kind || ' of hold ' || x.hold_id
             from {entry} x left join hold h on h.pipeline = x.pipeline and h.bucket = x.bucket and h.member = x.member
                 and h.hold_id = x.hold_id
             where x.pipeline = $1 and x.hold_id is not null and not exists (select 1 from member m where m.pipeline = $1
                 and m.bucket = x.bucket and m.number = x.member and m.merged_number is not null)
                 and (h.entry is null or x.id < h.entry or x.id > coalesce(h.ended, x.id)
                     or (x.kind = 'Hold') <> (x.id = h.entry)
                     or (x.kind in ('Release', 'TimeOut') and (h.ended is null or x.id <> h.ended)))
             order by 1, 2 limit $2"
        ),
    },
];

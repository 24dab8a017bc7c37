//! What a batch takes out of budgets, the last of its writes.
//!
//! Whoever holds a row of these waits only for others of them: the pool's row of a budget before its slices, budgets by name. What cannot be
//! taken must undo the whole batch, whose commit is already on its way: it divides by the number of rows, nought.

use tokio_postgres::types::ToSql;

use super::{Batch, Write};
use crate::budget::{SLICE_PART, SLICES_MAX, Taking};

/// The law: of a slice that is still of the epoch in which the batch found it, and has room.
const SLICE: &str = "with taken as (
        update slice set used = used + $4::bigint
        where pipeline = $1 and budget = $2 and owner = $3 and epoch = $5 and used + $4::bigint <= granted returning 1
    ) select 1 / count(*) from taken";

/// From here on nobody else grants or recalls.
const POOL: &str =
    "insert into budget (pipeline, name, wallet, allowed, epoch, granted, used) values ($1, $2, $3, $4, 1, 0, 0)
    on conflict (pipeline, name) do update set allowed = greatest(budget.allowed, excluded.allowed),
        epoch = budget.epoch + 1";

/// Another batch of this worker may be about to use it.
const OWN: &str = "select 1 from slice where pipeline = $1 and budget = $2 and owner = $3 for update";

/// Where the pool has too little, or too many slices lie about: all others are no more, and their owners, dead or alive, find no row. What was
/// used of them by then counts; what was not is the pool's again.
const RECALL: &str = "with short as (
        select 1 from budget b cross join lateral (
            select coalesce(sum(granted) filter (where owner <> $3), 0) as others, count(*) as slices,
                coalesce(sum(used) filter (where owner = $3), 0) as used
            from slice where pipeline = $1 and budget = $2
        ) s where b.pipeline = $1 and b.name = $2
            and (($4::bigint > 0 and b.used + s.others + s.used + $4::bigint > $5::bigint) or s.slices > $6::bigint)
    ), recalled as (
        delete from slice where pipeline = $1 and budget = $2 and owner <> $3 and exists (select 1 from short)
        returning granted, used
    ) update budget b set granted = b.granted - r.granted, used = b.used + r.used
    from (select coalesce(sum(granted), 0)::bigint as granted, coalesce(sum(used), 0)::bigint as used from recalled) r
    where b.pipeline = $1 and b.name = $2";

/// The own slice, with what is taken used of it, and a part of what is left besides. What is given back needs no room. Where the limit was
/// lowered below what others were granted, what may be taken is what refunds gave back, and nothing is granted.
const GRANT: &str = "with stands as (
        select coalesce(sum(granted) filter (where owner = $3), 0)::bigint as granted,
            coalesce(sum(used) filter (where owner = $3), 0)::bigint + $4::bigint as used,
            coalesce(sum(granted) filter (where owner <> $3), 0)::bigint as others
        from slice where pipeline = $1 and budget = $2
    ), pool as (
        select s.granted, s.used, b.epoch, least($5::bigint::numeric - b.used, 9223372036854775807) - s.others as most
        from budget b cross join stands s where b.pipeline = $1 and b.name = $2
    ), taken as (
        insert into slice (pipeline, budget, owner, epoch, granted, used)
        select $1, $2, $3, epoch,
            case when $4::bigint > 0
                then greatest(0, least(most, greatest(granted, used + div(most - used, $6::bigint))))::bigint else granted end, used
        from pool where $4::bigint <= 0 or used <= most
        on conflict (pipeline, budget, owner) do update set granted = excluded.granted, used = excluded.used
        returning 1
    ) select 1 / count(*) from taken";

const GRANTED: &str = "update budget set granted = (
        select coalesce(sum(granted), 0)::bigint from slice where pipeline = $1 and budget = $2
    ) where pipeline = $1 and name = $2";

pub(super) fn takings(batch: &Batch<'_>) -> Vec<Write> {
    batch.takings.iter().flat_map(|taking| writes(taking, batch.owner)).collect()
}

fn writes(taking: &Taking, owner: &str) -> Vec<Write> {
    let write = |sql, more: Vec<Box<dyn ToSql + Sync + Send>>| {
        let mut columns: Vec<Box<dyn ToSql + Sync + Send>> = vec![Box::new(taking.name.as_str().to_owned())];
        columns.extend(more);
        Write { sql, columns }
    };
    let own = || Box::new(owner.to_owned());
    let (points, limit) = (|| Box::new(taking.points), || Box::new(taking.limit));
    if let Some(epoch) = taking.epoch {
        return vec![write(SLICE, vec![own(), points(), Box::new(epoch)])];
    }
    vec![
        write(POOL, vec![Box::new(taking.wallet.as_str().to_owned()), limit()]),
        write(OWN, vec![own()]),
        write(RECALL, vec![own(), points(), limit(), Box::new(SLICES_MAX)]),
        write(GRANT, vec![own(), points(), limit(), Box::new(SLICE_PART)]),
        write(GRANTED, Vec::new()),
    ]
}

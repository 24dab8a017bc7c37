-- A tier may have been brought along from another system. A column's check cannot be changed: the same table with one reason more.
create table tier_history_with_imported (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    id integer not null,
    n integer not null,
    level text not null,
    since integer not null,
    until integer check (until > since),
    reason text not null check (reason in ('Reached', 'Kept', 'Lowered', 'Merged', 'Imported')),
    source text not null,
    event_id text not null,
    recorded_at integer not null,
    from_bucket integer,
    from_member integer,
    primary key (pipeline, bucket, member, id, n)
) strict, without rowid;
insert into tier_history_with_imported (pipeline, bucket, member, id, n, level, since, until, reason, source, event_id, recorded_at,
    from_bucket, from_member)
    select pipeline, bucket, member, id, n, level, since, until, reason, source, event_id, recorded_at, from_bucket, from_member
    from tier_history;
drop table tier_history;
alter table tier_history_with_imported rename to tier_history;

-- Since when a member is erased, why, who said so, and in which batch. Their row stays under a name that says nothing, for what they had done.
alter table member add column erased_at integer;
alter table member add column erased_reason text;
alter table member add column erased_by text;
alter table member add column erased_in integer;

-- How a pipeline knows whom it has erased: the key of the hashes, and the name of nobody, to whom goes what comes later.
create table erasure (
    pipeline text not null primary key,
    key text not null,
    bucket integer not null,
    nobody text not null
) strict;

-- Keyed hashes of the names of those who were erased. Nothing leads from them to what the member had done.
create table tombstone (
    pipeline text not null,
    hash text not null,
    primary key (pipeline, hash)
) strict, without rowid;

-- A column's check cannot be changed: the same table with one outcome more.
create table inbox_with_erased (
    pipeline text not null,
    source text not null,
    event_id text not null,
    hash blob not null,
    bucket integer not null,
    member integer not null,
    occurred_at integer not null,
    recorded_at integer not null,
    ruleset text not null,
    outcome text not null check (outcome in ('Applied', 'Rejected', 'Parked', 'GivenUp', 'Erased')),
    results text,
    batch integer not null,
    position integer not null,
    entry integer,
    primary key (pipeline, source, event_id)
) strict;
insert into inbox_with_erased (pipeline, source, event_id, hash, bucket, member, occurred_at, recorded_at, ruleset, outcome, results,
    batch, position, entry)
    select pipeline, source, event_id, hash, bucket, member, occurred_at, recorded_at, ruleset, outcome, results, batch, position, entry
    from inbox order by rowid;
drop table inbox;
alter table inbox_with_erased rename to inbox;
create index inbox_batch on inbox (batch);

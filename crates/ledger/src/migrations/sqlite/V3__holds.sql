-- Points that are reserved. Entries and allocations of before are of no hold.
alter table entry add column hold_id text;
alter table allocation add column hold_id text;

create table hold (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    hold_id text not null,
    wallet text not null,
    points integer not null check (points > 0),
    held integer not null check (held >= 0),
    captured integer not null check (captured >= 0),
    released integer not null check (released >= 0),
    stage text not null check (stage in ('Open', 'Captured', 'Released', 'TimedOut')),
    expires_at integer,
    entry integer not null,
    ended integer,
    primary key (pipeline, bucket, member, hold_id),
    check (held = points - captured - released),
    check ((stage = 'Open') = (held > 0)),
    check ((stage = 'Open') = (ended is null))
) strict, without rowid;
-- Of a member with thousands of holds it has only the open ones.
create index hold_open on hold (pipeline, bucket, member, expires_at) where held > 0;

create table hold_lot (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    hold_id text not null,
    lot integer not null,
    amount integer not null check (amount > 0),
    held integer not null check (held >= 0 and held <= amount),
    primary key (pipeline, bucket, member, hold_id, lot)
) strict, without rowid;

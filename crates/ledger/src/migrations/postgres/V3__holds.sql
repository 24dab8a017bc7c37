-- Points that are reserved. Entries and allocations of before are of no hold.
alter table entry add column hold_id text collate "C";
alter table allocation add column hold_id text collate "C";

create table hold (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    hold_id text collate "C" not null,
    wallet text collate "C" not null,
    points bigint not null check (points > 0),
    held bigint not null check (held >= 0),
    captured bigint not null check (captured >= 0),
    released bigint not null check (released >= 0),
    stage text not null check (stage in ('Open', 'Captured', 'Released', 'TimedOut')),
    expires_at timestamptz,
    entry bigint not null,
    ended bigint,
    primary key (pipeline, bucket, member, hold_id),
    check (held = points - captured - released),
    check ((stage = 'Open') = (held > 0)),
    check ((stage = 'Open') = (ended is null))
);
-- Of a member with thousands of holds it has only the open ones.
create index hold_open on hold (pipeline, bucket, member, expires_at) where held > 0;

create table hold_lot (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    hold_id text collate "C" not null,
    lot bigint not null,
    amount bigint not null check (amount > 0),
    held bigint not null check (held >= 0 and held <= amount),
    primary key (pipeline, bucket, member, hold_id, lot)
);

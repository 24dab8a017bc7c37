-- Since when no points of a member may leave but those that were promised before, why, and who said so; without a time, they may.
alter table member add column frozen_at timestamptz;
alter table member add column frozen_reason text;
alter table member add column frozen_by text;

-- Points that left one member for another. The row is the sender's; `parts` (JSON) says what left which lot, and when that would have ended, as
-- it stood then. `ended` is the entry by which the points arrived (the receiver's) or came back (the sender's).
create table transfer (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    entry bigint not null,
    source text collate "C" not null,
    event_id text collate "C" not null,
    wallet text collate "C" not null,
    points bigint not null check (points > 0),
    parts text not null,
    to_bucket smallint not null,
    to_member bigint not null,
    at timestamptz not null,
    stage text not null check (stage in ('InTransit', 'Refused', 'Arrived', 'Returned')),
    ended bigint,
    recorded_at timestamptz not null default now(),
    primary key (pipeline, bucket, member, entry),
    check ((stage in ('Arrived', 'Returned')) = (ended is not null))
);
-- What is left to be done.
create index transfer_under_way on transfer (pipeline, entry) where ended is null;

-- Since when no points of a member may leave but those that were promised before, why, and who said so; without a time, they may.
alter table member add column frozen_at integer;
alter table member add column frozen_reason text;
alter table member add column frozen_by text;

-- Points that left one member for another. The row is the sender's; `parts` (JSON) says what left which lot, and when that would have ended, as
-- it stood then. `ended` is the entry by which the points arrived (the receiver's) or came back (the sender's).
create table transfer (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    entry integer not null,
    source text not null,
    event_id text not null,
    wallet text not null,
    points integer not null check (points > 0),
    parts text not null,
    to_bucket integer not null,
    to_member integer not null,
    at integer not null,
    stage text not null check (stage in ('InTransit', 'Refused', 'Arrived', 'Returned')),
    ended integer,
    recorded_at integer not null,
    primary key (pipeline, bucket, member, entry),
    check ((stage in ('Arrived', 'Returned')) = (ended is not null))
) strict, without rowid;
-- What is left to be done.
create index transfer_under_way on transfer (pipeline, entry) where ended is null;

-- Points that wait and points that end. Lots of before have no times, so nothing is due for them.
alter table lot add column expired bigint not null default 0 check (expired >= 0);

-- What is due next. Partial indexes: of a member with thousands of spent lots they hold only those that still wait or can end.
create index lot_activates on lot (pipeline, bucket, member, activates_at) where pending > 0;
create index lot_expires on lot (pipeline, bucket, member, expires_at) where pending + available > 0 and expires_at is not null;

-- One row a member: when the next of their lots activates or ends, and how often that was set anew; without a time, nothing is due.
create table due (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    at timestamptz,
    version bigint not null,
    primary key (pipeline, bucket, member)
) with (fillfactor = 80);
create index due_at on due (pipeline, at) where at is not null;

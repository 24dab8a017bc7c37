-- When the end of a lot is to be warned of, and whether it was; without a time, never, as for lots of before. For points that idle it stands with
-- the balance, as their end does, and another end takes the mark away.
alter table lot add column warns_at timestamptz;
alter table lot add column warned boolean not null default false;
alter table balance add column idle_warns_at timestamptz;
alter table balance add column idle_warned boolean not null default false;

-- What there is to warn of.
create index lot_warns on lot (pipeline, bucket, member, warns_at)
    where pending + available > 0 and not warned and warns_at is not null;

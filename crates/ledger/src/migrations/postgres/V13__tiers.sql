-- The tier that a member has, since when, and when it is reviewed: the last line of its history, or nothing for the first one.
alter table member add column tier text collate "C";
alter table member add column tier_since timestamptz;
alter table member add column tier_until timestamptz;

-- What counts for tiers, by days of the programme's time zone (numbered from the first of January 1970): points in units, money in minor units,
-- visits. Refunds take from the day of their purchase.
create table qualifying (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    measure text collate "C" not null check (measure in ('points', 'spend', 'visits')),
    day integer not null,
    amount bigint not null,
    primary key (pipeline, bucket, member, day, measure)
) with (fillfactor = 70);

-- Each tier that a member ever had, append-only: it holds from `since` until the next line's. `id` is numbered as entries are, so that it puts
-- them into recorded order; those of a member who was merged into this one say whose they were.
create table tier_history (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    id bigint not null,
    n smallint not null,
    level text collate "C" not null,
    since timestamptz not null,
    until timestamptz check (until > since),
    reason text not null check (reason in ('Reached', 'Kept', 'Lowered', 'Merged')),
    source text collate "C" not null,
    event_id text collate "C" not null,
    recorded_at timestamptz not null default now(),
    from_bucket smallint,
    from_member bigint,
    primary key (pipeline, bucket, member, id, n)
);

-- On which day an award counts for tiers, if it does.
alter table award add column counts_on integer;

-- The tier that the member had when their order was decided, if the rules look at it.
alter table purchase add column tier text collate "C";

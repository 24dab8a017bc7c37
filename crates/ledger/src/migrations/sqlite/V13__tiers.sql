-- The tier that a member has, since when, and when it is reviewed: the last line of its history, or nothing for the first one.
alter table member add column tier text;
alter table member add column tier_since integer;
alter table member add column tier_until integer;

-- What counts for tiers, by days of the programme's time zone (numbered from the first of January 1970): points in units, money in minor units,
-- visits. Refunds take from the day of their purchase.
create table qualifying (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    measure text not null check (measure in ('points', 'spend', 'visits')),
    day integer not null,
    amount integer not null,
    primary key (pipeline, bucket, member, day, measure)
) strict, without rowid;

-- Each tier that a member ever had, append-only: it holds from `since` until the next line's. `id` is numbered as entries are, so that it puts
-- them into recorded order; those of a member who was merged into this one say whose they were.
create table tier_history (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    id integer not null,
    n integer not null,
    level text not null,
    since integer not null,
    until integer check (until > since),
    reason text not null check (reason in ('Reached', 'Kept', 'Lowered', 'Merged')),
    source text not null,
    event_id text not null,
    recorded_at integer not null,
    from_bucket integer,
    from_member integer,
    primary key (pipeline, bucket, member, id, n)
) strict, without rowid;

-- On which day an award counts for tiers, if it does.
alter table award add column counts_on integer;

-- The tier that the member had when their order was decided, if the rules look at it.
alter table purchase add column tier text;

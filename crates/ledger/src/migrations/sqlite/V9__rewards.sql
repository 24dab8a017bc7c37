-- When the next reward is due that points are turned into by themselves; without a time, none is.
alter table balance add column reward_at integer;

-- How much of a limit was used within a window: of automatic rewards (scope `reward`, key the wallet) how many were given on the day that began
-- then, and how many may be.
create table counter (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    scope text not null check (scope in ('reward')),
    key text not null,
    window_start integer not null,
    used integer not null check (used > 0),
    most integer not null,
    primary key (pipeline, bucket, member, scope, key, window_start),
    check (used <= most)
) strict, without rowid;

-- Each reward that points were turned into.
create table reward (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    entry integer not null,
    n integer not null,
    wallet text not null,
    reward text not null,
    points integer not null check (points > 0),
    window_start integer not null,
    primary key (pipeline, bucket, member, entry, n)
) strict, without rowid;

-- When the next reward is due that points are turned into by themselves; without a time, none is.
alter table balance add column reward_at timestamptz;

-- How much of a limit was used within a window: of automatic rewards (scope `reward`, key the wallet) how many were given on the day that began
-- then, and how many may be.
create table counter (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    scope text not null check (scope in ('reward')),
    key text collate "C" not null,
    window_start timestamptz not null,
    used bigint not null check (used > 0),
    most bigint not null,
    primary key (pipeline, bucket, member, scope, key, window_start),
    check (used <= most)
);

-- Each reward that points were turned into.
create table reward (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    entry bigint not null,
    n integer not null,
    wallet text collate "C" not null,
    reward text collate "C" not null,
    points bigint not null check (points > 0),
    window_start timestamptz not null,
    primary key (pipeline, bucket, member, entry, n)
);

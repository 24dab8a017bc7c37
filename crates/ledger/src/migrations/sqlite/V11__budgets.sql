-- What campaigns may give in all. Workers take their part of it in slices, so that no two of them write one row. `granted` is the sum of what the
-- slices that stand were granted; `used` is what was used of those that were recalled (less what refunds gave back there); `allowed` is
-- the most that any rules ever allowed; `epoch` is that of the last slice.
create table budget (
    pipeline text not null,
    name text not null,
    wallet text not null,
    allowed integer not null check (allowed >= 0),
    epoch integer not null,
    granted integer not null check (granted >= 0),
    used integer not null,
    primary key (pipeline, name),
    check (used + granted <= allowed)
) strict, without rowid;

-- What refunds give back is used less, so that it may be below nought: others used it.
create table slice (
    pipeline text not null,
    budget text not null,
    owner text not null,
    epoch integer not null,
    granted integer not null check (granted >= 0),
    used integer not null,
    primary key (pipeline, budget, owner),
    check (used <= granted)
) strict, without rowid;

-- What an award came out of, and how much of it refunds gave back there.
alter table award add column budget text;
alter table award add column freed integer not null default 0 check (freed >= 0 and freed <= awarded);
-- The audit looks at all awards of a budget, whatever else it looks at.
create index award_budget on award (pipeline, budget) where budget is not null;

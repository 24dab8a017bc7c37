-- What campaigns may give in all. Workers take their part of it in slices, so that no two of them write one row. `granted` is the sum of what the
-- slices that stand were granted; `used` is what was used of those that were recalled (less what refunds gave back there); `allowed` is
-- the most that any rules ever allowed; `epoch` is that of the last slice.
create table budget (
    pipeline text collate "C" not null,
    name text collate "C" not null,
    wallet text collate "C" not null,
    allowed bigint not null check (allowed >= 0),
    epoch bigint not null,
    granted bigint not null check (granted >= 0),
    used bigint not null,
    primary key (pipeline, name),
    check (used + granted <= allowed)
) with (fillfactor = 50);

-- What refunds give back is used less, so that it may be below nought: others used it.
create table slice (
    pipeline text collate "C" not null,
    budget text collate "C" not null,
    owner text collate "C" not null,
    epoch bigint not null,
    granted bigint not null check (granted >= 0),
    used bigint not null,
    primary key (pipeline, budget, owner),
    check (used <= granted)
) with (fillfactor = 50);

-- What an award came out of, and how much of it refunds gave back there.
alter table award add column budget text collate "C";
alter table award add column freed bigint not null default 0;
alter table award add constraint award_freed check (freed >= 0 and freed <= awarded) not valid;
-- The audit looks at all awards of a budget, whatever else it looks at.
create index award_budget on award (pipeline, budget) where budget is not null;

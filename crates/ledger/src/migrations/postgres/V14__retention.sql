-- How far the entries of a pipeline are carried forward, by either time of an entry.
create table retention (
    pipeline text collate "C" not null primary key,
    recorded_before timestamptz not null,
    happened_until timestamptz not null
);

-- What happened before is not known one by one: rows of the inbox are gone.
create table forgotten (
    pipeline text collate "C" not null primary key,
    happened_before timestamptz not null
);

-- How far the entries of a pipeline are carried forward, by either time of an entry.
create table retention (
    pipeline text not null primary key,
    recorded_before integer not null,
    happened_until integer not null
) without rowid;

-- What happened before is not known one by one: rows of the inbox are gone.
create table forgotten (
    pipeline text not null primary key,
    happened_before integer not null
) without rowid;

-- Of what a carried-forward entry sums, which part.
alter table posting add column part text;
alter table allocation add column part text;

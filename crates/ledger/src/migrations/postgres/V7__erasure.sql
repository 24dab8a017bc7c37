-- Since when a member is erased, why, who said so, and in which batch. Their row stays under a name that says nothing, for what they had done.
alter table member add column erased_at timestamptz;
alter table member add column erased_reason text;
alter table member add column erased_by text;
alter table member add column erased_in bigint;

-- How a pipeline knows whom it has erased: the key of the hashes, and the name of nobody, to whom goes what comes later.
create table erasure (
    pipeline text collate "C" not null primary key,
    key text not null,
    bucket smallint not null,
    nobody text collate "C" not null
);

-- Keyed hashes of the names of those who were erased. Nothing leads from them to what the member had done.
create table tombstone (
    pipeline text collate "C" not null,
    hash text collate "C" not null,
    primary key (pipeline, hash)
);

-- Rows of before have one of the other outcomes: nobody has to look at them.
alter table inbox drop constraint inbox_outcome_check;
alter table inbox add constraint inbox_outcome_check
    check (outcome in ('Applied', 'Rejected', 'Parked', 'GivenUp', 'Erased')) not valid;

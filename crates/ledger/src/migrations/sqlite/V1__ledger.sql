-- Times are microseconds since 1970-01-01 UTC. Points are whole units at the wallet's scale. The same tables as PostgreSQL's.

create table inbox (
    pipeline text not null,
    source text not null,
    event_id text not null,
    hash blob not null,
    bucket integer not null,
    member integer not null,
    occurred_at integer not null,
    recorded_at integer not null,
    ruleset text not null,
    outcome text not null check (outcome in ('Applied', 'Rejected', 'Parked', 'GivenUp')),
    results text,
    batch integer not null,
    position integer not null,
    entry integer,
    primary key (pipeline, source, event_id)
) strict;
create index inbox_batch on inbox (batch);

create table batch (
    id integer primary key autoincrement,
    pipeline text not null,
    recorded_at integer not null,
    published_at integer
) strict;
create index batch_unpublished on batch (pipeline, id) where published_at is null;

create table member (
    pipeline text not null,
    bucket integer not null,
    external_id text not null,
    number integer primary key autoincrement,
    joined_at integer not null,
    unique (pipeline, bucket, external_id)
) strict;

create table entry (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    id integer not null,
    kind text not null,
    source text not null,
    event_id text not null,
    order_id text,
    effective_at integer not null,
    recorded_at integer not null,
    ruleset text not null,
    primary key (pipeline, bucket, member, id)
) strict, without rowid;

create table posting (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    entry integer not null,
    n integer not null,
    account text not null,
    wallet text not null,
    amount integer not null check (amount <> 0),
    primary key (pipeline, bucket, member, entry, n)
) strict, without rowid;

create table balance (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    wallet text not null,
    pending integer not null check (pending >= 0),
    available integer not null check (available >= 0),
    held integer not null check (held >= 0),
    debt integer not null check (debt >= 0),
    last_lot integer not null,
    primary key (pipeline, bucket, member, wallet)
) strict, without rowid;

create table lot (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    wallet text not null,
    sequence integer not null,
    entry integer not null,
    initial integer not null check (initial > 0),
    pending integer not null check (pending >= 0),
    available integer not null check (available >= 0),
    held integer not null check (held >= 0),
    activates_at integer,
    expires_at integer,
    primary key (pipeline, bucket, member, wallet, sequence),
    check (pending <= initial and available <= initial - pending and held <= initial - pending - available)
) strict, without rowid;
-- Burn order; SQLite puts nulls first unless told otherwise, and an index cannot be told.
create index lot_burn on lot (pipeline, bucket, member, wallet, expires_at is null, expires_at, sequence)
    where available > 0;

create table allocation (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    entry integer not null,
    n integer not null,
    wallet text not null,
    lot integer not null,
    amount integer not null check (amount <> 0),
    order_id text,
    primary key (pipeline, bucket, member, entry, n)
) strict, without rowid;
create index allocation_order on allocation (pipeline, bucket, member, order_id) where order_id is not null;

create table award (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    entry integer not null,
    n integer not null,
    order_id text,
    rule text not null,
    ruleset text not null,
    wallet text not null,
    lot integer not null,
    inputs text not null,
    awarded integer not null check (awarded > 0),
    due integer not null check (due >= 0 and due <= awarded),
    taken integer not null check (taken >= 0),
    waived integer not null check (waived >= 0),
    primary key (pipeline, bucket, member, entry, n),
    check (taken = due - waived)
) strict;

create table purchase (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    order_id text not null,
    event text not null,
    ruleset text not null,
    returned text,
    entry integer,
    primary key (pipeline, bucket, member, order_id)
) strict;

create table parked (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    order_id text not null,
    source text not null,
    event_id text not null,
    event text not null,
    recorded_at integer not null,
    primary key (pipeline, bucket, member, order_id, source, event_id)
) strict;

create table attempt (
    key text not null primary key,
    deliveries integer not null,
    alone integer not null
) strict, without rowid;

create table ruleset (
    hash text not null primary key,
    spec text not null
) strict, without rowid;

create table timeline (
    pipeline text not null,
    seq integer not null,
    valid_from integer,
    hash text not null references ruleset (hash),
    author text not null,
    recorded_at integer not null,
    primary key (pipeline, seq)
) strict, without rowid;

create table lease (
    pipeline text not null primary key,
    holder text not null,
    until integer not null
) strict, without rowid;

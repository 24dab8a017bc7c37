-- What the refunds of an order left to be paid off (policy Unlimited): one row a member, wallet and order; nought once it is paid.
create table owed (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    wallet text not null,
    order_id text not null,
    sequence integer not null,
    points integer not null check (points >= 0),
    primary key (pipeline, bucket, member, wallet, order_id)
) strict, without rowid;

-- Points that paid for an order (positive), and that came back with its return (negative), with the lot that they came from and the
-- one that they came back into.
create table payment (
    pipeline text not null,
    bucket integer not null,
    member integer not null,
    order_id text not null,
    entry integer not null,
    n integer not null,
    wallet text not null,
    lot integer not null,
    points integer not null check (points <> 0),
    into_lot integer check ((into_lot is null) = (points > 0)),
    primary key (pipeline, bucket, member, order_id, entry, n)
) strict, without rowid;

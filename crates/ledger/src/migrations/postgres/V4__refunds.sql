-- What the refunds of an order left to be paid off (policy Unlimited): one row a member, wallet and order; nought once it is paid.
create table owed (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    wallet text collate "C" not null,
    order_id text collate "C" not null,
    sequence bigint not null,
    points bigint not null check (points >= 0),
    primary key (pipeline, bucket, member, wallet, order_id)
) with (fillfactor = 80);

-- Points that paid for an order (positive), and that came back with its return (negative), with the lot that they came from and the
-- one that they came back into.
create table payment (
    pipeline text collate "C" not null,
    bucket smallint not null,
    member bigint not null,
    order_id text collate "C" not null,
    entry bigint not null,
    n integer not null,
    wallet text collate "C" not null,
    lot bigint not null,
    points bigint not null check (points <> 0),
    into_lot bigint check ((into_lot is null) = (points > 0)),
    primary key (pipeline, bucket, member, order_id, entry, n)
);

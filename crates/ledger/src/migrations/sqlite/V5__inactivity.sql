-- Points that end together when a member was inactive for long enough. Their end stands once, with the balance, so that an activity changes
-- one row whatever the number of lots; such a lot has no `expires_at` of its own until it has ended.
alter table balance add column idle_at integer;
alter table lot add column idles integer not null default 0 check (idles in (0, 1));

-- What there is to end. Of a member with thousands of spent lots it holds only those that still have points.
create index lot_idles on lot (pipeline, bucket, member, wallet) where idles = 1 and pending + available > 0;

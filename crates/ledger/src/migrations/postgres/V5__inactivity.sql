-- Points that end together when a member was inactive for long enough. Their end stands once, with the balance, so that an activity changes
-- one row whatever the number of lots; such a lot has no `expires_at` of its own until it has ended.
alter table balance add column idle_at timestamptz;
alter table lot add column idles boolean not null default false;

-- What there is to end. Of a member with thousands of spent lots it holds only those that still have points.
create index lot_idles on lot (pipeline, bucket, member, wallet) where idles and pending + available > 0;

-- What stands becomes the first partition: everything before a month that is three months ahead or more, so that nobody who stops half-way is
-- in a hurry. The next versions look at the rows and make the partitions; each keeps one table, so that no worker waits for two.
do $$ begin execute format('alter table entry add constraint entry_first_range check (recorded_at < %L) not valid',
    (date_trunc('month', now() at time zone 'utc') + interval '4 months') at time zone 'utc'); end $$;

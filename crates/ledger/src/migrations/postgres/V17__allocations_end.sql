-- As for postings.
alter table allocation add column recorded_at timestamptz not null default now();
alter table allocation add column part text;

do $$ begin execute format('alter table allocation add constraint allocation_first_range check (recorded_at < %L) not valid',
    (date_trunc('month', now() at time zone 'utc') + interval '4 months') at time zone 'utc'); end $$;

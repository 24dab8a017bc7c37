-- A row belongs where its entry is. `part`: of what a carried-forward entry sums, which part.
alter table posting add column recorded_at timestamptz not null default now();
alter table posting add column part text;

do $$ begin execute format('alter table posting add constraint posting_first_range check (recorded_at < %L) not valid',
    (date_trunc('month', now() at time zone 'utc') + interval '4 months') at time zone 'utc'); end $$;

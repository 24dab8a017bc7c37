-- Workers write meanwhile, however long it takes; who else wants to look at a table as we do waits for all three.
lock table entry, posting, allocation in share update exclusive mode;
alter table entry validate constraint entry_first_range;
alter table posting validate constraint posting_first_range;
alter table allocation validate constraint allocation_first_range;

-- A table of the same name whose first partition is what stood there, with its rows and its key, and whose other one takes what no partition was
-- made for. No row is looked at: the constraint says what the partition has to hold. Rights are those of before.
create function partition_by_time(name text, key text) returns void language plpgsql as $f$
declare
    of_range text := name || '_first_range';
    owner text := (select o.rolname from pg_class c join pg_roles o on o.oid = c.relowner where c.oid = name::regclass);
    migrates text := current_setting('role');
    r record;
begin
    -- Of whom the old one is; whoever migrates may be another.
    if owner <> current_user then
        perform set_config('role', owner, true);
    end if;
    execute format('alter table %I rename to %I', name, name || '_first');
    execute format('alter index %I rename to %I', name || '_pkey', name || '_first_pkey');
    execute format('create table %I (like %I including defaults including constraints) partition by range (recorded_at)',
        name, name || '_first');
    execute format('alter table %I drop constraint %I', name, of_range);
    execute format('alter table %I attach partition %I for values from (minvalue) to (%L)', name, name || '_first', (
        select substring(pg_get_constraintdef(oid) from '''([^'']+)''')::timestamptz from pg_constraint
        where conname = of_range and conrelid = (name || '_first')::regclass));
    execute format('alter table %I drop constraint %I', name || '_first', of_range);
    execute format('create table %I partition of %I (primary key (%s)) default', name || '_rest', name, key);
    for r in select a.grantee, a.privilege_type, a.is_grantable from pg_class c, aclexplode(c.relacl) a
        where c.oid = (name || '_first')::regclass and a.grantee <> c.relowner
    loop
        execute format('grant %s on %I to %s %s', r.privilege_type, name,
            case when r.grantee = 0 then 'public' else r.grantee::regrole::text end,
            case when r.is_grantable then 'with grant option' else '' end);
    end loop;
    perform set_config('role', migrates, true);
end $f$;

//! What grows with every event is partitioned by month, ahead of time or, where nobody came in time, afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use contract::event::Event;
use ledger::Committed;

use crate::world::{Said, World, back, bought, spend};

impl World {
    /// Panics where the text of a query's one value is another one.
    async fn holds(&self, sql: &str) {
        self.tamper(&format!("do $$ begin if not ({sql}) then raise exception 'it does not hold'; end if; end $$"))
            .await;
    }
}

/// What each partition of a table is made of; the first was the table itself before there were any.
const ALIKE: &str = "select count(distinct p.made_of) from (select
    (select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation,
            pg_get_expr(d.adbin, d.adrelid)), ',' order by a.attname)
        from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = i.inhrelid and a.attnum > 0 and not a.attisdropped)
    || (select string_agg(of, ',' order by of) from pg_index x,
            regexp_replace(pg_get_indexdef(x.indexrelid), 'INDEX \\S+ ON \\S+', '') of where x.indrelid = i.inhrelid)
    || (select string_agg(of, ',' order by of) from pg_constraint k, pg_get_constraintdef(k.oid) of where k.conrelid = i.inhrelid)
    as made_of from pg_inherits i where i.inhparent = 'TABLE'::regclass) p";

impl World {
    async fn partitions_are_alike(&self) {
        for table in ["entry", "posting", "allocation"] {
            self.holds(&format!("({}) = 1", ALIKE.replace("TABLE", table))).await;
        }
    }
}

/// Whatever version brought a column, an index or a check.
#[tokio::test]
async fn every_partition_is_made_as_the_first_one() {
    let world = World::postgres().await;
    world.batch(&day(1)).await;
    world.partitions_are_alike().await;
    let world = world.taken_back_to(9).await;
    World::beside(&world).ledger.migrate().await.unwrap();
    world.partitions_are_alike().await;
    let world = World::beside(&world).older().await;
    world.years_pass().await;
    assert_eq!(world.carry_forward().await.members, 1);
    for table in ["entry", "posting", "allocation"] {
        world.tamper(&format!("update {table} set recorded_at = now() + interval '2 years'")).await;
    }
    World::beside(&world).ledger.migrate().await.unwrap();
    world.partitions_are_alike().await;
    // It would tell.
    world.tamper("alter table entry_rest alter column order_id set default 'none'").await;
    world.holds(&format!("({}) = 2", ALIKE.replace("TABLE", "entry"))).await;
}

fn day(n: usize) -> Vec<Event> {
    let order = format!("o{n}");
    vec![
        bought(&order, "ann", &[60, 40]),
        spend(&format!("s{n}"), "ann", 5),
        back(&format!("r{n}"), "ann", &order, &["1"]),
    ]
}

#[tokio::test]
async fn the_partitions_of_the_next_months_are_there_and_each_has_its_key() {
    let world = World::postgres().await;
    world.batch(&day(1)).await;
    for table in ["entry", "posting", "allocation"] {
        world
            .holds(&format!(
                "select count(*) >= 4 and bool_and(exists (select 1 from pg_constraint k where k.conrelid = i.inhrelid and k.contype = 'p'))
                 from pg_inherits i where i.inhparent = '{table}'::regclass"
            ))
            .await;
        world.holds(&format!("select count(*) > 0 from {table}_first")).await;
        // Half a year from now rows have a month of their own.
        world
            .tamper(&format!("update {table} set recorded_at = date_trunc('month', now()) + interval '5 months 1 day'"))
            .await;
        world.holds(&format!("select count(*) = 0 from {table}_first")).await;
        world.holds(&format!("select count(*) = 0 from {table}_rest")).await;
    }
    world.audits_clean().await;
}

/// Rows of a time that no partition was made for stand in the one for the rest, which becomes theirs.
#[tokio::test]
async fn rows_that_no_partition_was_made_for_get_one_without_being_moved() {
    let world = World::postgres().await;
    world.batch(&day(1)).await;
    // Years later: nobody made any since.
    for table in ["entry", "posting", "allocation"] {
        world.tamper(&format!("update {table} set recorded_at = now() + interval '2 years'")).await;
        world.holds(&format!("select count(*) > 0 from {table}_rest")).await;
        world.tamper(&format!("create table place_{table} as select '{table}_rest'::regclass::oid as id")).await;
    }
    for _ in 0..2 {
        World::beside(&world).ledger.migrate().await.unwrap();
        for table in ["entry", "posting", "allocation"] {
            world.holds(&format!("select count(*) = 0 from {table}_rest")).await;
            world
                .holds(&format!("select count(*) > 0 and min(tableoid) = (select id from place_{table}) from {table}"))
                .await;
            world
                .holds(&format!("select max(substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)')::timestamptz)
                     > now() + interval '2 years' from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = '{table}'::regclass"))
                .await;
        }
    }
    world.batch(&day(2)).await;
    world.audits_clean().await;
}

/// A worker that was there before goes on, batch by batch, while the tables become partitioned, and after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_before_writes_on_while_the_tables_become_partitioned() {
    let world = World::postgres().await;
    world.batch(&day(0)).await;
    let (world, is_over) = (world.taken_back_to(14).await, Arc::new(AtomicBool::new(false)));
    // The worker is this program, and writes what came behind the partitions: to it that is there already.
    world.tamper(include_str!("../../src/migrations/postgres/V22__tallies.sql")).await;
    let (worker, over) = (World::beside(&world), is_over.clone());
    worker.batch(&day(1)).await;
    let writes = tokio::spawn(async move {
        let mut n = 2;
        while !over.load(Ordering::Relaxed) || n < 20 {
            let (said, committed) = worker.try_batch(&day(n)).await;
            assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
            assert!(said.iter().all(|said| matches!(said, Said::Fresh(..))), "{said:?}");
            n += 1;
        }
        // Of orders that were there before, too.
        worker.batch(&[back("late", "ann", "o0", &[])]).await;
        i64::try_from(n).unwrap()
    });
    World::beside(&world).ledger.migrate().await.unwrap();
    is_over.store(true, Ordering::Relaxed);
    let days = writes.await.unwrap();
    let world = World::beside(&world);
    world.ledger.check_version().await.unwrap();
    world.audits_clean().await;
    let sums = world.ledger.totals(&world.pipeline).await.unwrap().wallets.remove(0);
    assert_eq!(sums.earned.to_string(), (days * 100).to_string());
}

/// Whoever may write to the tables may do so afterwards.
#[tokio::test]
async fn rights_on_the_tables_stay() {
    let world = World::postgres().await.taken_back_to(12).await;
    world.tamper("grant select, insert on entry, posting, allocation to public").await;
    World::beside(&world).ledger.migrate().await.unwrap();
    for table in ["entry", "posting", "allocation"] {
        world
            .holds(&format!(
                "select count(*) = 2 from pg_class c, aclexplode(c.relacl) a where c.oid = '{table}'::regclass and a.grantee = 0"
            ))
            .await;
    }
}

/// Of the workers' role, say; a superuser, or a member of it, migrates them and makes partitions.
#[tokio::test]
async fn partitions_belong_to_whom_the_tables_belonged_to() {
    let world = World::postgres().await.taken_back_to(12).await;
    let owner = format!("owner_{}", world.url.rsplit("%3D").next().unwrap());
    let give = |table: &str| format!("alter table {table} owner to {owner};");
    let tables = ["entry", "posting", "allocation"];
    world
        .tamper(&format!(
            "create role {owner}; {} do $$ begin execute format('grant usage, create on schema %I to {owner}', current_schema()); end $$",
            tables.map(give).concat()
        ))
        .await;
    World::beside(&world).ledger.migrate().await.unwrap();
    world
        .holds(&format!(
            "select count(*) > 10 and bool_and(c.relowner = '{owner}'::regrole) from pg_class c
             where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
                 and c.relname ~ '^(entry|posting|allocation)(_|$)'"
        ))
        .await;
    world.tamper(&format!("reassign owned by {owner} to current_user; drop owned by {owner}; drop role {owner}")).await;
    World::beside(&world).audits_clean().await;
}

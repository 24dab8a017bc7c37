//! Budgets, broken on purpose with raw SQL: the audit must find exactly that.

use std::collections::BTreeSet;

use super::campaign::{Campaign, base_and_spring, buy, on_both_stores, raw_postgres, refund};

on_both_stores! {
    the_audit_finds_each_break_of_a_budget
    awards_of_budgets_are_found_without_reading_all_others
}

const SLICE: &str = "no more of a slice of a budget was used than it was granted";
const POOL: &str =
    "what a budget granted is what its slices have, and with what was used before no more than it ever had";
const USED: &str = "what was used of a budget is what its awards got and refunds did not give back";
const FREED: &str = "what refunds gave back to a budget is what they took of its award";

/// Each with the checks that find it.
const BREAKS: &[(&str, &[&str])] = &[
    ("update slice set used = used + 1", &[USED]),
    ("update slice set used = granted + 1", &[SLICE, USED]),
    ("update slice set granted = granted + 1", &[POOL]),
    ("update slice set used = used - 1", &[USED]),
    ("delete from slice", &[POOL, USED]),
    ("update budget set granted = granted - 1", &[POOL]),
    ("update budget set used = used + 1", &[USED]),
    ("update budget set allowed = 50", &[POOL]),
    ("delete from budget", &[POOL]),
    ("update award set freed = freed + 1 where freed > 0", &[USED, FREED]),
    ("update award set freed = taken - 1 where freed > 0", &[USED, FREED]),
    ("update award set freed = 1 where budget is null and taken > 0", &[FREED]),
    ("update award set budget = 'summer' where budget is not null", &[USED]),
    ("update award set budget = null, freed = 0 where budget is not null", &[USED]),
    // What makes up for what another one is short of.
    (
        "update award set freed = freed + 1 where freed > 0;
         update slice set used = used - 1 where owner = (select min(owner) from slice)",
        &[FREED],
    ),
    (
        "update budget set used = used - 5000;
         update slice set used = used + 5000 where owner = (select min(owner) from slice)",
        &[SLICE],
    ),
    (
        "update slice set granted = granted + 5000 where owner = (select min(owner) from slice);
         update budget set granted = granted + 5000",
        &[POOL],
    ),
];

/// Checks of the database itself that stand in the way of the tampering.
pub(crate) const UNCHECK: &str = "do $$ declare c record; begin
    for c in select conrelid::regclass as t, conname from pg_constraint
             where contype = 'c' and coninhcount = 0 and connamespace = current_schema()::regnamespace
    loop execute format('alter table %s drop constraint %I', c.t, c.conname); end loop; end $$";

async fn the_audit_finds_each_break_of_a_budget(campaign: Campaign) {
    campaign.rules(&base_and_spring(), "1000").await;
    campaign.apply(&[&buy("o1", "ann", "10.00")]).await;
    campaign
        .beside()
        .await
        .apply(&[&buy("o2", "bob", "10.00"), &refund("r1", "ann", "o1", r#","amount":"4.00""#)])
        .await;
    campaign.audits_clean().await;
    if campaign.url.starts_with("postgres") {
        campaign.tamper(UNCHECK).await;
    }
    let saved = ["budget", "slice", "award"];
    for table in saved {
        campaign.tamper(&format!("create table {table}_kept as select * from {table}")).await;
    }
    for (sql, expected) in BREAKS {
        campaign.tamper(sql).await;
        let found: BTreeSet<&str> = campaign.differences().await.iter().map(|finding| finding.name).collect();
        assert_eq!(found, expected.iter().copied().collect(), "after `{sql}`");
        for table in saved {
            campaign.tamper(&format!("delete from {table}; insert into {table} select * from {table}_kept")).await;
        }
        campaign.audits_clean().await;
    }
}

async fn awards_of_budgets_are_found_without_reading_all_others(campaign: Campaign) {
    const SQL: &str = "select budget, freed - awarded from award a where pipeline = 'shop' and budget is not null";
    let plan = if let Some(path) = campaign.url.strip_prefix("sqlite:") {
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection.prepare(&format!("explain query plan {SQL}")).unwrap();
        statement.query_map([], |row| row.get::<_, String>(3)).unwrap().map(Result::unwrap).collect()
    } else {
        // A table without rows is read at once otherwise.
        let told = raw_postgres(&campaign.url, &format!("set enable_seqscan = off; explain {SQL}")).await;
        format!("{told:?}")
    };
    assert!(plan.contains("award_budget"), "{plan}");
}

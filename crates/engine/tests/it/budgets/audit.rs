//! Budgets, broken on purpose with raw SQL: the audit must find exactly that.

use super::campaign::{Campaign, base_and_spring, buy, on_both_stores, refund};

on_both_stores! {
    the_audit_finds_each_break_of_a_budget
}

const BREAKS: &[&str] = &[
    "update slice set used = used + 1",
    "update slice set used = granted + 1",
    "update slice set granted = granted + 1",
    "update slice set used = used - 1",
    "delete from slice",
    "update budget set granted = granted - 1",
    "update budget set used = used + 1",
    "update budget set allowed = 50",
    "delete from budget",
    "update award set freed = freed + 1 where freed > 0",
    "update award set freed = taken - 1 where freed > 0",
    "update award set freed = 1 where budget is null and taken > 0",
    "update award set budget = 'summer' where budget is not null",
    "update award set budget = null, freed = 0 where budget is not null",
];

/// Checks of the database itself that stand in the way of the tampering.
const UNCHECK: &str = "do $$ declare c record; begin
    for c in select conrelid::regclass as t, conname from pg_constraint
             where contype = 'c' and connamespace = current_schema()::regnamespace
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
    for sql in BREAKS {
        campaign.tamper(sql).await;
        let found: Vec<u8> = campaign.differences().await.iter().map(|finding| finding.invariant).collect();
        assert!(!found.is_empty() && found.iter().all(|number| *number == 7), "after `{sql}`: {found:?}");
        for table in saved {
            campaign.tamper(&format!("delete from {table}; insert into {table} select * from {table}_kept")).await;
        }
        campaign.audits_clean().await;
    }
}

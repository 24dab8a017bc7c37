//! Tiers, broken on purpose with raw SQL: the audit must find exactly that.

use std::collections::BTreeSet;

use super::club::{back, buy, by_years, open, said_of};
use crate::budgets::audit::UNCHECK;
use crate::budgets::campaign::{Campaign, on_both_stores};

on_both_stores! {
    the_audit_finds_each_break_of_a_tier
}

const LAST: &str = "a member has the tier of the last line of their history";
const FOLLOW: &str = "the lines of a history follow each other";
const POINTS: &str = "the points that count on a day are what its awards got and refunds did not ask for";
const NOUGHT: &str = "on no day less than nothing counts";
const DUE: &str = "a member's due row names the next time at which a lot activates, ends or is to be warned of, a hold ends, a reward is due, or a tier is reviewed";

/// Each with the checks that find it.
const BREAKS: &[(&str, &[&str])] = &[
    ("update member set tier = 'silver' where tier = 'gold'", &[LAST]),
    ("update member set tier = null, tier_since = null, tier_until = null", &[LAST, DUE]),
    ("update member set tier = 'silver' where tier is null", &[LAST]),
    ("update member set tier_since = tier_until", &[LAST]),
    ("update member set tier_until = null", &[LAST, DUE]),
    ("update tier_history set level = 'basic'", &[LAST]),
    ("update tier_history set since = until where since = (select min(since) from tier_history)", &[FOLLOW]),
    ("update tier_history set until = since where since = (select min(since) from tier_history)", &[FOLLOW]),
    ("update tier_history set id = -id", &[LAST, FOLLOW]),
    ("delete from tier_history where since = (select max(since) from tier_history)", &[LAST]),
    ("delete from tier_history", &[LAST]),
    ("update qualifying set amount = amount + 1 where measure = 'points'", &[POINTS]),
    ("update qualifying set amount = -1 where measure = 'spend'", &[NOUGHT]),
    ("update qualifying set day = day + 1 where measure = 'points'", &[POINTS]),
    ("delete from qualifying where measure = 'points'", &[POINTS]),
    ("update award set counts_on = null", &[POINTS]),
    ("update award set counts_on = counts_on - 1", &[POINTS]),
    ("update due set at = null", &[DUE]),
];

async fn the_audit_finds_each_break_of_a_tier(shop: Campaign) {
    open(&shop, &by_years()).await;
    let other = said_of("bob", &buy("o", "2022-01-05", "20.00"));
    shop.apply(&[&buy("a", "2022-01-10", "120.00"), &buy("b", "2022-03-10", "200.00"), &other]).await;
    shop.apply(&[&back("r", "2022-03-11", "a", r#","amount":"10.00""#)]).await;
    shop.audits_clean().await;
    if shop.url.starts_with("postgres") {
        shop.tamper(UNCHECK).await;
    }
    let saved = ["member", "tier_history", "qualifying", "award", "due"];
    for table in saved {
        shop.tamper(&format!("create table {table}_kept as select * from {table}")).await;
    }
    for (sql, expected) in BREAKS {
        shop.tamper(sql).await;
        let found: BTreeSet<&str> = shop.differences().await.iter().map(|finding| finding.name).collect();
        assert_eq!(found, expected.iter().copied().collect(), "after `{sql}`");
        for table in saved {
            shop.tamper(&format!("delete from {table}; insert into {table} select * from {table}_kept")).await;
        }
        shop.audits_clean().await;
    }
}

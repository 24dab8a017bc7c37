//! A shop with tiers, on any store.

use std::collections::HashSet;

use contract::MemberId;
use contract::program::{Program, Rule};
use contract::result::{ResultBody, ResultEvent, TierChange};
use contract::ruleset::Ruleset;
use engine::Settled;
use ledger::report::TiersReport;
use ledger::{LedgerError, Since};
use serde_json::{Value, json};

use crate::budgets::campaign::Campaign;
use crate::shop::{earn, pipeline};

/// A programme with tiers, in UTC.
pub(super) fn club(tiers: &Value) -> Value {
    json!({ "currency": "USD", "wallets": [{ "name": "points" }, { "name": "cents", "scale": 2 }], "tiers": tiers })
}

/// Silver at 100 points and gold at 300, in a calendar year, for the rest of it and the next.
pub(super) fn by_years() -> Value {
    json!({
        "levels": [
            { "name": "basic" },
            { "name": "silver", "reach": { "points": "100" } },
            { "name": "gold", "reach": { "points": "300" } },
        ],
        "window": { "calendar": "Year" },
        "validity": { "for": "1y", "roundUpTo": "Year" },
    })
}

/// The same with another field.
pub(super) fn with(mut tiers: Value, field: &str, value: Value) -> Value {
    tiers[field] = value;
    tiers
}

pub(super) async fn said(shop: &Campaign, program: &Value, from: &str) -> Result<(), LedgerError> {
    let program: Program = serde_json::from_value(program.clone()).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(json!([earn("base", "1")])).unwrap();
    let since = Since { valid_from: Some(from.parse().unwrap()), author: "test".into() };
    shop.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.map(|_| ())
}

pub(super) async fn open(shop: &Campaign, tiers: &Value) {
    said(shop, &club(tiers), "1970-01-01T00:00:00Z").await.unwrap();
}

/// Noon where a day is all that is said.
pub(super) fn time(when: &str) -> String {
    if when.contains('T') { when.to_owned() } else { format!("{when}T12:00:00Z") }
}

pub(super) fn buy(id: &str, when: &str, amount: &str) -> String {
    let at = time(when);
    format!(
        r#"{{"id":"{id}","type":"purchase","occurredAt":"{at}","member":"ann","order":"{id}","amount":"{amount}"}}"#
    )
}

pub(super) fn back(id: &str, when: &str, order: &str, rest: &str) -> String {
    let at = time(when);
    format!(r#"{{"id":"{id}","type":"refund","occurredAt":"{at}","member":"ann","order":"{order}"{rest}}}"#)
}

pub(super) fn visit(id: &str, when: &str) -> String {
    let at = time(when);
    format!(r#"{{"id":"{id}","type":"visit","occurredAt":"{at}","member":"ann"}}"#)
}

/// The same of another member, with an id and an order of their own.
pub(super) fn said_of(member: &str, line: &str) -> String {
    let own = |field: &str| (format!(r#""{field}":""#), format!(r#""{field}":"{member}-"#));
    let ((id, own_id), (order, own_order)) = (own("id"), own("order"));
    line.replace(r#""member":"ann""#, &format!(r#""member":"{member}""#))
        .replace(&id, &own_id)
        .replace(&order, &own_order)
}

/// Only the day, where it begins in UTC.
fn short(at: jiff::Timestamp) -> String {
    at.to_string().replace("T00:00:00Z", "").replace("T12:00:00Z", " noon")
}

fn changes(results: &[ResultEvent]) -> Vec<String> {
    let change = |result: &ResultEvent| match &result.body {
        ResultBody::TierChanged(TierChange { from, to, since, until, reason }) => {
            let until = until.map_or_else(|| "for ever".to_owned(), |until| format!("until {}", short(until)));
            Some(format!("{from} to {to} since {} {until}: {}", short(*since), reason.as_str()))
        }
        _ => None,
    };
    results.iter().filter_map(change).collect()
}

/// What was told of tiers, whatever else was.
pub(super) fn told(settled: &[Settled]) -> Vec<String> {
    let results = settled.iter().flat_map(|settled| match settled {
        Settled::Fresh { results, .. } | Settled::Replayed { results, .. } => results.clone(),
        Settled::Buried(refusal) => panic!("{refusal:?}"),
    });
    changes(&results.collect::<Vec<_>>())
}

/// What timers tell of tiers by a time.
pub(super) async fn timers(shop: &Campaign, by: &str) -> Vec<String> {
    let (by, mut results) = (time(by).parse().unwrap(), Vec::new());
    while let Some(settled) = shop.engine.settle_due(by, 3, &HashSet::new()).await.unwrap() {
        results.extend(settled.results);
    }
    changes(&results)
}

pub(super) async fn report(shop: &Campaign, member: &str) -> TiersReport {
    shop.ledger.tiers(&pipeline(), &MemberId::parse(member).unwrap()).await.unwrap().unwrap_or_default()
}

/// The lines of a member's own history, and what they have now.
pub(super) async fn history(shop: &Campaign, member: &str) -> Vec<String> {
    shop.audits_clean().await;
    let own = report(shop, member).await.history.into_iter().filter(|line| !line.of_merged);
    let line = |line: ledger::report::TierReport| {
        let until = line.until.map_or_else(|| "for ever".to_owned(), |until| format!("until {}", short(until)));
        format!("{} since {} {until}: {}", line.level, short(line.since), line.reason.as_str())
    };
    own.map(line).collect()
}

/// What counts, by days.
pub(super) async fn counted(shop: &Campaign, member: &str) -> Vec<String> {
    let counted = report(shop, member).await.counted;
    counted.iter().map(|row| format!("{} {} {}", row.day, row.amount, row.measure.as_str())).collect()
}

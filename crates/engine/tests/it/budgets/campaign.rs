//! A shop with a campaign, on any store, with as many workers as one likes.

use std::sync::Arc;

use contract::event::Event;
use contract::intake::{Intake, TimeLimits};
use contract::pipeline::Events;
use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use contract::{Currency, EventId};
use engine::{Engine, EngineError, Settled};
use jiff::Timestamp;
use ledger::audit::{Auditing, Finding};
use ledger::report::AwardReport;
use ledger::{Ledger, LedgerError, Since};
use serde_json::{Value, json};

use crate::shop::{NOW, earn, pipeline};

/// Runs each named test on each store, with a campaign of its own.
macro_rules! on_both_stores {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test] async fn $name() { super::$name(crate::budgets::campaign::Campaign::sqlite().await).await })* }
        mod postgres { $(#[tokio::test] async fn $name() { super::$name(crate::budgets::campaign::Campaign::postgres().await).await })* }
    };
}
pub(crate) use on_both_stores;

pub(crate) async fn raw_postgres(url: &str, sql: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.simple_query(sql).await.unwrap()
}

pub(crate) struct Campaign {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) url: String,
    pub(crate) engine: Engine,
    intake: Intake,
    folder: Option<Arc<tempfile::TempDir>>,
}

/// A point a unit of money, and ten more out of the budget.
pub(crate) fn base_and_spring() -> Value {
    let mut spring = earn("spring", "10");
    spring["earn"]["budget"] = json!("spring");
    json!([earn("base", "1"), spring])
}

pub(crate) fn buy(order: &str, member: &str, amount: &str) -> String {
    let of = "2026-01-10T12:00:00Z";
    format!(
        r#"{{"id":"{order}","type":"purchase","occurredAt":"{of}","member":"{member}","order":"{order}","amount":"{amount}"}}"#
    )
}

pub(crate) fn refund(id: &str, member: &str, order: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"refund","occurredAt":"2026-01-31T12:00:00Z","member":"{member}","order":"{order}"{rest}}}"#
    )
}

impl Campaign {
    pub(crate) async fn sqlite() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
        Self::fresh(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::fresh(testbed::own_schema().await, None).await
    }

    /// Another shop on such a store.
    pub(crate) async fn fresh_one(&self) -> Self {
        if self.folder.is_some() { Self::sqlite().await } else { Self::postgres().await }
    }

    async fn fresh(url: String, folder: Option<Arc<tempfile::TempDir>>) -> Self {
        let ledger = ledger::open(&url).unwrap();
        ledger.migrate().await.unwrap();
        append(ledger.as_ref(), ("points", &json!([])), None).await.unwrap();
        Self::on(url, folder).await
    }

    async fn on(url: String, folder: Option<Arc<tempfile::TempDir>>) -> Self {
        let events: Events = serde_json::from_value(json!({
            "clock": "Event",
            "sources": [{ "exchange": { "name": "shop" }, "routingKeys": ["#"], "types": [
                "purchase", "refund", "redeem", "hold", "capture", "release", "transfer", "visit", "promote", "erase", "merge",
            ] }],
        }))
        .unwrap();
        let ledger = ledger::open(&url).unwrap();
        let engine = Engine::open(pipeline(), ledger.clone(), TimeLimits::new(&events)).await.unwrap();
        Self { ledger, url, engine, intake: Intake::new(&events, Currency::parse("USD").unwrap()), folder }
    }

    /// Another worker on the same tables.
    pub(crate) async fn beside(&self) -> Self {
        Self::on(self.url.clone(), self.folder.clone()).await
    }

    /// The same, under a name by which its connections can be told from all others of the database.
    pub(crate) async fn beside_as(&self, application: &str) -> Self {
        Self::on(format!("{}&application_name={application}", self.url), self.folder.clone()).await
    }

    /// From now on these rules, and so much in budget `spring`.
    pub(crate) async fn rules(&self, rules: &Value, points: &str) {
        self.rules_of("points", rules, points).await;
    }

    /// From now on these rules, and no budget.
    pub(crate) async fn rules_without_budget(&self, rules: &Value) {
        append(self.ledger.as_ref(), ("points", rules), None).await.unwrap();
    }

    pub(crate) async fn rules_of(&self, wallet: &str, rules: &Value, points: &str) {
        self.try_rules(wallet, rules, points).await.unwrap();
    }

    pub(crate) async fn try_rules(&self, wallet: &str, rules: &Value, points: &str) -> Result<(), LedgerError> {
        append(self.ledger.as_ref(), (wallet, rules), Some(points)).await
    }

    /// The same from a time on.
    pub(crate) async fn rules_from(&self, rules: &Value, from: &str) {
        let program: Program = serde_json::from_value(json!({
            "currency": "USD", "wallets": [{ "name": "points" }, { "name": "cents", "scale": 2 }],
            "budgets": [{ "name": "spring", "wallet": "points", "points": "1" }],
        }))
        .unwrap();
        let rules: Vec<Rule> = serde_json::from_value(rules.clone()).unwrap();
        let since = Since { valid_from: Some(from.parse().unwrap()), author: "test".into() };
        self.ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
    }

    pub(crate) fn read(&self, line: &str) -> Event {
        self.intake.decode_unrouted(line.as_bytes()).unwrap()
    }

    /// None of them may be buried.
    pub(crate) async fn apply(&self, lines: &[&str]) -> Vec<Settled> {
        let settled = self.try_apply(lines).await.unwrap();
        assert!(!settled.iter().any(|settled| matches!(settled, Settled::Buried(_))), "{settled:?}");
        settled
    }

    pub(crate) async fn try_apply(&self, lines: &[&str]) -> Result<Vec<Settled>, EngineError> {
        let events: Vec<Event> = lines.iter().map(|line| self.read(line)).collect();
        self.engine.apply(&events, &[], NOW.parse().unwrap()).await
    }

    pub(crate) async fn preview(&self, line: &str) -> Vec<Settled> {
        self.engine.preview(&[self.read(line)], NOW.parse().unwrap()).await.unwrap()
    }

    /// How much of budget `spring` is used and how much is left.
    pub(crate) async fn stands(&self) -> String {
        let reports = self.ledger.budgets(&pipeline()).await.unwrap();
        format!("{} used, {} left", reports[0].used, reports[0].left)
    }

    /// What lies unused in each slice.
    pub(crate) async fn slices(&self) -> Vec<i64> {
        const SQL: &str = "select granted - used from slice order by 1";
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(path).unwrap();
            let mut statement = connection.prepare(SQL).unwrap();
            return statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        }
        let value = |message: tokio_postgres::SimpleQueryMessage| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap().parse().unwrap()),
            _ => None,
        };
        raw_postgres(&self.url, SQL).await.into_iter().filter_map(value).collect()
    }

    /// Changes rows behind the ledger's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch("pragma ignore_check_constraints = on").unwrap();
            connection.execute_batch(sql).unwrap();
        } else {
            raw_postgres(&self.url, sql).await;
        }
    }

    pub(crate) async fn explain(&self, event: &str) -> Vec<AwardReport> {
        let id = EventId::parse(event).unwrap();
        let report = self.ledger.explain_event(&pipeline(), &id, None).await.unwrap().remove(0);
        report.entry.map(|entry| entry.awards).unwrap_or_default()
    }

    pub(crate) async fn available(&self, member: &str) -> String {
        let member = member.to_owned().try_into().unwrap();
        let balance = self.ledger.balance(&pipeline(), &member).await.unwrap();
        let first = balance.as_ref().and_then(|wallets| wallets.first());
        first.map_or("0".to_owned(), |wallet| wallet.available.to_string())
    }

    pub(crate) async fn differences(&self) -> Vec<Finding> {
        let mut findings = self.ledger.audit(&pipeline(), Auditing::Running, &|_, _| {}).await.unwrap();
        findings.retain(|finding| !finding.pending);
        findings
    }

    pub(crate) async fn audits_clean(&self) {
        assert_eq!(self.differences().await, []);
    }
}

pub(crate) async fn append(
    ledger: &dyn Ledger,
    (wallet, rules): (&str, &Value),
    budget: Option<&str>,
) -> Result<(), LedgerError> {
    let mut program = json!({ "currency": "USD", "wallets": [{ "name": "points" }, { "name": "cents", "scale": 2 }] });
    if let Some(points) = budget {
        program["budgets"] = json!([{ "name": "spring", "wallet": wallet, "points": points }]);
    }
    let program: Program = serde_json::from_value(program).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(rules.clone()).unwrap();
    // Of the beginning of time: what happened before this is decided by it too.
    let since = Since { valid_from: Some(Timestamp::UNIX_EPOCH), author: "test".into() };
    ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.map(|_| ())
}

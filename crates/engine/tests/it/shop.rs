//! A shop with a ledger of its own.

use std::sync::Arc;

use contract::event::Event;
use contract::intake::{Intake, TimeLimits};
use contract::pipeline::Events;
use contract::program::{Program, Rule};
use contract::ruleset::Ruleset;
use contract::{Currency, MemberId, PipelineName};
use engine::{Engine, Settled};
use jiff::Timestamp;
use ledger::audit::Auditing;
use ledger::{Ledger, Since};

pub(crate) struct Shop {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) engine: Engine,
    intake: Intake,
}

pub(crate) const NOW: &str = "2026-02-01T00:00:00Z";

/// One point a unit of money, rounded down.
pub(crate) fn base() -> serde_json::Value {
    serde_json::json!([earn("base", "1")])
}

pub(crate) fn earn(name: &str, points: &str) -> serde_json::Value {
    serde_json::json!({ "name": name, "on": "purchase", "earn": { "wallet": "points", "per": { "amount": "1.00", "points": points } } })
}

pub(crate) fn pipeline() -> PipelineName {
    PipelineName::parse("shop").unwrap()
}

impl Shop {
    pub(crate) async fn open(url: &str, clock: &str) -> Self {
        let events: Events = serde_json::from_value(serde_json::json!({
            "clock": clock,
            "sources": [{ "exchange": { "name": "shop" }, "routingKeys": ["#"], "types": ["purchase", "refund", "redeem", "hold", "capture", "release", "reinstate", "transfer", "freeze", "erase", "merge", "visit"] }],
        }))
        .unwrap();
        let ledger = ledger::open(url).unwrap();
        ledger.migrate().await.unwrap();
        append(ledger.as_ref(), base(), None).await;
        let engine = Engine::open(pipeline(), ledger.clone(), TimeLimits::new(&events)).await.unwrap();
        Self { ledger, engine, intake: Intake::new(&events, Currency::parse("USD").unwrap()) }
    }

    pub(crate) async fn in_memory() -> Self {
        Self::open("sqlite::memory:", "Event").await
    }

    pub(crate) fn read(&self, line: &str) -> Event {
        self.try_read(line).unwrap()
    }

    pub(crate) fn try_read(&self, line: &str) -> Result<Event, contract::Refusal> {
        self.intake.decode_unrouted(line.as_bytes())
    }

    pub(crate) async fn apply(&self, lines: &[&str]) -> Vec<Settled> {
        let events: Vec<Event> = lines.iter().map(|line| self.read(line)).collect();
        self.engine.apply(&events, &[], NOW.parse::<Timestamp>().unwrap()).await.unwrap()
    }

    pub(crate) async fn available(&self, member: &str) -> String {
        let balance = self.ledger.balance(&pipeline(), &MemberId::parse(member).unwrap()).await.unwrap();
        balance.map_or("0".to_owned(), |wallets| wallets[0].available.to_string())
    }

    pub(crate) async fn audits_clean(&self) {
        let findings = self.ledger.audit(&pipeline(), Auditing::Running, &|_, _| {}).await.unwrap();
        let differences: Vec<_> = findings.iter().filter(|finding| !finding.pending).collect();
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

pub(crate) async fn append(ledger: &dyn Ledger, rules: serde_json::Value, valid_from: Option<&str>) {
    let program: Program =
        serde_json::from_value(serde_json::json!({ "currency": "USD", "wallets": [{ "name": "points" }] })).unwrap();
    let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    let since = Since { valid_from: valid_from.map(|at| at.parse().unwrap()), author: "test".into() };
    ledger.append_timeline(&pipeline(), &Ruleset::new(&program, &rules), &since).await.unwrap();
}

/// A purchase at noon of a day in January 2026.
pub(crate) fn purchase(id: &str, day: u8, amount: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"purchase","occurredAt":"2026-01-{day:02}T12:00:00Z","member":"m","order":"{id}","amount":"{amount}"}}"#
    )
}

pub(crate) fn refund(id: &str, order: &str, rest: &str) -> String {
    format!(
        r#"{{"id":"{id}","type":"refund","occurredAt":"2026-01-31T12:00:00Z","member":"m","order":"{order}"{rest}}}"#
    )
}

/// What became of each event, in a word.
pub(crate) fn words(settled: &[Settled]) -> Vec<String> {
    let word = |settled: &Settled| match settled {
        Settled::Fresh { outcome, results, .. } => format!("{} {}", outcome.as_str(), results.len()),
        Settled::Replayed { results, .. } => format!("Replayed {}", results.len()),
        Settled::Buried(refusal) => refusal.reason.to_string(),
    };
    settled.iter().map(word).collect()
}

//! What is due for a pipeline's members, as far as it can be seen from here.

use std::time::{Duration, Instant};

use contract::pipeline::{Clock, Events};
use contract::program::{Expiry, Pending};
use contract::ruleset::Ruleset;
use jiff::Timestamp;
use scaling::Due;

use crate::board::Running;

/// How often a ledger is asked while nobody works; what is due may wait for much longer.
const ASLEEP_AGAIN: Duration = Duration::from_secs(30);

/// How often while somebody does: a worker that is not needed any more shall not stay.
const AWAKE_AGAIN: Duration = Duration::from_secs(5);

/// A ledger that does not answer within this is unknown for now; the queues must not wait for it.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What one pipeline's ledger said last.
#[derive(Debug, Default)]
pub(super) struct Asked {
    at: Option<Instant>,
    /// It stands until there is another: while nobody works, it hardly changes.
    answer: Answer,
}

#[derive(Debug, Default, Clone, Copy)]
enum Answer {
    #[default]
    NotYet,
    Nothing,
    /// When the next thing is or was due.
    Next(Timestamp),
}

impl Asked {
    /// Asks if it is time to.
    pub(super) async fn look(&mut self, running: &Running, is_asleep: bool) -> Due {
        // Histories and imports: what is due follows the events' time, and workers have no timers.
        if running.valid.spec.events.clock == Clock::Event {
            return Due::Nothing;
        }
        let again = if is_asleep { ASLEEP_AGAIN } else { AWAKE_AGAIN };
        if running.ledger.is_some() && self.at.is_none_or(|at| at.elapsed() >= again) {
            self.at = Some(Instant::now());
            self.answer = ask(running).await.unwrap_or(self.answer);
        }
        let now = Timestamp::now();
        match self.answer {
            Answer::Next(next) if next <= now => Due::Since(now.duration_since(next).unsigned_abs()),
            Answer::NotYet if has_times(&running.valid.ruleset) || takes_holds(&running.valid.spec.events) => {
                Due::Unknown
            }
            _ => Due::Nothing,
        }
    }
}

/// `None` where there is nobody to ask, or no answer.
async fn ask(running: &Running) -> Option<Answer> {
    let (ledger, valid) = (running.ledger.as_ref()?, &running.valid);
    match tokio::time::timeout(ANSWER_MAX, ledger.next_due(&valid.name)).await {
        Ok(Ok(next)) => return Some(next.map_or(Answer::Nothing, Answer::Next)),
        Ok(Err(error)) => {
            tracing::debug!(pipeline = %valid.key, error = host::chain(&error), "what is due is not known");
        }
        Err(_) => tracing::debug!(pipeline = %valid.key, "what is due is not known: the ledger does not answer"),
    }
    None
}

/// Whether any points of these rules wait or end, or their tiers do.
fn has_times(rules: &Ruleset) -> bool {
    let wallets = rules.program.wallets.iter().map(|wallet| (&wallet.pending, &wallet.expiry));
    let reviews = rules.program.tiers.as_ref().is_some_and(|tiers| tiers.validity.is_some());
    let earns = rules.rules.iter().filter_map(|rule| rule.earn.as_ref()).map(|earn| (&earn.pending, &earn.expiry));
    let has_end = |(pending, expiry): (&Option<Pending>, &Option<Expiry>)| {
        pending.is_some() || expiry.as_ref().is_some_and(|expiry| !expiry.never)
    };
    reviews || wallets.chain(earns).any(has_end)
}

/// Whether a till may hold points: each hold can end by a time that its event names.
fn takes_holds(events: &Events) -> bool {
    events.sources.iter().flat_map(|source| &source.types).any(|kind| kind.as_str() == "hold")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_holds_may_have_one_that_ends() {
        for (types, expected) in [("[purchase]", false), ("[purchase, hold]", true), ("[capture, release]", false)] {
            let source = format!("{{ exchange: {{ name: shop }}, routingKeys: ['#'], types: {types} }}");
            let events =
                format!("sources: [{{ exchange: {{ name: web }}, routingKeys: ['#'], types: [visit] }}, {source}]");
            assert_eq!(takes_holds(&serde_yaml::from_str(&events).unwrap()), expected, "{types}");
        }
    }

    #[test]
    fn a_programme_whose_points_neither_wait_nor_end_has_nothing_due() {
        let base = r#"{ "name": "base", "on": "purchase", "earn": { "wallet": "points", "fixed": "1" } }"#;
        let late = base.replace(r#""fixed""#, r#""pending": { "for": "1d" }, "fixed""#);
        let ends = base.replace(r#""fixed""#, r#""expiry": { "after": "1y" }, "fixed""#);
        let table = [
            ("", base.to_owned(), false),
            (r#", "pending": { "for": "14d" }"#, base.to_owned(), true),
            (r#", "expiry": { "after": "12mo" }"#, base.to_owned(), true),
            ("", late, true),
            ("", ends, true),
            (r#", "expiry": { "onDates": ["12-31"] }"#, base.to_owned(), true),
            (r#", "expiry": { "never": true }"#, base.to_owned(), false),
        ];
        for (wallet, rule, expected) in table {
            let program = format!(r#"{{ "currency": "EUR", "wallets": [{{ "name": "points"{wallet} }}] }}"#);
            let rules = [serde_json::from_str(&rule).unwrap()];
            let ruleset = Ruleset::new(&serde_json::from_str(&program).unwrap(), &rules);
            assert_eq!(has_times(&ruleset), expected, "{program}, {rule}");
        }
    }

    #[test]
    fn a_programme_whose_tiers_are_reviewed_may_have_something_due() {
        for (validity, expected) in [("", false), (r#", "validity": { "for": "1y" }"#, true)] {
            let tiers =
                format!(r#"{{ "levels": [{{ "name": "basic" }}], "window": {{ "forEver": true }}{validity} }}"#);
            let program = format!(r#"{{ "currency": "EUR", "wallets": [{{ "name": "points" }}], "tiers": {tiers} }}"#);
            let ruleset = Ruleset::new(&serde_json::from_str(&program).unwrap(), &[]);
            assert_eq!(has_times(&ruleset), expected, "{program}");
        }
    }
}

//! What was expected beside what was found. Pure.

use std::collections::BTreeMap;

use api::{Balance, Number, Results};
use contract::WalletName;
use contract::result::ResultEvent;
use ledger::report::Balance as Found;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::simulate::feed::Buried;

/// Something that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// What was looked at, such as `points stars available`.
    pub(super) what: String,
    /// The event behind it, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<String>,
    pub(super) expected: String,
    pub(super) found: String,
    /// The wallet whose awards say why.
    #[serde(skip)]
    pub(super) wallet: Option<WalletName>,
}

/// Points of a member; `whose` stands before what is told.
pub(super) fn points(whose: &str, expected: &BTreeMap<String, Balance>, found: &[Found]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (name, balance) in expected {
        let has = found.iter().find(|has| has.wallet.as_str() == name);
        for (state, Number(number)) in &balance.states {
            let amount = has.map_or(Decimal::ZERO, |has| match *state {
                "pending" => has.pending,
                "held" => has.held,
                "debt" => has.debt,
                _ => has.available,
            });
            if number.parse() != Ok(amount) {
                differences.push(Difference {
                    what: format!("{whose}points {name} {state}"),
                    event: None,
                    expected: number.clone(),
                    found: amount.to_string(),
                    wallet: WalletName::parse(name).ok(),
                });
            }
        }
    }
    differences
}

/// The tier of a member.
pub(super) fn tier(whose: &str, expected: Option<&str>, found: &str) -> Option<Difference> {
    let expected = expected.filter(|expected| *expected != found)?.to_owned();
    let (what, found) = (format!("{whose}tier"), found.to_owned());
    Some(Difference { what, event: None, expected, found, wallet: None })
}

/// Results of each type that is named.
pub(super) fn results(expected: &BTreeMap<String, Results>, found: &[ResultEvent]) -> Vec<Difference> {
    let of = |name: &str| found.iter().filter(|result| result.body.type_name() == name).collect::<Vec<_>>();
    expected.iter().flat_map(|(name, results)| of_type(name, results, &of(name))).collect()
}

fn of_type(name: &str, expected: &Results, found: &[&ResultEvent]) -> Vec<Difference> {
    let difference = |what: String, event: Option<&ResultEvent>, (expected, found): (String, String)| Difference {
        what,
        event: event.map(|event| event.cause.id.to_string()),
        expected,
        found,
        wallet: None,
    };
    let each = match expected {
        Results::Count(count) if *count == found.len() as u64 => return Vec::new(),
        Results::Count(count) => {
            let numbers = (count.to_string(), found.len().to_string());
            return vec![difference(format!("{name}, how many"), found.last().copied(), numbers)];
        }
        Results::Each(each) => each,
    };
    let mut differences = Vec::new();
    for n in 0..each.len().max(found.len()) {
        let (wanted, result) = (each.get(n), found.get(n).copied());
        let data = result.map(data).unwrap_or_default();
        let what = if each.len().max(found.len()) == 1 { name.to_owned() } else { format!("{name} [{n}]") };
        match (wanted, result) {
            (Some(wanted), Some(_)) if fits(wanted, &data) => {}
            (Some(wanted), Some(_)) => {
                let same = |key: &String| data.get(key).cloned().unwrap_or(Value::Null);
                let found: Map<String, Value> = wanted.keys().map(|key| (key.clone(), same(key))).collect();
                differences.push(difference(what, result, (line(wanted), line(&found))));
            }
            (Some(wanted), None) => differences.push(difference(what, None, (line(wanted), "none".to_owned()))),
            (None, _) => differences.push(difference(what, result, ("none".to_owned(), line(&data)))),
        }
    }
    differences
}

/// Events that would be buried, in their order.
pub(super) fn buried(expected: &[String], found: &[Buried]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for n in 0..expected.len().max(found.len()) {
        let (wanted, buried) = (expected.get(n), found.get(n));
        if wanted.map(String::as_str) == buried.map(|buried| buried.reason.as_str()) {
            continue;
        }
        let told = |buried: &Buried| format!("{}: {}", buried.reason, buried.detail);
        differences.push(Difference {
            what: "buried".to_owned(),
            event: buried.map(|buried| format!("number {}", buried.line)),
            expected: wanted.cloned().unwrap_or_else(|| "none".to_owned()),
            found: buried.map_or_else(|| "none".to_owned(), told),
            wallet: None,
        });
    }
    differences
}

/// The `data` of a result, with its member.
fn data(result: &ResultEvent) -> Map<String, Value> {
    let body = serde_json::to_value(&result.body).unwrap_or_default();
    let mut data = body.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
    data.entry("member").or_insert_with(|| result.member.as_str().into());
    data
}

/// Whether all that was named is so; numbers are the same however they are written.
fn fits(wanted: &Map<String, Value>, found: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, value)| found.get(key).is_some_and(|found| same(value, found)))
}

fn same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => fits(wanted, found),
        (Value::Array(wanted), Value::Array(found)) => {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(wanted, found)| same(wanted, found))
        }
        _ if wanted == found => true,
        _ => number(wanted).is_some_and(|wanted| number(found) == Some(wanted)),
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// `points: 9, wallet: stars`.
fn line(fields: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    };
    fields.iter().map(|(key, value)| format!("{key}: {}", text(value))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_however_they_are_written_and_what_is_not_named_does_not_matter() {
        let of = |json: &str| serde_json::from_str::<Map<String, Value>>(json).unwrap();
        let found = of(r#"{"points":"9.00","wallet":"stars","awards":[{"rule":"base","points":"9.00"}]}"#);
        for (wanted, fit) in [
            (r#"{"points":9}"#, true),
            (r#"{"points":"9.0","wallet":"stars"}"#, true),
            (r#"{"awards":[{"rule":"base"}]}"#, true),
            (r#"{"awards":[]}"#, false),
            (r#"{"points":9.01}"#, false),
            (r#"{"wallet":"star"}"#, false),
            (r#"{"pionts":9}"#, false),
        ] {
            assert_eq!(fits(&of(wanted), &found), fit, "{wanted}");
        }
    }
}

//! Events and rule sets in few words.

use std::collections::BTreeMap;

use contract::decision::{Award, Decision, Facts, OrderAward, OrderState, Returned};
use contract::event::{Event, Kind, Line, LineRef, Purchase, Refund, RefundLine};
use contract::ruleset::{Ruleset, SEMANTICS};
use contract::{Currency, EventId, EventType, MemberId, Money, OrderId, Points, Quantity, Source, WalletName};
use rules::{Compiled, compile};
use serde_json::{Value, json};

pub(crate) fn ruleset_of(wallets: &Value, rules: &Value) -> Ruleset {
    let program = json!({ "currency": "USD", "wallets": wallets });
    let ruleset = json!({ "semantics": SEMANTICS, "program": program, "rules": rules });
    serde_json::from_value(ruleset).expect("a rule set's shape")
}

/// One wallet `points` without decimals.
pub(crate) fn compiled(rules: &Value) -> Compiled {
    let ruleset = ruleset_of(&json!([{ "name": "points" }]), rules);
    compile(ruleset).unwrap_or_else(|errors| panic!("{}", sentences(&errors)))
}

pub(crate) fn sentences(errors: &[rules::RuleError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// `points` per `amount`, with what else the rule says.
pub(crate) fn per(name: &str, points: &str, amount: &str, and: &Value) -> Value {
    earn(name, &json!({ "per": { "amount": amount, "points": points } }), and)
}

pub(crate) fn earn(name: &str, how: &Value, and: &Value) -> Value {
    let earn = merged(&json!({ "wallet": "points" }), how);
    merged(&json!({ "name": name, "on": "purchase", "earn": earn }), and)
}

pub(crate) fn multiply(name: &str, by: &str, and: &Value) -> Value {
    merged(&json!({ "name": name, "on": "purchase", "multiply": { "by": by } }), and)
}

pub(crate) fn merged(a: &Value, b: &Value) -> Value {
    let mut all = a.as_object().expect("an object").clone();
    all.extend(b.as_object().expect("an object").clone());
    Value::Object(all)
}

pub(crate) fn money(text: &str) -> Money {
    Money::parse(text, Currency::parse("USD").unwrap()).unwrap()
}

pub(crate) fn line(id: &str, amount: &str) -> Line {
    Line::plain(id, Quantity::parse("1").unwrap(), money(amount))
}

pub(crate) fn event(kind: Kind) -> Event {
    Event {
        source: Source::parse("shop").unwrap(),
        id: EventId::parse("e-1").unwrap(),
        occurred_at: "2026-11-23T12:00:00Z".parse().unwrap(),
        member: MemberId::parse("m-1").unwrap(),
        channel: Some("web".to_owned()),
        data: BTreeMap::new(),
        kind,
    }
}

pub(crate) fn with_data(event: Event, data: Value) -> Event {
    Event { data: serde_json::from_value(data).expect("an object"), ..event }
}

pub(crate) fn purchase(lines: Vec<Line>) -> Event {
    let minor = lines.iter().map(|line| line.amount.minor).sum();
    let amount = money("0").with_minor(minor);
    event(Kind::Purchase(Purchase { order: OrderId::parse("o-1").unwrap(), amount, lines }))
}

/// An order of one amount.
pub(crate) fn order(amount: &str) -> Event {
    purchase(vec![line("1", amount)])
}

pub(crate) fn custom(name: &str) -> Event {
    event(Kind::Custom(EventType::parse(name).unwrap()))
}

pub(crate) fn awards(compiled: &Compiled, event: &Event) -> Vec<Award> {
    match compiled.decide(event, Facts::default()) {
        Ok(Decision::Purchase { awards, .. } | Decision::Activity { awards, .. }) => awards,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn points(compiled: &Compiled, event: &Event) -> i64 {
    awards(compiled, event).iter().map(|award| award.points.0).sum()
}

/// The order as a ledger would remember it.
pub(crate) fn state(compiled: &Compiled, event: &Event) -> OrderState {
    let awards = awards(compiled, event).into_iter().map(|award| OrderAward {
        rule: award.rule,
        wallet: award.wallet,
        awarded: award.points,
        due: Points::ZERO,
        taken: Points::ZERO,
        waived: Points::ZERO,
        budget: award.inputs.budget.map(|budget| budget.name),
    });
    OrderState {
        tier: None,
        purchase: event.clone(),
        ruleset: compiled.hash().clone(),
        returned: Returned::default(),
        awards: awards.collect(),
        tallied: Vec::new(),
    }
}

/// Applies one refund to the order and tells what is due in all from wallet `points`.
pub(crate) fn refunded(compiled: &Compiled, state: &mut OrderState, refund: &Refund) -> i64 {
    let event = event(Kind::Refund(refund.clone()));
    match compiled.decide(&event, Facts { order: Some(state), ..Facts::default() }) {
        Ok(Decision::Refund { returned, due, .. }) => {
            state.returned = returned;
            due.get("points").copied().unwrap_or_default().0
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn whole() -> Refund {
    Refund { order: OrderId::parse("o-1").unwrap(), lines: Vec::new(), amount: None }
}

pub(crate) fn back(amount: &str) -> Refund {
    Refund { amount: Some(money(amount)), ..whole() }
}

pub(crate) fn lines_back(lines: Vec<RefundLine>) -> Refund {
    Refund { lines, ..whole() }
}

pub(crate) fn by_id(id: &str, quantity: Option<&str>, amount: Option<&str>) -> RefundLine {
    named(LineRef::Id(id.to_owned()), quantity, amount)
}

pub(crate) fn by_sku(sku: &str, quantity: Option<&str>, amount: Option<&str>) -> RefundLine {
    named(LineRef::Sku(sku.to_owned()), quantity, amount)
}

fn named(line: LineRef, quantity: Option<&str>, amount: Option<&str>) -> RefundLine {
    let quantity = quantity.map(|text| Quantity::parse(text).unwrap());
    RefundLine { line, quantity, amount: amount.map(money) }
}

pub(crate) fn wallet(name: &str) -> WalletName {
    WalletName::parse(name).unwrap()
}

/// A small generator with a seed (xorshift), so that a failure can be run again.
pub(crate) struct Dice(u64);

impl Dice {
    /// `SEED` from the environment, else the given one; printed, so that a failing run tells it.
    pub(crate) fn seeded(default: u64) -> Self {
        let seed = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(default);
        println!("SEED={seed}");
        Self(seed.max(1))
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub(crate) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

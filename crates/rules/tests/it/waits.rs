//! Points that wait for something that happens to their order.

use contract::decision::{Decision, Facts};
use contract::event::{Event, Kind, OfOrder};
use contract::{EventType, OrderId};
use rules::{Compiled, compile};
use serde_json::{Value, json};

use crate::support::{awards, custom, earn, event, merged, order, ruleset_of, sentences, state};

fn programme(pending: &Value, rules: &[Value]) -> Result<Compiled, String> {
    let wallets = json!([{ "name": "points", "pending": pending }, { "name": "stars" }]);
    compile(ruleset_of(&wallets, &json!(rules))).map_err(|errors| sentences(&errors))
}

fn base(how: &Value) -> Value {
    earn("base", &merged(&json!({ "fixed": "1" }), how), &json!({}))
}

fn of_order(name: &str) -> Event {
    event(Kind::OfOrder(OfOrder { name: name.to_owned().try_into().unwrap(), order: OrderId::parse("o-1").unwrap() }))
}

#[test]
fn points_wait_for_what_their_wallet_or_their_rule_says() {
    let waits = |pending: Value, how: Value| {
        let compiled = programme(&pending, &[base(&how)]).unwrap();
        let award = awards(&compiled, &order("1")).remove(0);
        (award.until.map(|until| until.to_string()), award.dates.activates.map(|at| at.to_string()))
    };
    let in_two_weeks = Some("2026-12-07T12:00:00Z".to_owned());
    assert_eq!(waits(json!({ "until": "delivered" }), json!({})), (Some("delivered".to_owned()), None));
    let no_longer = json!({ "until": "delivered", "for": "14d" });
    assert_eq!(waits(no_longer, json!({})), (Some("delivered".to_owned()), in_two_weeks.clone()));
    let of_the_rule = json!({ "pending": { "for": "14d" } });
    assert_eq!(waits(json!({ "until": "delivered" }), of_the_rule), (None, in_two_weeks));
    assert_eq!(waits(json!({ "until": "delivered" }), json!({ "pending": { "for": "0d" } })), (None, None));
}

#[test]
fn what_is_waited_for_waits_for_its_purchase() {
    let compiled = programme(&json!({ "until": "delivered" }), &[base(&json!({}))]).unwrap();
    let awaited = Facts { is_awaited: true, ..Facts::default() };
    let parked = Decision::Park { order: OrderId::parse("o-1").unwrap() };
    let nothing = Decision::Activity { awards: Vec::new(), tallies: Vec::new() };
    assert_eq!(compiled.decide(&of_order("delivered"), awaited).unwrap(), parked);
    assert_eq!(compiled.decide(&of_order("packed"), Facts::default()).unwrap(), nothing);
    assert_eq!(compiled.decide(&custom("delivered"), Facts::default()).unwrap(), nothing);
    let known = state(&compiled, &order("1"));
    let facts = Facts { order: Some(&known), ..awaited };
    assert_eq!(compiled.decide(&of_order("delivered"), facts).unwrap(), nothing);
    // A rule's own points may wait, too.
    let own = base(&json!({ "pending": { "until": "packed" } }));
    let compiled = programme(&json!({ "for": "1d" }), &[own]).unwrap();
    assert_eq!(compiled.awaited().iter().map(EventType::as_str).collect::<Vec<_>>(), ["packed"]);
}

#[test]
fn an_activity_of_an_order_earns_like_any_other() {
    let reviewed =
        merged(&earn("review", &json!({ "fixed": "5", "wallet": "stars" }), &json!({})), &json!({ "on": "reviewed" }));
    let compiled = programme(&json!({ "for": "1d" }), &[reviewed]).unwrap();
    assert_eq!(awards(&compiled, &of_order("reviewed"))[0].points.0, 5);
}

#[test]
fn a_wait_that_cannot_end_is_refused() {
    let faults = |pending: Value, rule: Value| programme(&pending, &[rule]).err().unwrap_or_default();
    assert_eq!(
        faults(json!({ "until": "purchase" }), base(&json!({}))),
        "spec.program.wallets[0].pending.until: `purchase` is not about an order that was bought before; name an activity of your own"
    );
    assert_eq!(
        faults(json!({ "until": "delivered", "for": "0d" }), base(&json!({}))),
        "spec.program.wallets[0].pending.until: has nothing to shorten, as `for` is no time at all; remove it, or make `for` longer"
    );
    let visit = merged(&base(&json!({})), &json!({ "on": "visit" }));
    assert_eq!(
        faults(json!({ "until": "delivered" }), visit),
        "spec.rules[0].earn.pending: would let points wait for `delivered` of their order, and a `visit` has none; give it `for`, such \
         as `for: 0d`"
    );
}

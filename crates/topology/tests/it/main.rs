//! What a pipeline wants, what is done about it, and what stands in the way.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broker;
mod conflicts;
mod contested;
mod plans;
mod properties;
mod releases;
mod removals;
mod slices;

use contract::PipelineName;
use contract::broker_object::{Desired, Seen, Standing};
use contract::pipeline::{Events, Queue, Results};
use topology::{Pipeline, Plan, desired, diff};

const OWNER: &str = "shops/coffee";

/// The part of a pipeline that the broker sees.
struct Spec {
    name: PipelineName,
    events: Events,
    queue: Queue,
    results: Results,
}

const EVENTS: &str = r#"
sources:
  - { exchange: { name: shop }, routingKeys: ["purchase.#", "refund.#"], types: [purchase, refund] }
  - { exchange: { name: shop }, routingKeys: ["redeem.#"], types: [redeem], lane: express }
  - { exchange: { name: legacy, type: Fanout, declare: false }, routingKeys: [""], types: [visit] }
"#;

const RESULTS: &str = "{ subscribers: [ { name: crm, routingKeys: ['tier.#', 'points.*'] } ] }";

impl Spec {
    fn new(events: &str, queue: &str, results: &str) -> Self {
        Self {
            name: PipelineName::parse("coffee").unwrap(),
            events: serde_yaml::from_str(events).unwrap(),
            queue: serde_yaml::from_str(queue).unwrap(),
            results: serde_yaml::from_str(results).unwrap(),
        }
    }

    fn named(self, name: &str) -> Self {
        Self { name: PipelineName::parse(name).unwrap(), ..self }
    }

    fn coffee() -> Self {
        Self::new(EVENTS, "{}", RESULTS)
    }

    fn desired(&self) -> Desired {
        self.desired_by(OWNER)
    }

    fn desired_by(&self, owner: &str) -> Desired {
        let Self { name, events, queue, results } = self;
        desired(&Pipeline { name, owner, events, queue, results })
    }
}

fn plan(wanted: &Desired, seen: &Seen) -> Plan {
    diff(wanted, &Standing::Seen(seen.clone()), OWNER)
}

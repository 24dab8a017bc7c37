//! What the schema checks in a cluster and nobody checks in a file, and what no schema can say.

use std::collections::BTreeSet;
use std::fmt;

use contract::event::BUILT_IN_TYPES;
use contract::pipeline::{Events, ExchangeKind, ExchangeRef, Names, Results};
use contract::program::{
    ACTIVITIES_MAX, BANDS_MAX, Earn, GROUPS_MAX, MARKS_MAX, Pending, Program, RULES_MAX, Rule, Selector, WALLETS_MAX,
};
use contract::{EventType, PipelineName};

use crate::workers::DRAIN_WITHIN_S_MAX;
use crate::{Autoscaling, Ledger, LoyaltyPipeline, LoyaltyPipelineSpec, WORKERS_MAX, Workers};

/// One thing that is wrong in a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `spec.rules[2].on`.
    pub path: String,
    /// What is wrong and what to do; reads on after the path.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path, self.problem)
    }
}

/// Most sources, routing keys of one source or subscriber, types of one source, and subscribers.
const ITEMS_MAX: usize = 64;
/// An AMQP short string: routing keys and names of exchanges.
const SHORT_STRING_MAX: usize = 255;
/// Most characters of an exchange's name, as the schema says.
const EXCHANGE_NAME_MAX: usize = 127;
/// A DNS subdomain: the name of a Secret.
const SECRET_NAME_MAX: usize = 253;
/// Most names in one list of a selector.
const SELECTED_MAX: usize = 1000;
/// Most bytes of a condition.
const CONDITION_MAX: usize = 4096;
/// Most buried messages that a queue may be asked to hold.
const DEAD_LENGTH_MAX: u32 = 100_000_000;

/// Checks everything but the meaning of rules; finds all problems at once, in the order of the fields.
pub fn validate(pipeline: &LoyaltyPipeline) -> Result<(), Vec<Problem>> {
    let mut found = Found::default();
    let spec = &pipeline.spec;
    let name = found.name(pipeline.metadata.name.as_deref().unwrap_or_default());
    found.secret_name("spec.broker.secretRef.name", &spec.broker.secret_ref.name);
    found.ledger(&spec.ledger);
    found.events(&spec.events);
    found.dead_letter(spec);
    found.program(&spec.program, &spec.events);
    found.rules(&spec.rules, &spec.events);
    found.results(&spec.results);
    found.workers(&spec.workers);
    if let Some(name) = name {
        found.own_names(&name, spec);
    }
    if found.0.is_empty() { Ok(()) } else { Err(found.0) }
}

#[derive(Default)]
struct Found(Vec<Problem>);

impl Found {
    fn say(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Problem { path: path.into(), problem: problem.into() });
    }

    fn name(&mut self, name: &str) -> Option<PipelineName> {
        PipelineName::parse(name).map_err(|problem| self.say("metadata.name", problem.to_string())).ok()
    }

    fn count(&mut self, path: &str, count: usize, (min, max): (usize, usize)) {
        if count < min || count > max {
            self.say(path, format!("has {count} items; give {min} to {max}"));
        }
    }

    fn unique<'a>(&mut self, path: &str, names: impl Iterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            if !seen.insert(name) {
                self.say(format!("{path}[{index}].name"), format!("is `{name}` a second time; rename one of the two"));
            }
        }
    }

    fn secret_name(&mut self, path: &str, name: &str) {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'.';
        let edges = [name.bytes().next(), name.bytes().last()];
        let edge = |c: &Option<u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if name.len() > SECRET_NAME_MAX || !name.bytes().all(inner) || !edges.iter().all(edge) {
            let rule = "use lower-case letters, digits, `-` and `.`, at most 253";
            self.say(path, format!("is not the name of a Secret; {rule}"));
        }
    }

    fn ledger(&mut self, ledger: &Ledger) {
        if ledger.sqlite.is_some() == ledger.postgres.is_some() {
            self.say(
                "spec.ledger",
                "must name exactly one of `sqlite` and `postgres`; for the embedded one write `sqlite: {}`",
            );
        }
        if let Some(postgres) = &ledger.postgres {
            self.secret_name("spec.ledger.postgres.secretRef.name", &postgres.secret_ref.name);
            if postgres.secret_ref.key.as_ref().is_some_and(String::is_empty) {
                self.say("spec.ledger.postgres.secretRef.key", "is empty; leave it out for `url`");
            }
        }
    }

    fn events(&mut self, events: &Events) {
        self.count("spec.events.sources", events.sources.len(), (1, ITEMS_MAX));
        for (index, source) in events.sources.iter().enumerate() {
            let path = format!("spec.events.sources[{index}]");
            self.exchange(&format!("{path}.exchange"), &source.exchange);
            self.routing_keys(&format!("{path}.routingKeys"), &source.routing_keys, source.exchange.kind);
            self.count(&format!("{path}.types"), source.types.len(), (1, ITEMS_MAX));
            self.same_exchange(&format!("{path}.exchange"), &source.exchange, &events.sources[..index]);
            self.one_lane(&path, source, &events.sources[..index]);
        }
    }

    /// Two sources may share an exchange, but it is one exchange.
    fn same_exchange(&mut self, path: &str, exchange: &ExchangeRef, before: &[contract::pipeline::EventSource]) {
        let same = before.iter().map(|source| &source.exchange).find(|other| other.name == exchange.name);
        let Some(other) = same else { return };
        let name = &exchange.name;
        if other.kind != exchange.kind {
            let kinds = format!("{:?} here and {:?} above", exchange.kind, other.kind);
            self.say(
                format!("{path}.type"),
                format!("differs for exchange `{name}` ({kinds}); an exchange has one type"),
            );
        }
        if other.declare != exchange.declare {
            self.say(
                format!("{path}.declare"),
                format!("differs for exchange `{name}` from a source above; say the same"),
            );
        }
    }

    /// One key into two lanes would put every message into both queues.
    fn one_lane(
        &mut self,
        path: &str,
        source: &contract::pipeline::EventSource,
        before: &[contract::pipeline::EventSource],
    ) {
        for (index, key) in source.routing_keys.iter().enumerate() {
            let other = |other: &&contract::pipeline::EventSource| {
                other.exchange.name == source.exchange.name
                    && other.lane != source.lane
                    && other.routing_keys.contains(key)
            };
            if before.iter().any(|before| other(&before)) {
                self.say(
                    format!("{path}.routingKeys[{index}]"),
                    format!("`{key}` leads to another lane above; each message would come twice, name it once"),
                );
            }
        }
    }

    fn exchange(&mut self, path: &str, exchange: &ExchangeRef) {
        let name = &exchange.name;
        let path = format!("{path}.name");
        if name.is_empty() {
            self.say(path, "is empty; name the exchange");
        } else if name.len() > SHORT_STRING_MAX || name.chars().count() > EXCHANGE_NAME_MAX {
            self.say(
                path,
                format!("is too long; at most {EXCHANGE_NAME_MAX} characters in {SHORT_STRING_MAX} bytes are allowed"),
            );
        } else if name.chars().any(char::is_control) {
            self.say(path, "contains a control character; remove it");
        } else if exchange.declare && name.starts_with("amq.") {
            self.say(
                path,
                "begins with `amq.`, which only the broker may declare; add `declare: false` or choose another",
            );
        }
    }

    fn routing_keys(&mut self, path: &str, keys: &[String], kind: ExchangeKind) {
        self.count(path, keys.len(), (1, ITEMS_MAX));
        for (index, key) in keys.iter().enumerate() {
            if key.len() > SHORT_STRING_MAX {
                self.say(
                    format!("{path}[{index}]"),
                    format!("is {} bytes long; at most {SHORT_STRING_MAX} are allowed", key.len()),
                );
            }
        }
        if kind == ExchangeKind::Fanout && keys.iter().any(|key| !key.is_empty()) {
            self.say(path, "has no effect on a `Fanout` exchange, which routes everything; write `[\"\"]`");
        }
    }

    fn dead_letter(&mut self, spec: &LoyaltyPipelineSpec) {
        let length = spec.queue.dead_letter.max_length;
        if length == 0 || length > DEAD_LENGTH_MAX {
            self.say("spec.queue.deadLetter.maxLength", format!("is {length}; give 1 to {DEAD_LENGTH_MAX}"));
        }
    }

    fn program(&mut self, program: &Program, events: &Events) {
        self.count("spec.program.wallets", program.wallets.len(), (1, WALLETS_MAX));
        self.unique("spec.program.wallets", program.wallets.iter().map(|wallet| wallet.name.as_str()));
        for (index, wallet) in program.wallets.iter().enumerate() {
            let inactivity = wallet.expiry.iter().filter_map(|expiry| expiry.inactivity.as_ref());
            for (n, activity) in inactivity.flat_map(|inactivity| &inactivity.activities).enumerate() {
                let path = format!("spec.program.wallets[{index}].expiry.inactivity.activities[{n}]");
                self.said(path, activity, events);
            }
            self.waited_for(&format!("spec.program.wallets[{index}]"), wallet.pending.as_ref(), events);
        }
        self.count("spec.program.groups", program.groups.len(), (0, GROUPS_MAX));
        self.unique("spec.program.groups", program.groups.iter().map(|group| group.name.as_str()));
        self.count("spec.program.activities", program.activities.len(), (0, ACTIVITIES_MAX));
        self.unique("spec.program.activities", program.activities.iter().map(|activity| activity.name.as_str()));
        for (index, activity) in program.activities.iter().enumerate() {
            self.said(format!("spec.program.activities[{index}].name"), &activity.name, events);
        }
    }

    fn waited_for(&mut self, path: &str, pending: Option<&Pending>, events: &Events) {
        if let Some(until) = pending.and_then(|pending| pending.until.as_ref()) {
            self.said(format!("{path}.pending.until"), until, events);
        }
    }

    fn rules(&mut self, rules: &[Rule], events: &Events) {
        self.count("spec.rules", rules.len(), (0, RULES_MAX));
        self.unique("spec.rules", rules.iter().map(|rule| rule.name.as_str()));
        for (index, rule) in rules.iter().enumerate() {
            self.rule(&format!("spec.rules[{index}]"), rule, events);
        }
    }

    fn rule(&mut self, path: &str, rule: &Rule, events: &Events) {
        self.said(format!("{path}.on"), &rule.on, events);
        if rule.when.as_ref().is_some_and(|when| when.is_empty() || when.len() > CONDITION_MAX) {
            self.say(
                format!("{path}.when"),
                format!("must have 1 to {CONDITION_MAX} bytes; leave it out for no condition"),
            );
        }
        if rule.earn.is_some() == rule.multiply.is_some() {
            self.say(path, "must have exactly one of `earn` and `multiply`");
        }
        if let Some(earn) = &rule.earn {
            self.waited_for(&format!("{path}.earn"), earn.pending.as_ref(), events);
            self.earn(&format!("{path}.earn"), earn);
        }
        self.selector(&format!("{path}.include"), rule.include.as_ref());
        self.selector(&format!("{path}.exclude"), rule.exclude.as_ref());
    }

    fn earn(&mut self, path: &str, earn: &Earn) {
        let rates = [earn.per.is_some(), earn.per_step.is_some(), earn.per_quantity.is_some()];
        let of_several = [earn.every.is_some(), !earn.reaching.is_empty()];
        let given = rates.into_iter().chain([!earn.bands.is_empty(), earn.fixed.is_some()]).chain(of_several);
        if given.filter(|given| *given).count() != 1 {
            let choice = "`per`, `perStep`, `perQuantity`, `bands`, `fixed`, `every` and `reaching`";
            self.say(path, format!("must have exactly one of {choice}"));
        }
        self.count(&format!("{path}.bands"), earn.bands.len(), (0, BANDS_MAX));
        self.count(&format!("{path}.reaching"), earn.reaching.len(), (0, MARKS_MAX));
        let useless =
            [("rounding", earn.rounding.is_some()), ("base", !earn.base.is_default()), ("max", earn.max.is_some())];
        for (field, _) in useless.iter().filter(|(_, given)| earn.fixed.is_some() && *given) {
            self.say(format!("{path}.{field}"), "has no effect on `fixed`; leave it out");
        }
    }

    /// A type that nobody may say is a mistyped one.
    fn said(&mut self, path: String, named: &EventType, events: &Events) {
        let said = events.sources.iter().flat_map(|source| &source.types).any(|said| said == named);
        if !said && !BUILT_IN_TYPES.contains(&named.as_str()) {
            self.say(path, format!("is `{named}`, which no source may say; add it to a source's `types`"));
        }
    }

    fn selector(&mut self, path: &str, selector: Option<&Selector>) {
        let Some(selector) = selector else { return };
        for (name, list) in selector.lists() {
            self.count(&format!("{path}.{name}"), list.len(), (0, SELECTED_MAX));
        }
    }

    fn results(&mut self, results: &Results) {
        let kind = results.exchange.as_ref().map_or(ExchangeKind::Topic, |exchange| exchange.kind);
        if let Some(exchange) = &results.exchange {
            self.exchange("spec.results.exchange", exchange);
        }
        let subscribers = &results.subscribers;
        self.count("spec.results.subscribers", subscribers.len(), (0, ITEMS_MAX));
        self.unique("spec.results.subscribers", subscribers.iter().map(|subscriber| subscriber.name.as_str()));
        for (index, subscriber) in subscribers.iter().enumerate() {
            let path = format!("spec.results.subscribers[{index}].routingKeys");
            self.routing_keys(&path, &subscriber.routing_keys, kind);
        }
    }

    fn workers(&mut self, workers: &Workers) {
        let at_most = format!("at most {WORKERS_MAX}");
        let Autoscaling { min, max, drain_within, .. } = &workers.autoscaling;
        for (path, count) in [("count", workers.count), ("autoscaling.min", *min), ("autoscaling.max", *max)] {
            if count > WORKERS_MAX {
                self.say(format!("spec.workers.{path}"), format!("is {count}; give {at_most}"));
            }
        }
        if *max == 0 {
            self.say("spec.workers.autoscaling.max", "is 0; give 1 or more, or write `suspend: true`");
        } else if min > max {
            self.say("spec.workers.autoscaling.min", format!("is {min}, more than `max` ({max}); lower it"));
        }
        if !(1..=DRAIN_WITHIN_S_MAX).contains(&drain_within.seconds()) {
            self.say("spec.workers.autoscaling.drainWithin", format!("is `{drain_within}`; give `1s` to `1d`"));
        }
    }

    /// Exchanges that a person names must not be the pipeline's own, nor may results come back as events.
    fn own_names(&mut self, name: &PipelineName, spec: &LoyaltyPipelineSpec) {
        let names = Names(name);
        let own = [names.owner(), names.dead(), names.unrouted()];
        let taken = |name: &String| own.contains(name);
        let results = spec.results.exchange_name(name);
        for (index, source) in spec.events.sources.iter().enumerate() {
            let path = format!("spec.events.sources[{index}].exchange.name");
            if taken(&source.exchange.name) {
                self.say(path, "is an exchange of the pipeline's own; choose another");
            } else if source.exchange.name == results {
                self.say(path, "is the exchange of results; events and results need one each");
            }
        }
        if taken(&results) {
            self.say("spec.results.exchange.name", "is an exchange of the pipeline's own; choose another");
        }
    }
}

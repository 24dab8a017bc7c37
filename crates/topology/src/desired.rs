//! What a pipeline wants to stand.

use std::collections::{BTreeMap, BTreeSet};

use contract::PipelineName;
use contract::broker_object::{
    Argument, Arguments, Binding, Desired, Destination, Exchange, OWNER_ARGUMENT, Queue, Release,
};
use contract::pipeline::{self, Events, ExchangeKind, ExchangeRef, Names, Results, Storage};

/// Most messages that are kept of what no routing key caught; beyond that the oldest go. Enough to see what a
/// producer does wrong, and no way to fill the broker's disk.
pub const UNROUTED_LENGTH_MAX: u32 = 100_000;

/// A pipeline, as far as the broker is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Pipeline<'a> {
    /// Prefix of its own objects.
    pub name: &'a PipelineName,
    /// Who it is among all that use the broker: `NAMESPACE/NAME`, or `local/NAME`.
    pub owner: &'a str,
    /// Where events come from.
    pub events: &'a Events,
    /// How safe the queues are.
    pub queue: &'a pipeline::Queue,
    /// Where results go.
    pub results: &'a Results,
}

/// The objects of a valid pipeline, for a broker of today; [`suited`] gives an older one's. Where two sources name one exchange, the
/// first one's type holds.
#[must_use]
pub fn desired(pipeline: &Pipeline<'_>) -> Desired {
    let mut wanted = Desired::default();
    own_exchanges(pipeline, &mut wanted);
    source_exchanges(pipeline, &mut wanted);
    results_exchange(pipeline, &mut wanted);
    queues(pipeline, &mut wanted);
    routes(pipeline, &mut wanted);
    marks(pipeline, &mut wanted);
    wanted
}

/// The same objects as a broker of this release takes them.
#[must_use]
pub fn suited(mut wanted: Desired, release: Release) -> Desired {
    if !release.knows_no_limit() {
        for queue in &mut wanted.queues {
            queue.arguments.remove(DELIVERY_LIMIT);
        }
    }
    wanted
}

fn own_exchanges(pipeline: &Pipeline<'_>, wanted: &mut Desired) {
    let names = Names(pipeline.name);
    let owner = Exchange { internal: true, ..exchange(names.owner(), "headers") };
    // Fanout: whatever comes by them is kept, under the key with which it came.
    wanted.exchanges.extend([owner, exchange(names.unrouted(), "fanout"), exchange(names.dead(), "fanout")]);
}

fn source_exchanges(pipeline: &Pipeline<'_>, wanted: &mut Desired) {
    let mut seen = BTreeSet::new();
    for source in pipeline.events.sources.iter().map(|source| &source.exchange) {
        if !seen.insert(&source.name) {
            continue;
        }
        let unrouted = Argument::Text(Names(pipeline.name).unrouted());
        let arguments = Arguments::from([(ALTERNATE.to_owned(), unrouted)]);
        declare(source, arguments, wanted);
    }
}

fn results_exchange(pipeline: &Pipeline<'_>, wanted: &mut Desired) {
    match &pipeline.results.exchange {
        // No alternate exchange: a result that nobody subscribed to is no mistake.
        Some(results) => declare(results, Arguments::new(), wanted),
        None => wanted.exchanges.push(exchange(Names(pipeline.name).results(), "topic")),
    }
}

fn declare(named: &ExchangeRef, arguments: Arguments, wanted: &mut Desired) {
    if named.declare {
        wanted.exchanges.push(Exchange { arguments, ..exchange(named.name.clone(), kind(named.kind)) });
    } else {
        wanted.foreign_exchanges.insert(named.name.clone(), kind(named.kind).to_owned());
    }
}

fn queues(pipeline: &Pipeline<'_>, wanted: &mut Desired) {
    let names = Names(pipeline.name);
    let storage = pipeline.queue.storage;
    // A manual reject by somebody's tool goes where everything buried goes.
    let dead = Arguments::from([("x-dead-letter-exchange".to_owned(), Argument::Text(names.dead()))]);
    for lane in pipeline.events.lanes() {
        wanted.queues.push(queue(names.lane(lane), storage, dead.clone()));
    }
    let dead_max = pipeline.queue.dead_letter.max_length;
    wanted.queues.push(queue(names.dead(), storage, bounded(dead_max)));
    wanted.queues.push(queue(names.unrouted(), storage, bounded(UNROUTED_LENGTH_MAX)));
    for subscriber in &pipeline.results.subscribers {
        wanted.queues.push(queue(names.subscriber(&subscriber.name), storage, Arguments::new()));
    }
}

fn routes(pipeline: &Pipeline<'_>, wanted: &mut Desired) {
    let names = Names(pipeline.name);
    for own in [names.dead(), names.unrouted()] {
        wanted.bindings.insert(route(&own, &own, ""));
    }
    for source in &pipeline.events.sources {
        for key in &source.routing_keys {
            wanted.bindings.insert(route(&source.exchange.name, &names.lane(source.lane), key));
        }
    }
    let results = pipeline.results.exchange_name(pipeline.name);
    for subscriber in &pipeline.results.subscribers {
        for key in &subscriber.routing_keys {
            wanted.bindings.insert(route(&results, &names.subscriber(&subscriber.name), key));
        }
    }
}

fn marks(pipeline: &Pipeline<'_>, wanted: &mut Desired) {
    let owner = Names(pipeline.name).owner();
    let exchanges = wanted.exchanges.iter().filter(|exchange| exchange.name != owner);
    let exchanges = exchanges.map(|exchange| (Destination::Exchange, &exchange.name));
    let queues = wanted.queues.iter().map(|queue| (Destination::Queue, &queue.name));
    let marks: Vec<_> = exchanges.chain(queues).map(|own| mark(&owner, own, pipeline.owner)).collect();
    wanted.bindings.extend(marks);
}

fn mark(exchange: &str, (destination_kind, name): (Destination, &String), owner: &str) -> Binding {
    let arguments = Arguments::from([
        ("x-match".to_owned(), Argument::Text("all".to_owned())),
        (OWNER_ARGUMENT.to_owned(), Argument::Text(owner.to_owned())),
    ]);
    Binding {
        source: exchange.to_owned(),
        destination_kind,
        destination: name.clone(),
        routing_key: String::new(),
        arguments,
    }
}

fn route(source: &str, queue: &str, key: &str) -> Binding {
    Binding {
        source: source.to_owned(),
        destination_kind: Destination::Queue,
        destination: queue.to_owned(),
        routing_key: key.to_owned(),
        arguments: BTreeMap::new(),
    }
}

fn exchange(name: String, kind: &str) -> Exchange {
    let kind = kind.to_owned();
    Exchange { name, kind, durable: true, auto_delete: false, internal: false, arguments: Arguments::new() }
}

fn queue(name: String, storage: Storage, mut arguments: Arguments) -> Queue {
    let kind = match storage {
        Storage::Disk => "classic",
        Storage::Replicated => {
            // Only the worker knows whose fault a redelivery was, and each look at a buried message counts as one too.
            arguments.insert(DELIVERY_LIMIT.to_owned(), Argument::Int(-1));
            "quorum"
        }
    };
    arguments.insert(TYPE.to_owned(), Argument::Text(kind.to_owned()));
    Queue { name, durable: true, auto_delete: false, arguments }
}

fn bounded(length_max: u32) -> Arguments {
    Arguments::from([
        ("x-max-length".to_owned(), Argument::Int(i64::from(length_max))),
        ("x-overflow".to_owned(), Argument::Text("drop-head".to_owned())),
    ])
}

fn kind(kind: ExchangeKind) -> &'static str {
    match kind {
        ExchangeKind::Topic => "topic",
        ExchangeKind::Direct => "direct",
        ExchangeKind::Fanout => "fanout",
    }
}

/// What kind of a queue it is.
pub(crate) const TYPE: &str = "x-queue-type";

/// After how many deliveries a quorum queue buries a message by itself.
pub(crate) const DELIVERY_LIMIT: &str = "x-delivery-limit";

/// Where an exchange sends what it cannot route.
pub(crate) const ALTERNATE: &str = "alternate-exchange";

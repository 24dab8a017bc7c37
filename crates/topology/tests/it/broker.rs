//! A broker made of maps, as strict as the real one.

use contract::broker_object::{Arguments, Binding, Destination, Exchange, Seen, StandingQueue, Step};

/// A new vhost, and what others have in it.
pub(crate) fn vhost() -> Seen {
    let mut seen = Seen::default();
    for (name, kind) in [("amq.topic", "topic"), ("legacy", "fanout")] {
        apply(&mut seen, &[Step::DeclareExchange(exchange(name, kind))]);
    }
    seen
}

pub(crate) fn exchange(name: &str, kind: &str) -> Exchange {
    Exchange {
        name: name.to_owned(),
        kind: kind.to_owned(),
        durable: true,
        auto_delete: false,
        internal: false,
        arguments: contract::broker_object::Arguments::new(),
    }
}

/// Carries out steps; what a real broker would refuse panics.
pub(crate) fn apply(seen: &mut Seen, steps: &[Step]) {
    for step in steps {
        match step {
            Step::DeclareExchange(wanted) => {
                let have = seen.exchanges.entry(wanted.name.clone()).or_insert_with(|| wanted.clone());
                assert_eq!(have, wanted, "PRECONDITION_FAILED");
            }
            Step::DeclareQueue(queue) => {
                let fresh = StandingQueue {
                    queue: queue.clone(),
                    policy: Arguments::new(),
                    messages: Some(0),
                    consumers: Some(0),
                };
                let have = seen.queues.entry(queue.name.clone()).or_insert(fresh);
                assert_eq!(have.queue, *queue, "PRECONDITION_FAILED");
            }
            Step::Bind(binding) => {
                assert!(seen.exchanges.contains_key(&binding.source), "NOT_FOUND {binding:?}");
                let there = match binding.destination_kind {
                    Destination::Queue => seen.queues.contains_key(&binding.destination),
                    Destination::Exchange => seen.exchanges.contains_key(&binding.destination),
                };
                assert!(there, "NOT_FOUND {binding:?}");
                seen.bindings.insert(binding.clone());
            }
            Step::Unbind(binding) => assert!(seen.bindings.remove(binding), "no such {binding:?}"),
            Step::DeleteQueue { name, force } => {
                let queue = seen.queues.remove(name);
                let ready = queue.and_then(|queue| queue.messages).unwrap_or(0);
                assert!(*force || ready == 0, "not empty {name}");
                seen.bindings.retain(|binding| !is_to(binding, Destination::Queue, name));
            }
            Step::DeleteExchange { name } => {
                seen.exchanges.remove(name);
                seen.bindings.retain(|binding| binding.source != *name && !is_to(binding, Destination::Exchange, name));
            }
        }
    }
}

fn is_to(binding: &Binding, kind: Destination, name: &str) -> bool {
    binding.destination_kind == kind && binding.destination == name
}

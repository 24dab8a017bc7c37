//! What stands in a vhost, so that one pipeline's part of it is found without walking through everybody's.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::broker_object::{Binding, Desired, Destination, Exchange, Seen, StandingQueue};

type Object = (Destination, String);

/// Objects of a vhost with all their fields, by whatever leads to them.
#[derive(Debug, Clone, Default)]
pub struct Indexed {
    exchanges: BTreeMap<String, Exchange>,
    queues: BTreeMap<String, StandingQueue>,
    bindings: Vec<Binding>,
    // Positions in `bindings`.
    to: HashMap<Object, Vec<usize>>,
    from: HashMap<String, Vec<usize>>,
    marked_by: HashMap<String, Vec<usize>>,
}

impl Indexed {
    /// Takes one walk through all bindings.
    #[must_use]
    pub fn new(seen: Seen) -> Self {
        let Seen { exchanges, queues, bindings } = seen;
        let mut index = Self { exchanges, queues, bindings: bindings.into_iter().collect(), ..Self::default() };
        for (at, binding) in index.bindings.iter().enumerate() {
            let destination = (binding.destination_kind, binding.destination.clone());
            if let Some(owner) = binding.owner() {
                index.marked_by.entry(owner.to_owned()).or_default().push(at);
            }
            index.to.entry(destination).or_default().push(at);
            index.from.entry(binding.source.clone()).or_default().push(at);
        }
        index
    }

    /// What concerns one owner: the objects that it wants or that carry its mark, and all bindings of these. Comparing this gives
    /// what comparing the whole vhost gives: what else stands at the end of a binding is somebody else's.
    #[must_use]
    pub fn about(&self, wanted: &Desired, owner: &str) -> Seen {
        let objects = self.objects(wanted, owner);
        let mut seen = Seen::default();
        for (kind, name) in &objects {
            self.add_object(&mut seen, *kind, name);
            seen.bindings.extend(self.touching(*kind, name).cloned());
        }
        // Of somebody else's exchange only that it is there counts; who else is bound to it may be thousands.
        for name in wanted.foreign_exchanges.keys() {
            self.add_object(&mut seen, Destination::Exchange, name);
        }
        seen
    }

    /// The whole vhost again.
    #[must_use]
    pub fn into_seen(self) -> Seen {
        let Self { exchanges, queues, bindings, .. } = self;
        Seen { exchanges, queues, bindings: bindings.into_iter().collect() }
    }

    fn objects<'a>(&'a self, wanted: &'a Desired, owner: &str) -> BTreeSet<(Destination, &'a str)> {
        let exchanges = wanted.exchanges.iter().map(|exchange| (Destination::Exchange, exchange.name.as_str()));
        let queues = wanted.queues.iter().map(|queue| (Destination::Queue, queue.name.as_str()));
        let marks = self.marked_by.get(owner).into_iter().flatten().filter_map(|at| self.bindings.get(*at));
        let marked = marks.map(|mark| (mark.destination_kind, mark.destination.as_str()));
        exchanges.chain(queues).chain(marked).collect()
    }

    fn touching<'a>(&'a self, kind: Destination, name: &str) -> impl Iterator<Item = &'a Binding> {
        let to = self.to.get(&(kind, name.to_owned()));
        let from = if kind == Destination::Exchange { self.from.get(name) } else { None };
        to.into_iter().chain(from).flatten().filter_map(|at| self.bindings.get(*at))
    }

    fn add_object(&self, seen: &mut Seen, kind: Destination, name: &str) {
        match kind {
            Destination::Exchange => {
                let found = self.exchanges.get_key_value(name);
                seen.exchanges.extend(found.map(|(name, exchange)| (name.clone(), exchange.clone())));
            }
            Destination::Queue => {
                let found = self.queues.get_key_value(name);
                seen.queues.extend(found.map(|(name, queue)| (name.clone(), queue.clone())));
            }
        }
    }
}

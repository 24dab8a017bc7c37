//! Whatever stands, one application is enough.

use contract::broker_object::{Argument, Arguments, Binding, Desired, Destination, Seen, StandingQueue, Step};

use super::broker::{apply, vhost};
use super::{EVENTS, RESULTS, Spec, plan};

/// A small generator of our own: the same numbers each time, on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.roll(items.len() as u64)).unwrap()]
    }
}

/// Parts of what one pipeline wants, with this and that changed by somebody.
pub(crate) fn standing(dice: &mut Dice, wanted: &Desired) -> Seen {
    let mut seen = vhost();
    let damage = 1 + dice.roll(40);
    for exchange in &wanted.exchanges {
        if dice.one_in(4) {
            continue;
        }
        let mut exchange = exchange.clone();
        if dice.one_in(damage) {
            "headers".clone_into(&mut exchange.kind);
        }
        if dice.one_in(damage) {
            exchange.arguments.clear();
        }
        seen.exchanges.insert(exchange.name.clone(), exchange);
    }
    for queue in &wanted.queues {
        if dice.one_in(4) {
            continue;
        }
        let mut queue = queue.clone();
        if dice.one_in(damage) {
            queue.arguments.insert("x-max-length".to_owned(), Argument::Int(3));
        }
        let number = |dice: &mut Dice| [None, Some(0), Some(0), Some(5)][usize::try_from(dice.roll(4)).unwrap()];
        let (messages, consumers) = (number(dice), number(dice));
        seen.queues.insert(queue.name.clone(), StandingQueue { queue, policy: Arguments::new(), messages, consumers });
    }
    for binding in &wanted.bindings {
        if dice.one_in(3) {
            continue;
        }
        let mut binding = binding.clone();
        if dice.one_in(damage) {
            binding.routing_key.push_str(".old");
        }
        if dice.one_in(damage) {
            binding.arguments.insert(topology::OWNER_ARGUMENT.to_owned(), Argument::Text("shops/tea".to_owned()));
        }
        insert(&mut seen, binding);
    }
    seen
}

/// A binding stands only between things that stand.
fn insert(seen: &mut Seen, binding: Binding) {
    let there = match binding.destination_kind {
        Destination::Queue => seen.queues.contains_key(&binding.destination),
        Destination::Exchange => seen.exchanges.contains_key(&binding.destination),
    };
    if there && seen.exchanges.contains_key(&binding.source) {
        seen.bindings.insert(binding);
    }
}

#[test]
fn the_diff_of_an_applied_diff_is_empty_whatever_stood() {
    let specs = [
        Spec::coffee(),
        Spec::new(EVENTS, "{ storage: Disk }", "{}"),
        Spec::new(
            "{ sources: [ { exchange: { name: shop }, routingKeys: ['#'], types: [purchase] } ] }",
            "{}",
            RESULTS,
        ),
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut free, mut blocked, mut unbound) = (0, 0, 0);
    for round in 0..5000 {
        let stood = &specs[usize::try_from(dice.roll(3)).unwrap()];
        let wanted = specs[usize::try_from(dice.roll(3)).unwrap()].desired();
        let mut seen = standing(&mut dice, &stood.desired());
        let first = plan(&wanted, &seen);
        assert_eq!(first, plan(&wanted, &seen), "round {round}");
        let others: Vec<_> = seen.queues.values().map(|queue| (queue.queue.name.clone(), queue.messages)).collect();
        apply(&mut seen, &first.steps);
        let second = plan(&wanted, &seen);
        assert_eq!(second.steps, [], "round {round}");
        assert_eq!(second.conflicts, first.conflicts, "round {round}");
        // No step takes a queue or a message away.
        for (name, messages) in others {
            assert_eq!(seen.queues[&name].messages, messages, "round {round}");
        }
        if first.conflicts.is_empty() {
            free += 1;
            assert!(wanted.bindings.is_subset(&seen.bindings), "round {round}");
        } else {
            blocked += 1;
        }
        unbound += usize::from(first.steps.iter().any(|step| matches!(step, Step::Unbind(_))));
    }
    // The generator reaches both sides.
    assert!(free > 50 && blocked > 50 && unbound > 50, "{free} {blocked} {unbound}");
}

#[test]
fn a_crash_after_any_step_is_healed_by_the_next_plan() {
    let wanted = Spec::coffee().desired();
    let steps = plan(&wanted, &vhost()).steps;
    for taken in 0..=steps.len() {
        let mut seen = vhost();
        apply(&mut seen, &steps[..taken]);
        let rest = plan(&wanted, &seen);
        assert_eq!(rest.conflicts, [], "after {taken} steps");
        apply(&mut seen, &rest.steps);
        assert_eq!(plan(&wanted, &seen).steps, [], "after {taken} steps");
    }
}

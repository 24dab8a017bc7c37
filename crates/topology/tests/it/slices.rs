//! One pipeline's part of a vhost says as much about it as the whole vhost.

use contract::broker_index::Indexed;
use contract::broker_object::{Argument, Binding, Desired, Destination, Seen, Standing, Step};
use topology::{OWNER_ARGUMENT, diff, removal};

use super::broker::{apply, exchange, vhost};
use super::properties::{Dice, standing};
use super::{EVENTS, RESULTS, Spec};

const NAMES: [&str; 4] = ["coffee", "tea", "milk", "rum"];

/// Pipelines of several owners, some of which want the same exchange, the same name or another storage.
fn pipelines(dice: &mut Dice) -> Vec<(String, Desired)> {
    let events = [
        EVENTS,
        "{ sources: [ { exchange: { name: shop }, routingKeys: ['#'], types: [purchase] } ] }",
        "{ sources: [ { exchange: { name: shop, declare: false }, routingKeys: ['#'], types: [purchase] } ] }",
        "{ sources: [ { exchange: { name: coffee.results, declare: false }, routingKeys: ['#'], types: [visit] } ] }",
    ];
    let results = ["{}", RESULTS, "{ exchange: { name: all } }", "{ exchange: { name: shop, declare: false } }"];
    let mut one = |_| {
        let name = dice.pick(&NAMES);
        let spec = Spec::new(dice.pick(&events), dice.pick(&["{}", "{ storage: Disk }"]), dice.pick(&results));
        let owner = format!("{}/{name}", dice.pick(&["a", "b"]));
        (owner.clone(), spec.named(name).desired_by(&owner))
    };
    (0..5).map(&mut one).collect()
}

/// What several pipelines left, and what others did between their things.
fn shared(dice: &mut Dice, pipelines: &[(String, Desired)]) -> Seen {
    let mut seen = vhost();
    for (_, wanted) in pipelines {
        let part = standing(dice, wanted);
        for (name, exchange) in part.exchanges {
            seen.exchanges.entry(name).or_insert(exchange);
        }
        for (name, queue) in part.queues {
            seen.queues.entry(name).or_insert(queue);
        }
        seen.bindings.extend(part.bindings);
    }
    apply(&mut seen, &[Step::DeclareExchange(exchange("theirs", "topic"))]);
    for _ in 0..dice.roll(6) {
        let binding = by_others(dice, &seen);
        seen.bindings.extend(binding);
    }
    seen
}

fn by_others(dice: &mut Dice, seen: &Seen) -> Option<Binding> {
    let exchanges: Vec<_> = seen.exchanges.keys().collect();
    let queues: Vec<_> = seen.queues.keys().collect();
    let kind = dice.pick(&[Destination::Queue, Destination::Exchange]);
    let ends = if kind == Destination::Queue { &queues } else { &exchanges };
    if ends.is_empty() {
        return None;
    }
    let (source, destination) = (dice.pick(&exchanges).clone(), dice.pick(ends).clone());
    let mut arguments = std::collections::BTreeMap::new();
    if dice.one_in(3) {
        let owner = format!("{}/{}", dice.pick(&["a", "b"]), dice.pick(&NAMES));
        arguments.insert(OWNER_ARGUMENT.to_owned(), Argument::Text(owner));
    }
    Some(Binding { source, destination_kind: kind, destination, routing_key: "x".to_owned(), arguments })
}

#[test]
fn a_slice_gives_the_plan_and_the_removal_that_the_whole_vhost_gives() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut free, mut blocked, mut left, mut kept) = (0, 0, 0, 0);
    for round in 0..1500 {
        let pipelines = pipelines(&mut dice);
        let seen = shared(&mut dice, &pipelines);
        let index = Indexed::new(seen.clone());
        let whole = Standing::Seen(seen.clone());
        for (owner, wanted) in &pipelines {
            let slice = index.about(wanted, owner);
            let plan = diff(wanted, &whole, owner);
            assert_eq!(diff(wanted, &Standing::Seen(slice.clone()), owner), plan, "round {round}, {owner}");
            let away = removal(wanted, &seen, owner);
            assert_eq!(removal(wanted, &slice, owner), away, "round {round}, {owner}");
            *(if plan.conflicts.is_empty() { &mut free } else { &mut blocked }) += 1;
            left += usize::from(!plan.left.is_empty());
            kept += usize::from(!away.kept.is_empty());
        }
        assert_eq!(index.into_seen(), seen, "round {round}");
    }
    // The generator reaches all sides.
    assert!([free, blocked, left, kept].iter().all(|count| *count > 100), "{free} {blocked} {left} {kept}");
}

#[test]
fn a_removal_leaves_nothing_to_remove_and_touches_nothing_of_others() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut removed, mut held, mut kept) = (0, 0, 0);
    for round in 0..1500 {
        let pipelines = pipelines(&mut dice);
        let (owner, wanted) = &pipelines[0];
        let before = shared(&mut dice, &pipelines);
        let away = removal(wanted, &before, owner);
        let mut seen = before.clone();
        apply(&mut seen, &away.steps());
        if !away.holding.is_empty() {
            assert_eq!(before.queues, seen.queues, "round {round}: messages block");
            held += 1;
            // They run empty.
            seen.queues.values_mut().for_each(|queue| (queue.messages, queue.consumers) = (Some(0), Some(0)));
            let steps = removal(wanted, &seen, owner).steps();
            apply(&mut seen, &steps);
        }
        let again = removal(wanted, &seen, owner);
        assert!(again.is_done(), "round {round}: {again:?}");
        let is_marked = |seen: &Seen, kind: Destination, name: &str, by_us: bool| {
            seen.bindings.iter().any(|mark| {
                (mark.destination_kind, mark.destination.as_str()) == (kind, name)
                    && mark.owner().is_some_and(|marked| (marked == owner) == by_us)
            })
        };
        for name in before.queues.keys().filter(|name| !seen.queues.contains_key(*name)) {
            assert!(!is_marked(&before, Destination::Queue, name, false), "round {round}: {name} is another's");
            removed += 1;
        }
        for name in before.exchanges.keys().filter(|name| !seen.exchanges.contains_key(*name)) {
            assert!(!is_marked(&before, Destination::Exchange, name, false), "round {round}: {name} is another's");
        }
        // A binding between things of others stands.
        for binding in before.bindings.difference(&seen.bindings).filter(|binding| binding.owner() != Some(owner)) {
            let to_ours = !seen.queues.contains_key(&binding.destination)
                || is_marked(&before, binding.destination_kind, &binding.destination, true)
                || wanted.queues.iter().any(|queue| queue.name == binding.destination);
            assert!(to_ours, "round {round}: {binding:?}");
        }
        kept += usize::from(!again.kept.is_empty());
    }
    assert!(removed > 100 && held > 100 && kept > 100, "{removed} {held} {kept}");
}

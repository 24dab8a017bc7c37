//! The way back to nothing of ours, and to nothing less.

use contract::broker_object::{Arguments, Binding, Destination, Queue, Seen, StandingQueue, Step};
use topology::{Removal, removal, render_removal};

use super::broker::{apply, exchange, vhost};
use super::plans::{applied, golden, route};
use super::{OWNER, Spec, plan};

fn remove(seen: &Seen) -> Removal {
    removal(&Spec::coffee().desired(), seen, OWNER)
}

fn queue(name: &str) -> Queue {
    Queue { name: name.to_owned(), durable: true, auto_delete: false, arguments: Arguments::new() }
}

#[test]
fn an_empty_pipeline_is_unbound_and_taken_away_with_its_marks_last() {
    let removal = remove(&applied());
    golden("removal", &render_removal(&removal));
    let mut seen = applied();
    apply(&mut seen, &removal.steps());
    assert_eq!(seen, vhost());
    assert_eq!(render_removal(&remove(&seen)), "no changes\n");
    assert!(remove(&seen).is_done());
}

#[test]
fn messages_block_the_removal_and_not_the_unbinding() {
    let mut seen = applied();
    seen.queues.get_mut("coffee.main").unwrap().messages = Some(12);
    seen.queues.get_mut("coffee.dead").unwrap().messages = None;
    let removal = remove(&seen);
    golden("removal-holding", &render_removal(&removal));
    assert_eq!(removal.steps(), removal.unbind);
    apply(&mut seen, &removal.steps());
    // Buried messages and results find their way to the end.
    for kept in ["coffee.dead", "coffee.results"] {
        assert!(seen.bindings.iter().any(|binding| binding.source == kept), "{kept}");
    }
    let again = remove(&seen);
    assert_eq!((again.unbind.as_slice(), again.steps().as_slice()), ([].as_slice(), [].as_slice()));
    assert!(!again.is_done());
    apply(&mut seen, &again.forced());
    assert_eq!(seen, vhost());
}

#[test]
fn nothing_that_a_source_sends_lands_in_the_queue_of_the_unrouted_meanwhile() {
    let removal = remove(&applied());
    let first = removal.unbind.first().unwrap();
    assert_eq!(*first, Step::Unbind(route("coffee.unrouted", "coffee.unrouted", "")));
}

#[test]
fn what_others_use_or_own_is_kept_and_named() {
    let mut seen = applied();
    apply(&mut seen, &[Step::DeclareExchange(exchange("theirs", "topic"))]);
    apply(&mut seen, &[Step::DeclareQueue(queue("crm")), Step::Bind(route("shop", "crm", "#"))]);
    seen.bindings.insert(Binding { destination_kind: Destination::Exchange, ..route("theirs", "coffee.results", "#") });
    // The marks of one of our queues are lost, and it is in use.
    seen.bindings.retain(|binding| binding.destination != "coffee.express" || binding.owner().is_none());
    // Another pipeline claims one.
    let mut mark = seen.bindings.iter().find(|binding| binding.destination == "coffee.unrouted").unwrap().clone();
    mark.arguments.insert(topology::OWNER_ARGUMENT.to_owned(), contract::broker_object::Argument::Text("a/tea".into()));
    seen.bindings.retain(|binding| {
        (binding.destination_kind, binding.destination.as_str()) != (Destination::Queue, "coffee.unrouted")
    });
    mark.destination_kind = Destination::Queue;
    seen.bindings.insert(mark);
    let removal = remove(&seen);
    golden("removal-kept", &render_removal(&removal));
    apply(&mut seen, &removal.steps());
    assert!(remove(&seen).is_done());
    assert_eq!(remove(&seen).kept, removal.kept);
}

#[test]
fn what_earlier_specs_left_goes_too() {
    let mut seen = applied();
    let events = "{ sources: [ { exchange: { name: shop }, routingKeys: ['#'], types: [purchase] } ] }";
    let narrow = Spec::new(events, "{}", "{ exchange: { name: all } }").desired();
    let steps = plan(&narrow, &seen).steps;
    apply(&mut seen, &steps);
    apply(&mut seen, &[Step::Bind(route("amq.topic", "coffee.express", "by.hand"))]);
    let removal = removal(&narrow, &seen, OWNER);
    golden("removal-earlier", &render_removal(&removal));
    apply(&mut seen, &removal.steps());
    assert_eq!(seen, vhost());
}

#[test]
fn a_crash_after_any_step_is_gone_on_from() {
    let steps = remove(&applied()).steps();
    for taken in 0..=steps.len() {
        let mut seen = applied();
        apply(&mut seen, &steps[..taken]);
        let rest = remove(&seen);
        assert_eq!(rest.steps(), steps[taken..], "after {taken} steps");
    }
}

#[test]
fn a_creation_that_a_crash_ended_is_taken_back_from_any_step() {
    let steps = plan(&Spec::coffee().desired(), &vhost()).steps;
    for taken in 0..=steps.len() {
        let mut seen = vhost();
        apply(&mut seen, &steps[..taken]);
        let removal = remove(&seen);
        assert_eq!(removal.kept, [], "after {taken} steps");
        apply(&mut seen, &removal.steps());
        assert_eq!(seen, vhost(), "after {taken} steps");
    }
}

#[test]
fn a_queue_that_nobody_marked_goes_only_when_it_is_known_that_nobody_uses_it() {
    let want = Spec::coffee().desired().queues[0].clone();
    let with = |messages, consumers| {
        let mut seen = vhost();
        let queue = StandingQueue { queue: want.clone(), policy: Arguments::new(), messages, consumers };
        seen.queues.insert(want.name.clone(), queue);
        let removal = remove(&seen);
        (removal.remove.len(), removal.holding.len(), removal.kept.len())
    };
    assert_eq!(with(Some(0), Some(0)), (1, 0, 0), "just declared");
    assert_eq!(with(None, None), (0, 1, 0), "not counted yet");
    assert_eq!(with(Some(3), Some(0)), (0, 0, 1), "somebody's messages");
    assert_eq!(with(Some(0), Some(1)), (0, 0, 1), "somebody's consumer");
}

#[test]
fn an_exchange_under_a_name_of_a_persons_choice_goes_only_with_a_mark() {
    let spec = Spec::new("{ sources: [] }", "{}", "{ exchange: { name: all-results } }").desired();
    let mut seen = vhost();
    apply(&mut seen, &[Step::DeclareExchange(exchange("all-results", "topic"))]);
    let removal = removal(&spec, &seen, OWNER);
    assert_eq!(removal.remove, []);
    assert_eq!(removal.kept[0].object, "exchange all-results");
}

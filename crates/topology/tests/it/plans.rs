//! Plans as texts. `UPDATE=1` writes them anew.

use contract::broker_object::{Binding, Destination, Seen, Standing, Step};
use topology::{diff, render};

use super::broker::{apply, exchange, vhost};
use super::{EVENTS, OWNER, RESULTS, Spec, plan};

pub(crate) fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/it/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, want, "run with UPDATE=1 to take over, then read the change of {path}");
}

/// A broker on which the coffee pipeline stands.
pub(crate) fn applied() -> Seen {
    let mut seen = vhost();
    let steps = plan(&Spec::coffee().desired(), &seen).steps;
    apply(&mut seen, &steps);
    seen
}

pub(crate) fn route(source: &str, queue: &str, key: &str) -> Binding {
    Binding {
        source: source.to_owned(),
        destination_kind: Destination::Queue,
        destination: queue.to_owned(),
        routing_key: key.to_owned(),
        arguments: std::collections::BTreeMap::new(),
    }
}

#[test]
fn a_new_pipeline_is_declared_marked_and_bound() {
    let plan = plan(&Spec::coffee().desired(), &vhost());
    assert!(plan.conflicts.is_empty() && plan.left.is_empty());
    golden("new", &render(&plan));
}

#[test]
fn a_pipeline_on_disk_has_classic_queues() {
    let spec = Spec::new(EVENTS, "{ storage: Disk, deadLetter: { maxLength: 7 } }", "{}");
    golden("disk", &render(&plan(&spec.desired(), &vhost())));
}

#[test]
fn results_may_go_to_an_exchange_that_a_person_names() {
    let events = "{ sources: [ { exchange: { name: shop, type: Direct }, routingKeys: [buy], types: [purchase] } ] }";
    let own = Spec::new(
        events,
        "{}",
        "{ exchange: { name: all-results }, subscribers: [ { name: crm, routingKeys: ['#'] } ] }",
    );
    golden("named-results", &render(&plan(&own.desired(), &vhost())));
    let foreign = Spec::new(events, "{}", "{ exchange: { name: amq.topic, declare: false } }");
    let names: Vec<_> = foreign.desired().exchanges.into_iter().map(|exchange| exchange.name).collect();
    assert_eq!(names, ["coffee.owner", "coffee.unrouted", "coffee.dead", "shop"]);
}

#[test]
fn a_second_apply_changes_nothing() {
    let plan = plan(&Spec::coffee().desired(), &applied());
    assert_eq!(render(&plan), "no changes\n");
}

#[test]
fn without_a_view_all_declarations_are_steps() {
    let wanted = Spec::coffee().desired();
    let unseen = diff(&wanted, &Standing::Unseen, OWNER);
    assert_eq!(unseen, plan(&wanted, &vhost()), "as if nothing stood");
    // Each is harmless where it stands already.
    let mut seen = applied();
    apply(&mut seen, &unseen.steps);
    assert_eq!(seen, applied());
}

#[test]
fn any_deleted_binding_but_a_mark_comes_back() {
    let wanted = Spec::coffee().desired();
    let functional = applied().bindings.into_iter().filter(|binding| binding.arguments.is_empty());
    let mut count = 0;
    for binding in functional {
        let mut seen = applied();
        seen.bindings.remove(&binding);
        assert_eq!(plan(&wanted, &seen).steps, [Step::Bind(binding)]);
        count += 1;
    }
    assert_eq!(count, 8);
}

#[test]
fn a_deleted_queue_comes_back_with_its_mark_and_bindings() {
    let mut seen = applied();
    seen.queues.remove("coffee.main");
    seen.bindings.retain(|binding| binding.destination != "coffee.main");
    golden("lost-queue", &render(&plan(&Spec::coffee().desired(), &seen)));
}

#[test]
fn what_is_not_wanted_any_more_is_unbound_after_the_new_and_kept() {
    let mut seen = applied();
    seen.queues.get_mut("coffee.express").unwrap().messages = Some(12);
    seen.bindings.insert(route("amq.topic", "coffee.main", "by.hand"));
    // Somebody's own queue on our results is theirs.
    apply(&mut seen, &[Step::DeclareExchange(exchange("theirs", "topic"))]);
    seen.bindings.insert(Binding { destination_kind: Destination::Exchange, ..route("coffee.results", "theirs", "#") });
    let events = "{ sources: [ { exchange: { name: shop }, routingKeys: ['#'], types: [purchase] } ] }";
    let plan = plan(&Spec::new(events, "{}", RESULTS).desired(), &seen);
    golden("narrowed", &render(&plan));
    apply(&mut seen, &plan.steps);
    let into_express = seen.bindings.iter().filter(|binding| binding.destination == "coffee.express");
    assert!(into_express.clone().all(|binding| binding.source == "coffee.owner"), "only its mark");
    assert_eq!(into_express.count(), 1);
}

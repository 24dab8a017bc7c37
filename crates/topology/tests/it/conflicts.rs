//! What a person has to settle first.

use contract::broker_object::{Argument, Arguments, Destination, Seen, StandingQueue, Step};
use topology::{Plan, render};

use super::broker::{apply, exchange, vhost};
use super::{EVENTS, RESULTS, Spec, plan};

fn applied() -> Seen {
    let mut seen = vhost();
    let steps = plan(&Spec::coffee().desired(), &seen).steps;
    apply(&mut seen, &steps);
    seen
}

/// The lines of conflicts of the coffee pipeline.
fn conflicts(seen: &Seen) -> String {
    lines(&plan(&Spec::coffee().desired(), seen))
}

fn lines(plan: &Plan) -> String {
    render(plan).lines().filter(|line| line.starts_with('!')).collect::<Vec<_>>().join("\n")
}

/// A queue that stands exactly as wanted, but unmarked.
fn unmarked(name: &str, messages: Option<u64>, consumers: Option<u64>) -> Seen {
    let wanted = Spec::coffee().desired();
    let queue = wanted.queues.into_iter().find(|queue| queue.name == name).unwrap();
    let mut seen = vhost();
    seen.queues.insert(name.to_owned(), StandingQueue { queue, policy: Arguments::new(), messages, consumers });
    seen
}

const FOREIGN_QUEUE: &str = "! queue coffee.main  owner is `nobody`, wanted `shops/coffee`; delete queue `coffee.main` if nobody \
    needs it, give the pipeline another name, or, if only its mark was lost, bind it to exchange `coffee.owner` with the \
    arguments of the other marks there";

#[test]
fn a_foreign_queue_of_our_name_is_refused_once_it_is_used() {
    for (messages, consumers) in [(Some(1), Some(0)), (Some(0), Some(1)), (Some(1), None)] {
        let seen = unmarked("coffee.main", messages, consumers);
        assert_eq!(conflicts(&seen), FOREIGN_QUEUE);
        let plan = plan(&Spec::coffee().desired(), &seen);
        let touches = |step: &Step| matches!(step, Step::Bind(binding) if binding.destination == "coffee.main");
        assert!(!plan.steps.iter().any(touches), "no step touches it");
    }
}

#[test]
fn a_queue_that_a_crash_left_unmarked_is_adopted() {
    let mut seen = unmarked("coffee.main", Some(0), Some(0));
    let plan = plan(&Spec::coffee().desired(), &seen);
    assert_eq!(lines(&plan), "");
    assert!(!plan.steps.iter().any(|step| matches!(step, Step::DeclareQueue(queue) if queue.name == "coffee.main")));
    apply(&mut seen, &plan.steps);
    assert_eq!(seen, applied());
}

#[test]
fn an_unmarked_queue_of_other_arguments_or_with_a_binding_is_foreign() {
    let mut seen = unmarked("coffee.main", Some(0), Some(0));
    let ttl = ("x-message-ttl".to_owned(), Argument::Int(1000));
    seen.queues.get_mut("coffee.main").unwrap().queue.arguments.extend([ttl]);
    assert_eq!(conflicts(&seen), FOREIGN_QUEUE);
    let mut seen = unmarked("coffee.main", Some(0), Some(0));
    let mut binding = applied().bindings.into_iter().find(|binding| binding.destination == "coffee.main").unwrap();
    "amq.topic".clone_into(&mut binding.source);
    binding.arguments.clear();
    seen.bindings.insert(binding);
    assert_eq!(conflicts(&seen), FOREIGN_QUEUE);
}

#[test]
fn an_unmarked_queue_of_unknown_depth_waits_for_the_number() {
    for (messages, consumers) in [(None, None), (None, Some(0)), (Some(0), None)] {
        assert_eq!(
            conflicts(&unmarked("coffee.main", messages, consumers)),
            "! queue coffee.main  messages is `unknown`, wanted `0`; the broker does not tell yet whether it is empty; try again in \
             ten seconds"
        );
    }
}

#[test]
fn two_pipelines_that_claim_one_object_are_told_both() {
    // Another pipeline owns `shop`; a mark of ours beside it does not help.
    let mut seen = applied();
    let mark = seen
        .bindings
        .iter()
        .find(|binding| binding.destination_kind == Destination::Exchange && binding.destination == "shop");
    let mut other = mark.unwrap().clone();
    "tea.owner".clone_into(&mut other.source);
    other.arguments.insert(topology::OWNER_ARGUMENT.to_owned(), Argument::Text("shops/tea".to_owned()));
    apply(&mut seen, &[Step::DeclareExchange(exchange("tea.owner", "headers"))]);
    seen.bindings.insert(other);
    assert_eq!(
        conflicts(&seen),
        "! exchange shop  owner is `shops/tea`, wanted `shops/coffee`; write `declare: false` for exchange `shop` if it is \
         another's, or delete it"
    );
    let tea = topology::diff(
        &Spec::coffee().desired_by("shops/tea"),
        &contract::broker_object::Standing::Seen(seen),
        "shops/tea",
    );
    assert!(lines(&tea).contains("! exchange shop  owner is `shops/coffee`, wanted `shops/tea`"), "{}", lines(&tea));
}

#[test]
fn a_pipeline_of_the_same_name_in_another_namespace_gets_nothing() {
    let spec = Spec::coffee();
    let standing = contract::broker_object::Standing::Seen(applied());
    let plan = topology::diff(&spec.desired_by("other/coffee"), &standing, "other/coffee");
    assert_eq!(plan.steps, []);
    assert!(lines(&plan).contains(
        "! exchange coffee.owner  owner is `shops/coffee`, wanted `other/coffee`; another pipeline of this name uses this vhost; \
         give one of them another name or another vhost"
    ));
}

#[test]
fn each_immutable_field_that_changed_is_told_with_what_to_do() {
    let table = [
        (
            Spec::new(EVENTS, "{ deadLetter: { maxLength: 7 } }", RESULTS),
            "! queue coffee.dead  x-max-length is `100000`, wanted `7`; a standing queue cannot change this: set \
             `queue.deadLetter.maxLength` back, or drain queue `coffee.dead` and delete it",
        ),
        (
            Spec::new(&EVENTS.replace("{ name: shop }", "{ name: shop, type: Direct }"), "{}", RESULTS),
            "! exchange shop  type is `topic`, wanted `direct`; write `type: Topic` if that is meant, or delete exchange `shop` \
             while its producers are stopped",
        ),
        (
            Spec::new(&EVENTS.replace("legacy, type: Fanout", "legacy, type: Topic"), "{}", RESULTS),
            "! exchange legacy  type is `fanout`, wanted `topic`; write `type: Fanout` for exchange `legacy`",
        ),
        (
            Spec::new(&EVENTS.replace("name: legacy", "name: elsewhere"), "{}", RESULTS),
            "! exchange elsewhere  exchange is `missing`, wanted `declared`; let its owner declare exchange `elsewhere`, or leave out \
             `declare: false`",
        ),
    ];
    for (spec, line) in table {
        let plan = plan(&spec.desired(), &applied());
        assert_eq!(lines(&plan), line);
    }
    let disk = lines(&plan(&Spec::new(EVENTS, "{ storage: Disk }", RESULTS).desired(), &applied()));
    assert_eq!(disk.lines().count(), 5, "{disk}");
    assert!(disk.contains(
        "! queue coffee.main  x-queue-type is `quorum`, wanted `classic`; a standing queue cannot change this: set `queue.storage` \
         back, or drain queue `coffee.main` and delete it"
    ));
}

#[test]
fn every_argument_that_we_set_is_compared() {
    let spec = Spec::coffee();
    let wanted = spec.desired();
    let mut count = 0;
    for queue in &wanted.queues {
        for name in queue.arguments.keys() {
            let mut seen = applied();
            seen.queues.get_mut(&queue.name).unwrap().queue.arguments.remove(name);
            let line = format!("! queue {}  {name} is `unset`, wanted `{}`; ", queue.name, queue.arguments[name]);
            assert!(conflicts(&seen).starts_with(&line), "{}", conflicts(&seen));
            count += 1;
        }
    }
    assert_eq!(count, 16);
    for change in [
        |exchange: &mut contract::broker_object::Exchange| exchange.durable = false,
        |exchange: &mut contract::broker_object::Exchange| exchange.auto_delete = true,
        |exchange: &mut contract::broker_object::Exchange| exchange.internal ^= true,
        |exchange: &mut contract::broker_object::Exchange| "headers".clone_into(&mut exchange.kind),
    ] {
        for own in wanted.exchanges.iter().filter(|own| own.kind != "headers") {
            let mut seen = applied();
            change(seen.exchanges.get_mut(&own.name).unwrap());
            assert!(conflicts(&seen).starts_with(&format!("! exchange {}  ", own.name)), "{}", conflicts(&seen));
        }
    }
}

#[test]
fn what_the_broker_adds_by_itself_is_no_difference() {
    let mut seen = applied();
    for queue in seen.queues.values_mut() {
        queue.queue.arguments.insert("x-broker-says".to_owned(), Argument::Bool(true));
    }
    assert_eq!(render(&plan(&Spec::coffee().desired(), &seen)), "no changes\n");
}

#[test]
fn a_producers_own_exchange_is_left_alone() {
    let mut seen = vhost();
    apply(&mut seen, &[Step::DeclareExchange(exchange("shop", "topic"))]);
    assert_eq!(
        conflicts(&seen),
        "! exchange shop  alternate-exchange is `unset`, wanted `coffee.unrouted`; a standing exchange cannot change its \
         `alternate-exchange`: write `declare: false`, or delete exchange `shop` while its producers are stopped"
    );
    let as_foreign = Spec::new(&EVENTS.replace("{ name: shop }", "{ name: shop, declare: false }"), "{}", RESULTS);
    assert_eq!(lines(&plan(&as_foreign.desired(), &seen)), "");
    // One that names our own queue for what it cannot route was made for us.
    let mut made = exchange("shop", "topic");
    made.arguments = Arguments::from([("alternate-exchange".to_owned(), Argument::Text("coffee.unrouted".to_owned()))]);
    let mut seen = vhost();
    apply(&mut seen, &[Step::DeclareExchange(made)]);
    assert_eq!(conflicts(&seen), "");
}

#[test]
fn an_own_exchange_that_others_use_unmarked_is_foreign() {
    let mut seen = vhost();
    apply(&mut seen, &[Step::DeclareExchange(exchange("coffee.results", "topic"))]);
    assert_eq!(conflicts(&seen), "", "unused, a crash may have left it");
    let theirs = contract::broker_object::Binding {
        source: "coffee.results".to_owned(),
        destination_kind: Destination::Exchange,
        destination: "amq.topic".to_owned(),
        routing_key: "#".to_owned(),
        arguments: Arguments::new(),
    };
    seen.bindings.insert(theirs);
    assert!(
        conflicts(&seen)
            .starts_with("! exchange coffee.results  owner is `nobody`, wanted `shops/coffee`; delete exchange")
    );
}

#[test]
fn an_owner_exchange_of_another_kind_blocks_everything() {
    let mut seen = vhost();
    apply(&mut seen, &[Step::DeclareExchange(exchange("coffee.owner", "topic"))]);
    let plan = plan(&Spec::coffee().desired(), &seen);
    assert_eq!(plan.steps, []);
    assert!(
        lines(&plan)
            .starts_with("! exchange coffee.owner  internal is `false`, wanted `true`; delete exchange `coffee.owner`")
    );
}

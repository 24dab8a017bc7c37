//! What differs between the RabbitMQ releases that are supported.

use contract::broker_object::{Argument, Arguments, Desired, Release, Seen};
use topology::{render, suited};

use super::broker::{apply, vhost};
use super::{Spec, plan};

fn wanted(version: &str) -> Desired {
    suited(Spec::coffee().desired(), Release::of(version))
}

/// What stands after a broker of a version was given all that is wanted of it.
fn made_on(version: &str) -> Seen {
    let mut seen = vhost();
    let steps = plan(&wanted(version), &seen).steps;
    apply(&mut seen, &steps);
    seen
}

fn conflicts(version: &str, seen: &Seen) -> Vec<String> {
    let plan = plan(&wanted(version), seen);
    render(&plan).lines().filter(|line| line.starts_with('!')).map(str::to_owned).collect()
}

#[test]
fn no_limit_of_deliveries_is_asked_for_only_where_minus_one_means_it() {
    for (version, limit) in [
        ("3.10.8", None),
        ("3.13.7", None),
        ("4.0.5", Some(Argument::Int(-1))),
        ("4.3.6", Some(Argument::Int(-1))),
        ("10.0.0", Some(Argument::Int(-1))),
        // Nobody said which: the releases that are still maintained.
        ("", Some(Argument::Int(-1))),
    ] {
        let limits: Vec<_> =
            wanted(version).queues.into_iter().map(|queue| queue.arguments.get("x-delivery-limit").cloned()).collect();
        assert_eq!(limits, vec![limit; 5], "{version}");
    }
}

#[test]
fn what_was_made_on_a_release_is_in_sync_with_it_and_with_its_next() {
    for (made, now) in [("3.13.7", "3.13.7"), ("3.10.8", "3.13.7"), ("4.0.5", "4.0.5"), ("4.0.5", "4.3.6")] {
        assert_eq!(render(&plan(&wanted(now), &made_on(made))), "no changes\n", "{made} {now}");
    }
}

#[test]
fn queues_from_before_4_0_are_told_after_an_upgrade_with_the_policy_that_they_need() {
    let mut seen = made_on("3.13.7");
    let told = conflicts("4.3.6", &seen);
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(
        told.iter().find(|line| line.contains("coffee.main")).unwrap(),
        "! queue coffee.main  x-delivery-limit is `unset`, wanted `-1`; a standing queue cannot change this, and the broker would \
         bury what comes back too often: set a policy `{\"delivery-limit\":-1}` that applies to quorum queues for \
         `^coffee\\.main$`, or drain queue `coffee.main` and delete it"
    );
    let policy = |limit| Arguments::from([("delivery-limit".to_owned(), Argument::Int(limit))]);
    for queue in seen.queues.values_mut() {
        queue.policy = policy(50);
    }
    assert_eq!(conflicts("4.3.6", &seen), told, "a limit is not none");
    for queue in seen.queues.values_mut() {
        queue.policy = policy(-1);
    }
    assert_eq!(render(&plan(&wanted("4.3.6"), &seen)), "no changes\n");
}

#[test]
fn a_limit_that_somebody_gave_is_no_matter_of_a_policy() {
    let mut seen = made_on("4.3.6");
    let queue = seen.queues.get_mut("coffee.main").unwrap();
    queue.queue.arguments.insert("x-delivery-limit".to_owned(), Argument::Int(3));
    queue.policy = Arguments::from([("delivery-limit".to_owned(), Argument::Int(-1))]);
    let told = conflicts("4.3.6", &seen);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("drain queue `coffee.main` and delete it") && !told[0].contains("policy"), "{told:?}");
}

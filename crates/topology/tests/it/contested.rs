//! Pipelines that want one object for themselves.

use topology::contested;

use super::{EVENTS, RESULTS, Spec};

#[test]
fn an_object_that_two_declare_is_told_with_both() {
    let coffee = Spec::coffee().desired_by("shops/coffee");
    let tea = Spec::new(EVENTS, "{}", "{ exchange: { name: all } }").named("tea").desired_by("shops/tea");
    let milk = "{ sources: [ { exchange: { name: shop, declare: false }, routingKeys: ['#'], types: [visit] } ] }";
    let milk = Spec::new(milk, "{}", "{ exchange: { name: all } }").named("milk").desired_by("shops/milk");
    let claims = [("shops/coffee", &coffee), ("shops/tea", &tea), ("shops/milk", &milk)];
    let found: Vec<_> = contested(claims.into_iter()).into_iter().collect();
    let want = [("exchange all", ["shops/tea", "shops/milk"]), ("exchange shop", ["shops/coffee", "shops/tea"])];
    let want: Vec<_> =
        want.map(|(object, owners)| (object.to_owned(), owners.map(str::to_owned).to_vec())).into_iter().collect();
    assert_eq!(found, want);
}

#[test]
fn two_of_one_name_contest_all_that_they_have() {
    let (one, two) = (Spec::coffee().desired_by("a/coffee"), Spec::coffee().desired_by("b/coffee"));
    let found = contested([("a/coffee", &one), ("b/coffee", &two)].into_iter());
    assert_eq!(found.len(), one.exchanges.len() + one.queues.len());
    assert!(found.values().all(|owners| owners == &["a/coffee", "b/coffee"]));
    assert!(contested([("a/coffee", &one)].into_iter()).is_empty());
}

#[test]
fn a_queue_and_an_exchange_of_one_name_are_two_things() {
    let one = Spec::new("{ sources: [] }", "{}", "{ exchange: { name: tea.main } }").desired();
    let two = Spec::new("{ sources: [] }", "{}", RESULTS).named("tea").desired_by("shops/tea");
    assert!(contested([("shops/coffee", &one), ("shops/tea", &two)].into_iter()).is_empty());
}

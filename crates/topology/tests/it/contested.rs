//! Pipelines that want one object for themselves.

use topology::contested;

use super::{EVENTS, RESULTS, Spec};

#[test]
fn an_object_that_others_declare_is_told_with_them() {
    let coffee = Spec::coffee().desired_by("shops/coffee");
    let tea = Spec::new(EVENTS, "{}", "{ exchange: { name: all } }").named("tea").desired_by("shops/tea");
    let milk = "{ sources: [ { exchange: { name: shop, declare: false }, routingKeys: ['#'], types: [visit] } ] }";
    let milk = Spec::new(milk, "{}", "{ exchange: { name: all } }").named("milk").desired_by("shops/milk");
    let claims = [("shops/coffee", &coffee), ("shops/tea", &tea), ("shops/milk", &milk)];
    for (owner, want) in [
        ("shops/coffee", [("exchange shop", "shops/tea")].as_slice()),
        ("shops/tea", &[("exchange all", "shops/milk"), ("exchange shop", "shops/coffee")]),
        ("shops/milk", &[("exchange all", "shops/tea")]),
    ] {
        let (ours, others): (Vec<_>, Vec<_>) = claims.into_iter().partition(|(name, _)| *name == owner);
        let found: Vec<_> = contested(ours[0].1, others.into_iter()).into_iter().collect();
        let want = want.iter().map(|(object, other)| ((*object).to_owned(), vec![(*other).to_owned()]));
        assert_eq!(found, want.collect::<Vec<_>>(), "{owner}");
    }
}

#[test]
fn two_of_one_name_contest_all_that_they_have() {
    let (one, two) = (Spec::coffee().desired_by("a/coffee"), Spec::coffee().desired_by("b/coffee"));
    let found = contested(&one, [("b/coffee", &two)].into_iter());
    assert_eq!(found.len(), one.exchanges.len() + one.queues.len());
    assert!(found.values().all(|owners| owners == &["b/coffee"]));
    assert!(contested(&one, std::iter::empty()).is_empty());
}

#[test]
fn a_queue_and_an_exchange_of_one_name_are_two_things() {
    let one = Spec::new("{ sources: [] }", "{}", "{ exchange: { name: tea.main } }").desired();
    let two = Spec::new("{ sources: [] }", "{}", RESULTS).named("tea").desired_by("shops/tea");
    assert!(contested(&one, [("shops/tea", &two)].into_iter()).is_empty());
}

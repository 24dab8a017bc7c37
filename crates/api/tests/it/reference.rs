//! What is said of conditions and reasons.

use std::collections::BTreeSet;

use api::{ConditionStatus, ConditionType, Reason};

#[test]
fn every_condition_and_every_reason_has_a_meaning_and_an_advice() {
    let types = api::condition_types();
    assert_eq!(types.len(), 6);
    let reasons = api::reasons();
    assert!(reasons.len() > 30, "{}", reasons.len());
    for one in &types {
        assert!(one.meaning.ends_with('.'), "{:?}", one.value);
    }
    for one in &reasons {
        assert!(one.meaning.ends_with('.') && one.value.advice().ends_with('.'), "{:?}", one.value);
    }
}

#[test]
fn the_reasons_are_those_of_the_definition_and_each_is_given_for_something() {
    let definition: serde_json::Value = serde_yaml::from_str(&api::crd_yaml()).unwrap();
    let status = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    let said = &status["properties"]["conditions"]["items"]["properties"]["reason"]["enum"];
    let names: Vec<String> = api::reasons().iter().map(|one| one.value.to_string()).collect();
    assert_eq!(*said, serde_json::json!(names));
    for one in api::reasons() {
        assert_eq!(one.value.given_for().is_empty(), one.value == Reason::Other, "{:?}", one.value);
    }
    let true_for: BTreeSet<ConditionType> = api::reasons()
        .iter()
        .flat_map(|one| one.value.given_for())
        .filter(|(_, status)| *status == ConditionStatus::True)
        .map(|(kind, _)| *kind)
        .collect();
    assert_eq!(true_for.len(), 6, "each condition can be true");
}

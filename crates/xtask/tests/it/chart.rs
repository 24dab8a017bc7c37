//! The chart as Helm 3 and Helm 4 render it, with its own values and with each file of `charts/loyalty-operator/ci`.

mod cluster;
mod docs;
mod helm;
mod notes;
mod refusals;
mod rights;
mod valid;
mod values;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use helm::{HELM_3, HELM_4, HELMS, Rendered, chart, ci, render, repository_file};

#[test]
fn helm_has_nothing_to_complain_of() {
    for helm in HELMS {
        for values in ci() {
            let mut arguments = vec!["lint", "--strict", helm::chart_path()];
            arguments.extend(values.iter().flat_map(|file| ["--values", file]));
            let said = helm::run(helm, &arguments);
            assert!(said.is_success, "{helm}, {values:?}: {}", said.all());
            assert!(!said.out.contains("WARNING"), "{helm}, {values:?}: {}", said.out);
        }
    }
}

#[test]
fn both_helms_render_the_same_objects() {
    for values in ci() {
        assert_eq!(chart(HELM_3, values.as_deref()).0, chart(HELM_4, values.as_deref()).0, "{values:?}");
    }
}

#[test]
fn every_container_is_restricted_and_writes_nowhere() {
    let mut containers = 0;
    for (values, rendered) in all() {
        for (name, pod) in rendered.pods() {
            let at = format!("{name}, {values:?}");
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{at}");
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{at}");
            assert_ne!(pod["securityContext"]["runAsUser"], 0, "{at}");
            for field in ["hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"] {
                assert_eq!(pod[field], Value::Null, "{at}: {field}");
            }
            for container in pod["containers"].as_array().unwrap() {
                let want = json!({
                    "allowPrivilegeEscalation": false,
                    "capabilities": { "drop": ["ALL"] },
                    "readOnlyRootFilesystem": true,
                });
                assert_eq!(container["securityContext"], want, "{at}");
                assert_eq!(container["command"], Value::Null, "{at}: the image has an entry point, and no shell");
                containers += 1;
            }
        }
    }
    assert!(containers >= 8, "an operator and a test for each file of values: {containers}");
}

/// Labels that somebody gives replace none of those by which pods are found: `ci/everything.yaml` tries to.
#[test]
fn every_selector_finds_the_operator_and_not_the_test() {
    for (values, rendered) in all() {
        let labels = |name: &str, at: &str| rendered.only(name).pointer(at).unwrap().clone();
        let operator = labels("Deployment", "/spec/template/metadata/labels");
        let test = labels("Pod", "/metadata/labels");
        let mut selectors =
            vec![labels("Deployment", "/spec/selector/matchLabels"), labels("Service", "/spec/selector")];
        for kind in ["PodDisruptionBudget", "ServiceMonitor"] {
            selectors.extend(rendered.of(kind).map(|object| object["spec"]["selector"]["matchLabels"].clone()));
        }
        selectors
            .extend(rendered.of("NetworkPolicy").map(|object| object["spec"]["podSelector"]["matchLabels"].clone()));
        for selector in &selectors {
            assert_eq!(selector, &selectors[0], "{values:?}");
        }
        let matches =
            |labels: &Value| selectors[0].as_object().unwrap().iter().all(|(key, value)| &labels[key] == value);
        assert!(matches(&operator) && !matches(&test), "{values:?}: {operator} {test}");
    }
}

#[test]
fn every_object_tells_what_it_belongs_to() {
    for (values, rendered) in all() {
        for object in &rendered.0 {
            let labels = object["metadata"]["labels"].as_object().unwrap();
            for (label, value) in [
                ("part-of", "loyalty-pipelines"),
                ("name", "loyalty-operator"),
                ("managed-by", "Helm"),
                ("version", "0.1.0"),
            ] {
                assert_eq!(labels[&format!("app.kubernetes.io/{label}")], value, "{values:?}: {object}");
            }
            assert!(labels.contains_key("app.kubernetes.io/instance"), "{values:?}: {object}");
            // By this value the operator knows what it made itself.
            assert_ne!(labels["app.kubernetes.io/managed-by"], "loyalty-operator");
        }
    }
}

#[test]
fn the_definition_is_the_generated_one_and_outlives_its_release() {
    let text = repository_file("crds/loyaltypipelines.loyalty.dev.yaml");
    let generated: Value = serde_yaml::from_str(&text).unwrap();
    for helm in HELMS {
        let rendered =
            render(helm, &["--set-json", r#"crds.annotations={"helm.sh/resource-policy":"delete","a":"b"}"#]);
        let definition = rendered.only("CustomResourceDefinition");
        assert_eq!(difference(&definition["spec"], &generated["spec"], "spec"), None, "{helm}");
        assert_eq!(definition["metadata"]["name"], generated["metadata"]["name"]);
        let annotations = json!({ "helm.sh/resource-policy": "keep", "a": "b" });
        assert_eq!(definition["metadata"]["annotations"], annotations, "{helm}");

        let left = render(helm, &["--set", "crds.keep=false"]);
        let policy = &left.only("CustomResourceDefinition")["metadata"]["annotations"]["helm.sh/resource-policy"];
        assert_eq!(policy, &Value::Null);
        assert_eq!(render(helm, &["--set", "crds.install=false"]).of("CustomResourceDefinition").count(), 0);
    }
}

#[test]
fn two_operators_never_work_at_the_same_time() {
    for (values, rendered) in all() {
        let spec = &rendered.only("Deployment")["spec"];
        let arguments = &spec["template"]["spec"]["containers"][0]["args"];
        let has_lease = arguments.as_array().unwrap().contains(&json!("--leader-election=true"));
        let wanted = if has_lease { "RollingUpdate" } else { "Recreate" };
        assert_eq!(spec["strategy"]["type"], wanted, "{values:?}");
        assert!(has_lease || spec["replicas"] == 1, "{values:?}");
    }
}

#[test]
fn the_operator_knows_every_flag_that_it_is_given() {
    let program = std::path::Path::new(&helm::variable("LOYALTY_BIN_DIR")).join("loyalty-operator");
    let help = |arguments: &[&str]| {
        let said = std::process::Command::new(&program).args(arguments).output();
        String::from_utf8(said.unwrap_or_else(|error| panic!("{}: {error}", program.display())).stdout).unwrap()
    };
    let (operator, check) = (help(&["--help"]), help(&["check", "--help"]));
    for (values, rendered) in all() {
        for (name, pod) in rendered.pods() {
            let arguments: Vec<&str> =
                pod["containers"][0]["args"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
            let known = if arguments[0] == "check" { &check } else { &operator };
            let flags: BTreeSet<&str> = arguments
                .iter()
                .filter(|argument| argument.starts_with("--"))
                .map(|flag| flag.split('=').next().unwrap())
                .collect();
            assert!(!flags.is_empty(), "{name}");
            for flag in flags {
                assert!(known.contains(&format!("{flag} <")), "{values:?}, {name}: no `{flag}` in\n{known}");
            }
        }
    }
}

#[test]
fn names_stay_names_however_long_or_odd_the_release_s_is() {
    let longest = "r".repeat(53);
    let template = |release: &str, more: &[&str]| {
        let mut arguments = vec!["template", release, helm::chart_path(), "--namespace", "007"];
        arguments.extend(["--values", "charts/loyalty-operator/ci/everything.yaml"]);
        arguments.extend(more);
        Rendered::parse(&helm::run(HELM_4, &arguments).succeeded())
    };
    let rendered = [template(&longest, &["--set", "fullnameOverride="]), template("1e3", &[])];
    for object in rendered.iter().flat_map(|rendered| &rendered.0) {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert!(name.len() <= 63, "{name}");
        assert!(matches!(object["metadata"]["namespace"].as_str(), None | Some("007")), "{object}");
        assert!(object["metadata"]["labels"]["app.kubernetes.io/instance"].is_string(), "{object}");
    }
}

/// What both render, by Helm 4; that Helm 3 renders the same is a test of its own.
fn all() -> Vec<(Option<String>, Rendered)> {
    ci().into_iter().map(|values| (values.clone(), chart(HELM_4, values.as_deref()))).collect()
}

/// The first place in which two values differ. Numbers went through Helm's own: 4 and 4.0 are one.
fn difference(left: &Value, right: &Value, path: &str) -> Option<String> {
    let other = || Some(format!("{path}: {left} and {right}"));
    match (left, right) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            left.iter().find_map(|(key, value)| difference(value, &right[key], &format!("{path}.{key}")))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).find_map(|(left, right)| difference(left, right, path))
        }
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => None,
        _ if left == right => None,
        _ => other(),
    }
}

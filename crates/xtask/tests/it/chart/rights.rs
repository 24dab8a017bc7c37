//! Who gets which rights from the chart.

use serde_json::{Value, json};

use super::helm::{HELM_4, Rendered, render, repository_file};

const ROLES: [&str; 2] = ["ClusterRole", "Role"];
const BINDINGS: [&str; 2] = ["ClusterRoleBinding", "RoleBinding"];

/// The roles of the operator: name, namespace and rules of each.
fn roles(rendered: &Rendered) -> Vec<(&str, Option<&str>, &Value)> {
    let roles = ROLES.into_iter().flat_map(|kind| rendered.of(kind));
    let of_people = |role: &&Value| role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true";
    roles
        .filter(|role| !of_people(role))
        .map(|role| {
            let metadata = &role["metadata"];
            (metadata["name"].as_str().unwrap(), metadata["namespace"].as_str(), &role["rules"])
        })
        .collect()
}

fn table() -> Value {
    serde_yaml::from_str(&repository_file("charts/loyalty-operator/files/rights.yaml")).unwrap()
}

/// Each binding binds the account of the operator's pods to a role that is rendered in the same place.
fn bindings_fit(rendered: &Rendered) {
    let account = &rendered.only("Deployment")["spec"]["template"]["spec"]["serviceAccountName"];
    let bindings: Vec<&Value> = BINDINGS.into_iter().flat_map(|kind| rendered.of(kind)).collect();
    assert_eq!(bindings.len(), roles(rendered).len());
    for binding in bindings {
        let subject = json!([{ "kind": "ServiceAccount", "name": account, "namespace": "loyalty" }]);
        assert_eq!(binding["subjects"], subject);
        let (kind, name) = (binding["roleRef"]["kind"].as_str().unwrap(), binding["roleRef"]["name"].as_str());
        assert_eq!(binding["kind"], format!("{kind}Binding"));
        let namespace = binding["metadata"]["namespace"].as_str();
        assert!(roles(rendered).iter().any(|role| (Some(role.0), role.1) == (name, namespace)), "{binding}");
    }
}

#[test]
fn an_operator_of_the_cluster_has_the_rights_of_the_table_and_no_others() {
    let rendered = render(HELM_4, &[]);
    let table = table();
    let name = "shop-loyalty-operator";
    let leader = format!("{name}-leader");
    let want = vec![(name, None, &table["watched"]), (leader.as_str(), Some("loyalty"), &table["own"])];
    assert_eq!(roles(&rendered), want);
    bindings_fit(&rendered);
}

#[test]
fn an_operator_of_some_namespaces_has_its_rights_there_only() {
    let table = table();
    let name = "shop-loyalty-operator";
    let check = |more: &[&str], namespaces: &[&str]| {
        let mut arguments = vec!["--set", "scope=Namespaces,rbac.people=false"];
        arguments.extend(more);
        let rendered = render(HELM_4, &arguments);
        assert_eq!(rendered.of("ClusterRole").count() + rendered.of("ClusterRoleBinding").count(), 0);
        let watched = namespaces.iter().map(|namespace| (name, Some(*namespace), &table["watched"]));
        let leader = format!("{name}-leader");
        let want: Vec<_> = watched.chain([(leader.as_str(), Some("loyalty"), &table["own"])]).collect();
        assert_eq!(roles(&rendered), want);
        bindings_fit(&rendered);
        let arguments = rendered.only("Deployment")["spec"]["template"]["spec"]["containers"][0]["args"].clone();
        for namespace in namespaces {
            assert!(arguments.as_array().unwrap().contains(&json!(format!("--watch-namespace={namespace}"))));
        }
    };
    check(&[], &["loyalty"]);
    check(&["--set", "watchNamespaces={cafes,shops}"], &["cafes", "shops"]);
}

#[test]
fn without_a_lease_there_is_no_right_to_one() {
    let rendered = render(HELM_4, &["--set", "leaderElection.enabled=false"]);
    assert_eq!(roles(&rendered), vec![("shop-loyalty-operator", None, &table()["watched"])]);
    bindings_fit(&rendered);
}

#[test]
fn no_rule_has_a_wildcard_and_nobody_becomes_an_admin() {
    let mut rules = 0;
    for (values, rendered) in super::all() {
        for role in ROLES.into_iter().flat_map(|kind| rendered.of(kind)) {
            for rule in role["rules"].as_array().unwrap() {
                assert!(!rule.to_string().contains('*'), "{values:?}: {rule}");
                let verbs = rule["verbs"].as_array().unwrap();
                for verb in ["escalate", "bind", "impersonate"] {
                    assert!(!verbs.contains(&json!(verb)), "{values:?}: {rule}");
                }
                rules += 1;
            }
        }
        for binding in BINDINGS.into_iter().flat_map(|kind| rendered.of(kind)) {
            assert!(!binding["roleRef"]["name"].as_str().unwrap().contains("admin"), "{values:?}: {binding}");
        }
    }
    assert!(rules > 20, "{rules}");
}

#[test]
fn people_who_may_view_or_edit_may_so_with_pipelines() {
    let rendered = render(HELM_4, &[]);
    let verbs = |role: &str| {
        let role = rendered.of("ClusterRole").find(|it| it["metadata"]["name"] == role).unwrap().clone();
        let to =
            |who: &str| role["metadata"]["labels"][format!("rbac.authorization.k8s.io/aggregate-to-{who}")] == "true";
        let rules = role["rules"].as_array().unwrap();
        assert!(rules.iter().all(|rule| rule["apiGroups"] == json!(["loyalty.dev"])));
        let of_pipelines = rules.iter().find(|rule| rule["resources"] == json!(["loyaltypipelines"])).unwrap();
        (["view", "edit", "admin"].map(to), of_pipelines["verbs"].clone())
    };
    assert_eq!(verbs("shop-loyalty-operator-view"), ([true, true, true], json!(["get", "list", "watch"])));
    let writes = json!(["create", "update", "patch", "delete", "deletecollection"]);
    assert_eq!(verbs("shop-loyalty-operator-edit"), ([false, true, true], writes));
}

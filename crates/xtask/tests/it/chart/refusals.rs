//! Values that are wrong, and what is said about them.

use super::helm::{HELMS, template};

#[test]
fn wrong_values_are_refused_with_a_sentence() {
    let check = |set: &[&str], words: &[&str]| {
        for helm in HELMS {
            let said = template(helm, set);
            assert!(!said.is_success, "{helm} takes {set:?}");
            for word in words {
                assert!(said.err.contains(word), "{helm}, {set:?}: no `{word}` in\n{}", said.err);
            }
        }
    };
    let set = |value: &str, words: &[&str]| check(&["--set", value], words);
    set("replica=2", &["replica", "not allowed"]);
    set("image.tags=x", &["image", "tags", "not allowed"]);
    set("networkPolicy.egress.workers.ports={1}", &["workers", "not allowed"]);
    set("replicas=two", &["replicas", "string", "integer"]);
    set("scope=Everything", &["scope", "must be one of", "Cluster", "Namespaces"]);
    set("log.format=xml", &["format", "must be one of", "json", "text"]);
    set("networkPolicy.egress.dns.ports={70000}", &["ports/0".split('/').next().unwrap(), "65"]);
    set("image.digest=latest", &["digest", "sha256"]);
    set("podSecurityContext.runAsUser=0", &["runAsUser", "1"]);
    set("serviceMonitor.interval=often", &["interval"]);
    set("watchNamespaces={shops}", &["`watchNamespaces` has no effect with `scope: Cluster`"]);
    set("replicas=2,leaderElection.enabled=false", &["all of them would write"]);
    set("extraEnv[0].name=LOYALTY_LISTEN,extraEnv[0].value=x", &["may not set `LOYALTY_LISTEN`"]);
    set("extraEnv[0].name=POD_NAME,extraEnv[0].value=x", &["may not set `POD_NAME`"]);
    set("fullnameOverride=1st", &["fullnameOverride"]);
    set("nameOverride=Shop", &["nameOverride"]);
    check(&["--set-json", "watchNamespaces=[\"a\",\"a\"]"], &["watchNamespaces"]);
}

/// Helm hands these two to a chart that is a dependency of another.
#[test]
fn the_chart_can_be_a_dependency_of_another() {
    for helm in HELMS {
        let said = template(helm, &["--set", "enabled=true,global.imageRegistry=registry.example.com"]);
        assert!(said.is_success, "{helm}: {}", said.err);
    }
}

//! The chart in a real API server: installed, upgraded and uninstalled by both Helms.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::parts::Kubernetes;

use super::helm::{HELM_3, HELM_4, chart_path, root, run_in, wait_until_described};
use super::notes::commands;

const DEFINITION: &str = "loyaltypipelines.loyalty.dev";
/// A text of the definition, and what an earlier version said.
const WORDS: (&str, &str) = ("Where balances are kept.", "Where balances were kept.");

/// One release in a namespace of its own.
struct Release<'a> {
    helm: &'static str,
    name: &'static str,
    kubeconfig: &'a Path,
}

impl Release<'_> {
    fn helm(&self, arguments: &[&str]) -> String {
        let mut all = arguments.to_vec();
        all.extend(["--namespace", self.name]);
        run_in(self.helm, &all, self.kubeconfig).succeeded()
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        run_in("LOYALTY_KUBECTL", arguments, self.kubeconfig).succeeded()
    }

    fn get(&self, what: &[&str]) -> Value {
        let mut arguments = vec!["--namespace", self.name, "get", "--output", "json"];
        arguments.extend(what);
        serde_json::from_str(&self.kubectl(&arguments)).unwrap()
    }

    fn operator(&self) -> String {
        format!("{}-loyalty-operator", self.name)
    }

    fn may(&self, verb: &str, resource: &str, namespace: &str) -> bool {
        let account = format!("system:serviceaccount:{}:{}", self.name, self.operator());
        let arguments = ["auth", "can-i", verb, resource, "--as", &account, "--namespace", namespace];
        run_in("LOYALTY_KUBECTL", &arguments, self.kubeconfig).out.trim() == "yes"
    }

    fn is_installed_with_its_definition(&self, text: &str) {
        assert_eq!(self.get(&["deployment", &self.operator()])["spec"]["replicas"], 1);
        assert!(self.get(&["customresourcedefinition", DEFINITION]).to_string().contains(text));
    }

    /// As they are printed. Pods do not run here, so what waits for them or reads their log is left out.
    fn notes_are_true(&self) {
        let notes = self.helm(&["get", "notes", self.name]);
        let of_pods = |command: &str| command.contains("rollout") || command.contains("logs");
        let printed = commands(&notes).into_iter().filter_map(|command| command.strip_prefix("kubectl "));
        let answerable: Vec<&str> = printed.filter(|command| !of_pods(command)).collect();
        assert_eq!(answerable.len(), 2, "{notes}");
        wait_until_described(self.kubeconfig);
        for command in answerable {
            self.kubectl(&command.split(' ').collect::<Vec<_>>());
        }
    }

    fn has_its_rights_and_no_others(&self) {
        assert!(self.may("list", "secrets", "default"), "of a pipeline in any namespace");
        assert!(self.may("create", "leases.coordination.k8s.io", self.name));
        for (verb, resource) in [
            ("create", "leases.coordination.k8s.io"),
            ("create", "secrets"),
            ("create", "pods"),
            ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
            ("delete", "loyaltypipelines.loyalty.dev"),
            ("list", "nodes"),
        ] {
            assert!(!self.may(verb, resource, "default"), "{verb} {resource}");
        }
    }

    fn has_its_own_namespace_only(&self) {
        assert_eq!(self.get(&["deployment", &self.operator()])["spec"]["replicas"], 2);
        assert_eq!(self.get(&["poddisruptionbudget", &self.operator()])["spec"]["maxUnavailable"], 1);
        assert!(!self.may("list", "secrets", "default"));
        assert!(self.may("list", "secrets", self.name));
    }

    fn has_left_its_definition_alone(&self) {
        let kinds = "deployments,services,serviceaccounts,roles,rolebindings,poddisruptionbudgets,clusterroles,clusterrolebindings";
        let instance = format!("app.kubernetes.io/instance={}", self.name);
        assert_eq!(self.get(&[kinds, "--selector", &instance])["items"], json!([]));
        let definition = self.get(&["customresourcedefinition", DEFINITION]);
        assert_eq!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    }
}

/// The chart with a definition of an earlier version.
fn earlier() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-R").arg(root().join(chart_path())).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let definition = folder.path().join("loyalty-operator/files/crd.yaml");
    let text = fs::read_to_string(&definition).unwrap();
    assert!(text.contains(WORDS.0));
    fs::write(&definition, text.replace(WORDS.0, WORDS.1)).unwrap();
    folder
}

/// From an earlier version to this one; the definition that another release has left is taken over.
fn lives(release: &Release, earlier: &Path) {
    let earlier = earlier.join("loyalty-operator");
    let earlier = earlier.to_str().unwrap();
    release.helm(&["install", release.name, earlier, "--create-namespace", "--take-ownership"]);
    release.is_installed_with_its_definition(WORDS.1);
    release.helm(&["upgrade", release.name, chart_path()]);
    release.is_installed_with_its_definition(WORDS.0);
    release.notes_are_true();
    release.has_its_rights_and_no_others();

    release.helm(&["upgrade", release.name, chart_path(), "--set", "scope=Namespaces,replicas=2"]);
    release.has_its_own_namespace_only();
    release.helm(&["uninstall", release.name]);
    release.has_left_its_definition_alone();
}

#[test]
fn both_helms_install_upgrade_and_uninstall_it_also_one_after_the_other() {
    let kubernetes = Kubernetes::start().unwrap();
    let (kubeconfig, earlier) = (kubernetes.kubeconfig(), earlier());
    for (helm, name) in [(HELM_4, "first"), (HELM_3, "second"), (HELM_4, "third")] {
        lives(&Release { helm, name, kubeconfig: &kubeconfig }, earlier.path());
    }
}

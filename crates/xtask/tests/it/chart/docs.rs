//! The commands of the pages for whoever runs the cluster, as they are printed, in a real API server.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use xtask::pages::blocks;
use xtask::parts::Kubernetes;

use super::helm::{HELM_4, repository_file, root, variable, wait_until_described};

/// A block with one of these is left out: it builds for minutes, needs a registry, or asks a broker (that, `cargo xtask e2e` does).
const ELSEWHERE: [&str; 3] = ["cargo xtask", "skopeo ", "curl "];

/// A line with one of these is left out: it waits for pods, and none run here (they do in `cargo xtask e2e`).
const OF_PODS: [&str; 4] = ["rollout status", "helm test", "kubectl wait", "kubectl loyalty"];

/// The pages' programs, under the names by which a person calls them.
fn programs() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let loyaltyctl = Path::new(&variable("LOYALTY_BIN_DIR")).join("loyaltyctl");
    assert!(loyaltyctl.exists(), "no `{}`; run `cargo build -p loyaltyctl`", loyaltyctl.display());
    symlink(variable(HELM_4), folder.path().join("helm")).unwrap();
    symlink(variable("LOYALTY_KUBECTL"), folder.path().join("kubectl")).unwrap();
    symlink(loyaltyctl, folder.path().join("loyaltyctl")).unwrap();
    folder
}

fn runs(block: &str, kubernetes: &Kubernetes, programs: &TempDir) -> bool {
    if ELSEWHERE.iter().any(|word| block.contains(word)) {
        return false;
    }
    let here: Vec<&str> = block.lines().filter(|line| !OF_PODS.iter().any(|word| line.contains(word))).collect();
    if here.is_empty() {
        return false;
    }
    let path = format!("{}:{}", programs.path().display(), env::var("PATH").unwrap());
    let said = Command::new("timeout")
        .args(["120", "bash", "-euo", "pipefail", "-c", &here.join("\n")])
        .current_dir(root())
        .env("PATH", path)
        .env("KUBECONFIG", kubernetes.kubeconfig())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(said.status.success(), "{block}\n{}{}", text(&said.stdout), text(&said.stderr));
    true
}

#[test]
fn the_pages_commands_do_what_they_say() {
    let (kubernetes, programs) = (Kubernetes::start().unwrap(), programs());
    let (install, first) = (repository_file("docs/install.md"), repository_file("docs/first-pipeline.md"));
    let (install, uninstall) = install.split_once("\n## Uninstall\n").unwrap();
    let ran = |text: &str| blocks(text).into_iter().filter(|block| runs(block, &kubernetes, &programs)).count();
    let installed = ran(install);
    wait_until_described(&kubernetes.kubeconfig());
    let counts = [installed, ran(&first), ran(uninstall)];
    assert!(counts[0] >= 8 && counts[1] >= 10 && counts[2] == 1, "blocks that could be run here: {counts:?}");
}

/// What a person would apply: the definition without Helm, then the examples.
#[test]
fn every_example_is_accepted_by_the_api_server_and_by_loyaltyctl() {
    let (kubernetes, programs) = (Kubernetes::start().unwrap(), programs());
    let run = |command: &str| assert!(runs(command, &kubernetes, &programs), "{command}");
    run("kubectl apply --server-side -f crds/\n\
         until kubectl get loyaltypipelines 2>/dev/null; do :; done\n\
         kubectl create namespace shops");
    let mut examples: Vec<_> =
        fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    examples.push(root().join("examples/cdnow/pipeline.yaml"));
    examples.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    assert!(examples.len() >= 5, "{examples:?}");
    for example in examples {
        let example = example.display();
        run(&format!(
            "loyaltyctl validate -f {example}\nkubectl apply --dry-run=server --validate=strict -f {example}"
        ));
    }
}

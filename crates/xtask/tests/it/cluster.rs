//! A whole Kubernetes on this machine, and pods that really run in it.

use std::path::Path;
use std::process::Command;

use xtask::cluster::{self, Cluster, Image, Options, Runtime};
use xtask::parts::tools;

/// kubectl is a static program that speaks to the API server: it is the image's only file.
const IMAGE: &str = "docker.io/loyalty/kubectl:test";
const DEADLINE: &str = "--timeout=120s";

const OBJECTS: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default, namespace: default}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: ask}
spec:
  backoffLimit: 5
  template:
    metadata: {labels: {app: ask}}
    spec:
      restartPolicy: Never
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: ask
        image: docker.io/loyalty/kubectl:test
        imagePullPolicy: IfNotPresent
        args: [get, service, kubernetes, --output=name]
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: watch}
spec:
  replicas: 0
  selector: {matchLabels: {app: watch}}
  template:
    metadata: {labels: {app: watch}}
    spec:
      terminationGracePeriodSeconds: 5
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: watch
        image: docker.io/loyalty/kubectl:test
        imagePullPolicy: IfNotPresent
        args: [get, services, --watch, --cache-dir=/tmp]
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
";

#[test]
fn pods_run_ask_the_api_server_and_are_gone_with_the_cluster() {
    if let Some(why) = cluster::obstacle() {
        eprintln!("SKIPPED, nothing was tested: {why} (`cargo xtask cluster up` makes what is missing)");
        return;
    }
    let kubectl = tools::kubectl().unwrap();
    let cluster = Cluster::up(&Options { runtime: Some(Runtime::Own) }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    let files: &[(&Path, &str)] = &[(&kubectl, "/kubectl")];
    Image { name: IMAGE, files, entrypoint: &["/kubectl"], user: "1000:1000" }.write(&archive).unwrap();
    cluster.load_image(&archive, IMAGE).unwrap();

    let kubeconfig = cluster.kubeconfig();
    let ask = |line: &str| said(&kubectl, &kubeconfig, line);
    let objects = folder.path().join("objects.yaml");
    std::fs::write(&objects, OBJECTS).unwrap();
    ask(&format!("apply --filename {}", objects.display()));
    ask(&format!("wait job/ask --for=condition=complete {DEADLINE}"));
    assert_eq!(
        ask("logs job/ask").trim(),
        "service/kubernetes",
        "by its service account, through the service's address"
    );

    ask("scale deployment/watch --replicas=3");
    ask(&format!("rollout status deployment/watch {DEADLINE}"));
    let addresses = ask("get pods --selector app=watch --output jsonpath={.items[*].status.podIP}");
    assert_eq!(addresses.split_whitespace().count(), 3, "{addresses}");
    ask("scale deployment/watch --replicas=0");
    ask(&format!("wait pods --selector app=watch --for=delete {DEADLINE}"));

    cluster.down().unwrap();
    assert!(!Path::new("/sys/class/net/loyalty0").exists(), "the bridge has gone");
    assert!(!kubeconfig.exists(), "what it was reached by has gone");
}

fn said(kubectl: &Path, kubeconfig: &Path, line: &str) -> String {
    let mut command = Command::new(kubectl);
    command.arg("--kubeconfig").arg(kubeconfig).args(line.split(' '));
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {line}: {complaint}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

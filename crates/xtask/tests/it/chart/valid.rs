//! Everything that is rendered, checked against the schemas of Kubernetes.

use std::fs;

use super::helm::{HELMS, Rendered, ci, run, template};

const KUBERNETES: [&str; 5] = ["1.33", "1.34", "1.35", "1.36", "1.37"];

/// Of the Prometheus Operator: Kubernetes has no schema for them.
const FOREIGN: [&str; 2] = ["PodMonitor", "ServiceMonitor"];

#[test]
fn every_object_is_valid_for_five_versions_of_kubernetes() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let (mut ours, mut foreign) = (0, 0);
    for helm in HELMS {
        for (number, values) in ci().into_iter().enumerate() {
            let more: Vec<&str> = values.iter().flat_map(|file| ["--values", file]).collect();
            let text = template(helm, &more).succeeded();
            for object in Rendered::parse(&text).0 {
                *if FOREIGN.iter().any(|kind| object["kind"] == *kind) { &mut foreign } else { &mut ours } += 1;
            }
            let path = folder.path().join(format!("{helm}-{number}.yaml"));
            fs::write(&path, text).unwrap();
            files.push(path.to_string_lossy().into_owned());
        }
    }
    for version in KUBERNETES {
        let mut arguments = vec!["-k", version, "--strict"];
        arguments.extend(files.iter().map(String::as_str));
        let said = run("LOYALTY_KUBERNETES_VALIDATE", &arguments);
        assert!(said.is_success, "{version}: {}", said.all());
        let all = said.all();
        let lines = |text: &str| all.lines().filter(|line| line.contains(text)).count();
        assert_eq!(lines(" passed for resource "), ours, "{version}: {all}");
        assert_eq!(lines("Couldn't find schema for kind"), foreign, "{version}: {all}");
    }
}

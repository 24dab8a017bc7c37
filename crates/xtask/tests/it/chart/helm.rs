//! Running Helm, and what it renders.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

/// The variables that name the two programs.
pub(super) const HELM_3: &str = "LOYALTY_HELM3";
pub(super) const HELM_4: &str = "LOYALTY_HELM";
pub(super) const HELMS: [&str; 2] = [HELM_3, HELM_4];

const CHART: &str = "charts/loyalty-operator";

/// A variable that `cargo xtask test` sets.
pub(super) fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("set {name} (or run `cargo xtask test`, which sees to it)"))
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

pub(super) fn repository_file(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(super) fn chart_path() -> &'static str {
    CHART
}

/// No file of values, and each of the chart's own.
pub(super) fn ci() -> Vec<Option<String>> {
    let entries = fs::read_dir(root().join(CHART).join("ci")).unwrap();
    let mut files: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    std::iter::once(None).chain(files.into_iter().map(|file| Some(format!("{CHART}/ci/{file}")))).collect()
}

/// What a program said.
pub(super) struct Said {
    pub(super) is_success: bool,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    pub(super) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Its output; it must have succeeded.
    pub(super) fn succeeded(self) -> String {
        assert!(self.is_success, "{}", self.all());
        self.out
    }
}

/// Runs the program that a variable names, in the repository; no cluster of the person who tests is in reach.
pub(super) fn run(program: &str, arguments: &[&str]) -> Said {
    run_in(program, arguments, Path::new("/dev/null"))
}

/// The same with a cluster.
pub(super) fn run_in(program: &str, arguments: &[&str], kubeconfig: &Path) -> Said {
    let output = Command::new(variable(program))
        .args(arguments)
        .current_dir(root())
        .env("KUBECONFIG", kubeconfig)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { is_success: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

/// Waits until the API server describes our kind, as kubectl asks for it: it does so a moment after it serves it, and after an uninstall
/// it lists the description for a while without the kind in it.
pub(super) fn wait_until_described(kubeconfig: &Path) {
    let explain = || run_in("LOYALTY_KUBECTL", &["explain", "loyaltypipelines.spec"], kubeconfig);
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let said = explain();
        if said.is_success {
            return;
        }
        assert!(Instant::now() < end, "after a minute the API server does not describe our kind: {}", said.all());
        thread::sleep(Duration::from_millis(100));
    }
}

/// The chart with a file of values.
pub(super) fn chart(helm: &str, values: Option<&str>) -> Rendered {
    let more: Vec<&str> = values.iter().flat_map(|file| ["--values", *file]).collect();
    render(helm, &more)
}

/// The chart with more arguments, as release `shop` in namespace `loyalty`.
pub(super) fn render(helm: &str, more: &[&str]) -> Rendered {
    Rendered::parse(&template(helm, more).succeeded())
}

pub(super) fn template(helm: &str, more: &[&str]) -> Said {
    let mut arguments = vec!["template", "shop", CHART, "--namespace", "loyalty"];
    arguments.extend(more);
    run(helm, &arguments)
}

/// Objects, in the order of kinds and names.
#[derive(Debug)]
pub(super) struct Rendered(pub(super) Vec<Value>);

impl Rendered {
    pub(super) fn parse(text: &str) -> Self {
        let documents = serde_yaml::Deserializer::from_str(text);
        let mut objects: Vec<Value> = documents
            .map(|document| Value::deserialize(document).unwrap())
            .filter(|document| !document.is_null())
            .collect();
        objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]));
        assert!(!objects.is_empty(), "{text}");
        Self(objects)
    }

    pub(super) fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The one object of a kind.
    pub(super) fn only(&self, kind: &str) -> &Value {
        let found: Vec<&Value> = self.of(kind).collect();
        assert_eq!(found.len(), 1, "{kind}: {found:?}");
        found[0]
    }

    /// Specs of pods, by what they are of.
    pub(super) fn pods(&self) -> Vec<(&str, &Value)> {
        let pods = self.of("Pod").map(|pod| ("Pod", &pod["spec"]));
        let made =
            self.0.iter().filter_map(|object| Some((object["kind"].as_str()?, object.pointer("/spec/template/spec")?)));
        pods.chain(made).collect()
    }
}

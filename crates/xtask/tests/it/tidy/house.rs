//! The repository as the rules see it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The folder of the workspace.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// Runs cargo without the network (whatever is tested here has been built) and gives what it printed.
pub(super) fn cargo(arguments: &[&str]) -> String {
    run(env!("CARGO"), &[&["--offline"], arguments].concat())
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "could not run `{program} {}`: {error}", arguments.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// All files that are committed or could be, relative to the root.
pub(super) fn files() -> &'static [String] {
    static FILES: OnceLock<Vec<String>> = OnceLock::new();
    FILES.get_or_init(|| {
        let list =
            run("git", &["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        let mut files: Vec<String> = list.split_terminator('\0').map(str::to_owned).collect();
        files.sort();
        files.dedup();
        files.retain(|file| root().join(file).is_file());
        files
    })
}

/// A file's text; `None` when it is not text.
pub(super) fn text(file: &str) -> Option<String> {
    String::from_utf8(std::fs::read(root().join(file)).unwrap()).ok()
}

/// One crate of the workspace.
pub(super) struct Package {
    pub(super) name: String,
    /// Relative to the root.
    pub(super) folder: PathBuf,
    /// Names as in the manifest, without `dev-dependencies`.
    pub(super) dependencies: Vec<String>,
    pub(super) dev_dependencies: Vec<String>,
}

impl Package {
    /// Its Rust files under `src`, relative to the root.
    pub(super) fn sources(&self) -> impl Iterator<Item = &'static String> {
        let source = self.folder.join("src");
        files().iter().filter(move |file| Path::new(file).starts_with(&source) && is_rust(file))
    }
}

pub(super) fn is_rust(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "rs")
}

/// Every crate of the workspace, as cargo sees it.
pub(super) fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let text = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Value = serde_json::from_str(&text).unwrap();
        metadata["packages"].as_array().unwrap().iter().map(package).collect()
    })
}

fn package(value: &Value) -> Package {
    let manifest = Path::new(value["manifest_path"].as_str().unwrap());
    let named = |dev: bool| {
        let all = value["dependencies"].as_array().unwrap().iter();
        let chosen = all.filter(move |dependency| (dependency["kind"] == "dev") == dev);
        chosen.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect()
    };
    Package {
        name: value["name"].as_str().unwrap().to_owned(),
        folder: manifest.parent().unwrap().strip_prefix(root()).unwrap().to_owned(),
        dependencies: named(false),
        dev_dependencies: named(true),
    }
}

//! Where things are in this repository.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The example that the tour runs.
pub(crate) const EXAMPLE: &str = "examples/cdnow/pipeline.yaml";
/// The published file that its purchases come from.
pub(crate) const SAMPLE: &str = "examples/cdnow/cdnow-sample.txt";
/// The same as events, for `loyaltyctl simulate`.
pub(crate) const EVENTS: &str = "examples/cdnow/purchases.jsonl";
/// The resource's definition for a cluster.
pub(crate) const DEFINITION: &str = "crds/loyaltypipelines.loyalty.dev.yaml";
/// The same for the chart.
pub(crate) const CHART_DEFINITION: &str = "charts/loyalty-operator/files/crd.yaml";
/// What the operator may do, for the chart's roles.
pub(crate) const CHART_RIGHTS: &str = "charts/loyalty-operator/files/rights.yaml";

/// The folder of the workspace: this crate is built where it stands.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// The Go module that names the programs of Kubernetes.
pub(crate) fn control_plane() -> PathBuf {
    root().join("crates/xtask/control-plane")
}

/// The folder of the product's programs: this program was built by the same cargo, into the same folder.
pub(crate) fn programs() -> PathBuf {
    env::current_exe().ok().and_then(|program| program.parent().map(PathBuf::from)).unwrap_or_default()
}

/// The cargo that runs us, to be asked for more. `cargo run` describes this package to us by variables; handed on, they would make
/// build scripts run again that look at them (ring's does), and with it half of the workspace be built anew each time.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

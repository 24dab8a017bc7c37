//! The programs of Kubernetes, built by Go from `control-plane/go.mod`, once, and kept in the user's cache.
//!
//! Nobody serves them as packages; as Go modules, with their checksums in our `go.sum`, they can be had wherever modules can.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::parts::cache::{self, Half};
use crate::parts::error::PartError;
use crate::parts::process::run;
use crate::parts::{apt, tools};
use crate::progress::{say, step};
use crate::repository;

/// The version in `control-plane/go.mod`.
pub(crate) const VERSION: &str = "1.37.2";
/// Raised when the command below changes, so that programs of the old recipe are not used.
const RECIPE: u32 = 1;
/// Where the programs stand among Go's packages.
const COMMANDS: &str = "k8s.io/kubernetes/cmd";

const CONTROL_PLANE_SET: &str = "control-plane";
const NODE_SET: &str = "node";

const API_SERVER: &str = "kube-apiserver";
const CONTROLLER_MANAGER: &str = "kube-controller-manager";
const PROXY: &str = "kube-proxy";
const SCHEDULER: &str = "kube-scheduler";
const KUBELET: &str = "kubelet";

/// What keeps objects and acts on them; enough where no pod has to run.
#[derive(Debug, Clone)]
pub struct ControlPlane {
    folder: PathBuf,
}

impl ControlPlane {
    /// Built now if they are not there yet: about five minutes on two cores.
    ///
    /// # Errors
    /// When there is no Go and none can be had, a module cannot be fetched, or the disk is full.
    pub fn make_sure() -> Result<Self, PartError> {
        Ok(Self { folder: make_sure(CONTROL_PLANE_SET, &[API_SERVER, CONTROLLER_MANAGER])? })
    }

    /// `kube-apiserver`.
    #[must_use]
    pub fn api_server(&self) -> PathBuf {
        self.folder.join(API_SERVER)
    }

    /// `kube-controller-manager`.
    #[must_use]
    pub fn controller_manager(&self) -> PathBuf {
        self.folder.join(CONTROLLER_MANAGER)
    }
}

/// What a node needs besides, so that pods run.
#[derive(Debug, Clone)]
pub struct NodePrograms {
    folder: PathBuf,
}

impl NodePrograms {
    /// Built now if they are not there yet: about four minutes on two cores after the control plane.
    ///
    /// # Errors
    /// Those of [`ControlPlane::make_sure`].
    pub fn make_sure() -> Result<Self, PartError> {
        Ok(Self { folder: make_sure(NODE_SET, &[SCHEDULER, KUBELET, PROXY])? })
    }

    /// `kube-scheduler`.
    #[must_use]
    pub fn scheduler(&self) -> PathBuf {
        self.folder.join(SCHEDULER)
    }

    /// `kubelet`.
    #[must_use]
    pub fn kubelet(&self) -> PathBuf {
        self.folder.join(KUBELET)
    }

    /// `kube-proxy`.
    #[must_use]
    pub fn proxy(&self) -> PathBuf {
        self.folder.join(PROXY)
    }
}

/// Whether all of them are there already, so that nobody has to wait for them.
pub(crate) fn are_built() -> bool {
    cache::has(&folder(CONTROL_PLANE_SET)) && cache::has(&folder(NODE_SET))
}

fn make_sure(set: &str, programs: &[&str]) -> Result<PathBuf, PartError> {
    cache::make_sure("Kubernetes", &folder(set), |half| build(half, programs))
}

fn folder(set: &str) -> String {
    format!("kubernetes-{set}-{VERSION}-{}-{RECIPE}", env::consts::ARCH)
}

fn build(half: &Half<'_>, programs: &[&str]) -> Result<(), PartError> {
    let names = programs.join(", ");
    say(&format!("Kubernetes: building {names} {VERSION} into `{}`, once (some minutes)", half.whole.display()));
    let go = tools::go()?;
    half.begin()?;
    step(&format!("Kubernetes: building {names}"), || {
        run("go build", &mut go_build(&go, half.folder, programs), half.log)
    })
}

fn go_build(go: &Path, into: &Path, programs: &[&str]) -> Command {
    let (major, minor) = major_and_minor();
    let version = "-X k8s.io/component-base/version";
    // Without these the server says that it is another version.
    let flags = format!("-s -w {version}.gitVersion=v{VERSION} {version}.gitMajor={major} {version}.gitMinor={minor}");
    let mut command = Command::new(go);
    command.args(["build", "-trimpath", "-buildvcs=false", "-ldflags", &flags, "-o"]).arg(into);
    command.args(programs.iter().map(|program| format!("{COMMANDS}/{program}")));
    command.current_dir(repository::control_plane());
    // No C compiler, and no library that the machine which runs them may lack.
    command.env("CGO_ENABLED", "0").env("PATH", path_with(go));
    // Settings of a person's own modules: a workspace or a vendor folder would replace our versions.
    command.env("GOWORK", "off").env_remove("GOFLAGS");
    command
}

/// Go starts tools of its own by absolute paths; what it starts by name is found here too.
fn path_with(go: &Path) -> String {
    let own = go.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{own}:{}", env::var("PATH").unwrap_or_else(|_| apt::PATH.to_owned()))
}

fn major_and_minor() -> (&'static str, &'static str) {
    let mut numbers = VERSION.split('.');
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{API_SERVER, COMMANDS, CONTROLLER_MANAGER, KUBELET, PROXY, SCHEDULER, VERSION, go_build};
    use crate::repository;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_module_requires_the_version_that_the_programs_are_told() {
        let module = fs::read_to_string(repository::control_plane().join("go.mod")).unwrap();
        assert!(module.contains(&format!("require k8s.io/kubernetes v{VERSION}\n")), "go.mod names another version");
        let staging = VERSION.replacen("1.", "v0.", 1);
        let replaced = module.lines().filter(|line| line.contains(" => "));
        let others: Vec<&str> = replaced.filter(|line| !line.ends_with(&staging)).collect();
        assert_eq!(others, [""; 0], "replaced by something else than {staging}");
    }

    #[test]
    fn go_mod_tidy_keeps_what_each_program_needs() {
        let file = fs::read_to_string(repository::control_plane().join("programs.go")).unwrap();
        for program in [API_SERVER, CONTROLLER_MANAGER, PROXY, SCHEDULER, KUBELET] {
            assert!(file.contains(&format!("_ \"{COMMANDS}/{program}\"")), "programs.go does not import {program}");
        }
    }

    #[test]
    fn the_programs_are_told_their_version() {
        let command = go_build(Path::new("/go/bin/go"), Path::new("/into"), &[KUBELET]);
        let flags = command.get_args().nth(4).and_then(|flags| flags.to_str()).unwrap();
        for told in ["gitVersion=v1.37.2", "gitMajor=1 ", "gitMinor=37"] {
            assert!(flags.contains(told), "{flags}");
        }
    }
}

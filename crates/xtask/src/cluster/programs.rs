//! The programs of a node: Kubernetes' own from our cache, the others from Debian's packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::ClusterError;
use crate::parts::apt::{self, find_program};
use crate::parts::kubernetes::{self, ControlPlane, NodePrograms};
use crate::parts::{PartError, cache, process, tools};
use crate::progress::step;
use crate::repository;

/// Programs by name, and the package of each.
const NEEDED: [(&str, &str); 6] = [
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("setsid", "util-linux"),
];
/// Where distributions put the plugins that make a pod's network, and the package of Debian.
const PLUGINS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];
const PLUGINS_PACKAGE: &str = "containernetworking-plugins";
/// The two that our configuration names, and the one without which no pod has a loopback.
const PLUGINS_NEEDED: [&str; 3] = ["bridge", "host-local", "loopback"];
/// Raised when `control-plane/pause` changes.
const PAUSE_RECIPE: u32 = 1;

/// Where everything is that a node consists of.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) control_plane: ControlPlane,
    pub(super) node: NodePrograms,
    pub(super) etcd: PathBuf,
    pub(super) containerd: PathBuf,
    /// A folder.
    pub(super) plugins: PathBuf,
    pub(super) pause: PathBuf,
    pub(super) kubectl: PathBuf,
}

impl Programs {
    /// Finds, installs and builds what is needed; minutes at the first time, nothing after it.
    pub(super) fn make_sure() -> Result<Self, ClusterError> {
        let packages = missing(&|program| find_program(program).is_some(), plugins().is_some());
        if !packages.is_empty() {
            if let Some(why) = apt::obstacle() {
                return Err(ClusterError::Unable { why: format!("{} are missing, and {why}", packages.join(", ")) });
            }
            apt::install(&packages)?;
        }
        Ok(Self {
            control_plane: ControlPlane::make_sure()?,
            node: NodePrograms::make_sure()?,
            etcd: kubernetes::etcd()?,
            containerd: found("containerd")?,
            plugins: plugins().ok_or_else(|| absent("the network plugins"))?,
            pause: pause()?,
            kubectl: tools::kubectl()?,
        })
    }
}

/// What has to be installed or built first, if anything.
pub(super) fn lacking() -> Option<String> {
    let packages = missing(&|program| find_program(program).is_some(), plugins().is_some());
    if !packages.is_empty() {
        return Some(format!("{} are not installed", packages.join(", ")));
    }
    (!kubernetes::are_built()).then(|| "the programs of Kubernetes are not built".to_owned())
}

fn missing(has: &dyn Fn(&str) -> bool, has_plugins: bool) -> Vec<&'static str> {
    let absent = NEEDED.iter().filter(|(program, _)| !has(program)).map(|(_, package)| *package);
    let mut packages: Vec<&str> = absent.chain((!has_plugins).then_some(PLUGINS_PACKAGE)).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn plugins() -> Option<PathBuf> {
    let whole = |folder: &&Path| PLUGINS_NEEDED.iter().all(|plugin| folder.join(plugin).is_file());
    PLUGINS.iter().map(Path::new).find(whole).map(Path::to_owned)
}

fn found(program: &str) -> Result<PathBuf, ClusterError> {
    find_program(program).ok_or_else(|| absent(program))
}

fn absent(what: &str) -> ClusterError {
    ClusterError::Unable { why: format!("{what} cannot be found, though the packages are installed") }
}

/// The one program of our own that a node runs.
fn pause() -> Result<PathBuf, PartError> {
    let name = format!("pause-{}-{PAUSE_RECIPE}", std::env::consts::ARCH);
    let folder = cache::make_sure("pause", &name, |half| {
        let go = tools::go()?;
        half.begin()?;
        let mut build = Command::new(&go);
        build
            .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o"])
            .arg(half.folder)
            .arg("./pause");
        build
            .current_dir(repository::control_plane())
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .env_remove("GOFLAGS");
        step("building the pause program", || process::run("go build", &mut build, half.log))
    })?;
    Ok(folder.join("pause"))
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn only_packages_of_missing_programs_are_installed() {
        assert_eq!(missing(&|_| true, true), [""; 0]);
        assert_eq!(missing(&|program| program != "ctr" && program != "containerd", true), ["containerd"]);
        assert_eq!(missing(&|program| program != "nft", false), ["containernetworking-plugins", "nftables"]);
    }
}

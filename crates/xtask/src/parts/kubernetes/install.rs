//! Where the programs of a control plane are: in the folder that the environment names, or in our cache.

use std::env;
use std::path::{Path, PathBuf};

use super::programs::ControlPlane;
use crate::parts::apt::{self, find_program};
use crate::parts::cache;
use crate::parts::error::PartError;

/// The variable by which tools of the field name a folder with `etcd` and `kube-apiserver`.
const ASSETS: &str = "KUBEBUILDER_ASSETS";
/// Debian's and Ubuntu's package of etcd.
const ETCD_PACKAGE: &str = "etcd-server";

/// A control plane that can be started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Installed {
    pub(super) etcd: PathBuf,
    pub(super) api_server: PathBuf,
    /// Such folders often hold none.
    pub(super) controller_manager: Option<PathBuf>,
}

/// What the environment names; else programs of our own, built and fetched now if need be.
pub(super) fn make_sure() -> Result<Installed, PartError> {
    match env::var_os(ASSETS).filter(|folder| !folder.is_empty()) {
        Some(folder) => in_folder(Path::new(&folder)),
        None => of_our_own().map_err(with_ways_out),
    }
}

fn in_folder(folder: &Path) -> Result<Installed, PartError> {
    let program = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    let needed = |name: &str| {
        let why = || format!("{ASSETS} names `{}`, which holds no `{name}`", folder.display());
        program(name).ok_or_else(|| PartError::NoKubernetes { why: why() })
    };
    let controller_manager = program("kube-controller-manager");
    Ok(Installed { etcd: needed("etcd")?, api_server: needed("kube-apiserver")?, controller_manager })
}

fn of_our_own() -> Result<Installed, PartError> {
    let etcd = etcd()?;
    let programs = ControlPlane::make_sure()?;
    Ok(Installed { etcd, api_server: programs.api_server(), controller_manager: Some(programs.controller_manager()) })
}

/// The machine's etcd, or the distribution's, taken out of its package: installed, the package would start a service of
/// its own on etcd's usual port.
///
/// # Errors
/// When it is not installed and cannot be fetched.
pub fn etcd() -> Result<PathBuf, PartError> {
    if let Some(etcd) = find_program("etcd") {
        return Ok(etcd);
    }
    let name = format!("{ETCD_PACKAGE}-{}", env::consts::ARCH);
    let folder = cache::make_sure("etcd", &name, |half| apt::unpack(ETCD_PACKAGE, half))?;
    let etcd = folder.join("usr/bin/etcd");
    let why = || format!("this distribution's package `{ETCD_PACKAGE}` holds no `usr/bin/etcd`");
    if etcd.is_file() { Ok(etcd) } else { Err(PartError::NoTool { tool: "etcd".to_owned(), why: why() }) }
}

/// Whoever cannot build or fetch them has other ways.
fn with_ways_out(error: PartError) -> PartError {
    match error {
        PartError::NoTool { .. } | PartError::Failed { .. } => PartError::NoKubernetes { why: error.to_string() },
        other => other,
    }
}

/// This processor in Go's words.
pub(super) fn go_architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Installed, in_folder};
    use std::fs;

    #[test]
    fn a_folder_of_programs_is_enough_without_the_controllers_and_not_without_the_api_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("etcd"), "").unwrap();
        let error = in_folder(folder.path()).unwrap_err().to_string();
        assert!(error.contains("holds no `kube-apiserver`"), "{error}");

        fs::write(path("kube-apiserver"), "").unwrap();
        let mut wanted = Installed { etcd: path("etcd"), api_server: path("kube-apiserver"), controller_manager: None };
        assert_eq!(in_folder(folder.path()).unwrap(), wanted);

        fs::write(path("kube-controller-manager"), "").unwrap();
        wanted.controller_manager = Some(path("kube-controller-manager"));
        assert_eq!(in_folder(folder.path()).unwrap(), wanted);
    }
}

//! Packages of Debian and Ubuntu, installed only as root and only when something is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::account::is_root;
use super::cache::Half;
use super::error::PartError;
use super::process::run;
use crate::progress::step;

/// Servers live in folders that a person's PATH often lacks.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The first file called `name` in the folders of our PATH and of the system's.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let ours = std::env::var("PATH").unwrap_or_default();
    let folders = ours.split(':').chain(PATH.split(':')).filter(|folder| !folder.is_empty());
    folders.map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// Why packages cannot be installed here, if so.
pub(crate) fn obstacle() -> Option<&'static str> {
    if find_program("apt-get").is_none() {
        return Some("there is no `apt-get` on this machine");
    }
    (!is_root()).then_some("installing packages needs root")
}

/// Installs `packages` without a question and without what they merely recommend.
pub(crate) fn install(packages: &[&str]) -> Result<(), PartError> {
    let _alone = alone();
    let log = tempfile::NamedTempFile::new().map_err(PartError::file("make", std::env::temp_dir()))?;
    let names = packages.join(", ");
    step(&format!("apt-get: installing {names}"), || {
        run("apt-get update", apt().arg("update"), log.path())?;
        run("apt-get install", apt().args(["install", "--yes", "--no-install-recommends"]).args(packages), log.path())
    })
}

/// Takes the files of `package` out of it, without installing it: nothing of it runs, and it needs no root where the list of
/// packages is there already.
pub(crate) fn unpack(package: &str, half: &Half<'_>) -> Result<(), PartError> {
    let missing = |why: String| PartError::NoTool { tool: package.to_owned(), why };
    if find_program("apt-get").is_none() {
        return Err(missing("it is not installed, and there is no `apt-get` on this machine".to_owned()));
    }
    half.begin()?;
    let _alone = alone();
    step(&format!("apt-get: fetching {package}"), || {
        if is_root() {
            run("apt-get update", apt().arg("update"), half.log)?;
        }
        run("apt-get download", apt().args(["download", package]).current_dir(half.folder), half.log)
    })?;
    let mut entries = fs::read_dir(half.folder).map_err(PartError::file("read", half.folder))?.flatten();
    let archive = entries.next().ok_or_else(|| missing("`apt-get download` has fetched nothing".to_owned()))?.path();
    let mut extract = Command::new("dpkg-deb");
    run("dpkg-deb", extract.arg("--extract").arg(&archive).arg(half.folder), half.log)?;
    fs::remove_file(&archive).map_err(PartError::file("remove", &archive))
}

/// Parts start side by side, and `apt-get update` does not wait for another one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    // Two runs at once: the second one waits. A configuration file that we wrote before stays as it is.
    command.args(["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold"]);
    command.env("DEBIAN_FRONTEND", "noninteractive").env("PATH", PATH);
    command
}

/// The mirror from which this machine gets Debian; `None` where it is not a Debian.
pub(crate) fn debian_mirror() -> Option<String> {
    let format = "$(ORIGIN)|$(LABEL)|$(REPO_URI)";
    let output = Command::new("apt-get").args(["indextargets", "--format", format]).output().ok()?;
    mirror_in(&String::from_utf8_lossy(&output.stdout))
}

/// Debian's main archive, not its security archive: only that one holds other releases.
fn mirror_in(targets: &str) -> Option<String> {
    targets
        .lines()
        .filter_map(|line| line.strip_prefix("Debian|Debian|"))
        .find(|address| address.starts_with("http://") || address.starts_with("https://"))
        .map(|address| address.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::mirror_in;

    #[test]
    fn the_mirror_is_that_of_debian_itself() {
        for (targets, mirror) in [
            (
                "Debian|Debian-Security|http://a.test/debian-security/\nDebian|Debian|http://b.test/debian/\n",
                Some("http://b.test/debian"),
            ),
            ("Debian|Debian|cdrom:[Debian]/\n", None),
            ("Ubuntu|Ubuntu|http://c.test/ubuntu/\n", None),
            ("", None),
        ] {
            assert_eq!(mirror_in(targets).as_deref(), mirror, "{targets}");
        }
    }
}

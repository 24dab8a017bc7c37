//! Where PostgreSQL's programs are: installed on this machine, or installed now.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::parts::account::{Account, is_root};
use crate::parts::apt::{self, find_program};
use crate::parts::error::PartError;

/// The oldest version that the ledger is tested with.
const VERSION_MIN: u32 = 15;
/// Where Debian and Ubuntu keep each version's programs, off the PATH.
const DEBIAN: &str = "/usr/lib/postgresql";
const USER: &str = "postgres";

/// A PostgreSQL that can be started.
#[derive(Debug)]
pub(crate) struct Installed {
    programs: PathBuf,
    account: Option<Account>,
}

impl Installed {
    /// The full path of one of its programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Whom it runs as; `None`: as ourselves.
    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }
}

/// The machine's own, if it is new enough; else the distribution's, installed now.
pub(crate) fn make_sure() -> Result<Installed, PartError> {
    if let Some(programs) = find() {
        return installed(programs);
    }
    if let Some(why) = apt::obstacle() {
        return Err(PartError::NoDatabase { why: format!("none is installed, and {why}") });
    }
    no_cluster_of_its_own()?;
    apt::install(&["postgresql"])?;
    let why = || format!("this distribution's package `postgresql` is older than {VERSION_MIN}");
    installed(find().ok_or_else(|| PartError::NoDatabase { why: why() })?)
}

fn installed(programs: PathBuf) -> Result<Installed, PartError> {
    let account = is_root().then(|| Account::of(USER, Path::new("/"))).transpose()?;
    Ok(Installed { programs, account })
}

fn find() -> Option<PathBuf> {
    let on_path = find_program("postgres").and_then(|path| fs::canonicalize(path).ok()?.parent().map(Path::to_owned));
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut folders: Vec<(u32, PathBuf)> = on_path.into_iter().chain(versions).filter_map(with_version).collect();
    folders.sort();
    folders.pop().map(|(_, folder)| folder)
}

/// The folder with the version of the server in it, if that is complete and new enough.
fn with_version(programs: PathBuf) -> Option<(u32, PathBuf)> {
    if !programs.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(programs.join("postgres")).arg("--version").output().ok()?;
    let version = version_of(std::str::from_utf8(&output.stdout).ok()?)?;
    (version >= VERSION_MIN).then_some((version, programs))
}

/// From `postgres (PostgreSQL) 15.18 (Debian ...)`.
fn version_of(text: &str) -> Option<u32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Tells Debian's package not to make and start a server that nobody asked for.
fn no_cluster_of_its_own() -> Result<(), PartError> {
    let folder = Path::new("/etc/postgresql-common");
    let file = folder.join("createcluster.conf");
    if file.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(PartError::file("make", folder))?;
    fs::write(&file, "create_main_cluster = false\n").map_err(PartError::file("write", &file))
}

#[cfg(test)]
mod tests {
    use super::version_of;

    #[test]
    fn the_version_is_read_from_what_the_server_says() {
        for (text, version) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) 9.6.24\n", Some(9)),
            ("something else\n", None),
        ] {
            assert_eq!(version_of(text), version, "{text}");
        }
    }
}

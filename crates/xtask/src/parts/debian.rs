//! A Debian in a folder of our own, made once and kept in the user's cache, for servers that the machine has not or only older ones of.
//! The machine's own packages stay as they are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::{Account, is_root};
use super::apt::{self, find_program};
use super::cache::{self, Half};
use super::error::PartError;
use super::process::run;
use crate::progress::{say, step};

/// The Debian release that first holds RabbitMQ 4.3.
const RELEASE: &str = "forky";
/// Raised when the recipe below changes, so that a folder of the old recipe is not used.
const RECIPE: u32 = 2;
const PACKAGES: &str = "--include=rabbitmq-server,pgbouncer,ca-certificates";
/// Releases of today share one recipe of debootstrap; older versions of it do not know the newest names.
const SCRIPT: &str = "/usr/share/debootstrap/scripts/sid";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where the programs of a server stand and whom it runs as: on the machine itself, or in our Debian.
#[derive(Debug)]
pub(super) struct Home {
    /// The folder that is its `/`; `None`: the machine's own.
    root: Option<PathBuf>,
    user: &'static str,
    account: Option<Account>,
}

impl Home {
    /// On the machine: as `user` if we are root, else as ourselves.
    pub(super) fn here(user: &'static str) -> Result<Self, PartError> {
        let account = is_root().then(|| Account::of(user, Path::new("/"))).transpose()?;
        Ok(Self { root: None, user, account })
    }

    /// In our Debian, made now if it is not there yet; whoever calls has asked for [`apt::obstacle`] first.
    pub(super) fn debian(user: &'static str) -> Result<Self, PartError> {
        let name = format!("debian-{RELEASE}-{}-{RECIPE}", env::consts::ARCH);
        let root = cache::make_sure("Debian", &name, make)?;
        let account = Some(Account::of(user, &root)?);
        Ok(Self { root: Some(root), user, account })
    }

    /// The folder in which run folders are made: the server must be able to see them.
    pub(super) fn runs(&self) -> PathBuf {
        self.root.as_ref().map_or_else(env::temp_dir, |root| root.join("var/lib"))
    }

    /// `path` as the server sees it.
    pub(super) fn inside(&self, path: &Path) -> PathBuf {
        let below = self.root.as_ref().and_then(|root| path.strip_prefix(root).ok());
        below.map_or_else(|| path.to_owned(), |below| Path::new("/").join(below))
    }

    /// A path of the server's as we see it.
    pub(super) fn outside(&self, path: &str) -> PathBuf {
        self.root.as_ref().map_or_else(|| path.into(), |root| root.join(path.trim_start_matches('/')))
    }

    pub(super) fn account(&self) -> Option<Account> {
        self.account
    }

    /// `program` under the server's user and root, with nothing in its environment but a PATH.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = match &self.root {
            None => Command::new(program),
            Some(root) => {
                let mut command = Command::new("chroot");
                command.arg(format!("--userspec={0}:{0}", self.user)).arg(root).arg(program);
                command
            }
        };
        if let (None, Some(account)) = (&self.root, self.account) {
            account.run(&mut command);
        }
        command.env_clear().env("PATH", apt::PATH);
        command
    }
}

fn make(half: &Half<'_>) -> Result<(), PartError> {
    say(&format!(
        "RabbitMQ, PgBouncer: making them from Debian's packages in `{}`, once (about 450 MB)",
        half.whole.display()
    ));
    if find_program("debootstrap").is_none() || !Path::new(KEYRING).is_file() {
        apt::install(&["debootstrap", "debian-archive-keyring", "ca-certificates", "wget"])?;
    }
    remove(half.folder)?;
    step("Debian: debootstrap", || run("debootstrap", &mut debootstrap(half.folder), half.log))?;
    finish(half.folder)
}

fn debootstrap(into: &Path) -> Command {
    // Debootstrap mounts things below its folder; in a mount namespace they are gone when it is, however it ends.
    let mut command = match find_program("unshare").filter(|_| may_unshare()) {
        Some(unshare) => Command::new(unshare),
        None => Command::new("env"),
    };
    if command.get_program() != "env" {
        command.arg("--mount");
    }
    command.args(["debootstrap", "--variant=minbase", PACKAGES]);
    command.arg(format!("--keyring={KEYRING}")).arg(RELEASE).arg(into);
    if let Some(mirror) = apt::debian_mirror() {
        command.arg(mirror).arg(SCRIPT);
    } else {
        // On another distribution: the mirror that debootstrap itself knows for Debian.
        command.arg("").arg(SCRIPT);
    }
    command.env("PATH", apt::PATH).env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn may_unshare() -> bool {
    Command::new("unshare").args(["--mount", "true"]).output().is_ok_and(|output| output.status.success())
}

/// What debootstrap leaves to do: a name for loopback, no packages that were only needed to unpack.
fn finish(root: &Path) -> Result<(), PartError> {
    let hosts = root.join("etc/hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n").map_err(PartError::file("write", &hosts))?;
    let archives = root.join("var/cache/apt/archives");
    let packages = fs::read_dir(&archives).into_iter().flatten().flatten().map(|entry| entry.path());
    for package in packages.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
        fs::remove_file(&package).map_err(PartError::file("remove", &package))?;
    }
    Ok(())
}

/// Removes a folder that was left half-made; never while something is mounted below it.
fn remove(half: &Path) -> Result<(), PartError> {
    if !half.exists() {
        return Ok(());
    }
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
    for point in points.filter(|point| point.starts_with(half)) {
        let status = Command::new("umount").arg("--lazy").arg(point).status();
        if !status.is_ok_and(|status| status.success()) {
            let busy = std::io::Error::other("something is mounted there; unmount it first");
            return Err(PartError::file("remove", point)(busy));
        }
    }
    fs::remove_dir_all(half).map_err(PartError::file("remove", half))
}

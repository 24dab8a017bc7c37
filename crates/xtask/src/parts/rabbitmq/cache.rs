//! RabbitMQ from Debian's packages in a folder of our own, made once and kept in the user's cache.
//!
//! The machine's own packages stay as they are: its release may hold an older RabbitMQ or none.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::install::VERSION_MIN;
use super::version_in;
use crate::parts::apt::{self, find_program};
use crate::parts::cache::{self, Half};
use crate::parts::error::PartError;
use crate::parts::process::run;
use crate::progress::{say, step};

/// The Debian release that first holds RabbitMQ 4.3.
const RELEASE: &str = "forky";
/// Raised when the recipe below changes, so that a folder of the old recipe is not used.
const RECIPE: u32 = 1;
/// Releases of today share one recipe of debootstrap; older versions of it do not know the newest names.
const SCRIPT: &str = "/usr/share/debootstrap/scripts/sid";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

pub(super) const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
pub(super) const PORT_MAPPER: &str = "/usr/bin/epmd";

/// The folder, made now if it is not there yet.
pub(super) fn make_sure() -> Result<PathBuf, PartError> {
    let name = format!("rabbitmq-{RELEASE}-{}-{RECIPE}", env::consts::ARCH);
    cache::make_sure("RabbitMQ", &name, make)
}

fn make(half: &Half<'_>) -> Result<(), PartError> {
    say(&format!(
        "RabbitMQ: none of {}.{} or newer is installed; making one from Debian's packages in `{}`, once (about 400 MB)",
        VERSION_MIN.0,
        VERSION_MIN.1,
        half.whole.display()
    ));
    if find_program("debootstrap").is_none() || !Path::new(KEYRING).is_file() {
        apt::install(&["debootstrap", "debian-archive-keyring", "ca-certificates", "wget"])?;
    }
    remove(half.folder)?;
    step("RabbitMQ: debootstrap", || run("debootstrap", &mut debootstrap(half.folder), half.log))?;
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
    command.args(["debootstrap", "--variant=minbase", "--include=rabbitmq-server,ca-certificates"]);
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

/// What debootstrap leaves to do: a name for loopback, no packages that were only needed to unpack, the right version.
fn finish(root: &Path) -> Result<(), PartError> {
    let hosts = root.join("etc/hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n").map_err(PartError::file("write", &hosts))?;
    let archives = root.join("var/cache/apt/archives");
    let packages = fs::read_dir(&archives).into_iter().flatten().flatten().map(|entry| entry.path());
    for package in packages.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
        fs::remove_file(&package).map_err(PartError::file("remove", &package))?;
    }
    match version_in(&root.join("usr/lib/rabbitmq/lib")) {
        Some(version) if version >= VERSION_MIN => Ok(()),
        found => Err(PartError::NoBroker { why: format!("Debian {RELEASE} holds {found:?} in place of 4.3 or newer") }),
    }
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

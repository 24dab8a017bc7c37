//! Where RabbitMQ's programs are: installed on this machine, or in a Debian folder of our own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{cache, version_in, version_of};
use crate::parts::account::{Account, is_root};
use crate::parts::apt::{self, find_program};
use crate::parts::error::PartError;

/// `x-modulus-hash`, strict priorities and delayed retry came with it.
pub(super) const VERSION_MIN: (u32, u32) = (4, 3);

const USER: &str = "rabbitmq";

/// A RabbitMQ that can be started.
#[derive(Debug)]
pub(crate) struct Installed {
    /// The folder that is its `/`; `None`: the machine's own.
    root: Option<PathBuf>,
    server: PathBuf,
    port_mapper: PathBuf,
    account: Option<Account>,
}

/// The machine's own, if it is new enough; else ours, made now if need be.
pub(crate) fn make_sure() -> Result<Installed, PartError> {
    if let Some(installed) = on_this_machine()? {
        return Ok(installed);
    }
    if let Some(why) = apt::obstacle() {
        return Err(PartError::NoBroker { why: format!("none is installed, and {why}") });
    }
    let root = cache::make_sure()?;
    let account = Some(Account::of(USER, &root)?);
    let (server, port_mapper) = (PathBuf::from(cache::SERVER), PathBuf::from(cache::PORT_MAPPER));
    Ok(Installed { root: Some(root), server, port_mapper, account })
}

fn on_this_machine() -> Result<Option<Installed>, PartError> {
    // Debian's `rabbitmq-server` on the PATH is a wrapper with fixed log files; the real one is here.
    let debian = PathBuf::from(cache::SERVER);
    let server = if debian.is_file() { Some(debian) } else { find_program("rabbitmq-server") };
    let (Some(server), Some(port_mapper)) = (server, find_program("epmd")) else { return Ok(None) };
    if version(&server).is_none_or(|version| version < VERSION_MIN) {
        return Ok(None);
    }
    let account = is_root().then(|| Account::of(USER, Path::new("/"))).transpose()?;
    Ok(Some(Installed { root: None, server, port_mapper, account }))
}

fn version(server: &Path) -> Option<(u32, u32)> {
    let home = server.parent()?.parent()?;
    version_in(&home.join("lib")).or_else(|| {
        let output = Command::new(server.with_file_name("rabbitmqctl")).arg("version").output().ok()?;
        version_of(std::str::from_utf8(&output.stdout).ok()?)
    })
}

impl Installed {
    /// The folder in which run folders are made: the broker must be able to see them.
    pub(crate) fn runs(&self) -> PathBuf {
        self.root.as_ref().map_or_else(env::temp_dir, |root| root.join("var/lib"))
    }

    /// `path` as the broker sees it.
    pub(crate) fn inside(&self, path: &Path) -> PathBuf {
        let below = self.root.as_ref().and_then(|root| path.strip_prefix(root).ok());
        below.map_or_else(|| path.to_owned(), |below| Path::new("/").join(below))
    }

    pub(crate) fn server(&self) -> PathBuf {
        self.server.clone()
    }

    pub(crate) fn port_mapper(&self) -> PathBuf {
        self.port_mapper.clone()
    }

    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }

    /// `program` under the broker's user and root, with nothing in its environment but a PATH.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = match &self.root {
            None => Command::new(program),
            Some(root) => {
                let mut command = Command::new("chroot");
                command.arg(format!("--userspec={USER}:{USER}")).arg(root).arg(program);
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

//! Where RabbitMQ's programs are: installed on this machine, or in a Debian folder of our own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{version_in, version_of};
use crate::parts::apt::{self, find_program};
use crate::parts::debian::Home;
use crate::parts::error::PartError;

/// `x-modulus-hash`, strict priorities and delayed retry came with it.
const VERSION_MIN: (u32, u32) = (4, 3);

const USER: &str = "rabbitmq";
/// Debian's `rabbitmq-server` on the PATH is a wrapper with fixed log files; the real one is here.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const PORT_MAPPER: &str = "/usr/bin/epmd";

/// A RabbitMQ that can be started.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(super) home: Home,
    /// As it itself would name them.
    pub(super) server: PathBuf,
    pub(super) port_mapper: PathBuf,
}

/// The machine's own, if it is new enough; else Debian's in a folder of our own, made now if need be.
pub(crate) fn make_sure() -> Result<Installed, PartError> {
    if let Some(installed) = on_this_machine()? {
        return Ok(installed);
    }
    if let Some(why) = apt::obstacle() {
        return Err(PartError::NoBroker { why: format!("none is installed, and {why}") });
    }
    let home = Home::debian(USER)?;
    match version(&home.outside(SERVER)) {
        Some(version) if version >= VERSION_MIN => {
            Ok(Installed { home, server: SERVER.into(), port_mapper: PORT_MAPPER.into() })
        }
        found => Err(PartError::NoBroker { why: format!("Debian's newest is {found:?}") }),
    }
}

fn on_this_machine() -> Result<Option<Installed>, PartError> {
    let debian = PathBuf::from(SERVER);
    let server = if debian.is_file() { Some(debian) } else { find_program("rabbitmq-server") };
    let (Some(server), Some(port_mapper)) = (server, find_program("epmd")) else { return Ok(None) };
    if version(&server).is_none_or(|version| version < VERSION_MIN) {
        return Ok(None);
    }
    Ok(Some(Installed { home: Home::here(USER)?, server, port_mapper }))
}

fn version(server: &Path) -> Option<(u32, u32)> {
    let home = server.parent()?.parent()?;
    version_in(&home.join("lib")).or_else(|| {
        let output = Command::new(server.with_file_name("rabbitmqctl")).arg("version").output().ok()?;
        version_of(std::str::from_utf8(&output.stdout).ok()?)
    })
}

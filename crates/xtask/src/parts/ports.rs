//! Free ports on loopback that nobody takes while a part is down.

use std::env;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use super::error::PartError;

/// Below the system's ephemeral range (32768 and up): while a broker is stopped for an outage, no outgoing connection
/// can be given its port. Above the ports that services usually have.
const FROM: u16 = 20_000;
const TO: u16 = 31_999;

/// One port, held for us as long as this lives: two runs at the same time never choose the same one.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    path: PathBuf,
    _lock: File,
}

impl Port {
    /// Takes a free port.
    pub(crate) fn take() -> Result<Self, PartError> {
        let folder = env::temp_dir().join("loyalty-ports");
        fs::create_dir_all(&folder).map_err(PartError::file("make", &folder))?;
        // Another user's run shares the folder; whoever made it may open it, for the others that is done already.
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777));
        let start = seed() % (TO - FROM + 1);
        (0..=TO - FROM)
            .map(|step| FROM + (start + step) % (TO - FROM + 1))
            .find_map(|number| Self::hold(number, folder.join(number.to_string())))
            .ok_or(PartError::NoPort { from: FROM, to: TO })
    }

    fn hold(number: u16, path: PathBuf) -> Option<Self> {
        let lock = File::options().create(true).truncate(false).write(true).open(&path).ok()?;
        lock.try_lock().ok()?;
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(Self { number, path, _lock: lock })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Spreads the runs over the range, so that each finds a port at the first try.
fn seed() -> u16 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    u16::try_from((nanos / 1000 + process::id() * 7919) % 65_521).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Port;

    #[test]
    fn a_port_is_held_while_nothing_listens_on_it() {
        let ports: Vec<Port> = (0..50).map(|_| Port::take().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50, "each port is given once");
        assert!(Port::hold(ports[0].number, ports[0].path.clone()).is_none(), "a held port is not given again");
    }
}

//! Who sits at this machine.

use rustix::process::getuid;

/// The user of this process by name, or by number where the system has no name for it.
pub(crate) fn name() -> String {
    let uid = getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let named = named.into_iter().find(|fields| fields.get(2) == Some(&uid.as_str()));
    named.and_then(|fields| fields.first().map(ToString::to_string)).unwrap_or_else(|| format!("uid {uid}"))
}

//! A cluster that kind makes in a container of Docker's: the easy way where both are.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use super::command;
use super::error::ClusterError;
use super::place::Place;
use super::state::State;
use crate::progress::step;

pub(super) const PROGRAM: &str = "kind";
/// The cluster's name among kind's.
const NAME: &str = "loyalty";

/// Makes the cluster; on return its node is Ready.
pub(super) fn up(place: &Place, state: &mut State) -> Result<(), ClusterError> {
    if exists() {
        return Err(ClusterError::Second {
            why: format!("kind has a cluster `{NAME}` that we did not make"),
            advice: format!("`kind delete cluster --name {NAME}` removes it"),
        });
    }
    // From here on the cluster of this name is ours, whole or not.
    state.save(place)?;
    let mut create = Command::new(PROGRAM);
    create.args(["create", "cluster", "--name", NAME, "--wait", "120s", "--kubeconfig"]).arg(place.kubeconfig());
    step("kind: creating the cluster", || command::answer("make the cluster", &mut create))?;
    state.host_ip = gateway();
    if let Ok(version) = command::answer("ask kind's version", Command::new(PROGRAM).arg("version")) {
        state.versions.insert(PROGRAM.to_owned(), version.trim().to_owned());
    }
    Ok(())
}

/// Whether kind knows it.
pub(super) fn exists() -> bool {
    let clusters = command::answer("list kind's clusters", Command::new(PROGRAM).args(["get", "clusters"]));
    clusters.is_ok_and(|names| names.lines().any(|name| name.trim() == NAME))
}

/// Docker's side of kind's network: pods reach this machine by it (with Docker Desktop they reach its virtual machine only).
fn gateway() -> Option<Ipv4Addr> {
    let format = "{{range .IPAM.Config}}{{println .Gateway}}{{end}}";
    let mut inspect = Command::new("docker");
    let said =
        command::answer("look at kind's network", inspect.args(["network", "inspect", PROGRAM, "--format", format]));
    first_address(&said.ok()?)
}

fn first_address(lines: &str) -> Option<Ipv4Addr> {
    lines.lines().find_map(|line| line.trim().parse().ok())
}

/// The archive's own name is what the image is called: `kind` cannot give it another.
pub(super) fn load(archive: &Path) -> Result<(), ClusterError> {
    let mut load = Command::new(PROGRAM);
    load.args(["load", "image-archive", "--name", NAME]).arg(archive);
    step("kind: loading the image", || command::answer("load an image", &mut load)).map(|_| ())
}

/// Removes the cluster, if it is there.
pub(super) fn down(place: &Place) -> Result<(), ClusterError> {
    let mut delete = Command::new(PROGRAM);
    delete.args(["delete", "cluster", "--name", NAME, "--kubeconfig"]).arg(place.kubeconfig());
    step("kind: deleting the cluster", || command::answer("delete the cluster", &mut delete)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::first_address;

    #[test]
    fn the_gateway_is_the_first_address_of_the_old_kind() {
        assert_eq!(first_address("fc00:f853::1\n172.18.0.1\n\n").unwrap().to_string(), "172.18.0.1");
        assert_eq!(first_address("<no value>\n"), None);
    }
}

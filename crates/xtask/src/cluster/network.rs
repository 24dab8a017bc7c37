//! Addresses of node, pods and services, the bridge that holds the pods, and the rules that let them out.
//!
//! Nothing is taken that the machine uses already, and every rule stands in a table or on a device of ours, so that
//! it goes with them. A bridge does not enforce a `NetworkPolicy`.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::command;
use super::error::ClusterError;
use super::place::Place;
use crate::parts::apt::find_program;

/// The device; the kernel allows 15 characters.
pub(super) const BRIDGE: &str = "loyalty0";
/// Our table of rules.
const TABLE: &str = "loyalty-cluster";
/// The switch that makes a machine hand packets on between its devices.
const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";
/// Second bytes of 10.x.0.0/15 that are tried; each is even, and far from what Docker, kind and clouds like to take.
const CANDIDATES: [u8; 6] = [212, 216, 220, 228, 236, 248];

/// A range of 10.0.0.0/8 with its first half for pods and its second for services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Network {
    second: u8,
}

impl Network {
    /// The first range that no route of this machine touches (`ip -4 route`).
    pub(super) fn free(routes: &str) -> Option<Self> {
        let taken: Vec<(u32, u32)> = routes
            .lines()
            .filter(|line| !line.split(' ').any(|word| word == BRIDGE))
            .filter_map(|line| range(line.split(' ').next()?))
            .collect();
        let free = |second: &u8| {
            let (from, to) =
                (u32::from(Ipv4Addr::new(10, *second, 0, 0)), u32::from(Ipv4Addr::new(10, second + 1, 255, 255)));
            taken.iter().all(|(low, high)| *high < from || *low > to)
        };
        CANDIDATES.into_iter().find(free).map(|second| Self { second })
    }

    /// The node's address, on the bridge: pods reach by it what listens on this machine.
    pub(super) fn host(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.second, 0, 1)
    }

    pub(super) fn pods(self) -> String {
        format!("10.{}.0.0/24", self.second)
    }

    pub(super) fn services(self) -> String {
        format!("10.{}.0.0/24", self.second + 1)
    }

    /// The service by which pods reach the API server.
    pub(super) fn api_service(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.second + 1, 0, 1)
    }

    /// Looks for a free range.
    pub(super) fn find() -> Result<Self, ClusterError> {
        let routes = command::said("look at the routes", "ip", &["-4", "route"])?;
        Self::free(&routes).ok_or_else(|| ClusterError::Unable {
            why: format!(
                "every range that we know to try is routed already: {CANDIDATES:?} as second byte of 10.x.0.0/15"
            ),
        })
    }

    /// Makes bridge and rules.
    pub(super) fn lay(self, place: &Place) -> Result<(), ClusterError> {
        let address = format!("{}/24", self.host());
        command::run("make a bridge", "ip", &["link", "add", BRIDGE, "type", "bridge"])?;
        command::run("give the bridge an address", "ip", &["address", "add", &address, "dev", BRIDGE])?;
        command::run("turn the bridge on", "ip", &["link", "set", BRIDGE, "up"])?;
        turn_forwarding_on(place)?;
        command::fed("let pods out", "nft", &["-f", "-"], &self.rules())?;
        if forwards_nothing() {
            for direction in ["-i", "-o"] {
                let rule = ["-w", "-I", "FORWARD", direction, BRIDGE, "-j", "ACCEPT"];
                command::run("let pods through the machine's filter", "iptables", &rule)?;
            }
        }
        Ok(())
    }

    /// Pods that speak to the world do so in the machine's name; among each other in their own.
    fn rules(self) -> String {
        let pods = self.pods();
        format!(
            "table ip {TABLE} {{\n  chain out {{\n    type nat hook postrouting priority srcnat; policy accept;\n    \
             ip saddr {pods} oifname != \"{BRIDGE}\" masquerade\n  }}\n}}\n"
        )
    }
}

/// Leaves a mark first, so that it can be turned off again whatever happens.
fn turn_forwarding_on(place: &Place) -> Result<(), ClusterError> {
    if fs::read_to_string(FORWARDING).is_ok_and(|text| text.trim() == "1") {
        return Ok(());
    }
    let mark = place.forwarding_was_off();
    fs::write(&mark, "").map_err(ClusterError::file("write", &mark))?;
    fs::write(FORWARDING, "1").map_err(ClusterError::file("write", FORWARDING))
}

/// Docker, and many a firewall, drops what it does not know; our table cannot overrule that, only a rule beside theirs can.
fn forwards_nothing() -> bool {
    let policy = || command::said("look at the filter", "iptables", &["-w", "-S", "FORWARD"]).ok();
    find_program("iptables").and_then(|_| policy()).is_some_and(|rules| rules.contains("-P FORWARD DROP"))
}

/// Whether somebody else's Kubernetes runs on this machine: two would write into one table.
pub(super) fn is_taken() -> bool {
    quiet("nft", &["list", "table", "ip", "kube-proxy"])
}

/// Removes everything of ours from the kernel; says what is still there.
pub(super) fn clear(place: &Place) -> Vec<String> {
    while quiet("iptables", &["-w", "-D", "FORWARD", "-i", BRIDGE, "-j", "ACCEPT"]) {}
    while quiet("iptables", &["-w", "-D", "FORWARD", "-o", BRIDGE, "-j", "ACCEPT"]) {}
    for (family, table) in [("ip", "kube-proxy"), ("ip6", "kube-proxy"), ("ip", TABLE)] {
        quiet("nft", &["delete", "table", family, table]);
    }
    quiet("ip", &["link", "delete", BRIDGE]);
    if place.forwarding_was_off().exists() {
        // Whoever may not write it has not turned it on either.
        let _ = fs::write(FORWARDING, "0");
    }
    let bridge = Path::new("/sys/class/net").join(BRIDGE);
    if bridge.exists() { vec![format!("the network device `{BRIDGE}`")] } else { Vec::new() }
}

/// What is not there, or not installed, cannot be removed: that is no failure.
fn quiet(program: &str, arguments: &[&str]) -> bool {
    find_program(program)
        .is_some_and(|path| Command::new(path).args(arguments).output().is_ok_and(|output| output.status.success()))
}

/// First and last address of `10.0.0.0/8` or `10.1.2.3`.
fn range(word: &str) -> Option<(u32, u32)> {
    let (address, length) = word.split_once('/').unwrap_or((word, "32"));
    let (address, length) = (u32::from(address.parse::<Ipv4Addr>().ok()?), length.parse::<u32>().ok()?);
    let rest = u32::MAX.checked_shr(length).unwrap_or(0);
    // The whole of IPv4 is a default route by another name.
    (1..=32).contains(&length).then_some((address & !rest, address | rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_range_that_no_route_touches_is_taken() {
        for (routes, pods) in [
            ("", Some("10.212.0.0/24")),
            ("default via 192.0.2.1 dev eth0\n192.0.2.0/24 dev eth0 scope link\n", Some("10.212.0.0/24")),
            ("10.213.7.1 dev tun0\n", Some("10.216.0.0/24")),
            ("10.212.0.0/24 dev loyalty0 scope link\n", Some("10.212.0.0/24")),
            ("10.208.0.0/12 dev vpn\n", Some("10.228.0.0/24")),
            ("10.0.0.0/8 dev vpn\n", None),
            ("0.0.0.0/1 dev vpn\n", None),
        ] {
            assert_eq!(Network::free(routes).map(Network::pods).as_deref(), pods, "{routes}");
        }
    }

    #[test]
    fn node_pods_and_services_do_not_share_addresses() {
        let network = Network::free("").unwrap();
        assert_eq!(network.host().to_string(), "10.212.0.1");
        assert_eq!(network.api_service().to_string(), "10.213.0.1");
        assert_ne!(network.pods(), network.services());
        assert!(network.rules().contains("ip saddr 10.212.0.0/24 oifname != \"loyalty0\" masquerade"));
    }
}

//! What this machine allows. Looked at, never assumed: a container, a cloud's small machine and a laptop differ.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::ClusterError;
use super::mounts::{self, Mount};

/// `CAP_SYS_RESOURCE`: who has it may lower the kernel's readiness to kill a process.
const SYS_RESOURCE: u32 = 24;

/// The kernel's way to account for groups of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cgroups {
    /// One folder for each controller; a kubelet of today has to be told that it is meant.
    V1,
    /// One tree.
    V2,
}

/// The properties that decide on settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) cgroups: Cgroups,
    /// Without that right every container would die at its start, unless containerd is told not to try.
    pub(super) may_lower_oom_score: bool,
    /// `overlayfs`, or `native` (whole copies) where the folder itself lies on an overlay.
    pub(super) snapshotter: &'static str,
    /// Name servers that a pod can reach.
    pub(super) resolv_conf: PathBuf,
}

impl Machine {
    pub(super) fn look(home: &Path) -> Result<Self, ClusterError> {
        let mounts = mounts::of("self");
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let cgroups = cgroups(&mounts)
            .ok_or_else(|| ClusterError::Unable { why: "no cgroups are mounted below `/sys/fs/cgroup`".to_owned() })?;
        Ok(Self {
            cgroups,
            may_lower_oom_score: has_capability(&status, SYS_RESOURCE),
            snapshotter: snapshotter(&mounts, home),
            resolv_conf: resolv_conf(),
        })
    }

    /// What is unusual here, for a person.
    pub(super) fn told(&self) -> String {
        let cgroups = match self.cgroups {
            Cgroups::V1 => "cgroup v1",
            Cgroups::V2 => "cgroup v2",
        };
        let score = if self.may_lower_oom_score { "" } else { ", no CAP_SYS_RESOURCE" };
        format!("{cgroups}{score}, snapshots by {}", self.snapshotter)
    }
}

fn cgroups(mounts: &[Mount]) -> Option<Cgroups> {
    let point = Path::new("/sys/fs/cgroup");
    if mounts::that_holds(mounts, point).is_some_and(|mount| mount.kind == "cgroup2") {
        return Some(Cgroups::V2);
    }
    let v1 = mounts.iter().any(|mount| mount.kind == "cgroup" && mount.point.starts_with(point));
    v1.then_some(Cgroups::V1)
}

fn has_capability(status: &str, number: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).is_some_and(|mask| mask & (1 << number) != 0)
}

fn snapshotter(mounts: &[Mount], home: &Path) -> &'static str {
    let on_overlay = mounts::that_holds(mounts, home).is_some_and(|mount| mount.kind == "overlay");
    if on_overlay { "native" } else { "overlayfs" }
}

/// systemd's own resolver listens on loopback, which in a pod is the pod.
fn resolv_conf() -> PathBuf {
    let behind = PathBuf::from("/run/systemd/resolve/resolv.conf");
    if behind.is_file() { behind } else { PathBuf::from("/etc/resolv.conf") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_cgroups_is_what_is_mounted() {
        for (mountinfo, version) in [
            ("1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", Some(Cgroups::V2)),
            (
                "1 0 0:1 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n2 1 0:2 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                 3 1 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
                Some(Cgroups::V1),
            ),
            ("1 0 0:1 / / rw - ext4 /dev/vda rw\n", None),
        ] {
            assert_eq!(cgroups(&mounts::parse(mountinfo)), version, "{mountinfo}");
        }
    }

    #[test]
    fn a_missing_capability_is_noticed() {
        for (status, has) in [
            ("CapEff:\t000001ffffffffff\n", true),
            ("CapEff:\t000001fffeffffff\n", false),
            ("CapEff:\t0000000000000000\n", false),
            ("", false),
        ] {
            assert_eq!(has_capability(status, SYS_RESOURCE), has, "{status}");
        }
    }

    #[test]
    fn an_overlay_is_not_laid_upon_an_overlay() {
        let mounts =
            mounts::parse("1 0 0:1 / / rw - overlay overlay rw,upperdir=/u\n2 1 0:2 / /cache rw - ext4 /dev/vda rw\n");
        assert_eq!(snapshotter(&mounts, Path::new("/home/me")), "native");
        assert_eq!(snapshotter(&mounts, Path::new("/cache/me")), "overlayfs");
    }
}

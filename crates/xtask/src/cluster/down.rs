//! The end of a cluster, whole or half-made: what was recorded first, then whatever carries its mark or lies in its folders.
//!
//! Each step looks at what is there, so that it does no harm when it is done again, and nothing depends on the record
//! being whole: a crash may have come between the start of a program and its line.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::mount::{UnmountFlags, unmount};

use super::error::ClusterError;
use super::mounts;
use super::network;
use super::place::Place;
use super::start::MARK;
use super::state::State;
use crate::parts::processes::{self, Entry};
use crate::parts::wait;

/// A killed container is gone in a moment; a busy machine takes longer to free its memory.
const GONE_MAX: Duration = Duration::from_secs(20);
/// The folder of containerd's snapshots, as it stands in the mounts of every container, wherever the cache is.
const SNAPSHOTS: &str = "loyalty-pipelines/cluster/containerd/";
/// Below the folder of the run: one folder for each container, called by its id, with the address of its shim.
const TASKS: &str = "containerd/io.containerd.runtime.v2.task/k8s.io";
/// Where containerd makes a cgroup for each container, called by its id.
const CGROUP: &str = "k8s.io";
/// Whoever removes the cluster holds it.
pub(super) const LOCK: &str = "lock";
/// Kept when a start has failed.
const LOGS: &str = "logs";

/// Ends everything of ours; safe at any time, any number of times.
pub(super) fn down(place: &Place, state: Option<&State>, keep_logs: bool) -> Result<(), ClusterError> {
    let tasks = tasks(place);
    let sockets = shim_sockets(&tasks);
    end_processes(place, state);
    let mut left = unmount_all(place);
    // Only where a start has been: another Kubernetes has a table of the same name.
    if place.run().exists() {
        left.extend(network::clear(place));
    }
    remove_cgroups(&tasks);
    for socket in sockets {
        let _ = fs::remove_file(socket);
    }
    // Never while something is mounted below: it would be emptied, and may be a folder of the machine.
    if left.is_empty() {
        left.extend(remove_folders(place, keep_logs));
    }
    if left.is_empty() { Ok(()) } else { Err(ClusterError::Left { left }) }
}

/// At once: there is nothing to be saved. Starters first, so that nothing is started again.
fn end_processes(place: &Place, state: Option<&State>) {
    for entry in state.map(State::living).unwrap_or_default().iter().rev() {
        entry.kill();
    }
    processes::sweep(MARK, place.home());
    let _ = wait::until(GONE_MAX, || {
        let left = contained();
        left.iter().for_each(Entry::kill);
        left.is_empty().then_some(())
    });
}

/// The processes inside containers: their root lies in our folder. They know nothing of our mark.
fn contained() -> Vec<Entry> {
    let ours = |entry: &Entry| {
        let mounts = mounts::of(&entry.pid.to_string());
        mounts.iter().any(|mount| {
            mount.point == Path::new("/") && (mount.options.contains(SNAPSHOTS) || mount.root.contains(SNAPSHOTS))
        })
    };
    processes::all().into_iter().filter(ours).collect()
}

/// The latest mount lies on top. Gives what is still mounted.
fn unmount_all(place: &Place) -> Vec<String> {
    let ours = || {
        let mounts = mounts::of("self").into_iter().map(|mount| mount.point);
        let below = |point: &PathBuf| point.starts_with(place.home()) || point.starts_with(place.run());
        mounts.filter(below).collect::<Vec<_>>()
    };
    for point in ours().iter().rev() {
        // Detached at once, gone when its last user has gone; what was not detached is told below.
        let _ = unmount(point, UnmountFlags::DETACH);
    }
    ours().iter().map(|point| format!("the mount `{}`", point.display())).collect()
}

fn tasks(place: &Place) -> Vec<PathBuf> {
    fs::read_dir(place.run().join(TASKS)).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// containerd's shims listen in a folder that all containerds of a machine share.
fn shim_sockets(tasks: &[PathBuf]) -> Vec<PathBuf> {
    let addresses = tasks.iter().filter_map(|task| fs::read_to_string(task.join("address")).ok());
    addresses.filter_map(|address| address.trim().strip_prefix("unix://").map(PathBuf::from)).collect()
}

/// One tree of folders under each controller (v1) or one altogether (v2). A runtime that was killed leaves its own.
fn remove_cgroups(tasks: &[PathBuf]) {
    let top = Path::new("/sys/fs/cgroup");
    let controllers = fs::read_dir(top).into_iter().flatten().flatten().map(|entry| entry.path());
    for tree in controllers.chain([top.to_owned()]).map(|controller| controller.join(CGROUP)) {
        for container in tasks.iter().filter_map(|task| Some(tree.join(task.file_name()?))) {
            // A killed process is counted for a moment longer.
            let _ = wait::until(GONE_MAX, || {
                remove_tree(&container);
                (!container.exists()).then_some(())
            });
        }
        // It stays where another containerd has containers in it.
        let _ = fs::remove_dir(tree);
    }
}

/// A cgroup's files cannot be removed, its folders can, from the leaves up.
fn remove_tree(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_tree(&entry.path());
    }
    let _ = fs::remove_dir(folder);
}

fn remove_folders(place: &Place, keep_logs: bool) -> Vec<String> {
    let inside = fs::read_dir(place.home()).into_iter().flatten().flatten().map(|entry| entry.path());
    let things =
        inside.filter(|path| path.file_name().is_some_and(|name| name != LOCK && !(keep_logs && name == LOGS)));
    let left = things.chain([place.run().to_owned()]).filter_map(|path| {
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.err().filter(|_| path.exists()).map(|error| format!("`{}`: {error}", path.display()))
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_half_made_cluster_but_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path());
        fs::create_dir_all(place.home()).unwrap();
        place.prepare().unwrap();
        fs::write(place.file(LOCK), "").unwrap();
        fs::write(place.file("state.json"), "{").unwrap();
        for _ in 0..2 {
            assert_eq!(remove_folders(&place, false), [""; 0]);
        }
        let left: Vec<_> = fs::read_dir(place.home()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, [LOCK]);
        assert!(!place.run().exists());
    }

    #[test]
    fn shims_are_found_by_the_address_that_they_left() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path());
        let task = place.run().join(TASKS).join("1f2e");
        fs::create_dir_all(&task).unwrap();
        fs::write(task.join("address"), "unix:///run/containerd/s/77").unwrap();
        assert_eq!(shim_sockets(&tasks(&place)), [PathBuf::from("/run/containerd/s/77")]);
    }
}

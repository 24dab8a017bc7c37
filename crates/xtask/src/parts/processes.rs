//! The processes of this machine, as `/proc` tells them. Where there is no `/proc` the answers are empty, and process
//! groups alone have to do.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::wait;

/// The variable by which a process, and whatever it starts, is known to belong to a run: names of run folders joined by `/`.
pub(crate) const RUN_VARIABLE: &str = "LOYALTY_RUN";

/// The kernel takes its time to reap a killed server of 300 MB on a busy machine.
const GONE_MAX: Duration = Duration::from_secs(10);

/// One process; the start time tells it from a later one that was given the same number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) pid: u32,
    parent: u32,
    pub(crate) started: u64,
    name: String,
}

impl Entry {
    /// The process of this number as it stands now, unless it has ended.
    pub(crate) fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let mut fields = after.split_whitespace();
        if fields.next()? == "Z" && threads(pid) <= 1 {
            return None;
        }
        let parent = fields.next()?.parse().ok()?;
        let started = fields.nth(17)?.parse().ok()?;
        Some(Self { pid, parent, started, name: before.split_once('(')?.1.to_owned() })
    }

    fn lives(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started)
    }

    /// Kills it, if it is still the same process.
    pub(crate) fn kill(&self) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
            && self.lives()
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Whether it carries the run's name in its environment. PostgreSQL overwrites its own environment with its title:
    /// it is known by standing in a folder of the run.
    fn belongs_to(&self, run: &str, folder: &Path) -> bool {
        let inherited = fs::read(format!("/proc/{}/environ", self.pid)).is_ok_and(|text| names_run(&text, run));
        let stands_there = || {
            self.name == "postgres"
                && fs::read_link(format!("/proc/{}/cwd", self.pid)).is_ok_and(|cwd| cwd.starts_with(folder))
        };
        inherited || stands_there()
    }
}

/// The first thread of a killed process is a zombie while others still hold its sockets.
fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

fn names_run(environment: &[u8], run: &str) -> bool {
    environment
        .split(|byte| *byte == 0)
        .filter_map(|variable| std::str::from_utf8(variable).ok()?.split_once('='))
        .any(|(name, value)| name == RUN_VARIABLE && value.split('/').any(|part| part == run))
}

/// Every process of this machine.
pub(crate) fn all() -> Vec<Entry> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Entry::read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// All processes below `root`, `root` not included.
pub(crate) fn descendants(root: u32) -> Vec<Entry> {
    let all = all();
    let mut family = HashSet::from([root]);
    let mut found: Vec<Entry> = Vec::new();
    loop {
        let before = found.len();
        for entry in &all {
            if family.contains(&entry.parent) && family.insert(entry.pid) {
                found.push(entry.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Kills the process group of `leader` and everything below it, and waits until what is below has gone.
pub(crate) fn kill_tree(leader: u32) {
    let family = descendants(leader);
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    for entry in &family {
        entry.kill();
    }
    let _ = wait::until(GONE_MAX, || family.iter().all(|entry| !entry.lives()).then_some(()));
}

/// Kills every process of `run` but ourselves: those that left their group or lost their parent.
pub(crate) fn sweep(run: &str, folder: &Path) {
    let mine = || all().into_iter().filter(|entry| entry.pid != process::id() && entry.belongs_to(run, folder));
    let _ = wait::until(GONE_MAX, || {
        let left: Vec<Entry> = mine().collect();
        for entry in &left {
            entry.kill();
        }
        left.is_empty().then_some(())
    });
}

#[cfg(test)]
mod tests {
    use super::names_run;

    #[test]
    fn a_process_belongs_to_each_run_its_environment_names() {
        let environment = b"PATH=/bin\0LOYALTY_RUN=loyalty-run-a/loyalty-run-b\0X=loyalty-run-c\0";
        assert!(names_run(environment, "loyalty-run-a"));
        assert!(names_run(environment, "loyalty-run-b"));
        assert!(!names_run(environment, "loyalty-run"), "a part of the name is another run");
        assert!(!names_run(environment, "loyalty-run-c"), "another variable says nothing");
    }
}

//! The record of what was started, by which a later command finds it, and ends exactly it.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::error::ClusterError;
use super::network::Network;
use super::place::Place;
use crate::parts::processes::Entry;

const FILE: &str = "state.json";

/// What makes the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// The programs themselves, on this machine.
    Own,
    /// kind, in a container of Docker's.
    Kind,
}

/// A process and when it began: the number alone may by now be another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) started: u64,
}

impl Recorded {
    /// The process of this number, as it stands now.
    pub(super) fn of(name: &str, pid: u32) -> Option<Self> {
        Entry::read(pid).map(|entry| Self { name: name.to_owned(), pid, started: entry.started })
    }

    /// Whether that very process still runs.
    pub(super) fn entry(&self) -> Option<Entry> {
        Entry::read(self.pid).filter(|entry| entry.started == self.started)
    }
}

/// One cluster, whole or half-made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    pub(crate) runtime: Runtime,
    /// Numbers and start times of processes mean something in one boot only.
    boot: String,
    /// Whether `up` came to its end.
    pub(crate) ready: bool,
    /// The run that ends it; without one it stays until `down`.
    pub(crate) holder: Option<Recorded>,
    pub(crate) host_ip: Option<Ipv4Addr>,
    pub(crate) network: Option<Network>,
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) processes: Vec<Recorded>,
}

impl State {
    pub(super) fn new(runtime: Runtime, holder: Option<Recorded>) -> Self {
        Self {
            runtime,
            boot: boot(),
            ready: false,
            holder,
            host_ip: None,
            network: None,
            versions: BTreeMap::new(),
            processes: Vec::new(),
        }
    }

    /// What was recorded; `None` when nothing was.
    pub(super) fn read(place: &Place) -> Result<Option<Self>, ClusterError> {
        let path = place.file(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => parse(&text).map(Some).map_err(|problem| ClusterError::Record { path, problem }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::file("read", path)(error)),
        }
    }

    pub(super) fn save(&self, place: &Place) -> Result<(), ClusterError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| ClusterError::Record { path: place.file(FILE), problem: error.to_string() })?;
        place.put(FILE, &text).map(|_| ())
    }

    /// The recorded processes that still run; none after a reboot.
    pub(super) fn living(&self) -> Vec<Entry> {
        if self.boot != boot() {
            return Vec::new();
        }
        self.processes.iter().filter_map(Recorded::entry).collect()
    }

    /// Ready once, and nothing has ended since.
    pub(super) fn stands(&self) -> bool {
        self.ready && (self.runtime == Runtime::Kind || self.living().len() == self.processes.len())
    }

    /// Whether a run that is still under way holds it, and it is not ours.
    pub(super) fn held_by_another(&self) -> Option<u32> {
        let holder = self.holder.as_ref().filter(|_| self.boot == boot())?;
        let entry = holder.entry()?;
        (entry.pid != std::process::id()).then_some(entry.pid)
    }
}

fn parse(text: &str) -> Result<State, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ourselves() -> Recorded {
        Recorded::of("test", std::process::id()).unwrap()
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path());
        fs::create_dir(place.home()).unwrap();
        assert!(State::read(&place).unwrap().is_none(), "no file is no cluster");
        let mut state = State::new(Runtime::Own, None);
        state.processes.push(ourselves());
        state.network = Network::free("");
        state.save(&place).unwrap();
        assert_eq!(State::read(&place).unwrap().unwrap(), state);
    }

    #[test]
    fn a_broken_record_is_told_and_names_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::in_folder(folder.path());
        fs::create_dir(place.home()).unwrap();
        for text in ["", "{", "[]", "{\"runtime\":\"docker\"}"] {
            fs::write(place.file(FILE), text).unwrap();
            let error = State::read(&place).unwrap_err().to_string();
            assert!(error.contains("cluster down"), "{text}: {error}");
        }
    }

    #[test]
    fn a_number_that_was_given_to_another_process_is_not_ours() {
        let mut later = ourselves();
        assert!(later.entry().is_some());
        later.started += 1;
        assert!(later.entry().is_none(), "same number, another start");
        let mut state = State::new(Runtime::Own, None);
        state.processes.push(ourselves());
        assert_eq!(state.living().len(), 1);
        state.boot = "an earlier boot".to_owned();
        assert!(state.living().is_empty(), "after a reboot no number means anything");
    }

    #[test]
    fn a_cluster_stands_while_all_that_was_started_runs() {
        let mut state = State::new(Runtime::Own, None);
        state.processes.push(ourselves());
        assert!(!state.stands(), "half-made");
        state.ready = true;
        assert!(state.stands());
        state.processes.push(Recorded { name: "gone".to_owned(), pid: u32::MAX, started: 1 });
        assert!(!state.stands(), "one has ended");
    }
}

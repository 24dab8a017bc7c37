//! What there is of a cluster, for a person or for a program.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::error::ClusterError;
use super::place::Place;
use super::state::{Runtime, State};
use super::{kind, own};
use crate::parts::tools;

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What is the matter with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// The node is Ready.
    Ready,
    /// All runs, the node is not Ready.
    NotReady,
    /// Something that was started has ended, or `up` did not come to its end.
    Broken,
    /// There is none.
    None,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) health: Health,
    runtime: Option<Runtime>,
    kubeconfig: Option<PathBuf>,
    host_ip: Option<String>,
    versions: std::collections::BTreeMap<String, String>,
    processes: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    pid: u32,
    running: bool,
}

impl Report {
    /// Looks, and asks the API server about the node when all else is well.
    pub(super) fn make(place: &Place, state: Option<&State>) -> Result<Self, ClusterError> {
        let Some(state) = state else {
            // Its record is gone, it is not.
            let health = if place.run().exists() { Health::Broken } else { Health::None };
            return Ok(Self::none(health));
        };
        let stands = state.stands() && (state.runtime == Runtime::Own || kind::exists());
        let health = match stands {
            false => Health::Broken,
            true if own::nodes_are_ready(&tools::kubectl()?, place) => Health::Ready,
            true => Health::NotReady,
        };
        Ok(Self::of(place, state, health))
    }

    fn none(health: Health) -> Self {
        let versions = std::collections::BTreeMap::new();
        Self { health, runtime: None, kubeconfig: None, host_ip: None, versions, processes: Vec::new() }
    }

    fn of(place: &Place, state: &State, health: Health) -> Self {
        let living = state.living();
        let line = |process: &super::state::Recorded| Line {
            name: process.name.clone(),
            pid: process.pid,
            running: living.iter().any(|entry| entry.pid == process.pid),
        };
        Self {
            health,
            runtime: Some(state.runtime),
            kubeconfig: Some(place.kubeconfig()).filter(|path| path.is_file()),
            host_ip: state.host_ip.map(|address| address.to_string()),
            versions: state.versions.clone(),
            processes: state.processes.iter().map(line).collect(),
        }
    }

    pub(super) fn print(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => serde_json::to_string_pretty(self).unwrap_or_default(),
        }
    }

    fn text(&self) -> String {
        let health = match self.health {
            Health::Ready => "ready",
            Health::NotReady => "the node is not Ready",
            Health::Broken => "broken: `cargo xtask cluster down` removes what is left of it",
            Health::None => "none; `cargo xtask cluster up` makes one",
        };
        let mut text = format!("cluster     {health}\n");
        let runtime = self.runtime.map(|runtime| if runtime == Runtime::Own { "own" } else { "kind" }.to_owned());
        let kubeconfig = self.kubeconfig.as_ref().map(|path| path.display().to_string());
        for (name, value) in [("runtime", &runtime), ("kubeconfig", &kubeconfig), ("host", &self.host_ip)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{name:<11} {value}");
            }
        }
        for (name, version) in &self.versions {
            let _ = writeln!(text, "{name:<11} {version}");
        }
        for Line { name, pid, running } in &self.processes {
            let word = if *running { "running" } else { "ended" };
            let _ = writeln!(text, "  {name:<24} {pid:>8}  {word}");
        }
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::state::Recorded;
    use std::path::Path;

    #[test]
    fn the_report_names_what_has_ended_and_what_to_do() {
        let place = Place::in_folder(Path::new("/c"));
        let mut state = State::new(Runtime::Own, None);
        state.processes.push(Recorded { name: "etcd".to_owned(), pid: u32::MAX, started: 7 });
        let report = Report::of(&place, &state, Health::Broken);
        let text = report.print(Format::Text);
        assert!(text.contains("cluster down") && text.contains("etcd") && text.contains("ended"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&report.print(Format::Json)).unwrap();
        assert_eq!(json["health"], "broken");
        assert_eq!(json["runtime"], "own");
        assert_eq!(json["processes"][0]["running"], false);
        assert!(json["kubeconfig"].is_null(), "no file, no path");
    }

    #[test]
    fn no_cluster_is_an_answer_too() {
        let json: serde_json::Value = serde_json::from_str(&Report::none(Health::None).print(Format::Json)).unwrap();
        assert_eq!(json["health"], "none");
    }
}

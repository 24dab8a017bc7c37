//! What every measurement stands on: programs, parts, a folder, the events; and a vhost of its own for each drain.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::program::Program;
use super::{BenchError, Size, events};
use crate::parts::{Parts, Process, RunFolder, Wanted, http, live};
use crate::progress::say;
use crate::repository;

/// Programs and examples that are measured or that measure.
const BUILD: &[&str] = &[
    "build",
    "-p=loyalty-worker",
    "-p=broker",
    "-p=engine",
    "-p=ledger",
    "--bin=loyalty-worker",
    "--example=raw_consumer",
    "--example=apply_only",
    "--example=hand_written",
];

/// Parts, programs and events of a run.
pub(crate) struct Stage {
    pub(crate) size: Size,
    pub(crate) folder: RunFolder,
    programs: PathBuf,
    amqp_url: String,
    management_url: String,
    pub(crate) database_url: String,
    _parts: Parts,
}

/// A vhost of the broker; dropping it deletes it with all its queues.
pub(crate) struct Vhost<'a> {
    stage: &'a Stage,
    name: &'static str,
    pub(crate) amqp_url: String,
}

impl Stage {
    /// Makes sure of the parts and writes the events; the programs are built.
    pub(crate) fn make(debug: bool, size: Size) -> Result<Self, BenchError> {
        live::end_on_signals()?;
        let folder = RunFolder::make(&env::temp_dir())?;
        let parts = Parts::make_sure(Wanted::BrokerAndDatabase)?;
        let stage = Self {
            size,
            programs: profile_folder(debug),
            amqp_url: parts.amqp_url().to_owned(),
            management_url: parts.management_url().to_owned(),
            database_url: parts.database_url().to_owned(),
            folder,
            _parts: parts,
        };
        let real = repository::root().join(repository::EVENTS);
        let real = fs::read_to_string(&real).map_err(BenchError::file(real))?;
        for count in [size.messages, size.warm_up] {
            let file = stage.events(count);
            fs::write(&file, events::lines(&real, count)).map_err(BenchError::file(file))?;
        }
        Ok(stage)
    }

    /// The file with so many events.
    pub(crate) fn events(&self, count: usize) -> PathBuf {
        self.folder.path().join(format!("events-{count}.jsonl"))
    }

    /// A program of this repository, marked as one of this run.
    pub(crate) fn program(&self, path: &str) -> Command {
        let mut command = Command::new(self.programs.join(path));
        command.envs([self.folder.mark()]).current_dir(self.folder.path());
        command
    }

    /// Runs an example to its end.
    pub(crate) fn example(&self, name: &'static str, arguments: &[&str]) -> Result<(), BenchError> {
        let mut command = self.program(&format!("examples/{name}"));
        Program::start(name, command.args(arguments), self.folder.path())?.finish()
    }

    /// A vhost with nothing in it.
    pub(crate) fn vhost(&self) -> Result<Vhost<'_>, BenchError> {
        let name = "loyalty-bench";
        let base = self.amqp_url.split('?').next().unwrap_or_default();
        let authority = base.match_indices('/').nth(2).map_or(base, |(at, _)| &base[..at]);
        let vhost = Vhost { stage: self, name, amqp_url: format!("{authority}/{name}") };
        // One that a killed run left behind.
        let _ = self.ask("DELETE", &format!("/api/vhosts/{name}"), "");
        self.ask("PUT", &format!("/api/vhosts/{name}"), "{}")?;
        Ok(vhost)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<(), BenchError> {
        let failed = |answer: String| BenchError::Management { request: format!("{method} {path}"), answer };
        let answer = http::request(&self.management_url, method, path, body).map_err(|e| failed(e.to_string()))?;
        if answer.status < 300 { Ok(()) } else { Err(failed(format!("{} {}", answer.status, answer.body))) }
    }
}

impl Vhost<'_> {
    /// An exchange that lives as long as the vhost.
    pub(crate) fn exchange(&self, name: &str, kind: &str) -> Result<(), BenchError> {
        let body = format!(r#"{{"type":"{kind}","durable":true}}"#);
        self.stage.ask("PUT", &format!("/api/exchanges/{}/{name}", self.name), &body)
    }

    /// A queue, bound to an exchange by `key`.
    pub(crate) fn queue(&self, name: &str, arguments: &str, (exchange, key): (&str, &str)) -> Result<(), BenchError> {
        let body = format!(r#"{{"durable":true,"arguments":{arguments}}}"#);
        self.stage.ask("PUT", &format!("/api/queues/{}/{name}", self.name), &body)?;
        let body = format!(r#"{{"routing_key":"{key}"}}"#);
        self.stage.ask("POST", &format!("/api/bindings/{}/e/{exchange}/q/{name}", self.name), &body)
    }
}

impl Drop for Vhost<'_> {
    fn drop(&mut self) {
        // The broker ends with the run, or the next run deletes it.
        let _ = self.stage.ask("DELETE", &format!("/api/vhosts/{}", self.name), "");
    }
}

/// Builds everything that is measured or measures.
pub(crate) fn build(debug: bool) -> Result<(), BenchError> {
    live::end_on_signals()?;
    let folder = RunFolder::make(&env::temp_dir())?;
    let mut arguments = BUILD.to_vec();
    arguments.extend((!debug).then_some("--release"));
    let command = format!("cargo {}", arguments.join(" "));
    say(&format!("{command}{}", if debug { "" } else { " (the first time some minutes)" }));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut process = Command::new(cargo);
    process.args(&arguments).envs([folder.mark()]).current_dir(repository::root());
    let status = Process::spawn_visible(&command, &mut process)?.wait();
    if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err(BenchError::Build { command }) }
}

/// Beside our own folder are those of the other profiles.
fn profile_folder(debug: bool) -> PathBuf {
    let ours = repository::programs();
    ours.parent().unwrap_or(&ours).join(if debug { "debug" } else { "release" })
}

//! A Kubernetes API, alone on its port: etcd, kube-apiserver and kube-controller-manager, each a process of ours.
//!
//! Objects are kept, validated and acted on as in any cluster: Deployments get `ReplicaSets` and those get Pods, owned
//! objects are collected, namespaces end. There is no node: pods stay pending until a test sets their status.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::apt;
use super::error::PartError;
use super::https::Door;
use super::ports::Port;
use super::process::Process;
use super::run_folder::RunFolder;
use super::{live, wait};
use crate::progress::{say, step};
use credentials::Credentials;
use install::Installed;
use settings::Settings;

mod credentials;
mod install;
mod programs;
mod settings;

pub use install::etcd;
pub(crate) use programs::are_built;
pub use programs::{ControlPlane, NodePrograms};

/// A first start takes about five seconds on two idle cores; a build beside it makes that much longer.
const READY_MAX: Duration = Duration::from_mins(2);
/// The API server lets requests under way come to their end. Those that watch do not end by themselves, and it would wait
/// a minute for them.
const STOP_MAX: Duration = Duration::from_secs(2);
/// The last thing that a new cluster makes before pods can be made in it; the controllers do.
const LAST_MADE: &str = "/api/v1/namespaces/default/serviceaccounts/default";

/// A control plane that was started here; dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Kubernetes {
    settings: Settings,
    door: Door,
    installed: Installed,
    // In the order in which they are dropped: the clients first, then what they speak to, then the folder that all stand in.
    controllers: Option<Process>,
    api_server: Option<Process>,
    store: Option<Process>,
    folder: RunFolder,
    _ports: [Port; 3],
}

impl Kubernetes {
    /// Finds or makes the programs, and starts them in a new folder on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no way to a Kubernetes on this machine, or it does not get ready; nothing is left behind.
    pub fn start() -> Result<Self, PartError> {
        live::end_on_signals()?;
        let installed = install::make_sure()?;
        let folder = RunFolder::make(&env::temp_dir())?;
        let ports = [Port::take()?, Port::take()?, Port::take()?];
        let [api, store, peers] = ports.each_ref().map(Port::number);
        let settings = Settings { home: folder.path().to_owned(), api, store, peers };
        let credentials = Credentials::make()?;
        settings.write(&credentials)?;
        let door = Door::to(api, credentials.authority(), credentials.admin())?;
        let mut part =
            Self { settings, door, installed, controllers: None, api_server: None, store: None, folder, _ports: ports };
        part.store = Some(part.spawn("etcd", &part.installed.etcd, part.settings.store_flags())?);
        part.restart()?;
        part.start_controllers()?;
        Ok(part)
    }

    /// A kubeconfig that may do everything, the same after a restart.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.settings.kubeconfig()
    }

    /// The log of all requests: level `Metadata`, one line of JSON each, written when it is answered. A watch has one line when
    /// it begins and one when it ends.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.settings.audit_log()
    }

    /// Stops the API server as an administrator would; its objects and its port stay its own.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.api_server.take() {
            step("Kubernetes: stopping the API server", || server.end(Signal::TERM, STOP_MAX));
        }
    }

    /// Kills the API server, as a power cut would; its objects and its port stay its own.
    pub fn kill(&mut self) {
        drop(self.api_server.take());
    }

    /// Starts the API server again on its port, after stopping it if it runs.
    ///
    /// # Errors
    /// When it does not get ready; then it does not run.
    pub fn restart(&mut self) -> Result<(), PartError> {
        self.stop();
        let mut server = self.spawn("kube-apiserver", &self.installed.api_server, self.settings.api_server_flags())?;
        self.until_answered(&mut server, "kube-apiserver", "/readyz")?;
        self.api_server = Some(server);
        Ok(())
    }

    /// They end for good when no API server answers them at first, so they come after it.
    fn start_controllers(&mut self) -> Result<(), PartError> {
        let Some(program) = &self.installed.controller_manager else {
            say(
                "Kubernetes: KUBEBUILDER_ASSETS holds no kube-controller-manager: Deployments get no pods, namespaces do not end",
            );
            return Ok(());
        };
        let mut controllers = self.spawn("kube-controller-manager", program, self.settings.controller_flags())?;
        self.until_answered(&mut controllers, "kube-controller-manager", LAST_MADE)?;
        self.controllers = Some(controllers);
        Ok(())
    }

    fn spawn(&self, name: &str, program: &Path, flags: Vec<String>) -> Result<Process, PartError> {
        let mut command = Command::new(program);
        let (mark, value) = self.folder.mark();
        command.args(flags).env_clear().env("PATH", apt::PATH).env(mark, value).current_dir(self.folder.path());
        // Debian's etcd wants to be told that it is meant where its makers do not test it.
        command.env("ETCD_UNSUPPORTED_ARCH", install::go_architecture());
        Process::spawn(name, &mut command, &self.folder.path().join(format!("{name}.log")))
    }

    /// Waits until the API server answers 200 at `path`, or `process` has ended.
    fn until_answered(&self, process: &mut Process, name: &'static str, path: &str) -> Result<(), PartError> {
        let outcome = step(&format!("Kubernetes: starting {name}"), || {
            wait::until(READY_MAX, || match process.status() {
                Some(status) => Some(Err(format!("it ended with {status}"))),
                None => self.door.get(path).is_ok_and(|answer| answer.status == 200).then_some(Ok(())),
            })
        });
        let outcome = outcome.unwrap_or_else(|| Err(format!("it was not ready within {} s", READY_MAX.as_secs())));
        outcome.map_err(|why| PartError::NotReady { part: name, why, tail: process.tail() })
    }
}

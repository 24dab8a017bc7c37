//! A RabbitMQ in a container of Docker's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use broker::Settings;
use tokio::runtime::Runtime;

use crate::parts::{PartError, RunFolder, live, process, wait};
use crate::progress::step;

/// The product's own minimum, with the management API.
const IMAGE: &str = "rabbitmq:4.3-management";

/// A first start on a busy laptop.
const READY_MAX: Duration = Duration::from_mins(2);

/// A container that was started here; dropping it, or a signal, removes it by its id.
#[derive(Debug)]
pub(super) struct Container {
    id_file: PathBuf,
    pub(super) amqp_url: String,
    pub(super) management_url: String,
}

impl Container {
    /// Runs the image on free ports of 127.0.0.1 and waits until it answers.
    pub(super) fn start(runtime: &Runtime, run: &RunFolder) -> Result<Self, PartError> {
        let (id_file, log) = (run.path().join("container.id"), run.path().join("docker.log"));
        live::at_end(Box::new({
            let id_file = id_file.clone();
            move || remove(&id_file)
        }));
        let mut container = Self { id_file, amqp_url: String::new(), management_url: String::new() };
        let mut docker = Command::new("docker");
        docker.args(["run", "--detach", "--rm", "--cidfile"]).arg(&container.id_file);
        docker.args(["--publish", "127.0.0.1::5672", "--publish", "127.0.0.1::15672", IMAGE]);
        step(&format!("Docker: starting {IMAGE}"), || process::run("docker run", &mut docker, &log))?;
        container.amqp_url = format!("amqp://guest:guest@{}/%2f", container.port("5672/tcp")?);
        container.management_url = format!("http://guest:guest@{}", container.port("15672/tcp")?);
        step("RabbitMQ: starting", || container.wait(runtime))?;
        Ok(container)
    }

    /// Where a port of the container is on this machine.
    fn port(&self, inside: &str) -> Result<String, PartError> {
        let id = id(&self.id_file).unwrap_or_default();
        let said = Command::new("docker").args(["port", &id, inside]).stdin(Stdio::null()).output();
        let said = said.map_err(|source| PartError::Spawn { program: "docker port".to_owned(), source })?;
        let address = String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().trim().to_owned();
        if address.is_empty() {
            let tail = String::from_utf8_lossy(&said.stderr).into_owned();
            return Err(PartError::Failed { program: "docker port".to_owned(), status: said.status.to_string(), tail });
        }
        Ok(address)
    }

    fn wait(&self, runtime: &Runtime) -> Result<(), PartError> {
        let answers = || {
            let settings = Settings::from_url(&self.amqp_url).ok()?;
            let connection = runtime.block_on(broker::connect(&settings, "cargo xtask up")).ok()?;
            runtime.block_on(connection.close());
            Some(())
        };
        let why = || format!("it did not answer within {} s", READY_MAX.as_secs());
        let not_ready = || PartError::NotReady { part: "RabbitMQ", why: why(), tail: String::new() };
        wait::until(READY_MAX, answers).ok_or_else(not_ready)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        remove(&self.id_file);
    }
}

fn id(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Once: the file goes with the container.
fn remove(id_file: &Path) {
    let Some(id) = id(id_file) else { return };
    let mut docker = Command::new("docker");
    docker.args(["rm", "--force", "--volumes", &id]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Whoever is asked a second time has nothing left to remove.
    let _ = docker.status();
    let _ = fs::remove_file(id_file);
}

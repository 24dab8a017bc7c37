//! A RabbitMQ of 4.3 or newer, alone on its ports, with management and Prometheus.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::error::PartError;
use super::http;
use super::ports::Port;
use super::process::Process;
use super::run_folder::RunFolder;
use super::secret;
use super::{live, wait};
use crate::progress::step;
use install::Installed;

mod install;
mod settings;

use settings::Settings;

/// A first start takes 4 s on two idle cores; a build beside it makes that much longer.
const READY_MAX: Duration = Duration::from_mins(2);
/// A clean stop writes what is in memory; after that we no longer ask.
const STOP_MAX: Duration = Duration::from_secs(30);

/// A broker that was started here; dropping it ends it and removes its data.
#[derive(Debug)]
pub struct RabbitMq {
    amqp_url: String,
    management_url: String,
    settings: Settings,
    installed: Installed,
    // In the order in which they are dropped: the broker, its port mapper, then the folder that they stand in.
    broker: Option<Process>,
    port_mapper: Option<Process>,
    folder: RunFolder,
    _ports: [Port; 5],
}

impl RabbitMq {
    /// Finds or makes the programs, and starts a broker in a new folder on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no way to a RabbitMQ on this machine, or it does not get ready; nothing is left behind.
    pub fn start() -> Result<Self, PartError> {
        live::end_on_signals()?;
        let installed = install::make_sure()?;
        let folder = RunFolder::make(&installed.home.runs())?;
        let ports = [Port::take()?, Port::take()?, Port::take()?, Port::take()?, Port::take()?];
        let [amqp, management, distribution, mapper, prometheus] = ports.each_ref().map(Port::number);
        let password = secret::fresh()?;
        let settings = Settings {
            home: installed.home.inside(folder.path()),
            amqp,
            management,
            distribution,
            mapper,
            prometheus,
            password,
        };
        settings.write(folder.path(), installed.home.account())?;
        let mut part = Self {
            amqp_url: settings.amqp_url(),
            management_url: settings.management_url(),
            settings,
            installed,
            broker: None,
            port_mapper: None,
            folder,
            _ports: ports,
        };
        part.restart()?;
        Ok(part)
    }

    /// `amqp://user:password@127.0.0.1:port/%2f`, the same after a restart.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.amqp_url
    }

    /// `http://user:password@127.0.0.1:port`, the same after a restart.
    #[must_use]
    pub fn management_url(&self) -> &str {
        &self.management_url
    }

    /// Stops the broker as an administrator would; data and ports stay its own.
    pub fn stop(&mut self) {
        if let Some(mut broker) = self.broker.take() {
            step("RabbitMQ: stopping", || broker.end(Signal::TERM, STOP_MAX));
        }
    }

    /// Kills the broker, as a power cut would; data and ports stay its own.
    pub fn kill(&mut self) {
        drop(self.broker.take());
    }

    /// Starts the broker again in its folder and on its ports, after stopping it if it runs.
    ///
    /// # Errors
    /// When it does not get ready; then it does not run.
    pub fn restart(&mut self) -> Result<(), PartError> {
        self.stop();
        if self.port_mapper.as_mut().is_none_or(|mapper| mapper.status().is_some()) {
            let mut mapper = self.command(&self.installed.port_mapper);
            mapper.args(["-address", "127.0.0.1", "-port", &self.settings.mapper.to_string()]);
            self.port_mapper = Some(Process::spawn("epmd", &mut mapper, &self.folder.path().join("epmd.log"))?);
        }
        let log = self.folder.path().join("rabbitmq.log");
        let broker = Process::spawn("rabbitmq-server", &mut self.command(&self.installed.server), &log)?;
        self.broker = Some(self.ready(broker)?);
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = self.installed.home.command(program);
        let (name, value) = self.folder.mark();
        command.env(name, value).current_dir(self.folder.path());
        self.settings.apply(&mut command);
        command
    }

    fn ready(&self, mut broker: Process) -> Result<Process, PartError> {
        let outcome = step("RabbitMQ: starting", || {
            wait::until(READY_MAX, || match broker.status() {
                Some(status) => Some(Err(format!("it ended with {status}"))),
                None => self.answers().then_some(Ok(())),
            })
        });
        match outcome.unwrap_or_else(|| Err(format!("it did not answer within {} s", READY_MAX.as_secs()))) {
            Ok(()) => Ok(broker),
            Err(why) => Err(PartError::NotReady { part: "RabbitMQ", why, tail: broker.tail() }),
        }
    }

    /// Both doors: the management API knows our user, and the AMQP port greets.
    fn answers(&self) -> bool {
        let knows_us =
            || http::request(&self.management_url, "GET", "/api/whoami", "").is_ok_and(|it| it.status == 200);
        greets(self.settings.amqp) && knows_us()
    }
}

/// Sends the AMQP 0-9-1 protocol header; a broker that is open answers with a method frame (`connection.start`).
fn greets(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut first = [0_u8; 1];
    let asked = http::connect(address).and_then(|mut stream| {
        stream.write_all(b"AMQP\x00\x00\x09\x01")?;
        stream.read_exact(&mut first)
    });
    asked.is_ok() && first == [1]
}

/// The newest version among folders called `rabbitmq_server-X.Y.Z`.
fn version_in(folder: &Path) -> Option<(u32, u32)> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    entries.filter_map(|entry| version_of(entry.file_name().to_str()?.strip_prefix("rabbitmq_server-")?)).max()
}

fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

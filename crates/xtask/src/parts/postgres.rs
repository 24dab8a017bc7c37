//! A PostgreSQL of 15 or newer, alone on its port, as durable as a production one (`fsync` stays on).

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::account::Account;
use super::apt;
use super::error::PartError;
use super::http;
use super::ports::Port;
use super::process::{Process, run};
use super::run_folder::RunFolder;
use super::secret;
use super::{live, wait};
use crate::progress::step;
use install::Installed;

mod install;

const USER: &str = "loyalty";
/// Made by `initdb`; tests make schemas of their own in it.
const DATABASE: &str = "postgres";
/// Many test binaries with a small pool each, side by side.
const CONNECTIONS_MAX: u32 = 300;
/// A first start takes under a second, the recovery after a kill somewhat more.
const READY_MAX: Duration = Duration::from_mins(1);
/// A fast shutdown writes a checkpoint.
const STOP_MAX: Duration = Duration::from_secs(30);

/// A database server that was started here; dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Postgres {
    url: String,
    installed: Installed,
    server: Option<Process>,
    folder: RunFolder,
    port: Port,
}

impl Postgres {
    /// Finds or installs the programs, and starts a server in a new folder on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is no way to a PostgreSQL on this machine, or it does not get ready; nothing is left behind.
    pub fn start() -> Result<Self, PartError> {
        live::end_on_signals()?;
        let installed = install::make_sure()?;
        let folder = RunFolder::make(&env::temp_dir())?;
        let port = Port::take()?;
        let password = secret::fresh()?;
        let url = format!("postgres://{USER}:{password}@127.0.0.1:{}/{DATABASE}", port.number());
        let mut postgres = Self { url, installed, server: None, folder, port };
        step("PostgreSQL: making its data folder", || postgres.initialise(&password))?;
        postgres.restart()?;
        Ok(postgres)
    }

    /// `postgres://user:password@127.0.0.1:port/database`, the same after a restart; the user may do everything.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server as an administrator would ("fast": open transactions are rolled back).
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            step("PostgreSQL: stopping", || server.end(Signal::INT, STOP_MAX));
        }
    }

    /// Kills the server and its sessions, as a power cut would; data and port stay its own.
    pub fn kill(&mut self) {
        drop(self.server.take());
    }

    /// Starts the server again in its folder and on its port, after stopping it if it runs.
    ///
    /// # Errors
    /// When it does not get ready; then it does not run.
    pub fn restart(&mut self) -> Result<(), PartError> {
        self.stop();
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-h", "127.0.0.1", "-p", &self.port.number().to_string()]);
        // No socket in the file system: its path would have to be short, and nobody uses it.
        command.args(["-c", "unix_socket_directories=", "-c", &format!("max_connections={CONNECTIONS_MAX}")]);
        let server = Process::spawn("postgres", &mut command, &self.folder.path().join("postgres.log"))?;
        self.server = Some(self.ready(server)?);
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn initialise(&self, password: &str) -> Result<(), PartError> {
        let secret = self.folder.path().join("password");
        fs::write(&secret, password).map_err(PartError::file("write", &secret))?;
        if let Some(account) = self.installed.account() {
            account.own([self.folder.path().to_owned(), secret.clone()])?;
        }
        let mut command = self.command("initdb");
        command.arg("-D").arg(self.data()).arg("--username").arg(USER).arg("--pwfile").arg(&secret);
        command.args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run("initdb", &mut command, &self.folder.path().join("initdb.log"))?;
        fs::remove_file(&secret).map_err(PartError::file("remove", &secret))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.installed.program(program));
        let (name, value) = self.folder.mark();
        command.env_clear().env("PATH", apt::PATH).env("LC_ALL", "C").env(name, value).current_dir(self.folder.path());
        if let Some(account) = self.installed.account() {
            Account::run(account, &mut command);
        }
        command
    }

    fn ready(&self, mut server: Process) -> Result<Process, PartError> {
        let outcome = step("PostgreSQL: starting", || {
            wait::until(READY_MAX, || match server.status() {
                Some(status) => Some(Err(format!("it ended with {status}"))),
                None => greets(self.port.number()).then_some(Ok(())),
            })
        });
        match outcome.unwrap_or_else(|| Err(format!("it did not answer within {} s", READY_MAX.as_secs()))) {
            Ok(()) => Ok(server),
            Err(why) => Err(PartError::NotReady { part: "PostgreSQL", why, tail: server.tail() }),
        }
    }
}

/// Sends a start-up message; only a server that is open to sessions answers with a demand for the password (`R`), one that
/// still recovers answers with an error (`E`).
fn greets(port: u16) -> bool {
    let parameters = format!("user\0{USER}\0database\0{DATABASE}\0\0");
    let length = u32::try_from(parameters.len() + 8).unwrap_or_default();
    let mut first = [0_u8; 1];
    let asked = http::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).and_then(|mut stream| {
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(&[0, 3, 0, 0])?;
        stream.write_all(parameters.as_bytes())?;
        stream.read_exact(&mut first)
    });
    asked.is_ok() && first == *b"R"
}

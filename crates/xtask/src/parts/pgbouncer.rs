//! A PgBouncer of 1.21 or newer in transaction mode before a database, alone on its port.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::account::is_root;
use super::apt::{self, find_program};
use super::debian::Home;
use super::error::PartError;
use super::http;
use super::ports::Port;
use super::process::Process;
use super::run_folder::RunFolder;
use super::{live, wait};
use crate::progress::step;

/// Debian's package makes it with PostgreSQL's common files.
const USER: &str = "postgres";
const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// Prepared statements of clients came with it for transaction mode.
const VERSION_MIN: (u32, u32) = (1, 21);
const READY_MAX: Duration = Duration::from_secs(30);

/// How a pooler is set up.
#[derive(Debug, Clone, Copy)]
pub struct Pool {
    /// To the database, 1 or more.
    pub connections: u32,
    /// How many prepared statements of clients are kept; 0: none.
    pub statements: u32,
}

/// A pooler that was started here; dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct PgBouncer {
    url: String,
    _server: Process,
    _folder: RunFolder,
    _port: Port,
}

impl PgBouncer {
    /// Why there can be none on this machine; `None`: [`PgBouncer::start`] finds or makes one.
    #[must_use]
    pub fn obstacle() -> Option<&'static str> {
        if on_this_machine() { None } else { apt::obstacle() }
    }

    /// Finds or makes the program, and starts it before the database of `url` (`postgres://user:password@127.0.0.1:port/database`).
    /// Each transaction gets the connection that has rested longest: nothing that a client leaves in a session is
    /// there for its next transaction.
    ///
    /// # Errors
    /// When there is no way to a PgBouncer on this machine, or it does not get ready; nothing is left behind.
    pub fn start(url: &str, pool: Pool) -> Result<Self, PartError> {
        live::end_on_signals()?;
        let home = home()?;
        let folder = RunFolder::make(&home.runs())?;
        let port = Port::take()?;
        let database = Database::of(url).ok_or_else(|| no_pooler("the database's URL has no login, host or port"))?;
        let inside = home.inside(folder.path());
        let settings = database.settings(&inside, port.number(), pool);
        for (name, text) in [("pgbouncer.ini", settings), ("users.txt", database.users())] {
            let path = folder.path().join(name);
            fs::write(&path, text).map_err(PartError::file("write", &path))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(PartError::file("protect", &path))?;
            if let Some(account) = home.account() {
                account.own([path])?;
            }
        }
        let mut command = home.command(Path::new(PROGRAM));
        let (name, value) = folder.mark();
        command.arg(inside.join("pgbouncer.ini")).env(name, value).current_dir(folder.path());
        let server = Process::spawn("pgbouncer", &mut command, &folder.path().join("pgbouncer.log"))?;
        let server = ready(server, port.number())?;
        let url = format!("postgres://{}@127.0.0.1:{}/{}", database.login, port.number(), database.name);
        Ok(Self { url, _server: server, _folder: folder, _port: port })
    }

    /// As the database's, with our port.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn home() -> Result<Home, PartError> {
    if on_this_machine() {
        return Home::here(USER);
    }
    if let Some(why) = apt::obstacle() {
        return Err(no_pooler(&format!("none is installed, and {why}")));
    }
    Home::debian(USER)
}

/// It does not run as root: there has to be somebody else.
fn on_this_machine() -> bool {
    let has_user = !is_root() || Home::here(USER).is_ok();
    has_user && find_program("pgbouncer").is_some_and(|it| it == Path::new(PROGRAM)) && is_new_enough()
}

fn is_new_enough() -> bool {
    let output = std::process::Command::new(PROGRAM).arg("--version").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    version_of(&said).is_some_and(|version| version >= VERSION_MIN)
}

/// From `PgBouncer 1.26.1`.
fn version_of(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("PgBouncer ")?.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn no_pooler(why: &str) -> PartError {
    PartError::NoTool { tool: "PgBouncer".to_owned(), why: why.to_owned() }
}

/// What a URL says of a database.
struct Database<'a> {
    /// `user:password`.
    login: &'a str,
    host: &'a str,
    port: &'a str,
    name: &'a str,
}

impl<'a> Database<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (authority, name) = url.split_once("://")?.1.split_once('/')?;
        let (login, address) = authority.rsplit_once('@')?;
        let (host, port) = address.rsplit_once(':')?;
        login.contains(':').then_some(Self { login, host, port, name })
    }

    fn settings(&self, folder: &Path, port: u16, pool: Pool) -> String {
        format!(
            "[databases]\n\
             * = host={host} port={server}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = scram-sha-256\n\
             auth_file = {folder}/users.txt\n\
             pool_mode = transaction\n\
             max_prepared_statements = {statements}\n\
             default_pool_size = {connections}\n\
             min_pool_size = {connections}\n\
             server_round_robin = 1\n",
            connections = pool.connections,
            statements = pool.statements,
            host = self.host,
            server = self.port,
            folder = folder.display(),
        )
    }

    fn users(&self) -> String {
        let (user, password) = self.login.split_once(':').unwrap_or((self.login, ""));
        format!("\"{user}\" \"{password}\"\n")
    }
}

fn ready(mut server: Process, port: u16) -> Result<Process, PartError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let outcome = step("PgBouncer: starting", || {
        wait::until(READY_MAX, || match server.status() {
            Some(status) => Some(Err(format!("it ended with {status}"))),
            None => http::connect(address).is_ok().then_some(Ok(())),
        })
    });
    match outcome.unwrap_or_else(|| Err(format!("it did not answer within {} s", READY_MAX.as_secs()))) {
        Ok(()) => Ok(server),
        Err(why) => Err(PartError::NotReady { part: "PgBouncer", why, tail: server.tail() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Database, version_of};

    #[test]
    fn the_version_is_read_from_what_it_says() {
        assert_eq!(version_of("PgBouncer 1.26.1\nlibevent 2.1.12\n"), Some((1, 26)));
        assert_eq!(version_of("something else"), None);
    }

    #[test]
    fn a_database_without_a_password_is_none_to_stand_before() {
        assert!(Database::of("postgres://me:secret@127.0.0.1:5432/shop").is_some());
        for url in ["postgres://me@127.0.0.1:5432/shop", "postgres://me:secret@127.0.0.1:5432", "postgres:///shop"] {
            assert!(Database::of(url).is_none(), "{url}");
        }
    }
}

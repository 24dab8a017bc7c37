//! Real parts for tests and trials: RabbitMQ, PostgreSQL and a Kubernetes API on free ports of loopback, each with a folder
//! of its own.
//!
//! What is started here is ended here: when the value is dropped (also by a panic), on SIGINT, SIGTERM and SIGHUP, and,
//! should this process be killed, by the next run that finds the leftovers. A part that the environment names
//! (`AMQP_URL`, `DATABASE_URL`, `LOYALTY_TEST_KUBECONFIG`) is used as it is and never touched.

use std::env;
use std::path::{self, PathBuf};
use std::thread::{self, ScopedJoinHandle};

pub use error::PartError;
pub use kubernetes::Kubernetes;
pub use pgbouncer::{PgBouncer, Pool};
pub use postgres::Postgres;
pub use rabbitmq::RabbitMq;

pub(crate) mod account;
pub(crate) mod apt;
pub(crate) mod cache;
mod debian;
mod error;
pub mod http;
mod https;
pub mod kubernetes;
pub mod live;
mod pgbouncer;
pub(crate) mod ports;
mod postgres;
pub(crate) mod process;
pub(crate) mod processes;
mod rabbitmq;
mod run_folder;
mod secret;
pub mod tools;
pub(crate) mod wait;

pub use process::Process;
pub use run_folder::RunFolder;

use crate::progress::say;

/// The kubeconfig that tests use; never a person's own `KUBECONFIG`, whose cluster tests would fill.
const KUBECONFIG: &str = "LOYALTY_TEST_KUBECONFIG";
/// The audit log of an API server of our own; absent for one that is given.
const KUBE_AUDIT: &str = "LOYALTY_TEST_KUBE_AUDIT";

/// Parts that answer; dropping it ends those that were started here.
#[derive(Debug)]
pub struct Parts {
    amqp_url: String,
    management_url: String,
    database_url: String,
    cluster: Vec<(&'static str, String)>,
    _ours: (Option<RabbitMq>, Option<Postgres>, Option<Kubernetes>),
}

/// Which parts are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A broker and a database: enough for whatever knows nothing of a cluster.
    BrokerAndDatabase,
    /// A Kubernetes API too.
    All,
}

impl Parts {
    /// Makes sure of those wanted, side by side: those that the environment names, else ones of our own.
    ///
    /// # Errors
    /// When one of them can neither be found nor made, with the shortest ways to get one.
    pub fn make_sure(wanted: Wanted) -> Result<Self, PartError> {
        live::end_on_signals()?;
        let (given_broker, given_database) = (given("AMQP_URL"), given("DATABASE_URL"));
        announce("RabbitMQ", "AMQP_URL", given_broker.is_some());
        announce("PostgreSQL", "DATABASE_URL", given_database.is_some());
        let (broker, database, (cluster, own_cluster)) = thread::scope(|scope| {
            let cluster = scope.spawn(|| if wanted == Wanted::All { cluster() } else { Ok((Vec::new(), None)) });
            let database = scope.spawn(|| given_database.is_none().then(Postgres::start).transpose());
            let broker = given_broker.is_none().then(RabbitMq::start).transpose();
            Ok::<_, PartError>((broker?, joined(database)?, joined(cluster)?))
        })?;
        let amqp_url = given_broker.or(broker.as_ref().map(|part| part.url().to_owned())).unwrap_or_default();
        let management_url = match &broker {
            Some(part) => part.management_url().to_owned(),
            None => given("MANAGEMENT_URL").unwrap_or_else(|| management_of(&amqp_url)),
        };
        let database_url = given_database.or(database.as_ref().map(|part| part.url().to_owned())).unwrap_or_default();
        Ok(Self { amqp_url, management_url, database_url, cluster, _ours: (broker, database, own_cluster) })
    }

    /// `amqp://user:password@host:port/vhost`.
    #[must_use]
    pub fn amqp_url(&self) -> &str {
        &self.amqp_url
    }

    /// `http://user:password@host:port`.
    #[must_use]
    pub fn management_url(&self) -> &str {
        &self.management_url
    }

    /// `postgres://user:password@host:port/database`.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// The variables by which tests and people find the parts.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, &str)> {
        let mut variables = vec![
            ("AMQP_URL", self.amqp_url.as_str()),
            ("MANAGEMENT_URL", self.management_url.as_str()),
            ("DATABASE_URL", self.database_url.as_str()),
        ];
        variables.extend(self.cluster.iter().map(|(name, value)| (*name, value.as_str())));
        variables
    }
}

type Cluster = (Vec<(&'static str, String)>, Option<Kubernetes>);

/// The variables of a cluster, and the cluster if it is ours.
fn cluster() -> Result<Cluster, PartError> {
    let given = given(KUBECONFIG);
    announce("Kubernetes", KUBECONFIG, given.is_some());
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    if let Some(kubeconfig) = given {
        // Tests run in their packages' folders.
        let path = path::absolute(&kubeconfig).map_err(PartError::file("find", kubeconfig))?;
        return Ok((vec![(KUBECONFIG, text(path))], None));
    }
    let part = Kubernetes::start()?;
    Ok((vec![(KUBECONFIG, text(part.kubeconfig())), (KUBE_AUDIT, text(part.audit_log()))], Some(part)))
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn given(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

fn announce(part: &str, variable: &str, given: bool) {
    if given {
        say(&format!("{part}: the one that {variable} names"));
    } else {
        say(&format!("{part}: starting one of our own ({variable} is not set)"));
    }
}

/// The management address that goes with an AMQP address: same host and login, the broker's default port.
#[must_use]
pub fn management_of(amqp_url: &str) -> String {
    let (scheme, rest) = amqp_url.split_once("://").unwrap_or(("amqp", amqp_url));
    let (scheme, port) = if scheme == "amqps" { ("https", 15671) } else { ("http", 15672) };
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let (login, address) = authority.rsplit_once('@').unwrap_or(("guest:guest", authority));
    let host = match address.rsplit_once(':') {
        Some((host, digits)) if digits.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => address,
    };
    format!("{scheme}://{login}@{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::management_of;

    #[test]
    fn the_management_address_is_derived_from_the_amqp_address() {
        for (amqp, management) in [
            ("amqp://a:b@broker:5673/%2f", "http://a:b@broker:15672"),
            ("amqp://broker", "http://guest:guest@broker:15672"),
            ("amqps://a:b@broker/vhost?x=1", "https://a:b@broker:15671"),
            ("amqp://a:b@[::1]:5672/", "http://a:b@[::1]:15672"),
            ("amqp://a:b@[::1]", "http://a:b@[::1]:15672"),
        ] {
            assert_eq!(management_of(amqp), management, "{amqp}");
        }
    }
}

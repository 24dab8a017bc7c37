//! Why a part could not be had.

use std::io;
use std::path::PathBuf;

/// What went wrong while a part was found, made, started or ended.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// Neither found nor made.
    #[error(
        "could not get a RabbitMQ of 4.3 or newer: {why}\n  shortest ways to one: `docker run --rm -p 5672:5672 -p 15672:15672 rabbitmq:4.3-management` \
         and `export AMQP_URL=amqp://guest:guest@localhost:5672/%2f`;\n  or run this command as root on Debian or Ubuntu, which makes one in a folder of its own"
    )]
    NoBroker {
        /// What stood in the way.
        why: String,
    },
    /// Neither found nor made.
    #[error(
        "could not get a PostgreSQL of 15 or newer: {why}\n  shortest ways to one: `docker run --rm -p 5432:5432 -e POSTGRES_PASSWORD=loyalty postgres:17` \
         and `export DATABASE_URL=postgres://postgres:loyalty@localhost:5432/postgres`;\n  or `apt-get install postgresql`, which this command does itself as root on Debian or Ubuntu"
    )]
    NoDatabase {
        /// What stood in the way.
        why: String,
    },
    /// Neither found nor made.
    #[error(
        "could not get a Kubernetes API: {why}\n  shortest ways to one: name a cluster that tests may fill by `export LOYALTY_TEST_KUBECONFIG=FILE` \
         (`kind get kubeconfig` writes one);\n  or a folder with `etcd` and `kube-apiserver` by `export KUBEBUILDER_ASSETS=FOLDER` \
         (`setup-envtest use -p path` makes one);\n  or run this command where Debian's or Ubuntu's packages and Go's modules can be fetched, which makes one itself"
    )]
    NoKubernetes {
        /// What stood in the way.
        why: String,
    },
    /// A program that tests use.
    #[error("could not get {tool}: {why}")]
    NoTool {
        /// Its name.
        tool: String,
        /// What stood in the way, and what to do.
        why: String,
    },
    /// A program could not be started.
    #[error("could not start `{program}`")]
    Spawn {
        /// Its name.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("could not finish `{program}` ({status}); its last lines:\n{tail}")]
    Failed {
        /// Its name.
        program: String,
        /// Exit code or signal.
        status: String,
        /// The end of what it wrote.
        tail: String,
    },
    /// A server did not get ready, or ended while it should run.
    #[error("could not wait for `{part}`: {why}; its last lines:\n{tail}")]
    NotReady {
        /// Which part.
        part: &'static str,
        /// Too slow, or dead.
        why: String,
        /// The end of its log.
        tail: String,
    },
    /// A file or folder.
    #[error("could not {what} `{}`", path.display())]
    File {
        /// The verb.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// No free port in the range that we take ports from.
    #[error("could not find a free port on 127.0.0.1 between {from} and {to}")]
    NoPort {
        /// Lowest port tried.
        from: u16,
        /// Highest port tried.
        to: u16,
    },
    /// The user a server has to run as is missing.
    #[error("could not find the user `{name}` in `{}`", passwd.display())]
    NoUser {
        /// Its name.
        name: String,
        /// The file that was read.
        passwd: PathBuf,
    },
    /// A certificate or key for one run.
    #[error("could not make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// Our own authority is refused as one.
    #[error("could not trust our own certificate")]
    Trust(#[source] rustls::Error),
    /// Signals could not be caught.
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
    /// A signal has come: nothing new is started.
    #[error("could not start `{program}`: interrupted")]
    Interrupted {
        /// What was about to start.
        program: String,
    },
}

impl PartError {
    /// For `map_err` on file operations.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

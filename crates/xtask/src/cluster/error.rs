//! Why a cluster cannot be had, asked or ended.

use std::io;
use std::path::PathBuf;

use crate::parts::PartError;

/// What went wrong around the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A program, an installation, a process.
    #[error(transparent)]
    Part(#[from] PartError),
    /// This machine cannot run a node.
    #[error(
        "could not make a cluster here: {why}\n  with a running Docker and `kind` on the PATH it is made by kind, which needs no root; \
         without them this needs root on Debian or Ubuntu"
    )]
    Unable {
        /// What stood in the way.
        why: String,
    },
    /// Somebody else's is there or in the making.
    #[error("could not make or end a cluster: {why}; {advice}")]
    Second {
        /// Which one there is.
        why: String,
        /// What to do.
        advice: String,
    },
    /// An image's name that containerd would not find again.
    #[error(
        "could not use the image name `{name}`: it has to be said in full, such as `docker.io/loyalty/loyalty-worker:dev`"
    )]
    ImageName {
        /// As it was given.
        name: String,
    },
    /// A certificate or a key.
    #[error("could not make the credentials of the cluster")]
    Credentials(#[from] rcgen::Error),
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
    /// The record of what was started cannot be read.
    #[error("could not read `{}`: {problem}; `cargo xtask cluster down` cleans up without it", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A command said no.
    #[error("could not {what}: `{command}` says: {said}")]
    Command {
        /// The purpose.
        what: String,
        /// What was run.
        command: String,
        /// The last lines of its output.
        said: String,
    },
    /// Too slow, or dead.
    #[error("could not wait for {what}: {why}\n  its log is `{}`; the last lines:\n{tail}", log.display())]
    NotReady {
        /// For what.
        what: String,
        /// What was seen instead.
        why: String,
        /// Where to read on.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// Something could not be removed.
    #[error("could not end the cluster whole: {}; run `cargo xtask cluster down` again", left.join("; "))]
    Left {
        /// What is still there.
        left: Vec<String>,
    },
    /// `status` found no node that is Ready.
    #[error("the cluster is not ready")]
    NotHealthy,
}

impl ClusterError {
    /// For `map_err` on file operations.
    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// What the command answers with: 1 when there is no healthy cluster, 2 when one could not be made, asked or ended.
    pub(crate) fn code(&self) -> u8 {
        if matches!(self, Self::NotHealthy) { 1 } else { 2 }
    }
}

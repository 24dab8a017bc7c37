//! Why a tour cannot be taken to its end, or ended with something wrong.

use std::io;
use std::path::PathBuf;

use broker::{BrokerError, OperationError, PublishError, SettingsError};

use crate::parts::PartError;
use crate::tour::SampleError;

/// What went wrong on a tour.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    #[error(transparent)]
    Part(#[from] PartError),
    #[error("could not use the broker that {by} names")]
    Settings { by: &'static str, source: SettingsError },
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Operation(#[from] OperationError),
    #[error("could not publish the tour")]
    Publish(#[from] PublishError),
    #[error("could not use this broker: {object} is not the example's; {advice}")]
    Foreign { object: String, advice: String },
    #[error("could not start a runtime")]
    Runtime(#[source] io::Error),
    #[error("could not {what} `{}`", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    #[error("could not read the example's purchases")]
    Sample(#[from] SampleError),
    #[error("could not read the example `{file}`: {problem}")]
    Example { file: &'static str, problem: String },
    #[error("could not build the programs; cargo says above what is wrong")]
    Build,
    #[error("could not find `{}`; build it with `cargo build -p {package}`, or unset LOYALTY_BIN_DIR", path.display())]
    NoProgram { path: PathBuf, package: &'static str },
    #[error("could not use the folder `{}`: it is not of an earlier tour, and may hold somebody's points; remove it, or name another with `--data`", path.display())]
    ForeignFolder { path: PathBuf },
    #[error("could not use the folder `{}`: another tour is under way there; end it, or name another folder with `--data`", path.display())]
    FolderInUse { path: PathBuf },
    #[error("could not go on: `loyaltyctl up` ended with {status}; it says above why")]
    ShowEnded { status: String },
    #[error("could not wait for {what}: it took longer than {seconds} s; the worker's log is `{}`", log.display())]
    Slow { what: &'static str, seconds: u64, log: PathBuf },
    #[error("could not run `loyaltyctl {command}`")]
    Run { command: String, source: io::Error },
    #[error("could not use what `loyaltyctl {command}` says ({status}): {problem}")]
    Answer { command: String, status: String, problem: String },
    #[error("the tour did not come out right: {}", problems.join("; "))]
    Wrong { problems: Vec<String> },
}

impl UpError {
    /// What the command answers with: 1 when it ended with wrong numbers, 2 when it could not be ended.
    pub(crate) fn code(&self) -> u8 {
        if matches!(self, Self::Wrong { .. }) { 1 } else { 2 }
    }

    /// For `map_err` on file operations.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

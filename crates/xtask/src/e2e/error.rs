//! Why it could not be played to its end.

use std::io;

use crate::cluster::ClusterError;
use crate::images::ImageError;
use crate::parts::PartError;

/// What went wrong, and where in the story.
#[derive(Debug, thiserror::Error)]
pub(crate) enum E2eError {
    #[error(transparent)]
    Part(#[from] PartError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("could not use `{file}`")]
    Page { file: String, source: io::Error },
    #[error("could not make a tag: {0}")]
    Tag(String),
    #[error("could not open a door for pods at `{address}`")]
    Door { address: String, source: io::Error },
    #[error("could not have the programs")]
    Programs(#[source] crate::up::UpError),
    #[error("could not read the example")]
    Example(#[source] crate::up::UpError),
    #[error("could not run `{command}`")]
    Run { command: String, source: io::Error },
    #[error("could not do `{command}`: {said}")]
    Command { command: String, said: String },
    #[error("could not publish")]
    Publish(#[source] crate::up::UpError),
    #[error("could not start a runtime")]
    Runtime(#[source] io::Error),
    #[error("could not talk to the broker")]
    Broker(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What was expected did not come to be.
    #[error("{what}: not within {seconds} s; at last: {last}")]
    Late { what: String, seconds: u64, last: String },
    /// What came out is not what had to.
    #[error("{what}: {}", differences.join("; "))]
    Wrong { what: String, differences: Vec<String> },
}

impl E2eError {
    /// 1: the product is not as it should be; 2: it could not be tried.
    pub(crate) fn code(&self) -> u8 {
        if matches!(self, Self::Late { .. } | Self::Wrong { .. }) { 1 } else { 2 }
    }
}

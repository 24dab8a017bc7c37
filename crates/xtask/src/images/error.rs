//! Why an image could not be made.

use std::io;
use std::path::PathBuf;

use super::report::megabytes;
use crate::parts::PartError;

/// What went wrong while images were made.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Cargo could not be started, or a signal has come.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Cargo has said itself what is wrong.
    #[error("`{command}` failed")]
    Build {
        /// What was typed, as a person would.
        command: String,
    },
    /// Cargo has succeeded and named no such program.
    #[error("could not find the program `{program}` among what cargo has built")]
    NotBuilt {
        /// Its name.
        program: &'static str,
    },
    /// Only Linux has what static linking needs.
    #[error(
        "could not build for Linux on {system}; make the image with an engine instead: `docker build --target worker -f Containerfile .`"
    )]
    NotLinux {
        /// As Rust calls it.
        system: &'static str,
    },
    /// It needs a loader and libraries, and an image has none.
    #[error("could not use `{}`: it is not a statically linked program", path.display())]
    NotStatic {
        /// The program.
        path: PathBuf,
    },
    /// A program that trusts nobody reaches no broker over TLS.
    #[error(
        "could not find certificates of authorities in `{}`: {why}; the package `ca-certificates` has them",
        path.display()
    )]
    NoAuthorities {
        /// Where they should be.
        path: PathBuf,
        /// What is there instead.
        why: String,
    },
    /// More than an image may hold.
    #[error("could not keep `{name}` small: it would hold {}, and the limit is {}", megabytes(*size), megabytes(*size_max))]
    TooLarge {
        /// The image.
        name: String,
        /// In bytes.
        size: u64,
        /// What it may hold, in bytes.
        size_max: u64,
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
}

impl ImageError {
    /// For `map_err` on file operations.
    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

//! Why something could not be measured.

use std::io;
use std::path::PathBuf;

use crate::parts::PartError;

/// What went wrong while measuring.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A broker, a database or a program could not be had.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Cargo has said itself what is wrong.
    #[error("`{command}` failed")]
    Build {
        /// What was typed, as a person would.
        command: String,
    },
    /// A file.
    #[error("could not use `{}`", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The management API did not do what it was asked for.
    #[error("could not `{request}` on the broker's management API: {answer}")]
    Management {
        /// Method and path.
        request: String,
        /// What came back.
        answer: String,
    },
    /// A program ended, or was silent for too long.
    #[error("could not measure `{program}`: {why}; its last lines:\n{tail}")]
    Program {
        /// Its name.
        program: String,
        /// What it did instead.
        why: String,
        /// The end of what it wrote.
        tail: String,
    },
    /// Some comparisons are missing in the table.
    #[error("could not make {count} of the comparisons; the table says why")]
    NotMade {
        /// How many.
        count: usize,
    },
}

impl BenchError {
    /// For `map_err` on file operations.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Whether the other comparisons can still be made.
    pub(crate) fn is_of_one(&self) -> bool {
        matches!(self, Self::Program { .. })
    }
}

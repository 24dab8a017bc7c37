//! The folder of a pipeline on this machine: one `up` at a time, and what its worker is told.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use contract::PipelineName;
use contract::config::WorkerConfig;

/// Only we may look into it: the ledger tells who bought what.
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("could not use folder `{path}`; check that you may write there, or name another with `--data`")]
    Unusable { path: String, source: io::Error },
    #[error(
        "could not start pipeline `{pipeline}`: another `loyaltyctl up`{by} uses folder `{path}`; stop it, or name another folder with \
         `--data`"
    )]
    InUse { pipeline: String, path: String, by: String },
    #[error("could not write `{path}`; check that the disk has room and that you may write there")]
    Unwritable { path: String, source: io::Error },
}

/// A folder that nobody else uses as long as this value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing and takes it.
    pub(crate) fn lock(path: PathBuf, pipeline: &PipelineName) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.display().to_string(), source };
        DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(&path).map_err(unusable)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE);
        let mut lock = options.open(path.join("up.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // Only for the sentence.
                let _ = lock.read_to_string(&mut pid);
                let by = if pid.trim().is_empty() { String::new() } else { format!(" (pid {})", pid.trim()) };
                let (pipeline, path) = (pipeline.to_string(), path.display().to_string());
                return Err(FolderError::InUse { pipeline, path, by });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let noted = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| write!(lock, "{}", std::process::id()));
        noted.map_err(unusable)?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the worker reads.
    pub(crate) fn config(&self) -> PathBuf {
        self.path.join("worker.yaml")
    }

    /// What the worker writes; the run before is kept beside it.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("worker.log")
    }

    /// Where the worker says on which address it answers.
    pub(crate) fn listen(&self) -> PathBuf {
        self.path.join("worker.listen")
    }

    /// Where we note the worker's process.
    pub(crate) fn pid(&self) -> PathBuf {
        self.path.join("worker.pid")
    }

    /// Keys of the broker's Secret, where a URL does not say it all.
    pub(crate) fn secret(&self) -> PathBuf {
        self.path.join("secret")
    }

    pub(crate) fn write_config(&self, config: &WorkerConfig) -> Result<(), FolderError> {
        // Only string keys and plain values: this cannot fail.
        let text = serde_yaml::to_string(config).unwrap_or_default();
        write_private(&self.config(), format!("# written by `loyaltyctl up`\n{text}").as_bytes())
    }
}

/// Writes a file that only we may read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), FolderError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(PRIVATE_FILE).open(path);
    let written = file.and_then(|mut file| file.write_all(content));
    written.map_err(|source| FolderError::Unwritable { path: path.display().to_string(), source })
}

/// Makes an empty folder that only we may look into.
pub(crate) fn make_private(path: &Path) -> Result<(), FolderError> {
    let unwritable = |source| FolderError::Unwritable { path: path.display().to_string(), source };
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
        _ => {}
    }
    DirBuilder::new().mode(PRIVATE_FOLDER).create(path).map_err(unwritable)
}
